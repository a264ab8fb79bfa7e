//! The task of an actor that takes turns: one after the other, as long as there are any.
//!
//! It never waits in the middle of anything, so there is nothing between two turns but the life itself: it is small, and a message that
//! wakes it finds little to go through.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use super::row::{System, in_a_row};
use super::seat::{Found, Seat};
use super::sitter::Sitter;
use super::turn::Outcome;
use crate::lifecycle::env::CountedTask;

/// After how many polls the life is put on a seat for the first time, to see whether anybody uses it; after more and more, if nobody does.
const FIRST: u32 = 4;
const LAST: u32 = 1024;

/// Takes the turns of an actor. Dropped at any point, it still ends the actor in order.
#[repr(C)]
pub(super) struct Turns {
    /// Gone when there is nothing left to do, when another task does it, or when it is on the seat. First, in the line of memory that
    /// whoever wakes the task has touched.
    sitter: Option<Sitter>,
    system: System,
    /// After how many polls it sits down, and after how many the next time.
    patience: u32,
    next_patience: u32,
    seat: Option<Arc<Seat>>,
    _counted: CountedTask,
}

impl Turns {
    pub(super) fn new(mut sitter: Sitter) -> Self {
        let env = sitter.env();
        let (system, _counted) = (System::of(env), env.count_task());
        Turns { sitter: Some(sitter), system, patience: FIRST, next_patience: FIRST, seat: None, _counted }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let outcome = match &mut self.sitter {
            Some(sitter) if self.patience > 0 => {
                self.patience -= 1;
                sitter.turn(cx)
            }
            _ => return self.poll_at_seat(cx),
        };
        match outcome {
            Outcome::Sleep => Poll::Pending,
            outcome => self.goes_on(&outcome, cx),
        }
    }

    /// Takes a turn at the seat, as long as others do so, too.
    #[inline(never)]
    fn poll_at_seat(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(mut sitter) = self.sitter.take() {
            self.seat.get_or_insert_with(|| Seat::new(sitter.env(), cx.waker().clone())).put(sitter);
        }
        let Some(seat) = &self.seat else { return Poll::Ready(()) };
        match seat.take_own_turn() {
            Found::Turn(Outcome::Sleep) => Poll::Pending,
            Found::Turn(outcome) => self.goes_on(&outcome, cx),
            Found::Nobody => Poll::Ready(()),
            Found::Busy => Poll::Pending,
            Found::Unused(sitter) => {
                (self.sitter, self.seat) = (Some(sitter), None);
                self.next_patience = LAST.min(self.next_patience * 4);
                self.patience = self.next_patience;
                self.poll_own(cx)
            }
        }
    }

    /// What comes after a turn, unless the task sleeps.
    #[cold]
    fn goes_on(&mut self, outcome: &Outcome, cx: &mut Context<'_>) -> Poll<()> {
        if let Outcome::Yield = outcome {
            poll_yield(self.system, cx);
            return Poll::Pending;
        }
        self.sitter.take().into_iter().for_each(|sitter| sitter.leave(outcome));
        Poll::Ready(())
    }
}

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        in_a_row(self.system, || self.poll_own(cx))
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        if let Some(seat) = &self.seat {
            seat.abandon();
        }
    }
}

/// Has the task be polled again when others have been.
fn poll_yield(system: System, cx: &mut Context<'_>) {
    // With several threads any of them may take it up, also while this one is blocked.
    if system.has_several_threads() || pin!(tokio::task::yield_now()).poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}
