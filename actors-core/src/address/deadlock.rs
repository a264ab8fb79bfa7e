//! Asks, and tells that wait for room, that would wait for themselves.
//!
//! While a handler awaits an ask, its actor has an entry that says whom it waits for, and at which number in that mailbox
//! its request stands. Such an edge holds as long as the request waits for room, is queued or in hand, and has no answer;
//! a request whose handler has returned waits for whoever holds its `ReplyTo`, and is no edge. Edges are entered before
//! the walk, so of two actors that ask each other at the same time at least one sees the other.
//!
//! A tell has such an entry while it waits for room, as long as none has been granted to it (`in_line.rs`).
//!
//! One that is to be restarted begins its next life only after others have ended: those below it, and the siblings who are stopped with
//! it. It waits for them as they would for an answer: that is an edge too, which stands nowhere and is found by looking at who is to end.
//! Since nobody asks when it comes about, those who are to end are looked through then.
//!
//! An edge that does not hold any more never holds again. So if all edges of a cycle still hold after the last of them was
//! found, they have held at the same time, and the cycle is one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::lifecycle::cell::{AnyCell, Core};
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::signal::Signals;
use crate::lifecycle::ties::{Answer, StashPlace};

/// The number of a request that is not in the mailbox yet.
pub(crate) const UNSENT: u64 = u64::MAX;

/// One actor waits for another.
#[derive(Clone)]
enum Edge {
    Ask(Ask),
    /// The next life of `waiting` begins only after `target` has ended.
    End {
        waiting: Arc<dyn AnyCell>,
        target: Arc<dyn AnyCell>,
    },
}

impl Edge {
    fn target(&self) -> &Arc<dyn AnyCell> {
        match self {
            Edge::Ask(Ask { target, .. }) | Edge::End { target, .. } => target,
        }
    }

    fn holds(&self) -> bool {
        match self {
            Edge::Ask(ask) => ask.holds(),
            Edge::End { waiting, target } => waits_for_end(waiting, target),
        }
    }
}

/// A request, and whoever is to answer it; or a tell, which is answered by room.
#[derive(Clone)]
pub(crate) struct Ask {
    target: Arc<dyn AnyCell>,
    /// The number of the request in the target's mailbox.
    number: u64,
    answer: Arc<dyn Answer>,
    /// How often the request had been stashed when this was found.
    stashed: u32,
}

impl Ask {
    pub(crate) fn new(target: Arc<dyn AnyCell>, number: u64, answer: Arc<dyn Answer>) -> Self {
        let stashed = answer.stashed().times;
        Ask { target, number, answer, stashed }
    }

    /// The same as it is found now.
    fn again(&self) -> Self {
        Ask::new(self.target.clone(), self.number, self.answer.clone())
    }

    fn holds(&self) -> bool {
        let stashed = self.answer.stashed();
        let waits = stashed.place != StashPlace::Nowhere || self.target.holds(self.number);
        waits && stashed.times == self.stashed && self.answer.is_awaited()
    }
}

/// The paths of the cycle that `ask` of `asker` would close, beginning and ending with the asker.
pub(crate) fn would_close(asker: &Arc<dyn AnyCell>, ask: &Ask) -> Option<Vec<ActorPath>> {
    let edges = round(asker, ask)?;
    if asks_and_has_to_end(&edges).is_some() { None } else { Some(paths(asker, &edges)) }
}

/// The paths of the cycle that `ask` of `asker` closes, now that it stands among its open asks. If another on it asks, and has to end
/// before it can be answered, that one is told instead.
pub(crate) fn closes(asker: &Arc<dyn AnyCell>, ask: &Ask) -> Option<Vec<ActorPath>> {
    loop {
        let edges = round(asker, ask)?;
        let mut paths = paths(asker, &edges);
        let Some((place, other)) = asks_and_has_to_end(&edges) else { return Some(paths) };
        paths.pop();
        paths.rotate_left(place);
        paths.extend(paths.first().cloned());
        other.answer.clone().break_off(paths);
    }
}

/// The edges of a cycle over `ask`, all of which hold.
fn round(asker: &Arc<dyn AnyCell>, ask: &Ask) -> Option<Vec<Edge>> {
    loop {
        let edges = walk(asker, ask.again())?;
        if edges.iter().all(Edge::holds) {
            return Some(edges);
        }
        if !ask.again().holds() {
            return None;
        }
    }
}

/// One on a cycle for whose end another waits, and what it asks; and how far from the asker it stands.
fn asks_and_has_to_end(edges: &[Edge]) -> Option<(usize, &Ask)> {
    edges.windows(2).zip(1..).find_map(|(pair, place)| match pair {
        [Edge::End { .. }, Edge::Ask(ask)] => Some((place, ask)),
        _ => None,
    })
}

/// All who stand on a cycle, the asker first and last.
fn paths(asker: &Arc<dyn AnyCell>, edges: &[Edge]) -> Vec<ActorPath> {
    let others = edges.iter().map(Edge::target).filter(|target| target.id() != asker.id());
    [asker].into_iter().chain(others).chain([asker]).map(|cell| cell.path()).collect()
}

