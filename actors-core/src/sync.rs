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
#[inline(always)]
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.0.lock()
}

/// Those who wait for one thing, any number of them; mostly none, or one.
#[derive(Default)]
pub(crate) enum Wakers {
    #[default]
    None,
    One(u64, Waker),
    Many(BTreeMap<u64, Waker>),
}

impl Wakers {
    /// Registers `waker`, or renews it where `key` says it stands. `last` is the last key that was given to anybody.
    pub(crate) fn register(&mut self, last: &mut u64, key: &mut Option<u64>, waker: &Waker) {
        let key = *key.get_or_insert_with(|| {
            *last += 1;
            *last
        });
        match self {
            Wakers::None => *self = Wakers::One(key, waker.clone()),
            Wakers::One(known, standing) if *known == key => standing.clone_from(waker),
            Wakers::One(..) => {
                let Wakers::One(first, standing) = self.take() else { unreachable!("just seen") };
                *self = Wakers::Many(BTreeMap::from([(first, standing), (key, waker.clone())]));
            }
            Wakers::Many(map) => _ = map.entry(key).and_modify(|known| known.clone_from(waker)).or_insert_with(|| waker.clone()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Wakers::None)
    }

    pub(crate) fn remove(&mut self, key: u64) {
        let is_last = match self {
            Wakers::None => false,
            Wakers::One(known, _) => *known == key,
            Wakers::Many(map) => {
                map.remove(&key);
                map.is_empty()
            }
        };
        if is_last {
            *self = Wakers::None;
        }
    }

    /// Takes all out, to be woken once no lock is held.
    pub(crate) fn take(&mut self) -> Wakers {
        std::mem::take(self)
    }
}

/// Wakes all of `wakers`.
pub(crate) fn wake_all(wakers: Wakers) {
    match wakers {
        Wakers::None => {}
        Wakers::One(_, waker) => waker.wake(),
        Wakers::Many(map) => map.into_values().for_each(Waker::wake),
    }
}
