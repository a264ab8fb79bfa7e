//! The queue itself: what stands in it, who may put something in, and who is called then.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};

use super::control::{Control, Flags, Lane, lane_of};
use super::line::{Admitted, Line, Ticket};
use super::ring::{Ring, fill};
use super::{Capacity, Overflow};
use crate::sync::{Mutex, MutexGuard, lock, wake};

/// A queue for many senders and one receiver.
pub(crate) struct Mailbox<T> {
    inner: Mutex<Inner<T>>,
    /// The number of the last message that the receiver has taken (invariant 1).
    pub(super) taken: AtomicU64,
    /// Whether senders wait for room. A hint: the receiver looks again under the lock before it sleeps.
    pub(super) line: AtomicBool,
    pub(super) overflow: Overflow,
    /// `u32::MAX` stands for unbounded.
    pub(super) capacity: u32,
}

pub(super) struct Inner<T> {
    pub(super) queue: Ring<T>,
    pub(super) pushed: u64,
    /// Up to this number there is room, whatever else is the case: nothing is closed, nobody waits in line. That there may
    /// be more is found out by looking closer.
    room_until: u64,
    pub(super) receiver: Receiver,
    closed: Option<Closed>,
    pub(super) more: Option<Box<More<T>>>,
}

/// What most mailboxes never have.
pub(super) struct More<T> {
    pub(super) line: Line,
    pub(super) control: Control<T>,
}

impl<T> Inner<T> {
    /// What most never need.
    fn more(&mut self) -> &mut More<T> {
        if self.more.is_none() {
            self.more = Some(Box::new(More { line: Line::default(), control: Control::default() }));
        }
        self.more.as_mut().expect("it is there now")
    }
}

/// What the receiver is doing.
pub(super) enum Receiver {
    /// Nobody receives yet.
    Absent,
    /// It will look at the queue, and at what is urgent, before it sleeps.
    Running,
    /// It sleeps until a message or something urgent comes.
    Idle(Waker),
    /// It waits for something of its own; only what is urgent wakes it.
    Busy(Waker),
}

/// Why a mailbox takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closed {
    Stopping,
    Stopped,
}

/// What a caller must do for the receiver, once it holds no lock.
#[must_use]
pub(crate) enum Wakeup {
    Nothing,
    Wake(Waker),
    /// There is no receiver: start one.
    Start,
}

/// Whether a message may enter.
pub(crate) enum Admission<'a, T> {
    Room(Room<'a, T>),
    /// Full; the overflow policy says what now.
    Full(Full<'a, T>),
    Closed(Closed),
}

/// The right to put one message into the mailbox, held together with its lock.
pub(crate) struct Room<'a, T> {
    inner: MutexGuard<'a, Inner<T>>,
}

/// The right to put one message ahead of all ordinary ones, held together with the lock of the mailbox.
pub(crate) struct Ahead<'a, T> {
    inner: MutexGuard<'a, Inner<T>>,
}

/// A full mailbox, held together with its lock.
pub(crate) struct Full<'a, T> {
    mailbox: &'a Mailbox<T>,
    inner: MutexGuard<'a, Inner<T>>,
}

/// A mailbox of which one look does not tell whether there is room, held together with its lock.
pub(crate) struct Door<'a, T> {
    mailbox: &'a Mailbox<T>,
    inner: MutexGuard<'a, Inner<T>>,
}

/// A message has entered.
pub(crate) struct Pushed {
    /// The number of the message: the receiver has taken it once it has taken this many.
    pub(crate) number: u64,
    pub(crate) wakeup: Wakeup,
}

