//! The receiver's half: what it has fetched, and how it takes, waits and goes.

use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::Overflow;
use super::control::Flags;
use super::line::Admitted;
use super::queue::{Inner, Mailbox, Receiver};
use super::ring::{Ring, Run};

/// How often in a row a receiver that has slept after a single message says in advance that it will sleep after the next one.
const LONELY: u8 = 15;
/// Buffers for no more than these are kept when the queue runs empty.
const KEEP: usize = 256;
/// Buffers for no more than these are kept as well, as long as they are well used between one time and the next: as much as a mailbox of the
/// usual capacity may hold, which is filled and emptied in turns.
const KEEP_USED: usize = 1024;

/// What [`Mailbox::poll_refill`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refill {
    /// Messages, which are in the batch now.
    Messages,
    Urgent,
}

/// Messages that the receiver has fetched and not yet taken.
pub(crate) struct Batch<T> {
    items: Ring<T>,
    /// The number of the first of them.
    first: u64,
    admitted: Admitted,
    /// How many were fetched at most since the queue ran empty.
    most: usize,
    /// How often to say in advance that the receiver sleeps.
    lonely: u8,
    /// Said so: the mailbox holds the waker already, and has held it since the last fetch.
    sleeps: bool,
    /// There was nothing at the last look.
    waited: bool,
}

impl<T> Batch<T> {
    pub(crate) fn new() -> Self {
        Batch { items: Ring::new(), first: 0, admitted: Admitted::default(), most: 0, lonely: 0, sleeps: false, waited: false }
    }

    /// Takes back that the receiver sleeps: to be said wherever it may be polled again before it looks for messages, since the waker in
    /// the mailbox may have been used by then.
    pub(crate) fn stays_awake(&mut self) {
        self.sleeps = false;
    }

    /// Whether the receiver sleeps now, as it has said in advance: whatever has come since then has used the waker.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn falls_asleep(&mut self) -> bool {
        let sleeps = std::mem::take(&mut self.sleeps);
        self.waited |= sleeps;
        sleeps
    }

    /// The next message, where it stands.
    pub(crate) fn peek(&self) -> Option<&T> {
        self.items.peek()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Where those senders are put for whom there is room.
    pub(crate) fn admitted(&mut self) -> &mut Admitted {
        &mut self.admitted
    }
}

/// Whether a buffer is given back in which there were `most` at a time.
fn is_too_large<T>(buffer: &Ring<T>, most: usize) -> bool {
    let capacity = buffer.capacity();
    capacity > KEEP && (capacity > KEEP_USED || most < capacity / 4)
}

impl<T> Mailbox<T> {
    /// The number of the last ordinary message that waits no more: it was taken, or has given way.
    pub(crate) fn passed(&self, batch: &Batch<T>) -> u64 {
        if batch.is_empty() { self.taken() } else { batch.first - 1 }
    }

    /// Takes the next message of the batch.
    #[inline]
    pub(crate) fn take(&self, batch: &mut Batch<T>) -> Option<T> {
        let item = batch.items.pop()?;
        // The receiver alone writes it (invariant 1); release pairs with `taken`.
        self.taken.store(batch.first, Ordering::Release);
        batch.first += 1;
        if self.line.load(Ordering::Relaxed) {
            self.admit(&mut batch.admitted);
        }
        Some(item)
    }

    /// Puts the message back that was taken last.
    pub(crate) fn untake(&self, batch: &mut Batch<T>, item: T) {
        batch.items.push_front(item);
        batch.first = self.taken();
    }

