//! Asks that would wait for themselves.
//!
//! While a handler awaits an ask, its actor has an entry that says whom it waits for, and at which number in that mailbox
//! its request stands. Such an edge holds as long as the request waits for room, is queued or in hand, and has no answer;
//! a request whose handler has returned waits for whoever holds its `ReplyTo`, and is no edge. Edges are entered before
//! the walk, so of two actors that ask each other at the same time at least one sees the other.
//!
//! One that is to be restarted begins its next life only after others have ended: those below it, and the siblings who are stopped with
//! it. It waits for them as they would for an answer, so this closes a cycle too. Since nobody asks then, those who are to end are
//! looked through when it comes about, as well as whenever they ask.
//!
//! An edge that does not hold any more never holds again. So if all edges of a cycle still hold after the last of them was
//! found, they have held at the same time, and the cycle is one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::signal::Signals;
use crate::lifecycle::ties::{Answer, StashPlace};

/// The number of a request that is not in the mailbox yet.
pub(crate) const UNSENT: u64 = u64::MAX;

/// One actor waits for another.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) target: Arc<dyn AnyCell>,
    /// The number of the request in the target's mailbox.
    pub(crate) number: u64,
    pub(crate) answer: Arc<dyn Answer>,
    /// How often the request had been stashed when the edge was found.
    stashed: u32,
}

impl Edge {
    pub(crate) fn new(target: Arc<dyn AnyCell>, number: u64, answer: Arc<dyn Answer>) -> Self {
        let stashed = answer.stashed().times;
        Edge { target, number, answer, stashed }
    }

    /// The edge as it is found now.
    fn again(&self) -> Self {
        Edge::new(self.target.clone(), self.number, self.answer.clone())
    }

    fn holds(&self) -> bool {
        let stashed = self.answer.stashed();
        let waits = stashed.place != StashPlace::Nowhere || self.target.holds(self.number);
        waits && stashed.times == self.stashed && self.answer.is_awaited()
    }
}

/// The paths of the cycle that `ask` of `asker` closes, beginning and ending with the asker.
pub(crate) fn cycle(asker: &Arc<dyn AnyCell>, ask: &Edge) -> Option<Vec<ActorPath>> {
    loop {
        let ask = &ask.again();
        let edges = walk(asker, ask)?;
        if edges.iter().all(Edge::holds) {
            let mut paths: Vec<_> = [asker.path()].into_iter().chain(edges.iter().map(|edge| edge.target.path())).collect();
            if edges.last().is_some_and(|last| last.target.id() != asker.id()) {
                paths.push(asker.path());
            }
            return Some(paths);
        }
        if !ask.again().holds() {
            return None;
        }
    }
}

/// The edges that lead from `asker` over `ask` back to it, or to one that waits for its end, as they were found one after the other.
fn walk(asker: &Arc<dyn AnyCell>, ask: &Edge) -> Option<Vec<Edge>> {
    // By which edge an actor was reached, and from whom.
    let mut reached: HashMap<ActorId, (ActorId, Edge)> = HashMap::from([(ask.target.id(), (asker.id(), ask.clone()))]);
    let mut next = vec![ask.target.clone()];
    while let Some(waiting) = next.pop() {
        if waiting.id() == asker.id() || waits_for_end(&waiting, asker) {
            return Some(trace(asker.id(), waiting.id(), &reached));
        }
        for edge in open_asks(&waiting) {
            if !edge.holds() {
                continue;
            }
            if let Entry::Vacant(unseen) = reached.entry(edge.target.id()) {
                next.push(edge.target.clone());
                unseen.insert((waiting.id(), edge));
            }
        }
    }
    None
}

/// Whether the next life of an actor begins only after another has ended.
pub(crate) fn waits_for_end(actor: &Arc<dyn AnyCell>, other: &Arc<dyn AnyCell>) -> bool {
    if !actor.core().signals.any(Signals::FALLS | Signals::DOWN) {
        return false;
    }
    let mut above = other.clone();
    loop {
        let family = above.core().parent.clone();
        if family.owner_id == actor.id() {
            return true;
        }
        if Arc::ptr_eq(&family, &actor.core().parent) {
            return family.overseer().is_some_and(|overseer| overseer.starts_after(actor, &above));
        }
        let Some(owner) = family.owner() else { return false };
        above = owner;
    }
}

/// Tells those of an actor and of all below it who wait for what cannot come before their end.
pub(crate) fn break_off(actor: &Arc<dyn AnyCell>) {
    let mut all = vec![actor.clone()];
    let mut next = 0;
    while let Some(cell) = all.get(next) {
        let below = cell.core().family().map(|family| family.children());
        all.extend(below.unwrap_or_default());
        next += 1;
    }
    // First those who ask it themselves: then whoever waits for one of them may yet have an answer.
    break_off_if(&all, |asker, ask| waits_for_end(&ask.target, asker));
    break_off_if(&all, |_, _| true);
}

fn break_off_if(askers: &[Arc<dyn AnyCell>], is_it: impl Fn(&Arc<dyn AnyCell>, &Edge) -> bool) {
    for asker in askers {
        for ask in open_asks(asker) {
            if is_it(asker, &ask) {
                if let Some(cycle) = cycle(asker, &ask) {
                    ask.answer.break_off(cycle);
                }
            }
        }
    }
}

fn open_asks(cell: &Arc<dyn AnyCell>) -> Vec<Edge> {
    let edges =
        cell.core().peek_ties(|ties| ties.asks.iter().map(|ask| Edge::new(ask.target.clone(), ask.number, ask.answer.clone())).collect());
    edges.unwrap_or_default()
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
