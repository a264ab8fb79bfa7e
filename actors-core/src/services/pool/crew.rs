//! The crew: who the workers of a pool are, as all who send to them see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::routing::{self, Load, Routing};
use crate::actor::Actor;
use crate::address::ActorRef;

/// The workers of one pool, and whose turn it is.
pub(super) struct Crew<W: Actor> {
    roster: watch::Sender<Roster<W>>,
    turn: AtomicUsize,
}

struct Roster<W: Actor> {
    workers: Vec<ActorRef<W>>,
    routing: Routing,
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
            roster: watch::Sender::new(Roster { workers: Vec::new(), routing: Routing::default() }),
            turn: AtomicUsize::new(0),
        })
    }

    /// Makes known who the workers are now.
    pub(super) fn publish(&self, workers: Vec<ActorRef<W>>, routing: Routing) {
        // The old ones are dropped here, after the lock has been released: the last reference to an actor takes what its
        // senders have left with it.
        drop(self.roster.send_replace(Roster { workers, routing }));
    }

    /// Picks a worker among those that have not ended for good.
    pub(super) fn pick(&self, by: By) -> Option<ActorRef<W>> {
        let roster = self.roster.borrow();
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
        self.roster.borrow().workers.iter().filter(|worker| worker.is_alive()).cloned().collect()
    }

    /// Hears of each change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<impl Send + Sync + use<W>> {
        self.roster.subscribe()
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
