//! The crew: who the workers of a pool are, as all who send to them see it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::task::Waker;

use super::routing::{self, Load, Routing};
use crate::actor::Actor;
use crate::address::ActorRef;
use crate::sync::{Mutex, Wakers, lock, wake_all};

/// The workers of one pool, and whose turn it is.
pub(super) struct Crew<W: Actor> {
    roster: RwLock<Roster<W>>,
    turn: AtomicUsize,
    /// Who waits for workers.
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    wakers: Wakers,
    last_key: u64,
}

struct Roster<W: Actor> {
    workers: Vec<ActorRef<W>>,
    routing: Routing,
}

/// How it is with workers of whom none is to be had.
pub(super) enum Last<W: Actor> {
    /// There are no workers yet.
    Nobody,
    /// This one has not quite ended.
    Ends(ActorRef<W>),
    /// All have.
    Ended,
}

/// How one message is routed.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    /// As the pool says.
    Policy,
    /// By its key, hashed.
    Key(u64),
}

impl<W: Actor> Crew<W> {
    /// The crew of the pool behind `pool`, the same one whenever this is asked.
    pub(super) fn of<P: Actor>(pool: &ActorRef<P>) -> Arc<Self> {
        pool.attached(|| Crew {
            roster: RwLock::new(Roster { workers: Vec::new(), routing: Routing::default() }),
            turn: AtomicUsize::new(0),
            waiting: Mutex::default(),
        })
    }

    /// Makes known who the workers are now.
    pub(super) fn publish(&self, workers: Vec<ActorRef<W>>, routing: Routing) {
        let old = {
            let mut roster = self.roster.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *roster, Roster { workers, routing })
        };
        let waiting = lock(&self.waiting).wakers.take();
        wake_all(waiting);
        // Not under a lock: the last reference to an actor takes what its senders have left with it.
        drop(old);
    }

    /// Picks a worker among those that have not ended for good.
    pub(super) fn pick(&self, by: By) -> Option<ActorRef<W>> {
        let roster = self.roster();
        let workers = &roster.workers;
        let picked = match (by, roster.routing) {
            (By::Key(key), _) => routing::by_key(workers, key, ActorRef::is_alive),
            (By::Policy, Routing::RoundRobin) => routing::in_turn(workers, self.next_turn(), ActorRef::is_alive),
            (By::Policy, Routing::LeastLoaded) => routing::least_loaded(workers, self.next_turn(), load),
        };
        picked.cloned()
    }

    /// The workers that have not ended for good, in the order of their places.
    pub(super) fn workers(&self) -> Vec<ActorRef<W>> {
        self.roster().workers.iter().filter(|worker| worker.is_alive()).cloned().collect()
    }

    /// Whose end is still to be awaited, where no worker is to be had.
    pub(super) fn last_to_end(&self) -> Last<W> {
        let roster = self.roster();
        let ends = roster.workers.iter().find(|worker| worker.core().exit().is_none());
        match ends {
            Some(worker) => Last::Ends(worker.clone()),
            None if roster.workers.is_empty() => Last::Nobody,
            None => Last::Ended,
        }
    }

    /// Has `waker` woken at the next change, once; `key` says where it stands.
    pub(super) fn wait(&self, key: &mut Option<u64>, waker: &Waker) {
        let old = {
            let Waiting { wakers, last_key } = &mut *lock(&self.waiting);
            wakers.register(last_key, key, waker)
        };
        drop(old);
    }

    /// Nobody waits there any more.
    pub(super) fn wait_no_more(&self, key: u64) {
        let old = lock(&self.waiting).wakers.remove(key);
        drop(old);
    }

    fn roster(&self) -> RwLockReadGuard<'_, Roster<W>> {
        self.roster.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_turn(&self) -> usize {
        // Only which number comes next matters; it orders nothing else.
        self.turn.fetch_add(1, Ordering::Relaxed)
    }
}

/// What a worker has before it; nothing if it has ended for good.
fn load<W: Actor>(worker: &ActorRef<W>) -> Option<Load> {
    if !worker.is_alive() {
        return None;
    }
    let messages = worker.queued() + u64::from(worker.handles());
    Some(if worker.runs() { Load::Running(messages) } else { Load::Down(messages) })
}