    /// Takes messages of the batch one after the other.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn taking<'a>(&'a self, batch: &'a mut Batch<T>) -> Taking<'a, T> {
        let Batch { items, first, admitted, .. } = batch;
        Taking { mailbox: self, items: items.run(), next: *first, first, admitted }
    }

    /// Takes the next of the messages that overtake. When it was the last, the flag is lowered, under the lock.
    pub(crate) fn take_overtaking(&self, flag: &impl Flags) -> Option<T> {
        let mut inner = self.lock();
        let (item, left) = match &mut inner.more {
            Some(more) => (more.control.pop(), more.control.len()),
            None => (None, 0),
        };
        if left == 0 {
            flag.lower();
        }
        item
    }

    /// What a receiver does first that has been woken: takes the message that has come, and puts it to `alone`, if there is no other and
    /// nothing urgent. It says in advance that it sleeps, where messages come one at a time. Otherwise fetches what has come.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn take_alone(&self, batch: &mut Batch<T>, cx: &mut Context<'_>, urgent: &impl Flags, alone: &mut Option<T>) {
        let mut inner = self.lock();
        if self.is_alone(&inner, urgent) {
            inner.queue.pop_only(alone);
            // As in `take`.
            self.taken.store(inner.pushed, Ordering::Release);
            batch.waited = true;
            self.foresee(&mut inner, batch, cx);
        } else {
            self.fetch_all(&mut inner, batch);
        }
        drop(inner);
        batch.admitted.wake();
    }

    /// Fetches what has come since the last time; sleeps if that is nothing, unless one of `urgent` says otherwise.
    #[inline]
    pub(crate) fn poll_refill(&self, batch: &mut Batch<T>, cx: &mut Context<'_>, urgent: &impl Flags) -> Poll<Refill> {
        if batch.falls_asleep() {
            return Poll::Pending;
        }
        let mut all_taken = None;
        let mut inner = self.lock();
        // Who finds a mailbox full that holds but this one waits for it to be taken, and wakes nobody.
        let found = if self.is_alone(&inner, urgent) && self.capacity > 1 {
            batch.first = inner.pushed;
            inner.queue.pop_only(batch.items.free());
            batch.items.count();
            self.foresee(&mut inner, batch, cx);
            Poll::Ready(Refill::Messages)
        } else if self.fetch_all(&mut inner, batch) {
            Poll::Ready(Refill::Messages)
        } else if urgent.is_any_up() {
            Poll::Ready(Refill::Urgent)
        } else {
            let most = std::mem::take(&mut batch.most);
            if is_too_large(&inner.queue, most) {
                inner.queue = Ring::new();
            }
            all_taken = Some(most);
            inner.receiver = Receiver::Idle(cx.waker().clone());
            (batch.lonely, batch.waited) = (LONELY, true);
            Poll::Pending
        };
        drop(inner);
        if all_taken.is_some_and(|most| is_too_large(&batch.items, most)) {
            batch.items = Ring::new();
        }
        batch.admitted.wake();
        found
    }

    /// Whether there is one message, which nobody else can reach, and nothing urgent.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_alone(&self, inner: &Inner<T>, urgent: &impl Flags) -> bool {
        inner.queue.len() == 1 && self.overflow != Overflow::DropOldest && !urgent.is_any_up()
    }

    /// The only message has been fetched. Where messages come one at a time, the receiver sleeps in advance.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn foresee(&self, inner: &mut Inner<T>, batch: &mut Batch<T>, cx: &mut Context<'_>) {
        self.grant_all(inner, &mut batch.admitted);
        batch.lonely = if batch.waited { batch.lonely } else { 0 };
        batch.waited = false;
        if batch.lonely > 0 {
            batch.lonely -= 1;
            batch.sleeps = true;
            inner.receiver = Receiver::Idle(cx.waker().clone());
        }
    }

    /// Fetches all that has come since the last time; says whether there was anything.
    #[inline(never)]
    fn fetch_all(&self, inner: &mut Inner<T>, batch: &mut Batch<T>) -> bool {
        let found = self.fetch(inner, batch);
        if found {
            batch.lonely = if batch.waited { batch.lonely } else { 0 };
            batch.waited = false;
        }
        found
    }

    /// Fetches what has come since the last time; says whether there was anything.
    pub(crate) fn refill(&self, batch: &mut Batch<T>) -> bool {
        batch.stays_awake();
        batch.waited = false;
        let mut inner = self.lock();
        let found = self.fetch(&mut inner, batch);
        drop(inner);
        batch.admitted.wake();
        found
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn fetch(&self, inner: &mut Inner<T>, batch: &mut Batch<T>) -> bool {
        debug_assert!(batch.items.is_empty(), "what was fetched is taken first");
        self.grant_all(inner, &mut batch.admitted);
        if inner.queue.is_empty() {
            return false;
        }
        batch.first = inner.pushed - inner.queue.len() as u64 + 1;
        if self.overflow == Overflow::DropOldest {
            // Senders must be able to reach the oldest message, so it stays in the queue until its turn.
            if let Some(oldest) = inner.queue.pop() {
                batch.items.push(oldest);
            }
        } else {
            std::mem::swap(&mut inner.queue, &mut batch.items);
            batch.most = batch.most.max(batch.items.len());
        }
        true
    }

    /// The receiver waits for something of its own, and [stays awake](Batch::stays_awake) for messages; only what is urgent shall wake
    /// it. Says whether it may sleep. Those senders are
    /// put to `admitted` for whom there is room, to be woken by the caller.
    pub(crate) fn suspend(&self, admitted: &mut Admitted, cx: &mut Context<'_>, urgent: &impl Flags) -> bool {
        let mut inner = self.lock();
        self.grant_all(&mut inner, admitted);
        let may_sleep = !urgent.is_any_up();
        if may_sleep {
            inner.receiver.wait_busily(cx.waker());
        }
        may_sleep
    }

    /// The receiver goes, and another may come: what was fetched is put back. Where the oldest gives way and the queue has
    /// filled up behind it, the one that was fetched is the oldest, and is returned: what has given way meanwhile would be
    /// missing between its number and the next.
    #[must_use = "what has no room is a dead letter"]
    pub(crate) fn put_back(&self, batch: &mut Batch<T>) -> Option<T> {
        let mut inner = self.lock();
        if self.overflow == Overflow::DropOldest && !self.has_room(&inner) {
            return batch.items.pop();
        }
        while let Some(item) = batch.items.pop_back() {
            inner.queue.push_front(item);
        }
        None
    }

    /// The receiver goes, unless there is something for it to do, or somebody waits for room, who gets it when it looks again; says
    /// whether it may. Then the next message, or call, starts another.
    pub(crate) fn vacate_at_rest(&self, urgent: &impl Flags) -> bool {
        let mut inner = self.lock();
        let is_waited_for = match &inner.more {
            Some(more) => more.control.len() > 0 || !more.line.wakers.is_empty(),
            None => false,
        };
        let at_rest = inner.queue.is_empty() && !is_waited_for && !urgent.is_any_up();
        if at_rest {
            inner.receiver = Receiver::Absent;
            inner.queue = Ring::new();
        }
        at_rest
    }

    /// The receiver that was here has gone for good: the next message, or call, starts another. Senders get the room that it has left
    /// behind, which it may have seen nobody wait for.
    pub(crate) fn vacate(&self) {
        let mut admitted = Admitted::default();
        let old = {
            let mut inner = self.lock();
            self.grant_all(&mut inner, &mut admitted);
            std::mem::replace(&mut inner.receiver, Receiver::Absent)
        };
        drop(old);
        admitted.wake();
    }

    /// Takes the next of all that is left, fetched or queued, in the order in which it would have been handled. From the first on,
    /// all of it counts as taken.
    pub(crate) fn next_left(&self, batch: &mut Batch<T>) -> Option<T> {
        let mut inner = self.lock();
        self.taken.store(inner.pushed, Ordering::Release);
        inner.take_left(|| batch.items.pop())
    }

    /// Takes the next of what is in the queue, in the place of the receiver.
    pub(crate) fn next_queued(&self) -> Option<T> {
        self.lock().take_left(|| None)
    }

    #[cold]
    fn admit(&self, admitted: &mut Admitted) {
        self.grant_all(&mut self.lock(), admitted);
        admitted.wake();
    }
}