impl<T> Mailbox<T> {
    pub(crate) fn new(capacity: Capacity, overflow: Overflow) -> Self {
        let inner = Inner { queue: Ring::new(), pushed: 0, room_until: 0, receiver: Receiver::Absent, closed: None, more: None };
        Mailbox {
            inner: Mutex::new(inner),
            taken: AtomicU64::new(0),
            line: AtomicBool::new(false),
            overflow,
            capacity: capacity.bound().unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// How many messages wait, in both lanes.
    pub(crate) fn len(&self) -> u64 {
        let inner = self.lock();
        let overtaking = match &inner.more {
            Some(more) => more.control.len() as u64,
            None => 0,
        };
        self.held(&inner) + overtaking
    }

    /// How many ordinary messages have ever entered.
    pub(crate) fn pushed(&self) -> u64 {
        self.lock().pushed
    }

    /// The number of the last message that overtook, or 0, which counts as taken, if there never was one.
    pub(crate) fn last_overtaking(&self) -> u64 {
        match &self.lock().more {
            Some(more) => more.control.pushed(),
            None => 0,
        }
    }

    /// Whether the receiver has taken the message with this number, of either lane.
    pub(crate) fn has_taken(&self, number: u64) -> bool {
        match lane_of(number) {
            Lane::Ordinary => self.taken() >= number,
            Lane::Control => match &self.lock().more {
                Some(more) => more.control.taken() >= number,
                None => false,
            },
        }
    }

    /// The number of the last ordinary message that the receiver has taken.
    pub(crate) fn taken(&self) -> u64 {
        // Pairs with the release in `take`: whoever saw an effect of handling message n reads at least n.
        self.taken.load(Ordering::Acquire)
    }

    /// Asks for room for one message, ahead of nobody who waits: where one look tells that there is some, here is it; otherwise one
    /// has to look closer.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn enter_at_once(&self) -> Result<Room<'_, T>, Door<'_, T>> {
        let inner = self.lock();
        if inner.pushed < inner.room_until { Ok(Room { inner }) } else { Err(Door { mailbox: self, inner }) }
    }

    /// Asks for the room that was granted to `ticket`; if it is not its turn yet, stays in line.
    pub(crate) fn enter_with(&self, ticket: Ticket, waker: &Waker) -> Poll<Admission<'_, T>> {
        let mut old = None;
        let mut inner = self.lock();
        if let Some(closed) = inner.closed {
            return Poll::Ready(Admission::Closed(closed));
        }
        let more = inner.more.as_mut().expect("a ticket is given only by a line, which lives as long as the mailbox");
        if more.line.still_waits(ticket, waker, &mut old) { Poll::Pending } else { Poll::Ready(Admission::Room(Room { inner })) }
    }

    /// Whether there is room for whoever has this ticket only after the receiver has taken something more. What is no more so, never is so
    /// again: all that others do brings that one nearer.
    pub(crate) fn waits_for_receiver(&self, ticket: Ticket) -> bool {
        let inner = self.lock();
        let Some(more) = &inner.more else { return false };
        let waits = |place| self.held(&inner) + u64::from(more.line.granted) + place as u64 >= u64::from(self.capacity);
        more.line.place_of(ticket).is_some_and(waits)
    }

