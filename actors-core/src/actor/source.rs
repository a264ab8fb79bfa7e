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
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{self, Poll, Wake, Waker};

use super::context::Context;
use crate::address::Protocol;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::event::{Event, SourceKey};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::guard;
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
    table: BTreeMap<SourceKey, Entry<M>>,
    names: BTreeMap<Name, SourceKey>,
    inactivity: Option<Inactivity>,
}

struct Entry<M> {
    source: Pin<Box<dyn Source<M>>>,
    post: Arc<Post>,
    name: Option<Name>,
}

/// Which source is the inactivity timeout, and what does not put it off.
struct Inactivity {
    key: SourceKey,
    except: Vec<u16>,
}

impl<M> Default for Sources<M> {
    fn default() -> Self {
        Sources { table: BTreeMap::new(), names: BTreeMap::new(), inactivity: None }
    }
}

impl<A: Protocol> Context<A> {
    /// Takes a source in. An actor that was asked to end takes none, and drops it.
    pub(super) fn add_source(&mut self, source: impl Source<A::Msg> + 'static) -> SourceKey {
        let me = self.any();
        let key = me.env().next_source();
        if me.core().is_stopping() {
            return key;
        }
        let post = Arc::new(Post { cell: Arc::downgrade(&me), key, posted: AtomicBool::new(false) });
        let mut entry = Entry { source: Box::pin(source), post, name: None };
        entry.with(|source, cx| source.arm(cx));
        let sources = self.sources.get_or_insert_default();
        unlocked(sources).table.insert(key, entry);
        key
    }

    /// Takes a source in that replaces the one of the same name.
    pub(super) fn add_named_source(&mut self, name: Name, source: impl Source<A::Msg> + 'static) -> SourceKey {
        self.remove_named_source(&name);
        let key = self.add_source(source);
        if let Some(sources) = self.sources() {
            if let Some(entry) = sources.table.get_mut(&key) {
                entry.name = Some(name.clone());
                sources.names.insert(name, key);
            }
        }
        key
    }

    /// Takes the inactivity timeout in, which replaces the one there was.
    pub(super) fn add_inactivity_source(&mut self, source: impl Source<A::Msg> + 'static) {
        self.remove_inactivity_source();
        let key = self.add_source(source);
        if let Some(sources) = self.sources().filter(|sources| sources.table.contains_key(&key)) {
            sources.inactivity = Some(Inactivity { key, except: Vec::new() });
        }
    }

    /// Has messages with this tag not put the inactivity timeout off.
    pub(super) fn except_from_activity(&mut self, tag: u16) {
        if let Some(inactivity) = self.sources().and_then(|sources| sources.inactivity.as_mut()) {
            inactivity.except.push(tag);
        }
    }

    /// Drops a source, of which nothing is handled afterwards. Says whether it was there.
    pub(super) fn remove_source(&mut self, key: SourceKey) -> bool {
        let Some(entry) = self.sources().and_then(|sources| sources.take(key)) else { return false };
        if entry.post.posted.load(Ordering::Acquire) {
            // It would find nothing; but who replaces a timer again and again shall not pile up what it left.
            self.any().core().with_ties(|ties| ties.forget_events(|event| event.is_ready(key)));
        }
        true
    }

    pub(super) fn remove_named_source(&mut self, name: &str) -> bool {
        let key = self.sources().and_then(|sources| sources.names.get(name).copied());
        key.is_some_and(|key| self.remove_source(key))
    }

    pub(super) fn remove_inactivity_source(&mut self) -> bool {
        let inactivity = self.sources().and_then(|sources| sources.inactivity.take());
        inactivity.is_some_and(|inactivity| self.remove_source(inactivity.key))
    }

    pub(super) fn has_named_source(&mut self, name: &str) -> bool {
        self.sources().is_some_and(|sources| sources.names.contains_key(name))
    }

    /// Looks for a message of a source. One that has no more is dropped first.
    pub(crate) fn poll_source(&mut self, key: SourceKey) -> Option<Found<A::Msg>> {
        let sources = self.sources()?;
        let entry = sources.table.get_mut(&key)?;
        // Pairs with the swap in `wake`: a wake-up that found the mark still up happened before this look.
        entry.post.posted.swap(false, Ordering::AcqRel);
        let is_activity = entry.source.is_activity();
        match entry.with(|source, cx| source.poll(cx)) {
            Poll::Pending => None,
            Poll::Ready(Yield::More(message)) => Some(Found { message, is_activity }),
            Poll::Ready(Yield::Last(message)) => {
                sources.take(key);
                Some(Found { message, is_activity })
            }
            Poll::Ready(Yield::End) => {
                sources.take(key);
                None
            }
        }
    }

    /// The message of this source has been handled.
    pub(crate) fn rearm_source(&mut self, key: SourceKey) {
        if let Some(entry) = self.sources().and_then(|sources| sources.table.get_mut(&key)) {
            entry.with(|source, cx| source.arm(cx));
        }
    }

    /// Whether there may be sources. Asked after every message, so it is one look at one pointer.
    pub(crate) fn has_sources(&self) -> bool {
        self.sources.is_some()
    }

    /// A message with this tag has been handled that came from outside.
    pub(crate) fn note_activity(&mut self, tag: u16) {
        let Some(sources) = self.sources() else { return };
        let Some(inactivity) = &sources.inactivity else { return };
        if inactivity.except.contains(&tag) {
            return;
        }
        if let Some(entry) = sources.table.get_mut(&inactivity.key) {
            entry.with(|source, cx| source.note_activity(cx));
        }
    }

    /// Drops all sources. Panics in destructors come back.
    pub(crate) fn drop_sources(&mut self) -> Vec<ExitReason> {
        let Some(sources) = self.sources.take() else { return Vec::new() };
        let Sources { table, .. } = sources.into_inner().unwrap_or_else(PoisonError::into_inner);
        // One by one: two panics in one drop would abort the process.
        table.into_values().filter_map(|entry| guard(|| drop(entry)).err()).collect()
    }

    fn sources(&mut self) -> Option<&mut Sources<A::Msg>> {
        self.sources.as_mut().map(unlocked)
    }
}

/// What is behind a lock that nobody else can hold; it is there so that a context can be shared.
fn unlocked<M>(sources: &mut Box<Mutex<Sources<M>>>) -> &mut Sources<M> {
    sources.get_mut().unwrap_or_else(PoisonError::into_inner)
}

impl<M> Sources<M> {
    fn take(&mut self, key: SourceKey) -> Option<Entry<M>> {
        let entry = self.table.remove(&key)?;
        if let Some(name) = &entry.name {
            self.names.remove(name);
        }
        Some(entry)
    }
}

impl<M> Entry<M> {
    fn with<R>(&mut self, work: impl FnOnce(Pin<&mut dyn Source<M>>, &mut task::Context<'_>) -> R) -> R {
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
        // Pairs with the swap in `poll_source`: who finds the mark up knows that the source will still be polled.
        if self.posted.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(cell) = self.cell.upgrade() {
            let not_before = cell.pushed();
            request::deliver(&cell, Event::ready(self.key, not_before));
        }
    }
}
