//! Streams given to an actor: their items come as messages.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{self, Poll};

use futures_core::Stream;

use super::context::Context;
use super::source::{Source, Yield};
use crate::address::cell::told;
use crate::address::{Accepts, Protocol};
use crate::lifecycle::event::SourceKey;

/// A stream that an actor was given, to be [detached](Context::detach).
///
/// It does not own the stream: dropping it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamRef(SourceKey);

impl<A: Protocol> Context<A> {
    /// Gives the actor a stream: each item comes as `Some(item)`, in order, and its end once, as `None`. A method marked
    /// `#[stream]` handles them.
    ///
    /// The stream is polled by the actor, in its turn, and not again before the last item has been handled: a slow actor
    /// holds a fast stream up, and nothing is fetched ahead. An item waits behind the messages that were there when the
    /// stream became ready, a full mailbox does not keep it out, and a stream that is always ready lets messages and
    /// signals through between any two items. An item that is a `Result` is an item like others; its `Err` ends
    /// nothing. A panic in the stream fails the actor.
    ///
    /// The stream is dropped after its end, and with the actor: nothing of it is handled once a stop was asked for. An
    /// actor that is stopping drops it at once. After the end of a stream, the actor lives on.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context};
    /// # #[derive(Actor)] struct Sum { n: u64 }
    /// #[messages]
    /// impl Sum {
    ///     #[started]
    ///     fn begin(&mut self, ctx: &mut Context<Self>) {
    ///         ctx.attach(futures_util::stream::iter([1_u64, 2, 3]));
    ///     }
    ///
    ///     #[stream]
    ///     fn number(&mut self, number: Option<u64>, ctx: &mut Context<Self>) {
    ///         match number {
    ///             Some(number) => self.n += number,
    ///             None => ctx.stop(),
    ///         }
    ///     }
    ///
    ///     #[stopped]
    ///     fn check(&mut self) { assert_eq!(self.n, 6) }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("sum");
    /// assert!(system.spawn(Sum { n: 0 }).stopped().await.is_clean());
    /// # system.shutdown().await; }
    /// ```
    pub fn attach<S>(&mut self, stream: S) -> StreamRef
    where
        S: Stream + Send + 'static,
        A: Accepts<Option<S::Item>>,
    {
        StreamRef(self.add_source(Attached::<A, S> { stream: Box::pin(stream), actor: PhantomData }))
    }

    /// Drops a stream, of which nothing is handled afterwards, not its end either. Says whether it was still there.
    pub fn detach(&mut self, stream: StreamRef) -> bool {
        self.remove_source(stream.0)
    }
}

struct Attached<A, S> {
    stream: Pin<Box<S>>,
    actor: PhantomData<fn() -> A>,
}

impl<A, S> Source<A::Msg> for Attached<A, S>
where
    S: Stream + Send,
    A: Accepts<Option<S::Item>>,
{
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Yield<A::Msg>> {
        self.stream.as_mut().poll_next(cx).map(|item| match item {
            Some(item) => Yield::More(told::<A, Option<S::Item>>(Some(item))),
            None => Yield::Last(told::<A, Option<S::Item>>(None)),
        })
    }
}