    /// Has whoever waits with this ticket look again.
    pub(crate) fn rouse(&self, ticket: Ticket) {
        let waker = {
            let inner = self.lock();
            let line = inner.more.as_ref().map(|more| &more.line);
            line.and_then(|line| line.wakers.get(line.place_of(ticket)?)).map(|(_, waker)| waker.clone())
        };
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Room that was granted has not been used after all: it goes to the next.
    pub(crate) fn pass_on(&self) {
        let next = self.grant(&mut self.lock());
        if let Some(waker) = next {
            wake(waker);
        }
    }

    /// Leaves the line; room that was already granted goes to the next.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let (own, next) = {
            let mut inner = self.lock();
            if inner.closed.is_some() {
                return;
            }
            let Some(more) = &mut inner.more else { return };
            match more.line.leave(ticket) {
                None => (None, self.grant(&mut inner)),
                own => (own, None),
            }
        };
        drop(own);
        if let Some(waker) = next {
            wake(waker);
        }
    }

    /// Asks for room for one message that overtakes all ordinary ones: there is, unless the mailbox is closed.
    pub(crate) fn overtake(&self) -> Result<Ahead<'_, T>, Closed> {
        let inner = self.lock();
        match inner.closed {
            Some(closed) => Err(closed),
            None => Ok(Ahead { inner }),
        }
    }

    /// Calls the receiver to look at what is urgent. The caller has made it visible before.
    pub(crate) fn call(&self) -> Wakeup {
        self.lock().receiver.call()
    }

    /// Refuses all further messages. Those who wait for room are told. When it has stopped, nothing of the receiver is
    /// kept either: its waker would keep its task. It is woken, in case it does not know that it has ended.
    pub(crate) fn close(&self, closed: Closed) {
        let (line, receiver) = {
            let mut inner = self.lock();
            inner.closed = inner.closed.max(Some(closed));
            inner.room_until = 0;
            let has_stopped = closed == Closed::Stopped;
            let receiver = if has_stopped { Some(std::mem::replace(&mut inner.receiver, Receiver::Running)) } else { None };
            let line = match &mut inner.more {
                Some(more) => Some(std::mem::take(&mut more.line)),
                None => None,
            };
            (line, receiver)
        };
        if line.is_some() {
            tell_of_the_end(line);
        }
        if let Some(Receiver::Idle(waker) | Receiver::Busy(waker)) = receiver {
            wake(waker);
        }
    }

    /// Refuses all further messages, if there is no receiver and nothing that it would have to take; says whether that is so.
    /// It may have to be untouched, too: never have had a message.
    pub(crate) fn close_at_rest(&self, closed: Closed, untouched: bool) -> bool {
        let mut inner = self.lock();
        let nothing_queued = inner.queue.is_empty() && inner.more.is_none() && (inner.pushed == 0 || !untouched);
        let at_rest = matches!(inner.receiver, Receiver::Absent) && nothing_queued && inner.closed.is_none();
        if at_rest {
            inner.closed = Some(closed);
            inner.room_until = 0;
            // Whoever calls from now on calls nobody.
            inner.receiver = Receiver::Running;
        }
        at_rest
    }

    /// If there is a receiver that sleeps until a message comes: how many ordinary messages it has taken so far.
    pub(crate) fn sleeps_after(&self) -> Option<u64> {
        let sleeps = matches!(self.lock().receiver, Receiver::Idle(_));
        if sleeps { Some(self.taken()) } else { None }
    }

    #[inline]
    pub(super) fn grant_all(&self, inner: &mut Inner<T>, admitted: &mut Admitted) {
        if inner.more.is_none() {
            return;
        }
        while let Some(waker) = self.grant(inner) {
            admitted.add(waker);
        }
    }

    fn grant(&self, inner: &mut Inner<T>) -> Option<Waker> {
        let room = self.has_room(inner);
        let Some(more) = &mut inner.more else { return None };
        let waker = if room { more.line.grant() } else { None };
        self.line.store(!more.line.wakers.is_empty(), Ordering::Relaxed);
        waker
    }

    pub(super) fn has_room(&self, inner: &Inner<T>) -> bool {
        if self.capacity == u32::MAX {
            return true;
        }
        let granted = match &inner.more {
            Some(more) => more.line.granted,
            None => 0,
        };
        self.held(inner) + u64::from(granted) < u64::from(self.capacity)
    }

    /// Up to which number there is room if nobody waits in line.
    fn room_until(&self) -> u64 {
        match (self.overflow, self.capacity) {
            (_, u32::MAX) => u64::MAX,
            // What there is room for, its queue says.
            (Overflow::DropOldest, _) => 0,
            (_, capacity) => self.taken() + u64::from(capacity),
        }
    }

    /// How many ordinary messages wait, fetched or not.
    fn held(&self, inner: &Inner<T>) -> u64 {
        if self.overflow == Overflow::DropOldest {
            // The numbers of those that had to make room are missing from the queue.
            return inner.queue.len() as u64;
        }
        inner.pushed.saturating_sub(self.taken())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        lock(&self.inner)
    }
}

