//! Which actors have a task and nothing for it to do, and for how long?
//!
//! A task whose actor gets no more messages lingers for a while, so that a busy actor never pays for a new one, and then goes.
//! What a busy actor pays for is one look at a bit whenever it falls asleep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::cell::AnyCell;
use super::env::Env;
use super::signal::Signals;
use crate::sync::{Mutex, lock, note_wake};

/// How many are looked at before others get their turn.
const AT_ONCE: usize = 512;
/// A list is cleared of those who have ended when it has grown to twice what it was, and is at least this long.
const SMALLEST: usize = 64;

/// The actors whose tasks have nothing to do, as far as is known, in several lists, so that threads seldom meet.
#[derive(Default)]
struct Lingering {
    lists: [Mutex<List>; 8],
    /// There is a task that looks after the lists, or there is to be none.
    is_swept: AtomicBool,
    sweeper: Mutex<Sweeper>,
}

#[derive(Default)]
struct Sweeper {
    closed: bool,
    task: Option<AbortHandle>,
}

#[derive(Default)]
struct List {
    idle: Vec<Idle>,
    clear_at: usize,
}

struct Idle {
    cell: Weak<dyn AnyCell>,
    /// How many messages it had taken when it was last looked at.
    taken: Option<u64>,
}

impl Lingering {
    fn add(&self, cell: &Arc<dyn AnyCell>) {
        let mut list = lock(&self.lists[cell.id().0 as usize % self.lists.len()]);
        if list.idle.len() >= list.clear_at.max(SMALLEST) {
            list.idle.retain(|idle| idle.cell.strong_count() > 0);
            list.clear_at = 2 * list.idle.len();
        }
        list.idle.push(Idle { cell: Arc::downgrade(cell), taken: None });
    }

    fn is_empty(&self) -> bool {
        self.lists.iter().all(|list| lock(list).idle.is_empty())
    }
}

/// The system has shut down: no task goes any more, and none looks after them.
pub(crate) fn close(env: &Env) {
    let task = {
        let lingering = env.slots.get::<Lingering>();
        let mut sweeper = lock(&lingering.sweeper);
        sweeper.closed = true;
        sweeper.task.take()
    };
    if let Some(task) = task {
        task.abort();
    }
}

/// Notes that the task of an actor has nothing to do.
pub(crate) fn linger(cell: &Arc<dyn AnyCell>) {
    if cell.core().signals.set(Signals::LISTED) & Signals::LISTED != 0 {
        return;
    }
    let env = cell.env();
    let lingering = env.slots.get::<Lingering>();
    lingering.add(cell);
    if !lingering.is_swept.swap(true, Ordering::AcqRel) {
        let mut sweeper = lock(&lingering.sweeper);
        if !sweeper.closed {
            note_wake();
            sweeper.task = Some(env.runtime.spawn(sweep(Arc::downgrade(&lingering), env.linger)).abort_handle());
        }
    }
}

/// Looks at those who linger until there are none, once in each period. Whoever has had nothing to do from one look to the next goes.
async fn sweep(lingering: Weak<Lingering>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(lingering) = lingering.upgrade() else { return };
        for list in &lingering.lists {
            let mut all = std::mem::take(&mut lock(list).idle);
            while !all.is_empty() {
                let few = all.split_off(all.len().saturating_sub(AT_ONCE));
                let left: Vec<Idle> = few.into_iter().filter_map(look).collect();
                lock(list).idle.extend(left);
                tokio::task::yield_now().await;
            }
        }
        if lingering.is_empty() {
            lingering.is_swept.store(false, Ordering::Release);
            // Somebody may have come meanwhile, and have seen that there is a sweeper.
            if lingering.is_empty() || lingering.is_swept.swap(true, Ordering::AcqRel) {
                return;
            }
        }
    }
}

/// Has the task of an actor go that had nothing to do since the last look. Returns it if it is to be looked at again.
fn look(idle: Idle) -> Option<Idle> {
    let cell = idle.cell.upgrade()?;
    let signals = &cell.core().signals;
    // Cleared before the look, so that one that falls asleep after it notes that itself.
    signals.clear(Signals::LISTED);
    let taken = cell.sleeps_after()?;
    if idle.taken == Some(taken) {
        signals.set(Signals::REST);
        cell.call();
        return None;
    }
    signals.set(Signals::LISTED);
    Some(Idle { taken: Some(taken), ..idle })
}
