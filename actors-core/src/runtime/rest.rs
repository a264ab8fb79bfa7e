//! An actor at rest: how its task goes while it lives on, and how it ends where its stopper stands, without one.

use std::cell::Cell as Flag;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::crash::report_crash;
use super::life::Life;
use super::teardown::has_work;
use crate::actor::Actor;
use crate::lifecycle::cell::{AnyCell, Core};
use crate::lifecycle::conclude::{conclude, conclude_at_rest};
use crate::lifecycle::current::{DropCause, dropping};
use crate::lifecycle::exit::{Exit, ExitReason};
use crate::lifecycle::panic::guard;
use crate::lifecycle::record::{ActorReport, Record};
use crate::lifecycle::signal::Signals;
use crate::mailbox::Closed;
use crate::sync::lock;
use crate::telemetry;

thread_local! {
    /// An actor without a task ends on this thread. Its state may stop the next one when it is dropped, and so may whoever is told,
    /// and so on: only one ends here at a time, and the others in tasks, so that no chain needs a deep stack.
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
    | Signals::KNOWN
    | Signals::LISTED;

/// Ends an actor for good, here and now, if it is at rest: it has no task, nothing queued, no stop hook, no ties and no
/// children. Says whether it did. Whoever asks has made sure that it is not to be restarted.
pub(super) fn end_at_rest(cell: Arc<dyn AnyCell>, cause: &ExitReason) -> bool {
    end_one_at_rest(cell, cause, None)
}

/// What [`end_at_rest`] does, for one who ends many, in the runtime of the actors: `clock` says what time it is, and is set where it is read
/// anew.
pub(super) fn end_one_at_rest(cell: Arc<dyn AnyCell>, cause: &ExitReason, clock: Option<&mut Instant>) -> bool {
    if !is_quiet(&cell) {
        return false;
    }
    let Some(_ending) = Ending::begin() else { return false };
    let closed = if cell.state_drops() { Closed::Stopping } else { Closed::Stopped };
    let ends = close_if(&cell, closed, |core| core.family().is_none());
    if ends {
        let asked_at = clock.as_deref().copied();
        finish(cell, cause, asked_at, clock, Duration::ZERO, closed);
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
pub(super) fn end_closed(cell: &Arc<dyn AnyCell>, asked_at: Instant, clock: &mut Instant) -> bool {
    let core = cell.core();
    let childless = core.family().is_none_or(|family| family.len() == 0);
    let undisturbed = core.signals.get() & !(QUIET | Signals::STOP) == 0 && lock(&core.ties).is_empty();
    if !childless || !undisturbed {
        return false;
    }
    let Some(_ending) = Ending::begin() else { return false };
    *clock = Instant::now();
    let children = *clock - asked_at;
    finish(cell.clone(), &ExitReason::Shutdown, Some(asked_at), Some(clock), children, Closed::Stopping);
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
fn finish(
    cell: Arc<dyn AnyCell>,
    cause: &ExitReason,
    asked_at: Option<Instant>,
    clock: Option<&mut Instant>,
    children: Duration,
    closed: Closed,
) {
    let (core, env) = (cell.core(), cell.env());
    let recorded = env.is_recording();
    let asked_at = asked_at.or_else(|| recorded.then(Instant::now));
    let is_within = clock.is_some();
    let mut ended_at = clock.as_deref().copied().or(asked_at);
    let mut panicked = None;
    if cell.state_drops() {
        panicked = drop_state(&cell, is_within);
        if recorded {
            let now = Instant::now();
            ended_at = Some(now);
            clock.into_iter().for_each(|clock| *clock = now);
        }
    }
    if closed == Closed::Stopping {
        cell.close(Closed::Stopped);
    }
    // Not before: until it is dropped, whoever loses patience may declare the end in our place.
    let (undisturbed, claimed) = {
        let mut ties = lock(&core.ties);
        (ties.is_empty(), ties.claim())
    };
    if !claimed {
        return;
    }
    let times = asked_at.zip(ended_at).filter(|_| recorded).map(|(asked_at, ended_at)| (env.since_began(asked_at), ended_at - asked_at));
    let took_long = times.is_some_and(|(_, total)| total >= NOTABLE);
    let plain = if panicked.is_some() || took_long || !undisturbed { None } else { env.plain_exit(cause) };
    if let Some(exit) = plain {
        telemetry::ended(&cell, &exit);
        let record = times.map(|(turn, _)| Record::AtRest { path: cell.path(), exit: exit.clone(), turn });
        return conclude_at_rest(&cell, exit, record);
    }
    let mut exit = Exit::new(cause.clone());
    panicked.into_iter().for_each(|panicked| exit.add(panicked));
    report_crash(&cell, &exit);
    telemetry::ended(&cell, &exit);
    // What has been noted of it meanwhile, a late report knows.
    let record = times.filter(|_| undisturbed).map(|(turn, total)| {
        let (total, children) = if took_long { (total, children) } else { Default::default() };
        ActorReport { turn, total, children, ..ActorReport::new(cell.path(), exit.clone()) }.into()
    });
    conclude(cell, exit, record);
}

/// Drops the state, on whatever thread this is, as the runtime would, if the caller is not within it already.
fn drop_state(cell: &Arc<dyn AnyCell>, is_within: bool) -> Option<ExitReason> {
    let work = || guard(|| dropping(DropCause::State, || cell.drop_state())).err();
    if is_within { work() } else { cell.env().within(work) }
}

impl<A: Actor> Life<A> {
    /// Whether the task may go when there is nothing to do: all that would go with it can be had again.
    pub(super) fn may_rest(&self) -> bool {
        !self.ctx.has_sources() && !self.ctx.has_stash() && self.due_at == u64::MAX && !has_work(self.core())
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
pub(super) struct Ending;

impl Ending {
    /// Begins, unless one ends here already.
    pub(super) fn begin() -> Option<Ending> {
        (!ENDING.replace(true)).then_some(Ending)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        ENDING.set(false);
    }
}
