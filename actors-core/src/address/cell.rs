//! The whole of one actor in one allocation: the untyped part, the mailbox, and the state while no task runs it.

use std::any::{Any, type_name};
use std::mem::needs_drop;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::open_types::OpenTypes;
use super::protocol::{Accepts, Protocol};
use super::reply::{ReplyTo, Unhandled};
use super::tell::Refusal;
use crate::lifecycle::cell::{AnyCell, Core};
use crate::lifecycle::current::{DropCause, Dropping, current_actor};
use crate::lifecycle::dead_letter::{DeadLetter, DeadReason};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::catch;
use crate::lifecycle::path::short_name;
use crate::lifecycle::policy::Policy;
use crate::lifecycle::request::Mode;
use crate::lifecycle::run_queue::{RunQueue, TakesTurns};
use crate::lifecycle::signal::Signals;
use crate::mailbox::{Admission, Admitted, Capacity, Closed, Door, Full, Lane, Mailbox, Overflow, Pushed, Ticket, Wakeup, fill};
use crate::sync::{Mutex, lock, wake};

/// In this order: what an end looks at, and after it what a message does.
#[repr(C)]
pub(crate) struct Cell<A: Protocol> {
    core: Core,
    kind: &'static Kind<A>,
    pub(crate) mailbox: Mailbox<A::Msg>,
    /// The state of the actor, while no task holds it.
    state: Mutex<Option<A>>,
}

/// What all actors of one type share: what higher floors do with them, as functions, so that references need not know them.
pub(crate) struct Kind<A: Protocol> {
    /// Sees to it that an actor without a receiver does what there is to do.
    pub(crate) start: fn(Arc<Cell<A>>),
    /// Does it here and now, as far as that goes without waiting.
    pub(crate) take_turn: fn(Arc<Cell<A>>),
    /// Does it in a task of its own.
    pub(crate) start_task: fn(Arc<Cell<A>>),
    /// Ends the actor where it stands, if it is at rest; says whether it was.
    pub(crate) end_at_rest: fn(Arc<dyn AnyCell>, &ExitReason) -> bool,
    /// Has the actor end within its own limit.
    pub(crate) bring_down: fn(Arc<dyn AnyCell>, ExitReason, Mode),
    pub(crate) has_stop_hook: bool,
    pub(crate) policy: Policy,
}

/// A message is taken from its sender only once.
const SENT_ONCE: &str = "a message is sent once";

/// What makes a message into what the mailbox holds, in the slot where it will stand.
pub(crate) trait Put<M, T>: Fn(M, &mut Option<T>) {}

impl<M, T, F: Fn(M, &mut Option<T>)> Put<M, T> for F {}

/// What makes it by `make`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn by<M, T>(make: impl Fn(M) -> T) -> impl Put<M, T> {
    move |message, slot: &mut Option<T>| fill(slot, make(message))
}

/// What is made of a message, which is put where it is told.
fn made<T>(make: &mut dyn FnMut(&mut Option<T>)) -> T {
    let mut made = None;
    make(&mut made);
    made.expect("it was put into its slot")
}

/// Whether a sender waits at a full mailbox.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// If that is the policy of the mailbox.
    Policy,
    /// Also at a mailbox that rejects.
    Courier,
}

impl Patience {
    fn waits(self, overflow: Overflow) -> bool {
        overflow == Overflow::Wait || (overflow == Overflow::Reject && matches!(self, Patience::Courier))
    }
}

impl<A: Protocol> Cell<A> {
    pub(crate) fn new(core: Core, actor: A, capacity: Capacity, overflow: Overflow, kind: &'static Kind<A>) -> Self {
        Cell { core, mailbox: Mailbox::new(capacity, overflow), state: Mutex::new(Some(actor)), kind }
    }

    /// The cell, if it is that of an `A`.
    pub(crate) fn of(any: Arc<dyn AnyCell>) -> Option<Arc<Self>> {
        let mut place: Option<Arc<Self>> = None;
        any.put_into(&mut place);
        place
    }

    /// What its author has decided.
    pub(crate) fn policy(&self) -> &Policy {
        self.core.own_policy().unwrap_or(&self.kind.policy)
    }

