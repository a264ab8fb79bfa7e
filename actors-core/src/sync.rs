//! A lock without poison, and a set of wakers.

use std::collections::BTreeMap;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::Waker;

pub(crate) use parking_lot::MutexGuard;

/// A lock. Code of users never runs under a lock of ours, so what it protects is whole even where a panic has passed by, and there is
/// no poison: to look for it, when a lock is taken and again when it is given back, is a third of what the lock costs.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T: ?Sized>(parking_lot::Mutex<T>);

// As the standard library's own are.
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(parking_lot::Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// Locks `mutex`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.0.lock()
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