/// The edges that lead from `asker` over `ask` back to it, or to one that waits for its end, as they were found one after the other.
fn walk(asker: &Arc<dyn AnyCell>, ask: Ask) -> Option<Vec<Edge>> {
    let mut next = vec![ask.target.clone()];
    // By which edge an actor was reached, and from whom.
    let mut reached: HashMap<ActorId, (ActorId, Edge)> = HashMap::from([(ask.target.id(), (asker.id(), Edge::Ask(ask)))]);
    while let Some(waiting) = next.pop() {
        if waiting.id() == asker.id() || waits_for_end(&waiting, asker) {
            return Some(trace(asker.id(), waiting.id(), &reached));
        }
        for edge in open_asks(&waiting).into_iter().map(Edge::Ask).chain(awaited_ends(&waiting)) {
            if !edge.holds() {
                continue;
            }
            if let Entry::Vacant(unseen) = reached.entry(edge.target().id()) {
                next.push(edge.target().clone());
                unseen.insert((waiting.id(), edge));
            }
        }
    }
    None
}

/// Those who ask, among those after whose end the next life of an actor begins.
fn awaited_ends(waiting: &Arc<dyn AnyCell>) -> impl Iterator<Item = Edge> {
    let core = waiting.core();
    let signals = core.signals.get();
    let first = if signals & Signals::DOWN != 0 {
        awaited_siblings(waiting)
    } else if signals & Signals::FALLS != 0 {
        core.family().map(|family| family.children()).unwrap_or_default()
    } else {
        Vec::new()
    };
    with_all_below(first)
        .into_iter()
        .filter(|cell| cell.core().asks_somebody())
        .map(move |target| Edge::End { waiting: waiting.clone(), target })
}

/// The siblings who have to be stopped before one that is down begins its next life.
fn awaited_siblings(down: &Arc<dyn AnyCell>) -> Vec<Arc<dyn AnyCell>> {
    down.core().parent.overseer().map(|overseer| overseer.awaited_by(down)).unwrap_or_default()
}

/// Actors, and all that stand below them.
fn with_all_below(mut all: Vec<Arc<dyn AnyCell>>) -> Vec<Arc<dyn AnyCell>> {
    let mut next = 0;
    while let Some(cell) = all.get(next) {
        let below = cell.core().family().map(|family| family.children());
        all.extend(below.unwrap_or_default());
        next += 1;
    }
    all
}

/// Whether the next life of an actor begins only after another has ended.
pub(crate) fn waits_for_end(actor: &Arc<dyn AnyCell>, other: &Arc<dyn AnyCell>) -> bool {
    let signals = actor.core().signals.get() & (Signals::FALLS | Signals::DOWN);
    if signals == 0 {
        return false;
    }
    let mut above = other.clone();
    loop {
        let family = above.core().parent.clone();
        if family.owner_id == actor.id() {
            // Once it is down, it does not wait for those who have not reacted.
            return signals & Signals::DOWN == 0;
        }
        if Arc::ptr_eq(&family, &actor.core().parent) {
            return awaited_siblings(actor).iter().any(|sibling| Arc::ptr_eq(sibling, &above));
        }
        let Some(owner) = family.owner() else { return false };
        above = owner;
    }
}

/// Tells those of an actor and of all below it who wait for what cannot come before their end.
pub(crate) fn break_off(actor: &Arc<dyn AnyCell>) {
    let mut asks = Vec::new();
    for waiting in with_all_below(vec![actor.clone()]) {
        asks.extend(open_asks(&waiting).into_iter().map(|ask| (waiting.clone(), ask)));
    }
    let break_off = |(asker, ask): &(Arc<dyn AnyCell>, Ask)| {
        if let Some(cycle) = closes(asker, ask) {
            ask.answer.clone().break_off(cycle);
        }
    };
    // First those who ask it themselves: then whoever waits for one of them may yet have an answer.
    asks.iter().filter(|(asker, ask)| waits_for_end(&ask.target, asker)).for_each(break_off);
    asks.iter().for_each(break_off);
}

/// Whether an actor that waits for another may close a cycle. Mostly the other waits for nobody, and there is nothing to be looked through.
#[inline]
pub(crate) fn may_close(asker: &Core, target: &Core) -> bool {
    target.asks_somebody() || target.signals.any(Signals::FALLS | Signals::DOWN) || std::ptr::eq(asker, target)
}

fn open_asks(cell: &Arc<dyn AnyCell>) -> Vec<Ask> {
    let asks =
        cell.core().peek_ties(|ties| ties.asks.iter().map(|ask| Ask::new(ask.target.clone(), ask.number, ask.answer.clone())).collect());
    asks.unwrap_or_default()
}

fn trace(asker: ActorId, last: ActorId, reached: &HashMap<ActorId, (ActorId, Edge)>) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut id = last;
    while let Some((from, edge)) = reached.get(&id) {
        edges.push(edge.clone());
        id = *from;
        if id == asker {
            break;
        }
    }
    edges.reverse();
    edges
}
