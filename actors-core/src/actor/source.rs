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
use crate::lifecycle::request;

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

impl<M> Default for Sources<M> {
    fn default() -> Self {
        Sources { table: BTreeMap::new(), names: BTreeMap::new(), inactivity: None }
    }
}

impl<M> Sources<M> {
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
