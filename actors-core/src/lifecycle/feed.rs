//! News of one kind, to any number of subscribers, none of whom can hold it up.
//!
//! What is told may have a destructor of a user's, which may bring more news about. So nothing of it is dropped, and nobody woken, while the
//! lock is held; and what has to give way is dropped one after the other, not one within the other.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};

use tokio::task::coop::poll_proceed;

use crate::caught::unless_it_panics;
use crate::sync::{Mutex, lock, wake};

/// How far a subscriber may be behind before it misses something.
const BACKLOG: usize = 1_024;

/// Where news comes from. Costs nothing until somebody subscribes.
pub(crate) struct Feed<T>(OnceLock<Arc<Mutex<Readers<T>>>>);

/// Those who have subscribed.
struct Readers<T> {
    all: BTreeMap<u64, Reader<T>>,
    /// The last key that one of them was given.
    last: u64,
    /// There is no source any more.
    closed: bool,
    /// What nobody is to read, and somebody is to drop.
    stale: Vec<Arc<T>>,
    /// Somebody is dropping it.
    clearing: bool,
}

struct Reader<T> {
    unread: VecDeque<Arc<T>>,
    missed: u64,
    waker: Option<Waker>,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Feed(OnceLock::new())
    }
}

impl<T> Default for Readers<T> {
    fn default() -> Self {
        Readers { all: BTreeMap::new(), last: 0, closed: false, stale: Vec::new(), clearing: false }
    }
}

impl<T> Feed<T> {
    /// Tells all who have subscribed.
    pub(crate) fn publish(&self, news: Arc<T>) {
        let Some(readers) = self.0.get() else { return };
        let mut wakers = Vec::new();
        let clears = {
            let Readers { all, stale, clearing, .. } = &mut *lock(readers);
            for reader in all.values_mut() {
                if reader.unread.len() == BACKLOG {
                    stale.extend(reader.unread.pop_front());
                    reader.missed += 1;
                }
                reader.unread.push_back(news.clone());
                wakers.extend(reader.waker.take());
            }
            !stale.is_empty() && !std::mem::replace(clearing, true)
        };
        wakers.into_iter().for_each(wake);
        if clears {
            clear(readers);
        }
    }

    /// Whether anybody has ever subscribed.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.get().is_some()
    }

    pub(crate) fn subscribe(&self) -> Subscription<T> {
        let readers = self.0.get_or_init(Arc::default).clone();
        let key = {
            let mut readers = lock(&readers);
            readers.last += 1;
            let key = readers.last;
            readers.all.insert(key, Reader { unread: VecDeque::new(), missed: 0, waker: None });
            key
        };
        Subscription { readers, key }
    }
}

/// Drops what nobody is to read, and what comes to that meanwhile.
fn clear<T>(readers: &Mutex<Readers<T>>) {
    loop {
        let next = {
            let mut readers = lock(readers);
            let next = readers.stale.pop();
            readers.clearing = next.is_some();
            next
        };
        let Some(next) = next else { return };
        let _ = unless_it_panics(|| drop(next));
    }
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        let Some(readers) = self.0.get() else { return };
        let wakers: Vec<_> = {
            let mut readers = lock(readers);
            readers.closed = true;
            readers.all.values_mut().filter_map(|reader| reader.waker.take()).collect()
        };
        wakers.into_iter().for_each(wake);
    }
}

/// One who has subscribed.
pub(crate) struct Subscription<T> {
    readers: Arc<Mutex<Readers<T>>>,
    key: u64,
}

impl<T> Subscription<T> {
    /// Waits for the next; `None` once there is no source any more.
    pub(crate) async fn recv(&mut self) -> Option<Arc<T>> {
        let _waits = Waits(self);
        poll_fn(|cx| {
            let turn = std::task::ready!(poll_proceed(cx));
            let mut readers = lock(&self.readers);
            let closed = readers.closed;
            let reader = readers.all.get_mut(&self.key).expect("it leaves when it is dropped");
            let next = reader.unread.pop_front();
            if next.is_some() || closed {
                turn.made_progress();
                return Poll::Ready(next);
            }
            let old = reader.waker.replace(cx.waker().clone());
            drop(readers);
            drop(old);
            Poll::Pending
        })
        .await
    }

    /// Returns the next if there is one now.
    pub(crate) fn try_recv(&mut self) -> Option<Arc<T>> {
        lock(&self.readers).all.get_mut(&self.key)?.unread.pop_front()
    }

    /// How many were missed because it was too slow.
    pub(crate) fn missed(&self) -> u64 {
        lock(&self.readers).all.get(&self.key).map_or(0, |reader| reader.missed)
    }
}

/// One who waits for the next. Once it does no more, nobody is to wake it.
struct Waits<'a, T>(&'a Subscription<T>);

impl<T> Drop for Waits<'_, T> {
    fn drop(&mut self) {
        let Subscription { readers, key } = self.0;
        let left = lock(readers).all.get_mut(key).and_then(|reader| reader.waker.take());
        drop(left);
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        let left = lock(&self.readers).all.remove(&self.key);
        drop(left);
    }
}
