//! Those who take turns: what one does in its turn is a model's to say, and the run queue and its runners are the real ones.

use std::sync::{Arc, Condvar};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::lifecycle::run_queue::{RunQueue, TakesTurns};
use crate::sync::{Mutex, lock};

/// How long a runner sleeps before it goes.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// A run queue, and the workers of its runtime.
pub(crate) struct Game {
    runtime: Runtime,
    pub(crate) queue: Arc<RunQueue>,
}

impl Game {
    pub(crate) fn new(workers: usize) -> Game {
        let runtime = Runtime::new(workers);
        loom::explore();
        Game { queue: RunQueue::new(runtime.handle().clone(), LINGER), runtime }
    }

    /// One who does nothing in its turns.
    pub(crate) fn player(&self) -> Arc<Player> {
        self.player_who(|_| {})
    }

    pub(crate) fn player_who(&self, turn: impl Fn(&Arc<Player>) + Send + Sync + 'static) -> Arc<Player> {
        Arc::new(Player { queue: self.queue.clone(), turn: Box::new(turn), turns: Count::new(), tasks: Count::new() })
    }

    /// A task of the same runtime, which does not wait for anything but in `work`.
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        self.runtime.handle().spawn(async move { work() });
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The runtime goes, and what runs there.
    pub(crate) fn end(self) {
        self.runtime.shut_down();
    }
}

/// What somebody does in his turn.
type Turn = dyn Fn(&Arc<Player>) + Send + Sync;

/// One who has something to do, now and then.
pub(crate) struct Player {
    queue: Arc<RunQueue>,
    turn: Box<Turn>,
    /// The turns it has had.
    pub(crate) turns: Count,
    /// How often it got a task instead.
    pub(crate) tasks: Count,
}

impl Player {
    /// Has something to do.
    pub(crate) fn call(self: &Arc<Self>) {
        RunQueue::add(self.clone());
    }
}

impl TakesTurns for Player {
    fn run_queue(&self) -> &Arc<RunQueue> {
        &self.queue
    }

    fn depth(&self) -> u32 {
        0
    }

    fn take_turn(self: Arc<Self>) {
        self.turns.add();
        (self.turn)(&self);
    }

    fn start_task(self: Arc<Self>) {
        self.tasks.add();
    }
}

/// How often something has happened.
pub(crate) struct Count {
    /// And how many wait for that.
    times: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl Count {
    pub(crate) fn new() -> Count {
        Count { times: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn add(&self) {
        let waiting = {
            let mut now = lock(&self.times);
            now.0 += 1;
            now.1
        };
        if waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Blocks the thread until it has happened so often. If it never does, that is a deadlock.
    pub(crate) fn wait_for(&self, times: usize) {
        let mut now = lock(&self.times);
        while now.0 < times {
            now.1 += 1;
            now = self.changed.wait(now).expect("nothing panics here");
            now.1 -= 1;
        }
    }

    pub(crate) fn get(&self) -> usize {
        lock(&self.times).0
    }
}