    /// Puts a state in for the next incarnation.
    pub(crate) fn put_state(&self, actor: A) {
        let old = lock(&self.state).replace(actor);
        debug_assert!(old.is_none(), "the old state goes before a new one comes");
    }

    /// Takes the state out, to run it.
    pub(crate) fn take_state(&self) -> Option<A> {
        lock(&self.state).take()
    }

    /// Puts a message into the mailbox if there is room now, or the policy makes some; a control message in any case. One that is refused
    /// comes back.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn post<M>(self: &Arc<Self>, lane: Lane, message: M, put: impl Put<M, A::Msg>) -> Result<u64, (Refusal, M)> {
        let door = match lane {
            Lane::Ordinary => match self.mailbox.enter_at_once() {
                Ok(mut room) => {
                    put(message, room.slot());
                    return Ok(self.settle(room.filled()));
                }
                Err(door) => Some(door),
            },
            Lane::Control => None,
        };
        let mut message = Some(message);
        let posted = self.post_with_care(door, &mut |slot| put(message.take().expect(SENT_ONCE), slot));
        posted.map_err(|refusal| (refusal, message.expect("a refused message is still here")))
    }

    /// What is rare is compiled once for an actor, and not for each of its messages: so what makes the message is called through a
    /// pointer. A message overtakes the others where there is no door.
    #[cold]
    fn post_with_care(self: &Arc<Self>, door: Option<Door<'_, A::Msg>>, make: &mut dyn FnMut(&mut Option<A::Msg>)) -> Result<u64, Refusal> {
        let Some(door) = door else { return self.post_ahead(make) };
        match door.enter() {
            Admission::Room(room) => Ok(self.settle(room.put_made(made(make)))),
            Admission::Closed(closed) => Err(closed.into()),
            Admission::Full(full) if self.displaces() => Ok(self.displace(full, made(make))),
            Admission::Full(_) => Err(Refusal::Full),
        }
    }

    /// Whether a message gives way when the mailbox is full, so that nobody has to wait.
    fn displaces(&self) -> bool {
        matches!(self.mailbox.overflow(), Overflow::DropOldest | Overflow::DropNewest)
    }

    fn post_ahead(self: &Arc<Self>, make: &mut dyn FnMut(&mut Option<A::Msg>)) -> Result<u64, Refusal> {
        match self.mailbox.overtake() {
            Ok(place) => Ok(self.settle(place.put(made(make), &self.core.signals.bits(Signals::CONTROL)))),
            Err(closed) => Err(closed.into()),
        }
    }

    /// Has the oldest message give way, or this one.
    fn displace(self: &Arc<Self>, full: Full<'_, A::Msg>, item: A::Msg) -> u64 {
        if self.mailbox.overflow() == Overflow::DropNewest {
            drop(full);
            // What its destructor panics with is no concern of whoever sends, here and below.
            let _ = self.bury_quietly(item, DeadReason::Newest);
            return u64::MAX;
        }
        let (pushed, oldest) = full.displace(item);
        let number = self.settle(pushed);
        if let Some(oldest) = oldest {
            let _ = self.bury_quietly(oldest, DeadReason::Oldest);
        }
        number
    }

    /// Puts a message into the mailbox once there is room.
    #[inline]
    pub(crate) fn poll_post<M>(
        self: &Arc<Self>,
        lane: Lane,
        ticket: &mut Option<Ticket>,
        message: &mut Option<M>,
        put: impl Put<M, A::Msg>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        self.poll_post_with(Patience::Policy, lane, ticket, message, put, cx)
    }

    /// Puts a message into the mailbox once there is room, for somebody with this patience.
    #[inline]
    pub(crate) fn poll_post_with<M>(
        self: &Arc<Self>,
        patience: Patience,
        lane: Lane,
        ticket: &mut Option<Ticket>,
        message: &mut Option<M>,
        put: impl Put<M, A::Msg>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        let mut door = None;
        if lane == Lane::Ordinary && ticket.is_none() {
            match self.mailbox.enter_at_once() {
                Ok(mut room) => {
                    put(message.take().expect(SENT_ONCE), room.slot());
                    return Poll::Ready(Ok(self.settle(room.filled())));
                }
                Err(looked_at) => door = Some(looked_at),
            }
        }
        self.poll_post_with_care(door, patience, ticket, &mut |slot| put(message.take().expect(SENT_ONCE), slot), cx)
    }

    /// Goes through a door that has to be looked at, or else from one's place in the line. Who has neither overtakes all others.
    #[cold]
    fn poll_post_with_care(
        self: &Arc<Self>,
        door: Option<Door<'_, A::Msg>>,
        patience: Patience,
        ticket: &mut Option<Ticket>,
        make: &mut dyn FnMut(&mut Option<A::Msg>),
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        let _granted;
        let admission = match (door, *ticket) {
            (Some(door), _) => door.enter(),
            (None, Some(place)) => {
                let Poll::Ready(entered) = self.mailbox.enter_with(place, cx.waker()) else { return Poll::Pending };
                *ticket = None;
                _granted = Granted(&self.mailbox);
                entered
            }
            (None, None) => return Poll::Ready(self.post_ahead(make)),
        };
        match admission {
            Admission::Room(room) => Poll::Ready(Ok(self.settle(room.put_made(made(make))))),
            Admission::Closed(closed) => Poll::Ready(Err(closed.into())),
            Admission::Full(full) if patience.waits(self.mailbox.overflow()) => self.wait_for_room(full, ticket, cx),
            Admission::Full(full) if self.displaces() => Poll::Ready(Ok(self.displace(full, made(make)))),
            Admission::Full(_) => Poll::Ready(Err(Refusal::Full)),
        }
    }

    /// Takes a place in the line of those who wait for room; not in one's own.
    fn wait_for_room(
        self: &Arc<Self>,
        full: Full<'_, A::Msg>,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        if is_current(&self.core) {
            return Poll::Ready(Err(Refusal::WouldDeadlock));
        }
        *ticket = Some(full.wait(cx.waker()));
        Poll::Pending
    }

    /// Takes the next control message.
    pub(crate) fn take_control(&self) -> Option<A::Msg> {
        self.mailbox.take_overtaking(&self.core.signals.bits(Signals::CONTROL))
    }

    /// Makes a dead letter of a message, or tells its asker.
    pub(crate) fn bury(&self, message: A::Msg, reason: DeadReason) {
        // It may be the user's own, and panic. Then the letter goes by the name that all messages have.
        let mut tag = u16::MAX;
        let _ = catch(&mut || tag = A::tag(&message));
        let dropping = Dropping::because(DropCause::Discarded);
        let unhandled = A::unhandled(message);
        drop(dropping);
        if let Unhandled::Told(content) = unhandled {
            deliver(self, tag, reason, content);
        }
    }

    /// Makes a dead letter of a message, or tells its asker; a panic in a destructor comes back.
    pub(crate) fn bury_quietly(&self, message: A::Msg, reason: DeadReason) -> Option<ExitReason> {
        let mut message = Some(message);
        let mut bury = || {
            if let Some(message) = message.take() {
                self.bury(message, reason);
            }
        };
        catch(&mut bury).err()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn settle(self: &Arc<Self>, pushed: Pushed) -> u64 {
        match pushed.wakeup {
            Wakeup::Nothing => {}
            Wakeup::Wake(waker) => wake(waker),
            Wakeup::Start => (self.kind.start)(self.clone()),
        }
        pushed.number
    }
}

