//! The inactivity timeout of an actor: a message when nothing has come for some time.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::context::Context;
use super::source::{Source, Yield};
use super::timer::arm_sleep;
use crate::address::cell::told;
use crate::address::{Accepts, Protocol};
use crate::time::after;

impl<A: Protocol> Context<A> {
    /// Has the actor handle what `make` makes when it has handled nothing for as long as `after`. Replaces the timeout
    /// that was set before.
    ///
    /// What counts is what comes from outside: messages, items of streams, results of futures. Timers and intervals do
    /// not, nor does what is [excepted](InactivityTimeout::except). The time runs from when the last of them has been
    /// handled. It fires once, and again only after something has come in between. A panic in `make` fails the actor.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context};
    /// # use std::time::Duration;
    /// # #[derive(Actor)] struct Session;
    /// #[messages]
    /// impl Session {
    ///     #[started]
    ///     fn open(&mut self, ctx: &mut Context<Self>) {
    ///         ctx.set_inactivity_timeout(Duration::from_secs(60), || HangUp).except::<Ping>();
    ///     }
    ///     #[message] fn say(&mut self) {}
    ///     #[message] fn ping(&mut self) {}
    ///     #[message] fn hang_up(&mut self, ctx: &mut Context<Self>) { ctx.stop() }
    /// }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let system = ActorSystem::new("line");
    /// let session = system.spawn(Session);
    /// for _ in 0..3 {
    ///     tokio::time::sleep(Duration::from_secs(50)).await;
    ///     session.tell(Say).await.unwrap();
    /// }
    /// tokio::time::sleep(Duration::from_secs(50)).await;
    /// session.tell(Ping).await.unwrap();
    /// assert!(session.stopped().within(Duration::from_secs(11)).await.unwrap().is_clean());
    /// # system.shutdown().await; }
    /// ```
    pub fn set_inactivity_timeout<M>(&mut self, after: Duration, make: impl FnMut() -> M + Send + 'static) -> InactivityTimeout<'_, A>
    where
        A: Accepts<M>,
    {
        let mut make = make;
        self.add_inactivity_source(Quiet::new(after, move || told::<A, M>(make())));
        InactivityTimeout { ctx: self }
    }

    /// Switches the inactivity timeout off; says whether one was set. One that was due already is not handled.
    pub fn clear_inactivity_timeout(&mut self) -> bool {
        self.remove_inactivity_source()
    }
}

/// The inactivity timeout that was just set, to be refined.
#[derive(Debug)]
pub struct InactivityTimeout<'a, A: Protocol> {
    ctx: &'a mut Context<A>,
}

impl<A: Protocol> InactivityTimeout<'_, A> {
    /// Has messages of type `M` not put the timeout off. Not for an actor written by hand, all of whose messages have one
    /// type: that does not compile.
    #[allow(clippy::return_self_not_must_use, reason = "it is done when it is said")]
    pub fn except<M: 'static>(self) -> Self
    where
        A: Accepts<M>,
    {
        const { assert!(!A::TYPES.is_empty(), "the actor tells its messages apart by type") }
        // What else it accepts, it accepts as one of these.
        if let Some(tag) = A::tag_of::<M>() {
            self.ctx.except_from_activity(tag);
        }
        self
    }
}

/// A message after a quiet time.
struct Quiet<F> {
    after: Duration,
    make: F,
    /// When something was handled last.
    last: Instant,
    /// It has fired, and nothing has come since.
    fired: bool,
    sleep: Pin<Box<Sleep>>,
}

impl<F> Quiet<F> {
    fn new(quiet: Duration, make: F) -> Self {
        let last = Instant::now();
        Quiet { after: quiet, make, last, fired: false, sleep: Box::pin(sleep_until(after(last, quiet))) }
    }
}

impl<F> Unpin for Quiet<F> {}

impl<M, F: FnMut() -> M + Send> Source<M> for Quiet<F> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Yield<M>> {
        let this = &mut *self;
        if this.fired {
            return Poll::Pending;
        }
        task::ready!(this.sleep.as_mut().poll(cx));
        let due = after(this.last, this.after);
        if due > Instant::now() {
            // Something has come since. The clock is set anew only now, not for every message.
            this.sleep.as_mut().reset(due);
            arm_sleep(this.sleep.as_mut(), cx);
            return Poll::Pending;
        }
        this.fired = true;
        Poll::Ready(Yield::More((this.make)()))
    }

    fn arm(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) {
        if !self.fired {
            arm_sleep(self.sleep.as_mut(), cx);
        }
    }

    fn is_activity(&self) -> bool {
        false
    }

    fn note_activity(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) {
        let this = &mut *self;
        this.last = Instant::now();
        if std::mem::take(&mut this.fired) {
            this.sleep.as_mut().reset(after(this.last, this.after));
            arm_sleep(this.sleep.as_mut(), cx);
        }
    }
}
