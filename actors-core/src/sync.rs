//! A lock that ignores poison, and a set of wakers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::task::Waker;

/// Locks `mutex`. Code of users never runs under a lock of ours, so a poisoned one is still whole.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// Those who wait for one thing, any number of them.
#[derive(Default)]
pub(crate) struct Wakers(BTreeMap<u64, Waker>);

impl Wakers {
    /// Registers `waker`, or renews it where `key` says it stands. `last` is the last key that was given to anybody.
    pub(crate) fn register(&mut self, last: &mut u64, key: &mut Option<u64>, waker: &Waker) {
        let key = *key.get_or_insert_with(|| {
            *last += 1;
            *last
        });
        self.0.entry(key).and_modify(|known| known.clone_from(waker)).or_insert_with(|| waker.clone());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn remove(&mut self, key: u64) {
        self.0.remove(&key);
    }

    /// Takes all out, to be woken once no lock is held.
    pub(crate) fn take(&mut self) -> BTreeMap<u64, Waker> {
        std::mem::take(&mut self.0)
    }
}

/// Wakes all of `wakers`.
pub(crate) fn wake_all(wakers: BTreeMap<u64, Waker>) {
    for waker in wakers.into_values() {
        waker.wake();
    }
}
