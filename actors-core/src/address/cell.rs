//! The whole of one actor in one allocation: the untyped part, the mailbox, and the state while no task runs it.

use std::any::{Any, type_name};
use std::mem::needs_drop;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::protocol::{Accepts, Protocol};
use super::reply::{ReplyTo, Unhandled};
use super::tell::Refusal;
use crate::lifecycle::cell::{AnyCell, Core};
use crate::lifecycle::current::{DropCause, current_actor, dropping};
use crate::lifecycle::dead_letter::{DeadLetter, DeadReason};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::short_name;
use crate::lifecycle::policy::Policy;
use crate::lifecycle::run_queue::{RunQueue, TakesTurns};
use crate::lifecycle::signal::Signals;
use crate::mailbox::{Admission, Capacity, Closed, Full, Lane, Mailbox, Overflow, Pushed, Ticket, Wakeup};
use crate::sync::lock;

pub(crate) struct Cell<A: Protocol> {
    core: Core,
    pub(crate) mailbox: Mailbox<A::Msg>,
    /// The state of the actor, while no task holds it.
    state: Mutex<Option<A>>,
    kind: &'static Kind<A>,
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
    pub(crate) end_at_rest: fn(Arc<dyn AnyCell>, &ExitReason, Option<Instant>) -> bool,
    pub(crate) has_stop_hook: bool,
    pub(crate) policy: Policy,
}

