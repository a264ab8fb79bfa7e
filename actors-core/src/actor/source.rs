//! Sources: what an actor owns that yields messages beside its mailbox. Timers, streams and futures are such.
//!
//! There is no task per source, and nothing of it waits in the mailbox. Each is polled in the actor's turn, with a waker
//! of its own that delivers an event: an event takes its place behind the messages that were there before, and a full
//! mailbox does not hold it up. Invariants:
//!
//! 1. A key is given once in a system, so an event of a source that is gone finds nothing.
//! 2. Of each source one event waits at most. The mark is lowered before the source is polled, so no wake-up is lost.
//! 3. A source is not polled again before its last message has been handled.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{self, Poll, Wake, Waker};

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::event::{Event, SourceKey};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::catch;
use crate::lifecycle::request;
use crate::sync::Mutex;

/// What yields messages.
pub(super) trait Source<M>: Send {
    /// Looks whether there is a message. What is pending keeps the waker.
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Yield<M>>;

    /// Sees to it that the waker is woken when there may be a message: at first, and each time that a message has been
    /// handled. Without an own opinion, that is at once.
    fn arm(self: Pin<&mut Self>, cx: &mut task::Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// Whether its messages come from outside, and so put an inactivity timeout off.
    fn is_activity(&self) -> bool {
        true
    }

    /// A message was handled that came from outside. The inactivity timeout wants to know.
    fn note_activity(self: Pin<&mut Self>, _cx: &mut task::Context<'_>) {}
}

/// What a source yields.
pub(super) enum Yield<M> {
    /// A message, and it goes on.
    More(M),
    /// Its last message.
    Last(M),
    /// Nothing any more.
    End,
}

/// A message of a source.
pub(crate) struct Found<M> {
    pub(crate) message: M,
    /// Whether it came from outside.
    pub(crate) is_activity: bool,
}

/// The name under which a timer is set.
pub(super) type Name = Cow<'static, str>;

/// The sources of one incarnation, as its context holds them: behind a pointer, so that code for them is made only for those actors
/// that take some in.
pub(crate) trait AnySources<M>: Send + Sync {
    fn get(&mut self) -> &mut Sources<M>;

    /// Looks for a message of a source. One that has no more is dropped first.
    ///
    /// # Errors
    /// The source has panicked.
    fn poll(&mut self, key: SourceKey) -> Result<Option<Found<M>>, ExitReason>;

    /// The message of this source has been handled.
    ///
    /// # Errors
    /// The source has panicked.
    fn rearm(&mut self, key: SourceKey) -> Result<(), ExitReason>;

    /// A message with this tag has been handled that came from outside.
    fn note_activity(&mut self, tag: u16);

    /// Drops all sources. Panics in destructors come back.
    fn drop_all(self: Box<Self>) -> Vec<ExitReason>;
}

/// The sources of one incarnation.
pub(crate) struct Sources<M> {
    pub(super) table: BTreeMap<SourceKey, Entry<M>>,
    pub(super) names: BTreeMap<Name, SourceKey>,
    pub(super) inactivity: Option<Inactivity>,
}

pub(super) struct Entry<M> {
    pub(super) source: Pin<Box<dyn Source<M>>>,
    post: Arc<Post>,
    pub(super) name: Option<Name>,
}

/// Which source is the inactivity timeout, and what does not put it off.
pub(super) struct Inactivity {
    pub(super) key: SourceKey,
    pub(super) except: Vec<u16>,
}

// Behind a lock that nobody else can hold; it is there so that a context can be shared.
impl<M> AnySources<M> for Mutex<Sources<M>> {
    fn get(&mut self) -> &mut Sources<M> {
        self.get_mut()
    }

    fn poll(&mut self, key: SourceKey) -> Result<Option<Found<M>>, ExitReason> {
        let sources = self.get();
        let mut found = None;
        catch(&mut || found = sources.poll(key))?;
        Ok(found)
    }

    fn rearm(&mut self, key: SourceKey) -> Result<(), ExitReason> {
        let Some(entry) = self.get().table.get_mut(&key) else { return Ok(()) };
        catch(&mut || entry.with(|source, cx| source.arm(cx)))
    }

    fn note_activity(&mut self, tag: u16) {
        let sources = self.get();
        let Some(inactivity) = &sources.inactivity else { return };
        if inactivity.except.contains(&tag) {
            return;
        }
        if let Some(entry) = sources.table.get_mut(&inactivity.key) {
            entry.with(|source, cx| source.note_activity(cx));
        }
    }

    fn drop_all(mut self: Box<Self>) -> Vec<ExitReason> {
        let mut panics = Vec::new();
        // One by one: two panics in one drop would abort the process.
        while let Some((_, entry)) = self.get().table.pop_first() {
            let mut entry = Some(entry);
            panics.extend(catch(&mut || drop(entry.take())).err());
        }
        panics
    }
}

impl<M> Default for Sources<M> {
    fn default() -> Self {
        Sources { table: BTreeMap::new(), names: BTreeMap::new(), inactivity: None }
    }
}

impl<M> Sources<M> {
    fn poll(&mut self, key: SourceKey) -> Option<Found<M>> {
        let entry = self.table.get_mut(&key)?;
        entry.attend();
        let is_activity = entry.source.is_activity();
        match entry.with(|source, cx| source.poll(cx)) {
            Poll::Pending => None,
            Poll::Ready(Yield::More(message)) => Some(Found { message, is_activity }),
            Poll::Ready(Yield::Last(message)) => {
                self.take(key);
                Some(Found { message, is_activity })
            }
            Poll::Ready(Yield::End) => {
                self.take(key);
                None
            }
        }
    }

    pub(super) fn take(&mut self, key: SourceKey) -> Option<Entry<M>> {
        let entry = self.table.remove(&key)?;
        if let Some(name) = &entry.name {
            self.names.remove(name);
        }
        Some(entry)
    }
}

impl<M> Entry<M> {
    pub(super) fn new(cell: &Arc<dyn AnyCell>, key: SourceKey, source: impl Source<M> + 'static) -> Self {
        let post = Arc::new(Post { cell: Arc::downgrade(cell), key, posted: AtomicBool::new(false) });
        Entry { source: Box::pin(source), post, name: None }
    }

    /// Whether an event of it waits.
    pub(super) fn is_posted(&self) -> bool {
        self.post.posted.load(Ordering::Acquire)
    }

    /// Its event is attended to; from now on there may be another.
    pub(super) fn attend(&self) {
        // Pairs with the swap in `wake`: a wake-up that found the mark still up happened before what follows.
        self.post.posted.swap(false, Ordering::AcqRel);
    }

    pub(super) fn with<R>(&mut self, work: impl FnOnce(Pin<&mut dyn Source<M>>, &mut task::Context<'_>) -> R) -> R {
        let waker = Waker::from(self.post.clone());
        work(self.source.as_mut(), &mut task::Context::from_waker(&waker))
    }
}

/// The waker of a source: it delivers one event, and no other before that was attended to.
struct Post {
    /// Weak, since nobody knows who keeps a waker for how long.
    cell: Weak<dyn AnyCell>,
    key: SourceKey,
    posted: AtomicBool,
}

impl Wake for Post {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Pairs with the swap in `attend`: who finds the mark up knows that the source will still be polled.
        if self.posted.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(cell) = self.cell.upgrade() {
            let not_before = cell.pushed();
            request::deliver(&cell, Event::ready(self.key, not_before));
        }
    }
}
