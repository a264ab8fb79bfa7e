//! Asks that would wait for themselves.
//!
//! While a handler awaits an ask, its actor has an entry that says whom it waits for, and at which number in that mailbox
//! its request stands. Such an edge holds as long as the request is queued or in hand; a request whose handler has
//! returned waits for whoever holds its `ReplyTo`, and is no edge. Edges are entered before the walk, so of two actors
//! that ask each other at the same time at least one sees the other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;

/// The paths of the cycle that an ask of `asker` to `target` closes, beginning and ending with the asker.
pub(crate) fn cycle(asker: &Arc<dyn AnyCell>, target: &Arc<dyn AnyCell>) -> Option<Vec<ActorPath>> {
    if asker.id() == target.id() {
        return Some(vec![asker.path(), asker.path()]);
    }
    // Who was reached from whom.
    let mut from: HashMap<ActorId, Option<Arc<dyn AnyCell>>> = HashMap::from([(target.id(), None)]);
    let mut next = vec![target.clone()];
    while let Some(waiting) = next.pop() {
        for (other, number) in open_asks(&waiting) {
            let in_hand = if other.core().handles() { other.taken() } else { other.taken() + 1 };
            if number < in_hand {
                continue;
            }
            if other.id() == asker.id() {
                return Some(trace(asker, &waiting, &from));
            }
            if let Entry::Vacant(unseen) = from.entry(other.id()) {
                unseen.insert(Some(waiting.clone()));
                next.push(other);
            }
        }
    }
    None
}

fn open_asks(cell: &Arc<dyn AnyCell>) -> Vec<(Arc<dyn AnyCell>, u64)> {
    cell.core().peek_ties(|ties| ties.asks.iter().map(|ask| (ask.target.clone(), ask.number)).collect()).unwrap_or_default()
}

fn trace(asker: &Arc<dyn AnyCell>, last: &Arc<dyn AnyCell>, from: &HashMap<ActorId, Option<Arc<dyn AnyCell>>>) -> Vec<ActorPath> {
    let mut paths = vec![asker.path(), last.path()];
    let mut id = last.id();
    while let Some(Some(before)) = from.get(&id) {
        paths.push(before.path());
        id = before.id();
    }
    paths.push(asker.path());
    paths.reverse();
    paths
}
