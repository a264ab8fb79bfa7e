//! Timers and intervals of an actor: messages that it sends itself later.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::context::Context;
use super::every::Every;
use super::source::{Source, Yield};
use crate::address::cell::told;
use crate::address::{Accepts, Protocol};
use crate::lifecycle::event::SourceKey;
use crate::time::after;

/// A timer or an interval of an actor, to be [cancelled](Context::cancel_timer).
///
/// It does not own the timer: dropping it changes nothing. No two timers of one system have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerRef(SourceKey);

impl<A: Protocol> Context<A> {
    // ===== timers =====

    /// Has the actor handle `message` once `delay` has passed, not before.
    ///
    /// It is handled in the actor's turn, behind the messages that came before it was due, and a full mailbox does not
    /// keep it out. A timer ends with the actor: nothing of it is handled once a stop was asked for, and it becomes no
    /// dead letter. An actor that is stopping sets none.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context, ReplyTo};
    /// # use std::time::Duration;
    /// # #[derive(Actor)] struct Kitchen { waiting: Vec<ReplyTo<&'static str>> }
    /// #[messages]
    /// impl Kitchen {
    ///     #[message]
    ///     fn boil_egg(&mut self, minutes: u64, reply: ReplyTo<&'static str>, ctx: &mut Context<Self>) {
    ///         self.waiting.push(reply);
    ///         ctx.send_after(Duration::from_secs(60 * minutes), EggIsDone);
    ///     }
    ///
    ///     #[message]
    ///     fn egg_is_done(&mut self) { self.waiting.remove(0).send("an egg") }
    /// }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let system = ActorSystem::new("kitchen");
    /// let kitchen = system.spawn(Kitchen { waiting: Vec::new() });
    /// assert_eq!(kitchen.ask(BoilEgg { minutes: 5 }).await.unwrap(), "an egg");
    /// # system.shutdown().await; }
    /// ```
    pub fn send_after<M>(&mut self, delay: Duration, message: M) -> TimerRef
    where
        A: Accepts<M>,
    {
        TimerRef(self.add_source(Once::new::<A, M>(delay, message)))
    }

