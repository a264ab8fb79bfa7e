//! How an actor is asked to end, and how it is told what comes beside its messages: untyped and without waiting.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cell::{AnyCell, Core, Ties};
use super::event::Event;
use super::exit::{Exit, ExitReason};
use super::policy::OnStop;
use super::signal::Signals;
use super::ties::StopOrder;
use crate::caught::unless_it_panics;
use crate::mailbox::Closed;
use crate::sync::{Wakers, wake_all};

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
    ask_to_end(cell, cause, stop_signals(cell, mode), deadline)
}

/// Asks an actor to end, as [`stop`] does, and not to be restarted.
pub(crate) fn retire(cell: &Arc<dyn AnyCell>, cause: ExitReason, mode: Mode, deadline: Option<Instant>) -> bool {
    ask_to_end(cell, cause, stop_signals(cell, mode) | Signals::FINAL, deadline)
}

/// Has a task end an actor that its parent has begun to end without one, at `asked_at`.
pub(crate) fn retire_in_task(cell: Arc<dyn AnyCell>, asked_at: Instant) {
    let core = cell.core();
    let (felt, later) = core.with_ties(|ties| {
        let felt = raise(core, ties, &ExitReason::Shutdown, Signals::STOP | Signals::FINAL, None);
        // Whatever has come since was not the first.
        let later = ties.cause.replace(ExitReason::Shutdown);
        ties.order.get_or_insert(StopOrder { at: asked_at, deadline: None }).at = asked_at;
        (felt, later)
    });
    drop(later);
    follow_up(&cell, felt);
    cell.start_task();
}

/// Fails one incarnation of an actor with what has gone wrong in its work. One that is ending keeps it beside its own reason; a later
/// one, or one that has ended, has nothing to do with it. Says whether it comes too late for the actor's own end to tell of it.
pub(crate) fn fail(cell: &Arc<dyn AnyCell>, incarnation: u64, reason: ExitReason) -> bool {
    let core = cell.core();
    let mut is_too_late = false;
    let felt = core.with_ties(|ties| {
        is_too_late = ties.claimed;
        if core.incarnation() != incarnation || ties.claimed || ties.down.is_some() {
            return Felt::Nothing;
        }
        let felt = raise(core, ties, &reason, Signals::STOP, None);
        if !matches!(felt, Felt::Stop { first: true, .. }) {
            ties.failed_work.push(reason.clone());
        }
        felt
    });
    follow_up(cell, felt);
    is_too_late
}

fn stop_signals(cell: &Arc<dyn AnyCell>, mode: Mode) -> u32 {
    let drains = match mode {
        Mode::AsPolicy => cell.policy().on_stop == OnStop::Drain,
        Mode::Drain => true,
        Mode::Now => false,
    };
    if drains { Signals::STOP | Signals::DRAIN } else { Signals::STOP }
}

/// Ends the incarnation of an actor so that another can begin. One that is not to be restarted ends for good.
pub(crate) fn bounce(cell: &Arc<dyn AnyCell>, deadline: Option<Instant>) -> bool {
    ask_to_end(cell, ExitReason::Shutdown, Signals::STOP | Signals::BOUNCED, deadline)
}

/// Kills an actor and all below it. A supervised one may be restarted; what stood below it is gone for good.
pub(crate) fn kill(cell: &Arc<dyn AnyCell>) {
    cascade(cell, Signals::KILL | Signals::STOP, 0, None);
}

/// Kills an actor and all below it for good.
pub(crate) fn kill_for_good(cell: &Arc<dyn AnyCell>) {
    cascade(cell, Signals::KILL | Signals::STOP, Signals::FINAL, None);
}

/// Kills an actor and all below it, tells it by when it should be done, and promises to take all further steps.
pub(crate) fn kill_by(cell: &Arc<dyn AnyCell>, deadline: Instant) {
    cascade(cell, Signals::KILL | Signals::STOP, Signals::FELLED, Some(deadline));
}

/// Has an actor drop everything, its stop hook too, and all below it. It is not restarted.
pub(crate) fn abort(cell: &Arc<dyn AnyCell>) {
    cascade(cell, Signals::ABORT | Signals::KILL | Signals::STOP, Signals::FELLED | Signals::FINAL, None);
}

