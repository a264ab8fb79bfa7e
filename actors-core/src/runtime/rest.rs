//! An actor at rest: how its task goes while it lives on, and how it ends where its stopper stands, without one.

use std::cell::Cell as Flag;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::life::Life;
use super::teardown::{has_work, report_crash};
use crate::actor::Actor;
use crate::lifecycle::cell::{AnyCell, Core};
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
/// children. Says whether it did. Whoever asks has made sure that it is not to be restarted, and may know what time it is.
pub(super) fn end_at_rest(cell: Arc<dyn AnyCell>, cause: &ExitReason, now: Option<Instant>) -> bool {
    if !is_quiet(&cell) {
        return false;
    }
    let Some(_ending) = Ending::begin() else { return false };
    let closed = if cell.state_drops() { Closed::Stopping } else { Closed::Stopped };
    let ends = close_if(&cell, closed, |core| core.family().is_none());
    if ends {
        finish(cell, cause, now, Duration::ZERO, closed);
    }
    ends
}

/// Begins the end of an actor at rest that has children: from now on nobody sends to it, and none
/// is started below it. Says whether that is so. Then whoever asked ends the children, and calls [`end_closed`].
pub(super) fn close_at_rest(cell: &Arc<dyn AnyCell>) -> bool {
    let core = cell.core();
    let Some(family) = core.family() else { return false };
    // One that traps exits is told of those of its children, which is more than nothing.
    let closes = !core.signals.any(Signals::TRAPS) && is_quiet(cell) && close_if(cell, Closed::Stopping, |_| true);
    if closes {
        family.close();
    }
    closes
}

/// Ends an actor of which [`close_at_rest`] has said that it is closed, and which was asked to at `asked_at`, if its children are gone
/// and nothing has come between; says whether it did. If not, a task has to.
pub(super) fn end_closed(cell: &Arc<dyn AnyCell>, asked_at: Instant) -> bool {
    let core = cell.core();
    let childless = core.family().is_none_or(|family| family.len() == 0);
    let undisturbed = core.signals.get() & !(QUIET | Signals::STOP) == 0 && lock(&core.ties).is_empty();
    if !childless || !undisturbed {
        return false;
    }
    let Some(_ending) = Ending::begin() else { return false };
    finish(cell.clone(), &ExitReason::Shutdown, Some(asked_at), asked_at.elapsed(), Closed::Stopping);
    true
}

/// Whether nothing is known of an actor that would have to be seen to before it ends.
fn is_quiet(cell: &Arc<dyn AnyCell>) -> bool {
    let signals = cell.core().signals.get();
    signals & Signals::STARTED != 0 && signals & !QUIET == 0 && !cell.has_stop_hook() && !cell.env().kit.is_armed()
}

/// Closes the mailbox of an actor at rest, and marks it as ending, if it has no ties and `also` says so.
fn close_if(cell: &Arc<dyn AnyCell>, closed: Closed, also: impl FnOnce(&Core) -> bool) -> bool {
    let core = cell.core();
    // One after the other, so that nobody who ties himself to the actor, sends to it or begins a family for it falls between.
    let ties = lock(&core.ties);
    // A destructor is foreign code. That of an actor which has had messages may have something to wait for, and gets a task.
    let closes = ties.is_empty() && also(core) && cell.close_at_rest(closed, cell.state_drops());
    if closes {
        core.signals.set(Signals::STOP | Signals::FINAL);
    }
    closes
}

/// Drops the state, and makes the end known, of an actor that is `closed` and has nothing to wait for. Its children took so long.
fn finish(cell: Arc<dyn AnyCell>, cause: &ExitReason, asked_at: Option<Instant>, children: Duration, closed: Closed) {
    let (core, env) = (cell.core(), cell.env());
    let takes_time = closed == Closed::Stopping;
    // How long a destructor takes is counted from now on.
    let known = asked_at.filter(|_| !cell.state_drops() || core.family().is_some());
    let asked_at = known.or_else(|| env.is_recording().then(Instant::now));
    let panicked = if cell.state_drops() { drop_state(&cell) } else { None };
    if takes_time {
        cell.close(Closed::Stopped);
    }
    // Not before: until it is dropped, whoever loses patience may declare the end in our place.
    let undisturbed = lock(&core.ties).is_empty();
    if !claim(&cell) {
        return;
    }
    let turn = asked_at.filter(|_| env.is_recording()).map(|at| (env.since_began(at), at));
    let took_long = takes_time && turn.is_some_and(|(_, at)| at.elapsed() >= NOTABLE);
    let plain = if panicked.is_some() || took_long || !undisturbed { None } else { env.plain_exit(cause) };
    if let Some(exit) = plain {
        telemetry::ended(&cell, &exit);
        let record = turn.map(|(turn, _)| Record::AtRest { path: cell.path(), exit: exit.clone(), turn });
        return conclude_at_rest(&cell, exit, record);
    }
    let mut exit = Exit::new(cause.clone());
    panicked.into_iter().for_each(|panicked| exit.add(panicked));
    if exit.reason.is_failure() {
        report_crash(&cell, &exit);
    }
    telemetry::ended(&cell, &exit);
    // What has been noted of it meanwhile, a late report knows.
    let record = turn.filter(|_| undisturbed).map(|(turn, at)| {
        let total = if took_long { at.elapsed() } else { Duration::ZERO };
        let children = if took_long { children } else { Duration::ZERO };
        ActorReport { turn, total, children, ..ActorReport::new(cell.path(), exit.clone()) }.into()
    });
    conclude(cell, exit, record);
}

/// Drops the state, on whatever thread this is, as the runtime would.
fn drop_state(cell: &Arc<dyn AnyCell>) -> Option<ExitReason> {
    let work = || {
        let _entered = cell.env().runtime.enter();
        dropping(DropCause::State, || cell.drop_state());
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
        core.tidy();
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
