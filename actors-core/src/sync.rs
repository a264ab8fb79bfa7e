//! A lock without poison, and a set of wakers.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::Waker;

pub(crate) use parking_lot::MutexGuard;

use crate::caught::unless_it_panics;

/// A lock. Code of users never runs under a lock of ours, save a turn under that of its seat, for which nobody waits and whose own panics
/// it catches. So what a lock protects is whole even where a panic has passed by, and there is no poison: to look for it, when a lock is taken and again when it is given back, is a third of what the lock costs.
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

    /// Locks it, unless it is locked.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock()
    }
}

/// Locks `mutex`.
#[cfg_attr(not(debug_assertions), inline(always))]
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
    /// Registers `waker`, or renews it where `key` says it stands. `last` is the last key that was given to anybody. The old one is to be
    /// dropped once no lock is held, here and below: it may be of anybody's making.
    #[must_use]
    pub(crate) fn register(&mut self, last: &mut u64, key: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        let key = *key.get_or_insert_with(|| {
            *last += 1;
            *last
        });
        match self {
            Wakers::None => *self = Wakers::One(key, waker.clone()),
            Wakers::One(known, standing) if *known == key => return renew(standing, waker),
            Wakers::One(..) => {
                let Wakers::One(first, standing) = self.take() else { unreachable!("just seen") };
                *self = Wakers::Many(BTreeMap::from([(first, standing), (key, waker.clone())]));
            }
            Wakers::Many(map) => match map.get_mut(&key) {
                Some(standing) => return renew(standing, waker),
                None => _ = map.insert(key, waker.clone()),
            },
        }
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Wakers::None)
    }

    #[must_use]
    pub(crate) fn remove(&mut self, key: u64) -> Option<Waker> {
        match self {
            Wakers::One(known, _) if *known == key => match self.take() {
                Wakers::One(_, waker) => Some(waker),
                _ => None,
            },
            Wakers::Many(map) => {
                let removed = map.remove(&key);
                if map.is_empty() {
                    *self = Wakers::None;
                }
                removed
            }
            _ => None,
        }
    }

    /// Takes all out, to be woken once no lock is held.
    pub(crate) fn take(&mut self) -> Wakers {
        std::mem::take(self)
    }
}

/// Puts `waker` in the place of one that stands there, which is returned, unless both wake the same.
pub(crate) fn renew(standing: &mut Waker, waker: &Waker) -> Option<Waker> {
    (!standing.will_wake(waker)).then(|| std::mem::replace(standing, waker.clone()))
}

thread_local! {
    /// Whom the turn has woken that is taken on this thread.
    static WOKEN: Cell<Woken> = const { Cell::new(Woken::NOT_COUNTED) };
}

/// How many tasks were woken, or spawned, on a thread: those of actors, and in the upper half those that take turns for others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Woken(u64);

impl Woken {
    pub(crate) const NONE: Woken = Woken(0);
    /// One task of an actor.
    pub(crate) const ONE: Woken = Woken(1);
    const RUNNER: Woken = Woken(1 << 32);
    const NOT_COUNTED: Woken = Woken(u64::MAX);

    /// Whether there are tasks of actors among them.
    pub(crate) fn has_tasks(self) -> bool {
        self != Woken::NOT_COUNTED && self.0 as u32 != 0
    }

    fn runners(self) -> u64 {
        self.0 & !u64::from(u32::MAX)
    }
}

/// While it lives, those are counted who are woken on this thread.
pub(crate) struct Counting {
    /// A turn may run a runtime, and turns there.
    outer: Woken,
}

impl Counting {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn begin() -> Counting {
        Counting { outer: WOKEN.replace(Woken::NONE) }
    }
}

impl Drop for Counting {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        let more = WOKEN.replace(self.outer);
        if self.outer != Woken::NOT_COUNTED {
            WOKEN.set(Woken(self.outer.0 + more.0));
        }
    }
}

/// Wakes, and notes it for this thread. A waker may be of anybody's making, and panic: others who wait are woken all the same, and whoever
/// wakes goes on. To see to that takes two instructions.
pub(crate) fn wake(waker: Waker) {
    note_wake();
    let _ = unless_it_panics(|| waker.wake());
}