    /// Has the actor handle what `make` makes, again and again: once in every period, or as the [`Every`] says.
    ///
    /// Ticks keep to the beat of the clock, however long they take to be handled, and one waits at most: those that are
    /// missed meanwhile are left out. [`CatchUp`](crate::CatchUp) has the other rules. For the rest, an interval is like
    /// [a timer](Self::send_after). A panic in `make` fails the actor.
    ///
    /// # Panics
    /// Panics if the period is no time at all.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, CatchUp, Context, Every};
    /// # use std::time::Duration;
    /// # #[derive(Actor)] struct Clock { ticks: u32 }
    /// #[messages]
    /// impl Clock {
    ///     #[started]
    ///     fn wind(&mut self, ctx: &mut Context<Self>) {
    ///         ctx.send_every(Duration::from_secs(1), || Tick);
    ///         ctx.send_every(Every::new(Duration::from_secs(60)).catch_up(CatchUp::Delay), || Tidy);
    ///     }
    ///     #[message] fn tick(&mut self) { self.ticks += 1 }
    ///     #[message] fn tidy(&mut self) {}
    ///     #[message] fn ticks(&self) -> u32 { self.ticks }
    /// }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let system = ActorSystem::new("clock");
    /// let clock = system.spawn(Clock { ticks: 0 });
    /// tokio::time::sleep(Duration::from_millis(3_500)).await;
    /// assert_eq!(clock.ask(Ticks).await.unwrap(), 3);
    /// # system.shutdown().await; }
    /// ```
    #[track_caller]
    pub fn send_every<M>(&mut self, every: impl Into<Every>, make: impl FnMut() -> M + Send + 'static) -> TimerRef
    where
        A: Accepts<M>,
    {
        let mut make = make;
        self.send_every_made(every.into(), move || told::<A, M>(make()))
    }

    /// As [`send_every`](Self::send_every), of what the mailbox holds.
    pub(super) fn send_every_made(&mut self, every: Every, make: impl FnMut() -> A::Msg + Send + 'static) -> TimerRef {
        TimerRef(self.add_source(Interval::new(every, make)))
    }

    /// Cancels a timer or an interval. Says whether it was still to come: true once, and then, or after a timer has been
    /// handled, false.
    ///
    /// Nothing of it is handled afterwards, not even what was due already and waited for its turn.
    pub fn cancel_timer(&mut self, timer: TimerRef) -> bool {
        self.remove_source(timer.0)
    }

    // ===== timers with a key =====

    /// Sets the timer `key`: as [`send_after`](Self::send_after), and what was set under this key before is cancelled.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context};
    /// # use std::time::Duration;
    /// # #[derive(Actor)] struct Editor { saved: u32 }
    /// #[messages]
    /// impl Editor {
    ///     #[message]
    ///     fn key_pressed(&mut self, ctx: &mut Context<Self>) {
    ///         ctx.set_timer("save", Duration::from_secs(2), Save);     // two seconds after the last key
    ///     }
    ///     #[message] fn save(&mut self) { self.saved += 1 }
    ///     #[message] fn saved(&self) -> u32 { self.saved }
    /// }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let system = ActorSystem::new("editor");
    /// let editor = system.spawn(Editor { saved: 0 });
    /// for _ in 0..10 {
    ///     editor.tell(KeyPressed).await.unwrap();
    ///     tokio::time::sleep(Duration::from_secs(1)).await;
    /// }
    /// tokio::time::sleep(Duration::from_secs(10)).await;
    /// assert_eq!(editor.ask(Saved).await.unwrap(), 1);
    /// # system.shutdown().await; }
    /// ```
    pub fn set_timer<M>(&mut self, key: impl Into<Cow<'static, str>>, delay: Duration, message: M) -> TimerRef
    where
        A: Accepts<M>,
    {
        TimerRef(self.add_named_source(key.into(), Once::new::<A, M>(delay, message)))
    }

    /// Sets the interval `key`: as [`send_every`](Self::send_every), and what was set under this key before is cancelled.
    ///
    /// # Panics
    /// Panics if the period is no time at all.
    #[track_caller]
    pub fn set_interval<M>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        every: impl Into<Every>,
        make: impl FnMut() -> M + Send + 'static,
    ) -> TimerRef
    where
        A: Accepts<M>,
    {
        let mut make = make;
        TimerRef(self.add_named_source(key.into(), Interval::new(every.into(), move || told::<A, M>(make()))))
    }

    /// Cancels the timer or interval `key`; see [`cancel_timer`](Self::cancel_timer).
    pub fn clear_timer(&mut self, key: &str) -> bool {
        self.remove_named_source(key)
    }

    /// Tells whether a timer or interval is set under this key, and still to come.
    pub fn has_timer(&mut self, key: &str) -> bool {
        self.has_named_source(key)
    }
}

/// One message, later.
struct Once<M> {
    sleep: Pin<Box<Sleep>>,
    message: Option<M>,
}

impl<M> Once<M> {
    fn new<A: Accepts<T, Msg = M>, T>(delay: Duration, message: T) -> Self {
        Once { sleep: Box::pin(sleep_until(after(Instant::now(), delay))), message: Some(told::<A, T>(message)) }
    }
}

// Nothing in it is pinned but what has a box of its own.
impl<M> Unpin for Once<M> {}

impl<M: Send> Source<M> for Once<M> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Yield<M>> {
        self.sleep.as_mut().poll(cx).map(|()| self.message.take().map_or(Yield::End, Yield::Last))
    }

    fn arm(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) {
        arm_sleep(self.sleep.as_mut(), cx);
    }

    fn is_activity(&self) -> bool {
        false
    }
}

/// A message again and again.
struct Interval<F> {
    every: Every,
    make: F,
    sleep: Pin<Box<Sleep>>,
    /// A tick has been yielded, and the next one is due so long after it has been handled.
    rests: bool,
}

impl<F> Interval<F> {
    fn new(every: Every, make: F) -> Self {
        Interval { every, make, sleep: Box::pin(sleep_until(every.first_after(Instant::now()))), rests: false }
    }
}

impl<F> Unpin for Interval<F> {}

impl<M, F: FnMut() -> M + Send> Source<M> for Interval<F> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Yield<M>> {
        let this = &mut *self;
        if this.rests {
            return Poll::Pending;
        }
        task::ready!(this.sleep.as_mut().poll(cx));
        match this.every.next_after(this.sleep.deadline(), Instant::now()) {
            Some(next) => {
                // Before it is handled, so that the next one takes its place when it is due.
                this.sleep.as_mut().reset(next);
                arm_sleep(this.sleep.as_mut(), cx);
            }
            None => this.rests = true,
        }
        Poll::Ready(Yield::More((this.make)()))
    }

    fn arm(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) {
        let this = &mut *self;
        if std::mem::take(&mut this.rests) {
            this.sleep.as_mut().reset(this.every.next_after_handling(Instant::now()));
        }
        arm_sleep(this.sleep.as_mut(), cx);
    }

    fn is_activity(&self) -> bool {
        false
    }
}

/// Has the waker woken when it is time; at once if it is.
pub(super) fn arm_sleep(sleep: Pin<&mut Sleep>, cx: &mut task::Context<'_>) {
    if sleep.poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}
