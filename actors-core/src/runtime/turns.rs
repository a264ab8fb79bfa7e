//! The task of an actor that takes turns: one after the other, as long as there are any.
//!
//! It never waits in the middle of anything, so there is nothing between two turns but the life itself: it is small, and a message that
//! wakes it finds little to go through.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::fault;
use super::life::Life;
use super::turn::Outcome;
use crate::actor::Actor;
use crate::lifecycle::current::{Identity, Role};
use crate::lifecycle::env::CountedTask;
use crate::lifecycle::signal::Signals;

/// Takes the turns of an actor. Dropped at any point, it still ends the actor in order.
///
/// It begins where a line of the processor's cache does, with what every message needs: a task that is woken for one message touches
/// the fewest of them so.
#[repr(C, align(64))]
pub(super) struct Turns<A: Actor> {
    identity: Identity,
    /// Gone when there is nothing left to do, or when another task does it.
    life: Option<Life<A>>,
    _counted: CountedTask,
}

impl<A: Actor> Turns<A> {
    pub(super) fn new(life: Life<A>) -> Self {
        let any = &life.common.any;
        Turns { identity: Identity::new(any.clone(), Role::Itself), _counted: any.env().count_task(), life: Some(life) }
    }
}

// Nothing in it is ever pinned.
impl<A: Actor> Unpin for Turns<A> {}

impl<A: Actor> Future for Turns<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Turns { life, identity, .. } = &mut *self;
        let outcome = match life {
            Some(life) if !life.core().signals.any(Signals::ABORT) => identity.enter(|| life.turn(Some(cx))),
            _ => Outcome::Done,
        };
        match outcome {
            Outcome::Sleep => return Poll::Pending,
            Outcome::Yield => {
                poll_yield(cx);
                return Poll::Pending;
            }
            Outcome::Done => *life = None,
            Outcome::Task => leave(life),
        }
        Poll::Ready(())
    }
}

#[cold]
fn leave<A: Actor>(life: &mut Option<Life<A>>) {
    if let Some(life) = life.take() {
        life.go_on_in_task();
    }
}

/// Has the task be polled again when others have been.
fn poll_yield(cx: &mut Context<'_>) {
    if pin!(tokio::task::yield_now()).poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}

impl<A: Actor> Life<A> {
    /// Whether what is left of this life, as far as is known, can be done in turns.
    pub(super) fn goes_on_in_turns(&self) -> bool {
        let is_over = self.common.ending.as_ref().is_some_and(|ending| ending.over.is_some());
        !is_over && !fault::threatens_messages(&self.common.any)
    }
}
