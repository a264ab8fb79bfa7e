//! Futures whose result comes back to the actor as a message.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use tokio::sync::oneshot;

use super::context::Context;
use super::source::{Source, Yield};
use crate::address::cell::told;
use crate::address::{Accepts, Protocol};

impl<A: Protocol> Context<A> {
    /// Runs `work` beside the messages, and has the actor handle its result. If that is a `Result`, so is the message:
    /// an error comes like a success, and harms nobody.
    ///
    /// The work runs as a [helper task](Self::spawn_task); its result is handled in the actor's turn, never beside another
    /// handler, and a full mailbox does not keep it out. Both end with the actor: no result is handled once a stop was
    /// asked for. An actor that is stopping drops the work at once. A panic in it fails the actor.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context};
    /// # #[derive(Actor)] struct Page { text: Option<String> }
    /// # async fn fetch(url: &'static str) -> std::io::Result<String> { Ok(format!("of {url}")) }
    /// #[messages]
    /// impl Page {
    ///     #[message]
    ///     fn load(&mut self, url: &'static str, ctx: &mut Context<Self>) {
    ///         ctx.pipe(fetch(url));                             // other messages are handled meanwhile
    ///     }
    ///
    ///     #[handle]
    ///     fn loaded(&mut self, text: std::io::Result<String>, ctx: &mut Context<Self>) {
    ///         self.text = text.ok();
    ///         ctx.stop();
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("page");
    /// let page = system.spawn(Page { text: None });
    /// page.tell(Load { url: "/" }).await.unwrap();
    /// assert!(page.stopped().await.is_clean());
    /// # system.shutdown().await; }
    /// ```
    pub fn pipe<F>(&mut self, work: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
        A: Accepts<F::Output>,
    {
        self.pipe_with(work, |output| output);
    }

    /// Runs `work` as [`pipe`](Self::pipe) does, and has the actor handle what `make` makes of its result.
    ///
    /// `make` runs in the actor's turn. A panic in it fails the actor.
    pub fn pipe_with<F, M>(&mut self, work: F, make: impl FnOnce(F::Output) -> M + Send + 'static)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
        A: Accepts<M>,
    {
        if self.is_stopping() {
            return;
        }
        let (result, output) = oneshot::channel();
        let make = Some(|output| told::<A, M>(make(output)));
        self.add_source(Piped { output, make });
        // Nobody awaits the task, so that a panic fails the actor.
        self.spawn_task(async move {
            let _ = result.send(work.await);
        });
    }
}

struct Piped<T, F> {
    output: oneshot::Receiver<T>,
    make: Option<F>,
}

impl<T, F> Unpin for Piped<T, F> {}

impl<M, T: Send, F: FnOnce(T) -> M + Send> Source<M> for Piped<T, F> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Yield<M>> {
        let output = task::ready!(Pin::new(&mut self.output).poll(cx));
        Poll::Ready(match (output, self.make.take()) {
            (Ok(output), Some(make)) => Yield::Last(make(output)),
            // The task is being dropped, with the actor.
            _ => Yield::End,
        })
    }
}
