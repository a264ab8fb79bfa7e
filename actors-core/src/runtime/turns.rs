//! The task of an actor that takes turns: one after the other, as long as there are any.
//!
//! It never waits in the middle of anything, so there is nothing between two turns but the life itself: it is small, and a message that
//! wakes it finds little to go through.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::fault;
use super::life::{AnyLife, Common};
use super::task::go_on_in_task;
use super::turn::{Outcome, do_turn};
use crate::lifecycle::current::{Identity, Role};
use crate::lifecycle::env::CountedTask;

/// Takes the turns of an actor. Dropped at any point, it still ends the actor in order.
#[repr(C)]
pub(super) struct Turns {
    /// Gone when there is nothing left to do, or when another task does it. First, in the line of memory that whoever wakes the task
    /// has touched.
    life: Option<Box<dyn AnyLife>>,
    identity: Identity,
    _counted: CountedTask,
}

impl Turns {
    pub(super) fn new(mut life: Box<dyn AnyLife>) -> Self {
        let any = &life.common().any;
        Turns { identity: Identity::new(any.clone(), Role::Itself), _counted: any.env().count_task(), life: Some(life) }
    }
}

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Turns { life, identity, .. } = &mut *self;
        let outcome = match life {
            Some(life) => identity.enter_turn(|| do_turn(&mut **life, Some(cx))),
            None => Outcome::Done,
        };
        match outcome {
            Outcome::Sleep => Poll::Pending,
            outcome => self.goes_on(outcome, cx),
        }
    }
}

impl Turns {
    /// What comes after a turn, unless the task sleeps.
    #[cold]
    fn goes_on(&mut self, outcome: Outcome, cx: &mut Context<'_>) -> Poll<()> {
        match outcome {
            Outcome::Sleep => return Poll::Pending,
            Outcome::Yield => {
                poll_yield(cx);
                return Poll::Pending;
            }
            Outcome::Done => self.life = None,
            Outcome::Task => leave(&mut self.life),
        }
        Poll::Ready(())
    }
}

fn leave(life: &mut Option<Box<dyn AnyLife>>) {
    if let Some(life) = life.take() {
        go_on_in_task(life);
    }
}

/// Has the task be polled again when others have been.
fn poll_yield(cx: &mut Context<'_>) {
    if pin!(tokio::task::yield_now()).poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}

impl Common {
    /// Whether what is left of this life, as far as is known, can be done in turns.
    pub(super) fn goes_on_in_turns(&self) -> bool {
        let is_over = self.ending.as_ref().is_some_and(|ending| ending.over.is_some());
        !is_over && !fault::threatens_messages(&self.any)
    }
}
