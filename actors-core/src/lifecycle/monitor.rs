//! Monitors: one-way watches, each good for one notice.

use std::sync::Arc;

use super::cell::{AnyCell, Watcher};
use super::event::{Event, Exited, MonitorRef, Tie};
use super::exit::{Exit, ExitReason};
use super::id::ActorId;
use super::path::ActorPath;
use super::request::{self, Effect};

/// Lets `watcher` know when `target` ends; at once if it has.
pub(crate) fn monitor(watcher: &Arc<dyn AnyCell>, target: &Arc<dyn AnyCell>) -> MonitorRef {
    let monitor = watcher.env().next_monitor();
    let alive = watcher.core().with_ties(|ties| {
        let alive = ties.exit.is_none();
        if alive {
            ties.watching.insert(monitor, Some(target.clone()));
        }
        alive
    });
    if !alive {
        // Nobody is there to be told.
        return monitor;
    }
    let ended = target.core().with_ties(|ties| {
        if ties.exit.is_none() {
            ties.watchers.push(Watcher { monitor, watcher: watcher.clone() });
        }
        ties.exit.clone()
    });
    if let Some(exit) = ended {
        notify(watcher, monitor, target.id(), target.path(), &exit.reason);
    } else if watcher.has_ended() {
        // It ended after it was looked at, and has left its watches before this one stood with the target.
        forget(target, monitor);
    }
    monitor
}

/// Lets `watcher` know that there is no actor at `path`.
pub(crate) fn monitor_nobody(watcher: &Arc<dyn AnyCell>, path: ActorPath) -> MonitorRef {
    let monitor = watcher.env().next_monitor();
    watcher.core().with_ties(|ties| ties.watching.insert(monitor, None));
    notify(watcher, monitor, ActorId::ROOT, path, &ExitReason::NoSuchActor);
    monitor
}

/// Cancels a monitor, of which nothing arrives afterwards; harmless if it is unknown or spent.
pub(crate) fn demonitor(watcher: &Arc<dyn AnyCell>, monitor: MonitorRef) {
    let (target, stale) = watcher.core().with_ties(|ties| {
        let stale = ties.take_events(|event| event.is_exit(|exited| matches!(exited.tie, Tie::Monitor(spent) if spent == monitor)));
        (ties.watching.remove(&monitor).flatten(), stale)
    });
    drop(stale);
    if let Some(target) = target {
        forget(&target, monitor);
    }
}

/// Takes a watch out with the one who is watched.
pub(super) fn forget(target: &Arc<dyn AnyCell>, monitor: MonitorRef) {
    let forgotten = target.core().if_tied(|ties| {
        let place = ties.watchers.iter().position(|watcher| watcher.monitor == monitor)?;
        Some(ties.watchers.swap_remove(place))
    });
    drop(forgotten);
}

/// `ended` has ended: tells the watcher, unless it has cancelled.
pub(crate) fn fire(watcher: &Watcher, ended: &Arc<dyn AnyCell>, exit: &Exit) {
    notify(&watcher.watcher, watcher.monitor, ended.id(), ended.path(), &exit.reason);
}

fn notify(watcher: &Arc<dyn AnyCell>, monitor: MonitorRef, id: ActorId, path: ActorPath, reason: &ExitReason) {
    let not_before = watcher.pushed();
    // Under one lock, so that a cancelling comes either before, or finds the notice and can take it back.
    request::affect(watcher, |ties| match ties.watching.remove(&monitor) {
        Some(_) => {
            let exited = Exited { id, path, reason: reason.clone(), tie: Tie::Monitor(monitor) };
            Effect::Told(Event::exited_after(exited, not_before))
        }
        None => Effect::Nothing,
    });
}
