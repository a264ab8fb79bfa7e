//! How the end of an actor is made known: once, in a fixed order, without a deep stack.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use super::cell::{AnyCell, End, Ties};
use super::event::{Event, Exited, Tie};
use super::exit::{Exit, ExitReason, StartFailure};
use super::record::{ActorReport, Record};
use super::signal::Signals;
use super::{link, monitor, request};
use crate::caught::unless_it_panics;
use crate::mailbox::Closed;
use crate::sync::{lock, wake_all};

/// Claims the right to publish the end of an actor. Whoever gets it must call [`conclude`].
pub(crate) fn claim(cell: &Arc<dyn AnyCell>) -> bool {
    lock(&cell.core().ties).claim()
}

/// Frees the name, publishes the end, and tells all who are to be told: steps 7 to 9 of the end of an actor.
///
/// If the parent had gone before its children, and this was the last of them, its end follows, and so on upward. An end
/// that brings others on this very thread, as it does when their runtime has gone, comes before theirs.
pub(crate) fn conclude(cell: Arc<dyn AnyCell>, exit: Exit, record: Option<Record>) {
    let Some(_turn) = Turn::begin() else {
        return Turn::wait((cell, exit, record));
    };
    let mut next = Some((cell, exit, record));
    while let Some((cell, exit, record)) = next {
        next = conclude_one(&cell, exit, record).or_else(Turn::next);
    }
}

thread_local! {
    /// The ends that wait while another is made known on this thread.
    static WAITING: RefCell<Option<VecDeque<End>>> = const { RefCell::new(None) };
}

/// The turn of one thread to make ends known, one after the other.
struct Turn;

impl Turn {
    /// Begins the turn, unless it has begun further up this stack. A thread that is ending has no list any more, and makes
    /// each end known at once.
    fn begin() -> Option<Turn> {
        let begun = WAITING.try_with(|waiting| {
            let mut waiting = waiting.borrow_mut();
            let free = waiting.is_none();
            waiting.get_or_insert_default();
            free
        });
        begun.unwrap_or(true).then_some(Turn)
    }

    fn wait(end: End) {
        // Only where a turn has begun, and so there is a list.
        let _ = WAITING.try_with(|waiting| waiting.borrow_mut().get_or_insert_default().push_back(end));
    }

    fn next() -> Option<End> {
        WAITING.try_with(|waiting| waiting.borrow_mut().as_mut()?.pop_front()).ok().flatten()
    }
}

impl Drop for Turn {
    /// The turn is over. Ends are left only if the one in hand panicked; they are known to be claimed, so they go on.
    fn drop(&mut self) {
        let left = WAITING.try_with(|waiting| waiting.borrow_mut().take()).ok().flatten();
        for (cell, exit, record) in left.into_iter().flatten() {
            conclude(cell, exit, record);
        }
    }
}

/// Makes the end of an actor known that was at rest, and that brings no other end on: nobody was tied to it. Its mailbox is
/// closed.
pub(crate) fn conclude_at_rest(cell: &Arc<dyn AnyCell>, exit: Arc<Exit>, record: Option<Record>) {
    if let Some((parent, exit, record)) = publish(cell, exit, record) {
        conclude(parent, exit, record);
    }
}

fn conclude_one(cell: &Arc<dyn AnyCell>, exit: Exit, record: Option<Record>) -> Option<End> {
    cell.close(Closed::Stopped);
    let env = cell.env();
    if exit.reason.is_failure() {
        env.note_failure(cell.path(), exit.reason.clone());
    }
    let record = env.is_recording().then(|| record.unwrap_or_else(|| late_report(cell, &exit).into()));
    publish(cell, env.share(exit), record)
}

