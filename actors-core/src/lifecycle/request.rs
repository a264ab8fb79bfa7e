//! How an actor is asked to end, and how it is told of the end of others: untyped and without waiting.

use std::sync::Arc;

use tokio::time::Instant;

use super::cell::AnyCell;
use super::event::Event;
use super::exit::ExitReason;
use super::policy::OnStop;
use super::signal::Signals;
use super::ties::StopOrder;
use crate::mailbox::Closed;
use crate::sync::wake_all;

/// What becomes of the messages that wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As the actor's policy says.
    AsPolicy,
    /// They are handled first.
    Drain,
    /// They are discarded.
    Now,
}

/// Asks an actor to end. The first request decides why and how; later ones may only bring the deadline nearer. Says
/// whether this was the first.
pub(crate) fn stop(cell: &Arc<dyn AnyCell>, cause: ExitReason, mode: Mode, deadline: Option<Instant>) -> bool {
    let drains = match mode {
        Mode::AsPolicy => cell.policy().on_stop == OnStop::Drain,
        Mode::Drain => true,
        Mode::Now => false,
    };
    ask_to_end(cell, cause, if drains { Signals::STOP | Signals::DRAIN } else { Signals::STOP }, deadline)
}

/// Kills an actor and all below it.
pub(crate) fn kill(cell: &Arc<dyn AnyCell>) {
    cascade(cell, Signals::KILL | Signals::STOP, None);
}

/// Kills an actor and all below it, and tells it by when it should be done.
pub(crate) fn kill_by(cell: &Arc<dyn AnyCell>, deadline: Instant) {
    cascade(cell, Signals::KILL | Signals::STOP, Some(deadline));
}

/// Has an actor drop everything, its stop hook too, and all below it.
pub(crate) fn abort(cell: &Arc<dyn AnyCell>) {
    cascade(cell, Signals::ABORT | Signals::KILL | Signals::STOP, None);
}

fn cascade(cell: &Arc<dyn AnyCell>, signals: u32, mut deadline: Option<Instant>) {
    let mut all = vec![cell.clone()];
    while let Some(next) = all.pop() {
        // The deadline is that of the first; each parent then sets its children their own.
        ask_to_end(&next, ExitReason::Killed, signals, deadline.take());
        // Marked first, then looked at: a child that is being admitted sees the mark, or is seen here.
        if let Some(family) = next.core().family() {
            all.extend(family.children());
        }
    }
}

fn ask_to_end(cell: &Arc<dyn AnyCell>, cause: ExitReason, signals: u32, deadline: Option<Instant>) -> bool {
    let core = cell.core();
    if core.signals.get() & (signals | Signals::ENDED) == signals && deadline.is_none() {
        return false;
    }
    let asked = core.with_ties(|ties| {
        if ties.claimed {
            return None;
        }
        let first = ties.cause.is_none();
        if first {
            ties.cause = Some(cause);
        }
        let order = ties.order.get_or_insert_with(|| StopOrder { at: Instant::now(), deadline });
        order.deadline = match (order.deadline, deadline) {
            // The deadline to stop is over; this is the time that is left for the end.
            (Some(_), Some(new)) if signals & Signals::KILL != 0 => Some(new),
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
        // Whether to drain is decided once, by the first request.
        let signals = if first { signals } else { signals & !Signals::DRAIN };
        core.signals.set(signals);
        Some((first, ties.stop_waiters.take(), ties.token.clone()))
    });
    let Some((first, waiters, token)) = asked else { return false };
    cell.close(Closed::Stopping);
    cell.clone().call();
    wake_all(waiters);
    if let Some(token) = token {
        token.cancel();
    }
    first
}

/// Hands an exit to an actor, ahead of its mailbox.
pub(crate) fn deliver(cell: &Arc<dyn AnyCell>, event: Event) {
    let core = cell.core();
    let refused = core.with_ties(|ties| {
        if ties.claimed {
            return Some(event);
        }
        ties.add_event(event);
        core.signals.set(Signals::EVENTS);
        None
    });
    if refused.is_none() {
        cell.clone().call();
    }
}