/// Notes for this thread that a task is to run.
pub(crate) fn note_wake() {
    note(|woken| Woken(woken.0 + 1));
}

/// Notes for this thread that somebody is to run who takes turns for others. The tasks that were woken before can run elsewhere.
pub(crate) fn note_call() {
    note(|woken| Woken(woken.runners() + Woken::RUNNER.0));
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn note(change: impl FnOnce(Woken) -> Woken) {
    // A thread that ends gives no turns.
    let _ = WOKEN.try_with(|woken| match woken.get() {
        Woken::NOT_COUNTED => {}
        counted => woken.set(change(counted)),
    });
}

/// Who was woken on this thread, where that is counted.
pub(crate) fn woken() -> Woken {
    WOKEN.try_with(Cell::get).unwrap_or(Woken::NOT_COUNTED)
}

/// Begins to count anew, and says who was woken before.
pub(crate) fn take_woken() -> Woken {
    WOKEN.replace(Woken::NONE)
}

/// Wakes all of `wakers`.
pub(crate) fn wake_all(wakers: Wakers) {
    match wakers {
        Wakers::None => {}
        Wakers::One(_, waker) => wake(waker),
        Wakers::Many(map) => map.into_values().for_each(wake),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Bell(AtomicU64);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn bells<const N: usize>() -> ([Arc<Bell>; N], [Waker; N]) {
        let bells = std::array::from_fn(|_| Arc::new(Bell::default()));
        let wakers = bells.each_ref().map(|bell: &Arc<Bell>| Waker::from(bell.clone()));
        (bells, wakers)
    }

    fn rings<const N: usize>(bells: &[Arc<Bell>; N]) -> [u64; N] {
        bells.each_ref().map(|bell| bell.0.load(Ordering::Relaxed))
    }

    #[test]
    fn whoever_waits_is_woken_once_and_whoever_has_left_is_not() {
        for leaver in 0..4 {
            let (bells, wakers) = bells::<3>();
            let (mut all, mut last, mut keys) = (Wakers::default(), 0, [None; 3]);
            for (key, waker) in keys.iter_mut().zip(&wakers) {
                assert!(all.register(&mut last, key, waker).is_none());
            }
            if let Some(key) = keys.get(leaver) {
                assert!(all.remove(key.expect("it was given one")).is_some());
            }
            wake_all(all.take());
            assert!(all.is_empty());
            wake_all(all);
            let expected: [u64; 3] = std::array::from_fn(|place| u64::from(place != leaver));
            assert_eq!(rings(&bells), expected, "{leaver} has left");
        }
    }

    #[test]
    fn whoever_registers_again_is_woken_where_it_waits_now_however_many_wait() {
        for others in 0..3 {
            let (bells, [old, new, other]) = bells::<3>();
            let (mut all, mut last, mut mine) = (Wakers::default(), 0, None);
            assert!(all.register(&mut last, &mut mine, &old).is_none());
            let mut keys = Vec::new();
            for _ in 0..others {
                let mut key = None;
                assert!(all.register(&mut last, &mut key, &other).is_none());
                keys.push(key.expect("it was given one"));
            }
            assert!(all.register(&mut last, &mut mine, &new).is_some_and(|given_way| given_way.will_wake(&old)));
            // Keys of nobody, or of somebody who has gone, are harmless.
            assert!(all.remove(99).is_none());
            keys.into_iter().for_each(|key| assert!(all.remove(key).is_some()));
            assert!(!all.is_empty(), "one is left");
            wake_all(all);
            assert_eq!(rings(&bells), [0, 1, 0], "with {others} others");
        }
    }

    #[test]
    fn when_all_have_left_nobody_waits_however_many_there_were() {
        for count in 1..4 {
            let (_, wakers) = bells::<3>();
            let (mut all, mut last, mut keys) = (Wakers::default(), 0, [None; 3]);
            for (key, waker) in keys.iter_mut().zip(&wakers).take(count) {
                assert!(all.register(&mut last, key, waker).is_none());
            }
            keys.into_iter().flatten().for_each(|key| assert!(all.remove(key).is_some()));
            assert!(all.is_empty(), "{count} have left");
        }
    }
}