/// Frees the name, publishes the end, and tells all who are to be told. Returns the end of the parent, if it waited for this.
fn publish(cell: &Arc<dyn AnyCell>, exit: Arc<Exit>, record: Option<Record>) -> Option<End> {
    let core = cell.core();
    let env = cell.env();
    if let Some(name) = core.name() {
        core.parent.names.release(core.parent.owner_id, name, |named| named.id() == core.id);
    }
    if let Some(record) = record {
        env.record(core.id, record);
    }
    env.died();
    // Before it is published: whoever learns of the end finds it in the log.
    env.kit.ended(cell, &exit.reason);

    // Published: from here on everybody reads the same end.
    let told = {
        let mut slot = lock(&core.ties);
        core.signals.set(Signals::ENDED | Signals::STOP);
        slot.conclude(exit.clone())
    };
    let declined = matches!(exit.reason, ExitReason::StartFailed(StartFailure::Declined));

    if core.signals.any(Signals::SUPERVISED) {
        if let Some(overseer) = core.parent.overseer() {
            overseer.ended(cell, &exit);
        }
    }
    if !declined {
        if let Some(parent) = core.parent.listener() {
            let exited = Exited { id: core.id, path: cell.path(), reason: exit.reason.clone(), tie: Tie::Child };
            request::deliver(&parent, Event::exited(exited));
        }
    }
    let told = told.map(|ties| tell(cell, &exit, *ties));
    if let Some(overseer) = core.family().and_then(|family| family.overseer()) {
        overseer.parent_ended();
    }
    let above = core.parent.remove(core.id).map(|(parent, exit, record)| {
        let record = record.map(|record| until_now(&parent, record));
        (parent, exit, record)
    });
    if let Some(waiting) = told {
        waiting.wake();
    }
    if core.signals.any(Signals::SIGNIFICANT) && !declined {
        env.significant_ended(cell.path(), exit.reason.clone());
    }
    above
}

/// Who is still to be woken when all have been told.
struct Waiting(Ties);

/// Tells all who are tied to the actor of its end.
fn tell(cell: &Arc<dyn AnyCell>, exit: &Exit, mut ties: Ties) -> Waiting {
    for (_, link) in std::mem::take(&mut ties.links) {
        link::fire(&link.peer, cell, exit);
    }
    for watcher in std::mem::take(&mut ties.watchers) {
        monitor::fire(&watcher, cell, exit);
    }
    for group in std::mem::take(&mut ties.groups) {
        // A listener may be of anybody's making, and so may what takes its notices.
        unless_it_panics(|| group.member_ended(cell, exit));
    }
    forget_watches(&mut ties);
    Waiting(ties)
}

impl Waiting {
    fn wake(mut self) {
        wake_all(self.0.waiters.take());
        wake_all(self.0.stop_waiters.take());
        if let Some(token) = self.0.token.take() {
            let _ = unless_it_panics(|| token.cancel());
        }
        for helper in self.0.helpers.values() {
            helper.give_up();
        }
    }
}

/// Leaves no trace of this actor's monitors with those it watched.
fn forget_watches(ties: &mut Ties) {
    for (monitor, target) in std::mem::take(&mut ties.watching) {
        if let Some(target) = target {
            monitor::forget(&target, monitor);
        }
    }
}

/// The record of an actor whose own part was over before, and which has waited for its children since.
fn until_now(cell: &Arc<dyn AnyCell>, mut record: Record) -> Record {
    if let (Record::Eventful(report), Some((asked_at, _))) = (&mut record, cell.core().order()) {
        let waited = asked_at.elapsed().saturating_sub(report.total);
        report.total += waited;
        report.children += waited;
    }
    record
}

/// The report on an actor whose task could not write one. What is queued still will be discarded.
pub(crate) fn late_report(cell: &Arc<dyn AnyCell>, exit: &Exit) -> ActorReport {
    let mut report = ActorReport::new(cell.path(), exit.clone());
    // Where nothing runs any more, nobody was even asked to stop.
    let asked_at = cell.core().order().map_or_else(|| cell.env().began(), |(at, _)| at);
    report.turn = cell.env().since_began(asked_at);
    report.total = asked_at.elapsed();
    report.discarded = cell.queued();
    note_limits(cell, &mut report);
    if report.held_by.is_none() {
        report.held_by = cell.in_hand().map(str::to_owned);
    }
    report
}

/// Notes which limit the actor outran, in which message, and what it leaves running.
pub(crate) fn note_limits(cell: &Arc<dyn AnyCell>, report: &mut ActorReport) {
    let (limit, blocking) = cell.core().peek_ties(|ties| (ties.limit, ties.blocking)).unwrap_or_default();
    report.leaked_blocking = blocking;
    if let Some((limit, held_by)) = limit {
        report.limit = Some(limit);
        report.held_by = held_by.map(str::to_owned);
    }
}

/// Publishes the end of an actor that never stood in a tree: no name has led to it, and nobody knows it but who wanted to create it.
pub(crate) fn stillborn(cell: &Arc<dyn AnyCell>, failure: StartFailure) {
    cell.close(Closed::Stopped);
    let told = {
        let mut slot = lock(&cell.core().ties);
        cell.core().signals.set(Signals::ENDED | Signals::STOP);
        slot.conclude(Arc::new(Exit::new(ExitReason::StartFailed(failure))))
    };
    drop(told);
}
