//! Links: two-way ties by which one end brings the other.
//!
//! A link stands in both tables, and both are locked when it is made or undone, the one with the smaller id first. The
//! end of one side takes its table out and then visits the peers; a peer whose own table no longer has the entry has
//! unlinked in time and hears nothing. It takes the entry out and feels the end under one lock, so that an unlink comes
//! either before, or finds all that the link did, and can take it back.

use std::sync::Arc;

use super::cell::{AnyCell, Ties};
use super::event::{Event, Exited, Tie};
use super::exit::{Exit, ExitReason, StartFailure};
use super::id::ActorId;
use super::request::{self, Effect, Mode};
use super::signal::Signals;
use super::ties::{Link, LinkKind};
use crate::sync::lock;

/// Ties two actors. If one has ended already, the other learns of it at once.
pub(crate) fn link(a: &Arc<dyn AnyCell>, b: &Arc<dyn AnyCell>, kind: LinkKind) {
    if a.id() == b.id() {
        return;
    }
    let (a_exit, b_exit) = with_both(a, b, |a_ties, b_ties| {
        if a_ties.exit.is_none() && b_ties.exit.is_none() {
            a_ties.links.insert(b.id(), Link { peer: b.clone(), kind });
            b_ties.links.insert(a.id(), Link { peer: a.clone(), kind });
        }
        (a_ties.exit.clone(), b_ties.exit.clone())
    });
    match (a_exit, b_exit) {
        (Some(exit), None) => request::affect(b, |_| effect(b, a, kind, &exit.reason)),
        (None, Some(exit)) => request::affect(a, |_| effect(a, b, kind, &exit.reason)),
        _ => {}
    }
}

/// Unties two actors. Nothing of that link arrives afterwards.
pub(crate) fn unlink(a: &Arc<dyn AnyCell>, b: &Arc<dyn AnyCell>) {
    if a.id() == b.id() {
        return;
    }
    let untied = with_both(a, b, |a_ties, b_ties| {
        let a_events = a_ties.take_events(|event| is_link_to(event, b.id()));
        let b_events = b_ties.take_events(|event| is_link_to(event, a.id()));
        (a_events, b_events, a_ties.links.remove(&b.id()), b_ties.links.remove(&a.id()))
    });
    drop(untied);
}

/// `ended` has ended: has `peer` feel it, if the link still stands on its side.
pub(crate) fn fire(peer: &Arc<dyn AnyCell>, ended: &Arc<dyn AnyCell>, exit: &Exit) {
    request::affect(peer, |ties| match ties.links.remove(&ended.id()) {
        Some(link) => effect(peer, ended, link.kind, &exit.reason),
        None => Effect::Nothing,
    });
}

/// What the end of `ended` does to `peer` over a link between them.
fn effect(peer: &Arc<dyn AnyCell>, ended: &Arc<dyn AnyCell>, kind: LinkKind, reason: &ExitReason) -> Effect {
    if matches!(reason, ExitReason::StartFailed(StartFailure::Declined)) {
        return Effect::Nothing;
    }
    let traps = peer.core().signals.any(Signals::TRAPS);
    if traps || kind == LinkKind::Notify {
        let exited = Exited { id: ended.id(), path: ended.path(), reason: reason.clone(), tie: Tie::Link };
        Effect::Told(Event::exited(exited))
    } else if !reason.is_clean() {
        Effect::Stopped(reason.spread(ended.path()), Mode::Now)
    } else if kind == LinkKind::OnExit {
        Effect::Stopped(ExitReason::Shutdown, Mode::AsPolicy)
    } else {
        Effect::Nothing
    }
}

fn is_link_to(event: &Event, id: ActorId) -> bool {
    event.is_exit(|exited| exited.id == id && matches!(exited.tie, Tie::Link))
}

fn with_both<R>(a: &Arc<dyn AnyCell>, b: &Arc<dyn AnyCell>, work: impl FnOnce(&mut Ties, &mut Ties) -> R) -> R {
    let a_first = a.id() < b.id();
    let (first, second) = if a_first { (a, b) } else { (b, a) };
    let mut first = lock(&first.core().ties);
    let mut second = lock(&second.core().ties);
    let first = first.held();
    let second = second.held();
    if a_first { work(first, second) } else { work(second, first) }
}