impl<T> Inner<T> {
    /// Takes the next of what is left, which nobody handles: first what overtakes, then what was `fetched`, then what is queued. Where
    /// nothing is left, its room is given back, which would stay as long as anybody has a reference.
    fn take_left(&mut self, fetched: impl FnOnce() -> Option<T>) -> Option<T> {
        let overtaking = match &mut self.more {
            Some(more) => more.control.pop(),
            None => None,
        };
        let left = overtaking.or_else(fetched).or_else(|| self.queue.pop());
        if left.is_none() {
            self.queue = Ring::new();
            if let Some(more) = &mut self.more {
                more.control.give_back();
            }
        }
        left
    }
}

/// Messages of a batch that are taken one after the other.
pub(crate) struct Taking<'a, T> {
    mailbox: &'a Mailbox<T>,
    items: Run<'a, T>,
    /// The number of the next, which is written down when this goes.
    next: u64,
    first: &'a mut u64,
    admitted: &'a mut Admitted,
}

impl<T> Taking<'_, T> {
    /// The message that would be taken.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn peek(&self) -> Option<&T> {
        self.items.peek()
    }

    /// Takes it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn take(&mut self) -> Option<T> {
        let item = self.items.pop()?;
        // As in `Mailbox::take`.
        self.mailbox.taken.store(self.next, Ordering::Release);
        self.next += 1;
        if self.mailbox.line.load(Ordering::Relaxed) {
            self.mailbox.admit(self.admitted);
        }
        Some(item)
    }
}

impl<T> Drop for Taking<'_, T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        *self.first = self.next;
    }
}
