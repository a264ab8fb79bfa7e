//! An actor at rest: how its task goes while it lives on, and how it ends where its stopper stands, without one.

use std::cell::Cell as Flag;
use std::sync::Arc;

use tokio::time::Instant;

use super::life::Life;
use crate::actor::Actor;
use crate::address::cell::Cell;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::conclude::{conclude, conclude_at_rest};
use crate::lifecycle::current::{DropCause, dropping};
use crate::lifecycle::exit::{Exit, ExitReason};
use crate::lifecycle::panic::guard;
use crate::lifecycle::record::{ActorReport, Record};
use crate::lifecycle::signal::Signals;
use crate::sync::lock;
use crate::telemetry;

thread_local! {
    /// An actor ends on this thread. Its state may stop the next one when it is dropped, and so on: only one ends here at a
    /// time, so that no chain needs a deep stack.
    static ENDING: Flag<bool> = const { Flag::new(false) };
}

/// What may be said of an actor at rest.
const QUIET: u32 = Signals::STARTED
    | Signals::TRAPS
    | Signals::SIGNIFICANT
    | Signals::SUPERVISED
    | Signals::PERMANENT
    | Signals::TRANSIENT
    | Signals::FINAL
    | Signals::AWAITED
    | Signals::LISTED;

/// Ends an actor for good, here and now, if it is at rest: it has no task, nothing queued, no stop hook, no ties and no
/// children. Says whether it did. Whoever asks has made sure that it is not to be restarted.
pub(super) fn end_at_rest<A: Actor>(cell: Arc<Cell<A>>, cause: &ExitReason, now: Option<Instant>) -> bool {
    let core = cell.core();
    let env = &core.parent.env;
    let signals = core.signals.get();
    if A::HOOKS.stopped || signals & Signals::STARTED == 0 || signals & !QUIET != 0 || core.family().is_some() || env.kit.is_armed() {
        return false;
    }
    let Some(_over) = Ending::begin() else { return false };
    {
        // One after the other, so that nobody who ties himself to the actor or sends to it falls between the two.
        let mut ties = lock(&core.ties);
        if !ties.is_empty() || !cell.mailbox.close_at_rest() {
            return false;
        }
        ties.claim();
        core.signals.set(Signals::STOP | Signals::FINAL);
    }
    let turn = env.is_recording().then(|| env.since_began(now.unwrap_or_else(Instant::now)));
    let state = cell.take_state();
    let panicked = guard(|| dropping(DropCause::State, || drop(state))).err();
    let any: Arc<dyn AnyCell> = cell;
    if panicked.is_some() || !matches!(cause, ExitReason::Shutdown) {
        let mut exit = Exit::new(cause.clone());
        panicked.into_iter().for_each(|panicked| exit.add(panicked));
        telemetry::ended(&any, &exit);
        let record = turn.map(|turn| ActorReport { turn, ..ActorReport::new(any.path(), exit.clone()) }.into());
        conclude(any, exit, record);
        return true;
    }
    let exit = any.env().shut_down();
    telemetry::ended(&any, &exit);
    let record = turn.map(|turn| Record::AtRest { path: any.path(), turn });
    conclude_at_rest(&any, exit, record);
    true
}

impl<A: Actor> Life<A> {
    /// Whether the task may go when there is nothing to do: all that would go with it can be had again.
    pub(super) fn may_rest(&self) -> bool {
        !self.ctx.has_sources() && !self.ctx.has_stash() && self.due_at == u64::MAX
    }

    /// Lays the state down in the cell, for the next task to take up, unless there is something to do. If so, this life is over,
    /// though the actor's is not.
    pub(super) fn lie_down(&mut self) -> bool {
        self.core().signals.clear(Signals::REST);
        let Some(actor) = self.actor.take() else { return false };
        self.cell.put_state(actor);
        let core = self.cell.core();
        if self.batch.is_empty() && self.may_rest() && self.cell.mailbox.vacate_at_rest(|| core.signals.any(Signals::URGENT)) {
            // From here on the next task may be running, and have ended the actor.
            self.ending.concluded = true;
            return true;
        }
        self.actor = self.cell.take_state();
        false
    }
}

/// An actor ends at rest on this thread.
struct Ending;

impl Ending {
    /// Begins, unless one ends here already. On a thread that is ending, none does.
    fn begin() -> Option<Ending> {
        let begun = ENDING.try_with(|ending| !ending.replace(true)).unwrap_or(false);
        begun.then_some(Ending)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        ENDING.set(false);
    }
}
