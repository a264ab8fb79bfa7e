//! A turn: what an actor whose handlers and hooks never wait does without a task.
//!
//! The state stays in the cell between turns. What one turn cannot do goes on in a task: many messages, work that has to be
//! waited for, sources and a stash, which live as long as the task does.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::life::{Life, Over, note_crash};
use super::serve::{LongTurn, Next, TURN};
use super::task::start_task;
use crate::actor::Actor;
use crate::address::cell::Cell;
use crate::lifecycle::cell::{AnyCell, Turn};
use crate::lifecycle::current::{Identity, Role};
use crate::lifecycle::env::CountedTask;
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::guard;
use crate::lifecycle::run_queue::{RunQueue, TakesTurns};
use crate::lifecycle::signal::Signals;
use crate::mailbox::Refill;

/// An actor that has had more messages than these will get more, and has a task that lingers between them.
const FEW: u64 = 16;
/// The same where each turn takes a task, which costs more than to wake one.
const FEW_IN_TASKS: u64 = 2;

/// What came of a turn.
enum Outcome {
    /// The actor is at rest, or has ended.
    Done,
    /// The rest needs a task.
    Task,
}

/// What came of a round of messages.
enum Round {
    AtRest,
    Busy,
    Over(Over),
}

/// Sees to it that an actor without a receiver does what there is to do: in a turn, if that may be enough.
pub(super) fn start<A: Actor>(cell: Arc<Cell<A>>) {
    // One that is at rest but for those who wait for its end, or hear of it, ends at once.
    let ends_here = cell.core().signals.any(Signals::STOP) && !std::mem::needs_drop::<A>();
    if !A::TAKES_TURNS || ends_here {
        return start_task(cell);
    }
    let env = cell.core().parent.env.clone();
    if env.run_queue.is_of_use() {
        RunQueue::add(cell);
    } else {
        env.runtime.spawn(OneTurn { cell: Some(cell), _counted: env.count_task() });
    }
}

/// A small task that takes one turn of one actor.
struct OneTurn {
    cell: Option<Arc<dyn TakesTurns>>,
    _counted: CountedTask,
}

impl Future for OneTurn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if let Some(cell) = self.cell.take() {
            cell.take_turn();
        }
        Poll::Ready(())
    }
}

impl Drop for OneTurn {
    /// The runtime may drop the task before: then a task that is dropped ends the actor.
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            cell.start_task();
        }
    }
}

/// Takes a turn of an actor.
pub(super) fn take_turn<A: Actor>(cell: Arc<Cell<A>>) {
    let Some(actor) = cell.take_state() else { return };
    let mut life = Life::new(cell, actor);
    let needs_task = life.span.is_on() || life.any.env().kit.is_armed() || life.core().signals.any(Signals::ABORT);
    let outcome = if needs_task {
        Outcome::Task
    } else {
        let mut identity = Identity::new(life.any.clone(), Role::Itself);
        identity.enter(|| life.turn())
    };
    if let Outcome::Task = outcome {
        life.go_on_in_task();
    }
}

impl<A: Actor> Life<A> {
    fn turn(&mut self) -> Outcome {
        let over = match self.begin_at_once().and_then(|()| self.round()) {
            Ok(Round::AtRest) => return Outcome::Done,
            Ok(Round::Busy) => return Outcome::Task,
            // It has lain down on the way.
            Ok(Round::Over(_)) if self.concluded => return Outcome::Done,
            Ok(Round::Over(over)) | Err(over) => over,
        };
        if self.ends_at_once() {
            self.end_at_once(over);
            return Outcome::Done;
        }
        self.ending().over = Some(over);
        Outcome::Task
    }

    fn begin_at_once(&mut self) -> Result<(), Over> {
        if self.core().signals.any(Signals::STARTED) { Ok(()) } else { at_once(self.begin()) }
    }

    /// Handles what there is, for the length of a turn. What a handler panics with is caught here, once for all.
    fn round(&mut self) -> Result<Round, Over> {
        guard(|| self.go_round_at_once()).or_else(|reason| {
            note_crash(&self.any);
            Ok(Round::Over(Over::Because(reason)))
        })
    }

    fn go_round_at_once(&mut self) -> Round {
        let cut = self.cut();
        let mut left = TURN;
        let mut turn = LongTurn::default();
        loop {
            let handled = match self.next(&mut left) {
                Next::Urgent => at_once(self.attend(cut)),
                Next::Message(message) => at_once(self.handle(message, Turn::Ordinary, cut)),
                Next::Failed(error) => {
                    note_crash(&self.any);
                    Err(Over::Because(ExitReason::failed(error)))
                }
                Next::Nothing => match self.look_again() {
                    Some(round) => return round,
                    None => continue,
                },
            };
            if let Err(over) = handled {
                return Round::Over(over);
            }
            left -= 1;
            if left == 0 {
                if !turn.goes_on() {
                    return Round::Busy;
                }
                left = TURN;
            }
        }
    }
}

impl<A: Actor> Life<A> {
    /// Fetches what has come; where there is nothing, the actor lies down, unless it is too busy for that.
    fn look_again(&mut self) -> Option<Round> {
        let mut cx = Context::from_waker(Waker::noop());
        if self.cell.mailbox.poll_refill(&mut self.batch, &mut cx, || true) == Poll::Ready(Refill::Messages) {
            return None;
        }
        let few = if self.any.env().run_queue.is_of_use() { FEW } else { FEW_IN_TASKS };
        if self.cell.mailbox.taken() > few || !self.may_rest() {
            return Some(Round::Busy);
        }
        self.lie_down().then_some(Round::AtRest)
    }
}

/// The outcome of what never waits.
fn at_once<F: Future>(work: F) -> F::Output {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("an actor that says so does everything at once"),
    }
}