/// Raises `signals` for an actor and all below it; the actor itself gets `own` too, those below it are felled.
///
/// All are marked before any feels it, and then the lowest feels it first. Where the runtime has gone, whoever is at rest ends when he
/// feels it: then those below him have ended, and no tree needs a deep stack.
fn cascade(cell: &Arc<dyn AnyCell>, signals: u32, own: u32, deadline: Option<Instant>) {
    let (mut all, mut marked) = (Vec::new(), Vec::new());
    let mut next = Some((cell.clone(), signals | own, deadline));
    while let Some((cell, signals_here, deadline)) = next {
        // Whoever had raised all of it before goes on below, or has done so.
        let raised = cell.core().signals.get() & signals_here == signals_here;
        let incarnation = cell.core().incarnation();
        let felt = mark(&cell, ExitReason::Killed, signals_here, deadline);
        // Marked first, then looked at: a child that is being admitted sees the mark, or is seen here.
        if let Some(family) = cell.core().family().filter(|_| !raised) {
            let children = family.children();
            // It may have ended and been restarted meanwhile; those below it now have nothing to do with this.
            if cell.core().incarnation() == incarnation {
                all.extend(children.into_iter().rev());
            }
        }
        marked.push((cell, felt));
        next = all.pop().map(|below| (below, signals | Signals::FELLED | Signals::FINAL, None));
    }
    while let Some((cell, felt)) = marked.pop() {
        follow_up(&cell, felt);
    }
}

fn ask_to_end(cell: &Arc<dyn AnyCell>, cause: ExitReason, signals: u32, deadline: Option<Instant>) -> bool {
    match weigh(cell, &cause, signals, deadline) {
        Asked::Raise(raised) => {
            let felt = cell.core().with_ties(|ties| raise(cell.core(), ties, &cause, raised, deadline));
            let first = matches!(felt, Felt::Stop { first: true, .. });
            follow_up(cell, felt);
            first
        }
        asked => matches!(asked, Asked::Ended),
    }
}

/// Marks an actor as one that is to end. What that brings is still to be done.
fn mark(cell: &Arc<dyn AnyCell>, cause: ExitReason, signals: u32, deadline: Option<Instant>) -> Felt {
    match weigh(cell, &cause, signals, deadline) {
        Asked::Raise(raised) => cell.core().with_ties(|ties| raise(cell.core(), ties, &cause, raised, deadline)),
        Asked::Ended | Asked::Again => Felt::Nothing,
    }
}

