//! An actor at rest: how its task goes while it lives on, and how it ends where its stopper stands, without one.

use std::cell::Cell as Flag;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::life::Life;
use super::teardown::{has_work, report_crash};
use crate::actor::Actor;
use crate::address::cell::Cell;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::conclude::{claim, conclude, conclude_at_rest};
use crate::lifecycle::current::{DropCause, dropping};
use crate::lifecycle::exit::{Exit, ExitReason};
use crate::lifecycle::panic::guard;
use crate::lifecycle::record::{ActorReport, Record};
use crate::lifecycle::signal::Signals;
use crate::mailbox::Closed;
use crate::sync::lock;
use crate::telemetry;

thread_local! {
    /// An actor ends on this thread. Its state may stop the next one when it is dropped, and so on: only one ends here at a
    /// time, so that no chain needs a deep stack.
    static ENDING: Flag<bool> = const { Flag::new(false) };
}

/// A destructor that takes this long is worth a line in the report.
const NOTABLE: Duration = Duration::from_millis(1);

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
    if A::HOOKS.stopped || signals & Signals::STARTED == 0 || signals & !QUIET != 0 || env.kit.is_armed() {
        return false;
    }
    let Some(_over) = Ending::begin() else { return false };
    // A destructor is foreign code. That of an actor which has had messages may have something to wait for, and gets a task.
    let drops = std::mem::needs_drop::<A>();
    {
        // One after the other, so that nobody who ties himself to the actor, sends to it or begins a family for it falls between.
        let ties = lock(&core.ties);
        let closed = if drops { Closed::Stopping } else { Closed::Stopped };
        if !ties.is_empty() || core.family().is_some() || !cell.mailbox.close_at_rest(closed, drops) {
            return false;
        }
        core.signals.set(Signals::STOP | Signals::FINAL);
    }
    let any: Arc<dyn AnyCell> = cell.clone();
    let asked_at = now.filter(|_| !drops).or_else(|| env.is_recording().then(Instant::now));
    let state = cell.take_state();
    let panicked = if drops { drop_state(&any, state) } else { None };
    if drops {
        any.close(Closed::Stopped);
    }
    // Not before: until it is dropped, whoever loses patience may declare the end in our place.
    let undisturbed = lock(&core.ties).is_empty();
    if !claim(&any) {
        return true;
    }
    let turn = asked_at.filter(|_| any.env().is_recording()).map(|at| (any.env().since_began(at), at));
    let took_long = drops && turn.is_some_and(|(_, at)| at.elapsed() >= NOTABLE);
    let plain = if panicked.is_some() || took_long || !undisturbed { None } else { any.env().plain_exit(cause) };
    if let Some(exit) = plain {
        telemetry::ended(&any, &exit);
        let record = turn.map(|(turn, _)| Record::AtRest { path: any.path(), exit: exit.clone(), turn });
        conclude_at_rest(&any, exit, record);
        return true;
    }
    let mut exit = Exit::new(cause.clone());
    panicked.into_iter().for_each(|panicked| exit.add(panicked));
    if exit.reason.is_failure() {
        report_crash(&any, &exit);
    }
    telemetry::ended(&any, &exit);
    // What has been noted of it meanwhile, a late report knows.
    let record = turn.filter(|_| undisturbed).map(|(turn, at)| {
        let total = if took_long { at.elapsed() } else { Duration::ZERO };
        ActorReport { turn, total, ..ActorReport::new(any.path(), exit.clone()) }.into()
    });
    conclude(any, exit, record);
    true
}

/// Drops the state, on whatever thread this is, as the runtime would.
fn drop_state<A>(cell: &Arc<dyn AnyCell>, state: A) -> Option<ExitReason> {
    let work = || {
        let _entered = cell.env().runtime.enter();
        dropping(DropCause::State, || drop(state));
    };
    guard(work).err()
}

impl<A: Actor> Life<A> {
    /// Whether the task may go when there is nothing to do: all that would go with it can be had again.
    pub(super) fn may_rest(&self) -> bool {
        !self.ctx.has_sources() && !self.ctx.has_stash() && self.common.due_at == u64::MAX && !has_work(self.core())
    }

    /// Lays the state down in the cell, for the next task to take up, unless there is something to do. If so, this life is over,
    /// though the actor's is not.
    pub(super) fn lie_down(&mut self) -> bool {
        self.core().signals.clear(Signals::REST);
        let Some(actor) = self.actor.take() else { return false };
        self.cell.put_state(actor);
        let core = self.cell.core();
        if self.batch.is_empty() && self.may_rest() && self.cell.mailbox.vacate_at_rest(&core.signals.bits(Signals::URGENT)) {
            // From here on the next task may be running, and have ended the actor.
            self.common.concluded = true;
            return true;
        }
        self.actor = self.cell.take_state();
        false
    }
}

/// An actor ends at rest on this thread.
struct Ending;

impl Ending {
    /// Begins, unless one ends here already.
    fn begin() -> Option<Ending> {
        (!ENDING.replace(true)).then_some(Ending)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        ENDING.set(false);
    }
}
