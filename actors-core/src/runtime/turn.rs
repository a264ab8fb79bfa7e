//! A turn: what an actor whose handlers and hooks never wait does without a task.
//!
//! The state stays in the cell between turns. What one turn cannot do goes on in a task: many messages, work that has to be
//! waited for, sources and a stash, which live as long as the task does.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::life::{HAS_STATE, InHand, Life, Over, over_after};
use super::serve::{LongTurn, Next, TURN, Urgent};
use super::task::start_task;
use super::teardown::{end_at_once, ends_at_once};
use super::watch::Watched;
use crate::actor::{Actor, at_once};
use crate::address::cell::Cell;
use crate::lifecycle::cell::{AnyCell, Turn};
use crate::lifecycle::current::{Identity, Role};
use crate::lifecycle::env::{CountedTask, Env};
use crate::lifecycle::event::Exited;
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::{catch, guard};
use crate::lifecycle::run_queue::{RunQueue, TakesTurns};
use crate::lifecycle::signal::Signals;

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
    if cell.core().parent.env.run_queue.is_of_use() {
        RunQueue::add(cell);
    } else {
        spawn_turn(&cell.core().parent.env.clone(), cell);
    }
}

fn spawn_turn(env: &Arc<Env>, cell: Arc<dyn TakesTurns>) {
    env.runtime.spawn(OneTurn { cell: Some(cell), _counted: env.count_task() });
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
    let common = &life.common;
    let needs_task = common.span.is_on() || common.any.env().kit.is_armed() || life.core().signals.any(Signals::ABORT);
    let outcome = if needs_task {
        Outcome::Task
    } else {
        let mut identity = Identity::new(life.common.any.clone(), Role::Itself);
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
            Ok(Round::Over(_)) if self.common.concluded => return Outcome::Done,
            Ok(Round::Over(over)) | Err(over) => over,
        };
        if ends_at_once(self) {
            end_at_once(self, over);
            return Outcome::Done;
        }
        self.common.ending().over = Some(over);
        Outcome::Task
    }

    fn begin_at_once(&mut self) -> Result<(), Over> {
        if self.core().signals.any(Signals::STARTED) {
            return Ok(());
        }
        self.common.may_start()?;
        let Life { actor, ctx, common, .. } = self;
        let actor = actor.as_mut().expect(HAS_STATE);
        let mut outcome = Ok(());
        let caught = catch(&mut || outcome = at_once(actor.started(ctx)));
        common.started(Watched::of(caught, outcome), None)
    }

    /// Handles what there is, for the length of a turn. What a handler panics with is caught here, once for all.
    fn round(&mut self) -> Result<Round, Over> {
        match guard(|| self.go_round_at_once()) {
            Ok(round) => Ok(round),
            Err(reason) => Ok(Round::Over(self.common.crashed(reason))),
        }
    }

    fn go_round_at_once(&mut self) -> Round {
        let mut left = TURN;
        let mut turn = LongTurn::default();
        loop {
            let handled = match self.next(&mut left) {
                Next::Urgent => match self.urgent() {
                    Urgent::Message(in_hand) => self.handle_at_once(in_hand),
                    Urgent::Exit(exited) => self.tell_of_exit_at_once(exited),
                    Urgent::Nothing => Ok(()),
                    Urgent::Over(over) => Err(over),
                },
                Next::Message(message) => self.handle_at_once(InHand::new(message, Turn::Ordinary)),
                Next::Failed(error) => Err(self.common.crashed(ExitReason::failed(error))),
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
    fn tell_of_exit_at_once(&mut self, exited: Box<Exited>) -> Result<(), Over> {
        if const { !A::HOOKS.exited } {
            return Ok(());
        }
        let Life { actor, ctx, common, .. } = self;
        let actor = actor.as_mut().expect(HAS_STATE);
        let (mut exited, mut outcome) = (Some(exited), Ok(()));
        let caught = catch(&mut || {
            if let Some(exited) = exited.take() {
                outcome = at_once(actor.exited(*exited, ctx));
            }
        });
        common.core().finish();
        over_after(Watched::of(caught, outcome), None)
    }

    /// Fetches what has come; where there is nothing, the actor lies down, unless it is too busy for that.
    fn look_again(&mut self) -> Option<Round> {
        if self.cell.mailbox.refill(&mut self.batch) {
            return None;
        }
        let few = if self.common.any.env().run_queue.is_of_use() { FEW } else { FEW_IN_TASKS };
        if self.cell.mailbox.taken() > few || !self.may_rest() {
            return Some(Round::Busy);
        }
        self.lie_down().then_some(Round::AtRest)
    }
}