/// What becomes of a request to end, before any lock is taken.
enum Asked {
    /// It says nothing new.
    Again,
    /// The actor was at rest, and has ended.
    Ended,
    /// These signals are to be raised.
    Raise(u32),
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn weigh(cell: &Arc<dyn AnyCell>, cause: &ExitReason, signals: u32, deadline: Option<Instant>) -> Asked {
    let core = cell.core();
    let raised = raised_by(core, cause, signals);
    if core.signals.get() & (raised | Signals::ENDED) == raised && deadline.is_none() {
        return Asked::Again;
    }
    let at_rest = raised & (Signals::FINAL | Signals::KILL) == Signals::FINAL && cell.clone().end_at_rest(cause);
    if at_rest { Asked::Ended } else { Asked::Raise(raised) }
}

/// What a request raises: besides what it says, that the end is the last, unless the actor is restarted after it. A later request may so
/// make an end the last that was not to be.
fn raised_by(core: &Core, cause: &ExitReason, signals: u32) -> u32 {
    // A clean end is no reason not to restart one that is ended for just that.
    let restarts = if signals & Signals::BOUNCED != 0 { !core.is_final() } else { core.may_be_restarted_after(cause) };
    if restarts { signals } else { signals | Signals::FINAL }
}

/// Hands an event to an actor, beside its mailbox.
pub(crate) fn deliver(cell: &Arc<dyn AnyCell>, event: Event) {
    affect(cell, |_| Effect::Told(event));
}

/// What the end of one actor does to another.
pub(crate) enum Effect {
    Nothing,
    Told(Event),
    Stopped(ExitReason, Mode),
}

/// Has an actor feel what `decide` says. Both happen under the lock of its ties.
pub(crate) fn affect(cell: &Arc<dyn AnyCell>, decide: impl FnOnce(&mut Ties) -> Effect) {
    let core = cell.core();
    // Dropped when the lock has been released.
    let mut why = None;
    let felt = core.with_ties(|ties| match decide(ties) {
        Effect::Nothing => Felt::Nothing,
        Effect::Told(event) if ties.claimed => Felt::Refused(Box::new(event)),
        Effect::Told(event) => {
            ties.add_event(event);
            core.signals.set(Signals::EVENTS);
            Felt::Event
        }
        Effect::Stopped(cause, mode) => raise(core, ties, why.insert(cause), stop_signals(cell, mode), None),
    });
    follow_up(cell, felt);
}

/// What is to be done once the lock is released.
enum Felt {
    Nothing,
    /// The actor has ended; what it holds may have a destructor of a user's, and is dropped outside the lock.
    Refused(#[allow(dead_code, reason = "kept to be dropped")] Box<Event>),
    Event,
    Stop {
        first: bool,
        waiters: Wakers,
        token: Option<CancellationToken>,
    },
    /// It was between two incarnations, and there is none to come: it is claimed, and its end is to be made known. How the last
    /// incarnation ended is dropped outside the lock, too.
    Over(Exit, #[allow(dead_code, reason = "kept to be dropped")] Box<Exit>),
}

fn raise(core: &Core, ties: &mut Ties, cause: &ExitReason, signals: u32, deadline: Option<Instant>) -> Felt {
    if ties.claimed {
        return Felt::Nothing;
    }
    let signals = raised_by(core, cause, signals);
    if let Some(last) = ties.down.take_if(|_| signals & Signals::FINAL != 0) {
        ties.claimed = true;
        core.signals.set(signals);
        // Its turn is now, and not when its last incarnation ended.
        ties.order = Some(StopOrder { at: Instant::now(), deadline });
        // It had failed, which was told, and would have been restarted; that it is not, is the reason of its end.
        return Felt::Over(Exit::new(cause.clone()), last);
    }
    if ties.down.is_some() {
        // There is no incarnation that could end.
        return Felt::Nothing;
    }
    let first = ties.cause.is_none();
    if first {
        ties.cause = Some(cause.clone());
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
    Felt::Stop { first, waiters: ties.stop_waiters.take(), token: ties.token.clone() }
}

/// Whether an incarnation was asked to end: it is, once there is a later one.
pub(crate) fn is_asked(core: &Core, incarnation: u64) -> bool {
    core.is_stopping() || core.incarnation() != incarnation
}

/// Waits until an incarnation is asked to end. Who waits no longer [leaves](forget_waiter).
pub(crate) fn poll_asked(core: &Core, incarnation: u64, key: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<()> {
    if is_asked(core, incarnation) {
        return Poll::Ready(());
    }
    let mut _old = None;
    core.with_ties(|ties| {
        // Looked at under the lock under which the signal is raised.
        if is_asked(core, incarnation) {
            return Poll::Ready(());
        }
        _old = ties.add_stop_waiter(key, cx.waker());
        Poll::Pending
    })
}

/// Forgets one who waited until an actor is asked to end.
pub(crate) fn forget_waiter(core: &Core, key: Option<u64>) {
    if let Some(key) = key {
        core.if_tied(|ties| ties.stop_waiters.remove(key));
    }
}

fn follow_up(cell: &Arc<dyn AnyCell>, felt: Felt) {
    match felt {
        Felt::Nothing | Felt::Refused(_) => {}
        Felt::Event => cell.clone().call(),
        Felt::Over(exit, _) => {
            let overseer = cell.core().parent.overseer().expect("only who is overseen is ever down");
            overseer.over(cell, exit);
        }
        Felt::Stop { waiters, token, .. } => {
            if cell.core().is_final() {
                cell.close(Closed::Stopping);
            }
            cell.clone().call();
            wake_all(waiters);
            if let Some(token) = token {
                let _ = unless_it_panics(|| token.cancel());
            }
        }
    }
}