/// A message is taken from its sender only once.
const SENT_ONCE: &str = "a message is sent once";

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

    /// Puts a message into the mailbox if there is room now, or the policy makes some; a control message in any case.
    #[inline(always)]
    pub(crate) fn post<M>(self: &Arc<Self>, lane: Lane, message: &mut Option<M>, make: impl FnOnce(M) -> A::Msg) -> Result<u64, Refusal> {
        if lane == Lane::Ordinary {
            match self.mailbox.enter_at_once() {
                Ok(room) => Ok(self.settle(room.put(|| make(message.take().expect(SENT_ONCE))))),
                Err(door) => self.post_with_care(door.enter(), message, make),
            }
        } else {
            let make = || make(message.take().expect(SENT_ONCE));
            let pushed = self.mailbox.overtake(make, || _ = self.core.signals.set(Signals::CONTROL))?;
            Ok(self.settle(pushed))
        }
    }

    #[cold]
    fn post_with_care<M>(
        self: &Arc<Self>,
        admission: Admission<'_, A::Msg>,
        message: &mut Option<M>,
        make: impl FnOnce(M) -> A::Msg,
    ) -> Result<u64, Refusal> {
        match admission {
            Admission::Room(room) => Ok(self.settle(room.put(|| make(message.take().expect(SENT_ONCE))))),
            Admission::Closed(closed) => Err(closed.into()),
            Admission::Full(full) => self.post_to_full(full, message, make),
        }
    }

    fn post_to_full<M>(
        self: &Arc<Self>,
        full: Full<'_, A::Msg>,
        message: &mut Option<M>,
        make: impl FnOnce(M) -> A::Msg,
    ) -> Result<u64, Refusal> {
        match self.mailbox.overflow() {
            Overflow::Wait | Overflow::Reject => Err(Refusal::Full),
            Overflow::DropOldest => {
                let (pushed, oldest) = full.displace(make(message.take().expect(SENT_ONCE)));
                let number = self.settle(pushed);
                if let Some(oldest) = oldest {
                    self.bury(oldest, DeadReason::Oldest);
                }
                Ok(number)
            }
            Overflow::DropNewest => {
                drop(full);
                self.bury(make(message.take().expect(SENT_ONCE)), DeadReason::Newest);
                Ok(u64::MAX)
            }
        }
    }

    /// Puts a message into the mailbox once there is room.
    #[inline]
    pub(crate) fn poll_post<M>(
        self: &Arc<Self>,
        lane: Lane,
        ticket: &mut Option<Ticket>,
        message: &mut Option<M>,
        make: impl FnOnce(M) -> A::Msg,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        self.poll_post_with(Patience::Policy, lane, ticket, message, make, cx)
    }

    /// Puts a message into the mailbox once there is room, for somebody with this patience.
    #[inline]
    pub(crate) fn poll_post_with<M>(
        self: &Arc<Self>,
        patience: Patience,
        lane: Lane,
        ticket: &mut Option<Ticket>,
        message: &mut Option<M>,
        make: impl FnOnce(M) -> A::Msg,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        if lane == Lane::Control {
            return Poll::Ready(self.post(lane, message, make));
        }
        if let Some(place) = *ticket {
            return self.poll_post_in_line(place, patience, ticket, message, make, cx);
        }
        match self.mailbox.enter_at_once() {
            Ok(room) => Poll::Ready(Ok(self.settle(room.put(|| make(message.take().expect(SENT_ONCE)))))),
            Err(door) => self.poll_post_with_care(door.enter(), patience, ticket, message, make, cx),
        }
    }

    #[cold]
    fn poll_post_in_line<M>(
        self: &Arc<Self>,
        place: Ticket,
        patience: Patience,
        ticket: &mut Option<Ticket>,
        message: &mut Option<M>,
        make: impl FnOnce(M) -> A::Msg,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        let admission = std::task::ready!(self.mailbox.enter_with(place, cx.waker()));
        *ticket = None;
        self.poll_post_with_care(admission, patience, ticket, message, make, cx)
    }

    #[cold]
    fn poll_post_with_care<M>(
        self: &Arc<Self>,
        admission: Admission<'_, A::Msg>,
        patience: Patience,
        ticket: &mut Option<Ticket>,
        message: &mut Option<M>,
        make: impl FnOnce(M) -> A::Msg,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, Refusal>> {
        match admission {
            Admission::Full(full) if patience.waits(self.mailbox.overflow()) => {
                if current_actor().is_some_and(|current| current.id() == self.core.id) {
                    return Poll::Ready(Err(Refusal::WouldDeadlock));
                }
                *ticket = Some(full.wait(cx.waker()));
                Poll::Pending
            }
            admission => Poll::Ready(self.post_with_care(admission, message, make)),
        }
    }

    /// Takes the next control message.
    pub(crate) fn take_control(&self) -> Option<A::Msg> {
        self.mailbox.take_overtaking(|| self.core.signals.clear(Signals::CONTROL))
    }

    /// Makes a dead letter of a message, or tells its asker.
    pub(crate) fn bury(&self, message: A::Msg, reason: DeadReason) {
        let tag = A::tag(&message);
        let unhandled = dropping(DropCause::Discarded, || A::unhandled(message));
        if let Unhandled::Told(content) = unhandled {
            let letter = DeadLetter::new(self.core.path(self.kind()), self.message_name(u32::from(tag)), reason, content);
            self.core.parent.env.dead_letters.deliver(letter);
        }
    }

    #[inline(always)]
    fn settle(self: &Arc<Self>, pushed: Pushed) -> u64 {
        match pushed.wakeup {
            Wakeup::Nothing => {}
            Wakeup::Wake(waker) => waker.wake(),
            Wakeup::Start => (self.kind.start)(self.clone()),
        }
        pushed.number
    }
}

/// What an actor accepts, as a function that makes it into its mailbox's item, for nobody to answer.
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

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
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
            Wakeup::Wake(waker) => waker.wake(),
            Wakeup::Start => (self.kind.start)(self),
        }
    }

    fn end_at_rest(self: Arc<Self>, cause: &ExitReason, now: Option<Instant>) -> bool {
        (self.kind.end_at_rest)(self, cause, now)
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
        for message in self.mailbox.take_queued() {
            if let Err(reason) = guard(|| self.bury(message, why)) {
                // Its end is known; there is nobody left to tell of a destructor that panics.
                drop(reason);
            }
        }
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
        let tag = usize::try_from(tag).unwrap_or(usize::MAX);
        let name = A::MESSAGES.get(tag).copied();
        let name = name.or_else(|| A::open_types()?.name(tag.checked_sub(A::MESSAGES.len())?));
        name.unwrap_or_else(|| short_name(type_name::<A::Msg>()))
    }
}

impl<A: Protocol> TakesTurns for Cell<A> {
    fn run_queue(&self) -> &Arc<RunQueue> {
        &self.core.parent.env.run_queue
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