/// Room that was granted is being used: by a message that the user's own code makes, and that may panic. Then the next in line gets it,
/// once the lock is free that goes with the room.
struct Granted<'a, T>(&'a Mailbox<T>);

impl<T> Drop for Granted<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.pass_on();
        }
    }
}

/// Whether this actor's own code runs on this thread.
fn is_current(core: &Core) -> bool {
    current_actor().is_some_and(|current| current.id() == core.id)
}

/// The name of the message with this tag, of those that the actor's block names, or else of those that have come to an open actor.
fn message_name(tag: u32, named: &[&'static str], open: Option<&'static OpenTypes>, enumeration: &'static str) -> &'static str {
    let tag = usize::try_from(tag).unwrap_or(usize::MAX);
    let name = named.get(tag).copied();
    let name = name.or_else(|| open?.name(tag.checked_sub(named.len())?));
    name.unwrap_or_else(|| short_name(enumeration))
}

fn deliver(cell: &dyn AnyCell, tag: u16, reason: DeadReason, content: Option<Box<dyn Any + Send>>) {
    let letter = DeadLetter::new(cell.path(), cell.message_name(u32::from(tag)), reason, content);
    cell.env().dead_letters.deliver(letter);
}

/// What an actor accepts, made into its mailbox's item, for nobody to answer.
pub(crate) fn told<A: Accepts<M>, M>(message: M) -> A::Msg {
    A::accept(message, ReplyTo::nobody())
}

/// The lane in which an actor takes messages of type `M`, known when the program is compiled.
pub(crate) const fn lane<A: Accepts<M>, M>() -> Lane {
    if A::CONTROL { Lane::Control } else { Lane::Ordinary }
}

impl<A: Protocol> AnyCell for Cell<A> {
    fn core(&self) -> &Core {
        &self.core
    }

    fn put_into(self: Arc<Self>, place: &mut dyn Any) {
        if let Some(place) = place.downcast_mut() {
            *place = Some(self);
        }
    }

    fn kind(&self) -> &'static str {
        type_name::<A>()
    }

    fn default_policy(&self) -> &'static Policy {
        &self.kind.policy
    }

    fn call(self: Arc<Self>) {
        match self.mailbox.call() {
            Wakeup::Nothing => {}
            Wakeup::Wake(waker) => wake(waker),
            Wakeup::Start => (self.kind.start)(self),
        }
    }

    fn end_at_rest(self: Arc<Self>, cause: &ExitReason) -> bool {
        (self.kind.end_at_rest)(self, cause)
    }

    fn bring_down(self: Arc<Self>, cause: ExitReason, mode: Mode) {
        (self.kind.bring_down)(self, cause, mode);
    }

    fn has_stop_hook(&self) -> bool {
        self.kind.has_stop_hook
    }

    fn state_drops(&self) -> bool {
        needs_drop::<A>()
    }

    fn close_at_rest(&self, closed: Closed, untouched: bool) -> bool {
        self.mailbox.close_at_rest(closed, untouched)
    }

    fn drop_state(&self) {
        drop(self.take_state());
    }

    fn sleeps_after(&self) -> Option<u64> {
        self.mailbox.sleeps_after()
    }

    fn close(&self, closed: Closed) {
        self.mailbox.close(closed);
    }

    fn discard(&self, why: DeadReason) {
        // Whoever gives an actor up, or ends one that is down, may stand anywhere.
        self.core.parent.env.within(|| {
            while let Some(message) = self.mailbox.next_queued() {
                // Its end is known; there is nobody left to tell of a destructor that panics.
                let _ = self.bury_quietly(message, why);
            }
        });
    }

    fn suspend(&self, admitted: &mut Admitted, cx: &mut Context<'_>, urgent: u32) -> bool {
        let may_sleep = self.mailbox.suspend(admitted, cx, &self.core.signals.bits(urgent));
        admitted.wake();
        may_sleep
    }

    fn vacate(&self) {
        self.mailbox.vacate();
    }

    fn makes_wait(&self, ticket: Ticket) -> bool {
        self.mailbox.waits_for_receiver(ticket)
    }

    fn rouse(&self, ticket: Ticket) {
        self.mailbox.rouse(ticket);
    }

    fn queued(&self) -> u64 {
        self.mailbox.len()
    }

    fn pushed(&self) -> u64 {
        self.mailbox.pushed()
    }

    fn has_taken(&self, number: u64) -> bool {
        self.mailbox.has_taken(number)
    }

    fn message_name(&self, tag: u32) -> &'static str {
        message_name(tag, A::MESSAGES, A::open_types(), type_name::<A::Msg>())
    }
}

impl<A: Protocol> TakesTurns for Cell<A> {
    fn run_queue(&self) -> &Arc<RunQueue> {
        &self.core.parent.env.run_queue
    }

    fn depth(&self) -> u32 {
        self.core.parent.depth
    }

    fn take_turn(self: Arc<Self>) {
        (self.kind.take_turn)(self);
    }

    fn start_task(self: Arc<Self>) {
        (self.kind.start_task)(self);
    }
}

impl From<Closed> for Refusal {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Stopping => Refusal::Stopping,
            Closed::Stopped => Refusal::Stopped,
        }
    }
}