/// Wakes those who wait for room.
#[cold]
fn tell_of_the_end(line: Option<Line>) {
    for (_, waker) in line.into_iter().flat_map(|line| line.wakers) {
        wake(waker);
    }
}

impl<'a, T> Door<'a, T> {
    /// Looks closer.
    pub(crate) fn enter(mut self) -> Admission<'a, T> {
        let Door { mailbox, inner } = &mut self;
        if let Some(closed) = inner.closed {
            return Admission::Closed(closed);
        }
        let (others_wait, is_granted) = match &inner.more {
            Some(more) => (!more.line.wakers.is_empty(), more.line.granted > 0),
            None => (false, false),
        };
        if !others_wait && !is_granted {
            inner.room_until = mailbox.room_until();
        }
        let has_room = !others_wait && mailbox.has_room(inner);
        let Door { mailbox, inner } = self;
        if has_room { Admission::Room(Room { inner }) } else { Admission::Full(Full { mailbox, inner }) }
    }
}

impl<T> Room<'_, T> {
    /// The slot for the message, which is empty.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn slot(&mut self) -> &mut Option<T> {
        self.inner.queue.free()
    }

    /// The message has been put into its slot.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn filled(mut self) -> Pushed {
        self.inner.queue.count();
        self.inner.pushed += 1;
        let number = self.inner.pushed;
        Pushed { number, wakeup: arouse(&mut self.inner.receiver) }
    }

    /// Puts a message in that has been made, where there is no hurry.
    pub(crate) fn put_made(mut self, item: T) -> Pushed {
        fill(self.slot(), item);
        self.filled()
    }
}

impl<T> Ahead<'_, T> {
    /// Puts the message in. The flag says, under the lock, that there is one.
    pub(crate) fn put(mut self, item: T, flag: &impl Flags) -> Pushed {
        let number = self.inner.more().control.push(item);
        flag.raise();
        Pushed { number, wakeup: arouse(&mut self.inner.receiver) }
    }
}

impl<T> Full<'_, T> {
    /// Joins the line of those who wait.
    pub(crate) fn wait(mut self, waker: &Waker) -> Ticket {
        self.inner.room_until = 0;
        let ticket = self.inner.more().line.join(waker);
        self.mailbox.line.store(true, Ordering::Relaxed);
        ticket
    }

    /// Puts the message in, and takes the one out that has waited longest.
    pub(crate) fn displace(mut self, item: T) -> (Pushed, Option<T>) {
        let displaced = self.inner.queue.pop();
        (Room { inner: self.inner }.put_made(item), displaced)
    }
}

impl Receiver {
    /// Has it look at what is urgent.
    fn call(&mut self) -> Wakeup {
        match std::mem::replace(self, Receiver::Running) {
            Receiver::Absent => Wakeup::Start,
            Receiver::Idle(waker) | Receiver::Busy(waker) => Wakeup::Wake(waker),
            Receiver::Running => Wakeup::Nothing,
        }
    }

    /// It waits for something of its own.
    pub(super) fn wait_busily(&mut self, waker: &Waker) {
        *self = match std::mem::replace(self, Receiver::Running) {
            Receiver::Busy(old) if old.will_wake(waker) => Receiver::Busy(old),
            _ => Receiver::Busy(waker.clone()),
        };
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn arouse(receiver: &mut Receiver) -> Wakeup {
    // Asked first: mostly it runs.
    if let Receiver::Running = receiver { Wakeup::Nothing } else { arouse_now(receiver) }
}

fn arouse_now(receiver: &mut Receiver) -> Wakeup {
    if let Receiver::Busy(_) = receiver {
        return Wakeup::Nothing;
    }
    match std::mem::replace(receiver, Receiver::Running) {
        Receiver::Idle(waker) => Wakeup::Wake(waker),
        _ => Wakeup::Start,
    }
}
