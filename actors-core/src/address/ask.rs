//! Asking: send and await the reply.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::ask_error::{AskError, DeadlockError, LostError};
use super::cell::Cell;
use super::deadlock::{self, UNSENT};
use super::protocol::Protocol;
use super::reply::{Broken, Outcome, ReplyTo, Slot};
use super::tell::{Refusal, TellError};
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::current::{current_actor, current_caller, runs_nobody};
use crate::lifecycle::exit::{ExitReason, HandlerTimedOut};
use crate::lifecycle::path::{ActorPath, short_name};
use crate::lifecycle::ties::{Answer, StashPlace};
use crate::mailbox::{Lane, Ticket, fill};
use crate::time::after;

/// Makes a message, and the slot for its answer, into what the mailbox holds, where it will stand there.
type Make<A, M, R, E> = fn(M, &Arc<Slot<R, E>>, &mut Option<<A as Protocol>::Msg>);

/// An ask on its way; resolves to the reply. Made by [`ActorRef::ask`](crate::ActorRef::ask).
///
/// # Cancel safety
/// A future dropped before the mailbox has taken the message has sent nothing. Dropped later, the message is handled and
/// the reply discarded.
#[must_use = "nothing is asked until this is awaited"]
pub struct Ask<'a, A: Protocol, M, R, E> {
    target: &'a Arc<Cell<A>>,
    lane: Lane,
    make: Make<A, M, R, E>,
    message: Option<M>,
    /// There from the first poll on, or before if the message holds its `ReplyTo` already.
    slot: Option<Arc<Slot<R, E>>>,
    phase: Phase,
    wait: Wait,
}

/// What is known of an ask whatever it asks: how long it may take, and who waits.
struct Wait {
    limit: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    asker: Option<Asker>,
}

impl<'a, A: Protocol, R> Ask<'a, A, A::Msg, R, Infallible> {
    /// An ask whose message is made here, by the user's own function and so before any lock is held.
    pub(crate) fn prepared(target: &'a Arc<Cell<A>>, make: impl FnOnce(ReplyTo<R>) -> A::Msg) -> Self {
        let slot = Slot::new(None);
        let message = make(ReplyTo::to(&slot));
        Self::with_slot(target, Lane::Ordinary, message, |message, _, slot| fill(slot, message), Some(slot))
    }
}

/// How far it has come. It holds nothing that would have to be moved as a whole right after a part of it was written.
#[derive(Clone, Copy)]
enum Phase {
    /// Not polled yet.
    New,
    /// Waiting for room.
    Posting(Option<Ticket>),
    /// Waiting for the answer to the message with this number.
    Waiting(u64),
    Done,
}

/// The actor in whose handler this is awaited.
struct Asker {
    cell: Arc<dyn AnyCell>,
    /// Its entry while it waits.
    open: Option<u64>,
}

impl<'a, A: Protocol, M, R, E> Ask<'a, A, M, R, E> {
    /// An ask with a message that is made into the mailbox's item by `make`, which must not send. If that may drop the right to answer,
    /// the slot knows nobody to wake until the message is in.
    pub(crate) fn new(target: &'a Arc<Cell<A>>, lane: Lane, message: M, keeps_reply: bool, make: Make<A, M, R, E>) -> Self {
        let slot = if keeps_reply { None } else { Some(Slot::new(None)) };
        Self::with_slot(target, lane, message, make, slot)
    }

    fn with_slot(target: &'a Arc<Cell<A>>, lane: Lane, message: M, make: Make<A, M, R, E>, slot: Option<Arc<Slot<R, E>>>) -> Self {
        let limit = target.policy().ask_limit;
        Ask { target, lane, make, message: Some(message), slot, phase: Phase::New, wait: Wait { limit, sleep: None, asker: None } }
    }

    /// Waits at most this long, room in the mailbox included.
    ///
    /// Inside a handler that is itself asked with a limit, the time that is left of it holds if it is shorter.
    pub fn within(mut self, limit: Duration) -> Self {
        self.wait.limit = Some(limit);
        self
    }

    /// Sets the limit, which an ask in hand may shorten, and finds out who asks. A slot that is made here wakes the waker.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Trouble>
    where
        R: Send + 'static,
        E: Send + 'static,
    {
        let slot = match &mut self.slot {
            Some(slot) => slot,
            none => none.insert(Slot::new(Some(cx.waker().clone()))),
        };
        if self.wait.limit.is_none() && runs_nobody() {
            return Ok(());
        }
        self.wait.begin(self.target, slot)
    }

    /// Notes that the asker waits: for room if the number is [`UNSENT`], else for the answer.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wait_for(&mut self, number: u64) -> Result<(), Trouble>
    where
        R: Send + 'static,
        E: Send + 'static,
    {
        match &self.slot {
            Some(slot) if self.wait.asker.is_some() => self.wait.open(self.target, slot, number),
            _ => Ok(()),
        }
    }

    fn would_deadlock(&mut self, cycle: Vec<ActorPath>) -> AskError<M, E> {
        // Whoever finds the right to answer in the message sees that nobody waits.
        if let Some(slot) = &self.slot {
            slot.close();
        }
        AskError::WouldDeadlock(DeadlockError::new(cycle, self.message.take()))
    }

    #[cold]
    #[inline(never)]
    #[expect(clippy::boxed_local, reason = "taken out of its box here, and not where an answer passes by")]
    fn error_of(&mut self, broken: Box<Broken>) -> AskError<M, E>
    where
        M: 'static,
    {
        match Failure::of(*broken) {
            Ok(failure) => self.failed(failure),
            Err(discarded) => {
                let message = match discarded.map(|message| message.downcast::<M>()) {
                    Some(Ok(message)) => Some(*message),
                    _ => None,
                };
                AskError::Lost(LostError::new(self.target().path(), message))
            }
        }
    }

    /// Waits no longer: the time is over.
    pub(crate) fn give_up(&mut self) -> AskError<M, E>
    where
        R: Send,
        E: Send,
    {
        let error = self.timed_out();
        self.leave();
        error
    }

    fn timed_out(&mut self) -> AskError<M, E>
    where
        R: Send,
        E: Send,
    {
        match (self.phase, &self.slot) {
            (Phase::Waiting(number), Some(slot)) => self.failed(self.wait.timed_out(&**self.target, &**slot, number)),
            _ => {
                let message = self.message.take().expect("what was not posted is still here");
                self.refused(Refusal::TimedOut, message)
            }
        }
    }

    fn failed(&mut self, failure: Failure) -> AskError<M, E> {
        let (path, message_type) = (self.target().path(), self.message_type());
        match failure {
            Failure::NoReply => AskError::NoReply { path, message_type },
            Failure::Crashed(reason) => AskError::Crashed { path, message_type, reason },
            Failure::OutranLimit => {
                let limit = self.target.policy().handler_limit.unwrap_or_default();
                let reason = ExitReason::failed(Box::new(HandlerTimedOut { message: message_type, limit }));
                AskError::Crashed { path, message_type, reason }
            }
            Failure::TimedOutInQueue(limit) => AskError::TimedOutInQueue { path, message_type, limit },
            Failure::TimedOutInHandler(limit) => AskError::TimedOutInHandler { path, message_type, limit },
            Failure::Circular(cycle) => self.would_deadlock(cycle),
        }
    }

    /// It goes no further, and leaves nothing behind.
    #[cold]
    #[inline(never)]
    fn troubled(&mut self, trouble: Trouble) -> AskError<M, E>
    where
        M: 'static,
    {
        let error = match trouble {
            Trouble::Refused(refusal) => {
                if let Some(slot) = &self.slot {
                    slot.close();
                }
                let message = self.message.take().expect("a refused message is still here");
                self.refused(refusal, message)
            }
            Trouble::Cycle(cycle) => self.would_deadlock(cycle),
            Trouble::Broken(broken) => self.error_of(broken),
        };
        self.leave();
        error
    }

    fn refused(&self, refusal: Refusal, message: M) -> AskError<M, E> {
        AskError::NotDelivered(TellError::new(self.target().path(), refusal, message))
    }

    fn target(&self) -> Arc<dyn AnyCell> {
        self.target.clone()
    }

    fn message_type(&self) -> &'static str {
        short_name(std::any::type_name::<M>())
    }

    /// Leaves nothing behind, with the target or with the asker.
    #[cold]
    fn leave(&mut self) {
        let phase = std::mem::replace(&mut self.phase, Phase::Done);
        if let Phase::Posting(Some(ticket)) = phase {
            self.target.mailbox.leave(ticket);
        }
        self.wait.no_more();
        // Last: the destructor of an answer that nobody has read may panic.
        if let (Phase::Posting(_) | Phase::Waiting(_), Some(slot)) = (phase, &self.slot) {
            slot.close();
        }
    }
}

/// What comes of a poll.
enum Step<R, E> {
    Answer(Outcome<R, E>),
    Waits,
    Fails(Trouble),
}

/// Why an ask goes no further.
enum Trouble {
    Refused(Refusal),
    /// It would wait for itself.
    Cycle(Vec<ActorPath>),
    /// It was told so while it waited for room.
    Broken(Box<Broken>),
}

/// What has become of a message that was taken and not answered, whatever its type.
enum Failure {
    NoReply,
    Crashed(ExitReason),
    OutranLimit,
    TimedOutInQueue(Duration),
    TimedOutInHandler(Duration),
    Circular(Vec<ActorPath>),
}

impl Failure {
    /// Sorts out why there will be no answer. A message that was discarded comes back.
    fn of(broken: Broken) -> Result<Self, Option<Box<dyn Any + Send>>> {
        match broken {
            Broken::NoReply => Ok(Failure::NoReply),
            Broken::Discarded(message) => Err(message),
            Broken::Panicked(reason) => Ok(Failure::Crashed(reason)),
            Broken::Cut => Ok(Failure::Crashed(ExitReason::Killed)),
            Broken::TimedOut => Ok(Failure::OutranLimit),
            Broken::Circular(cycle) => Ok(Failure::Circular(cycle)),
        }
    }
}

impl Wait {
    /// Where the message is for which it was waited too long.
    fn timed_out(&self, target: &dyn AnyCell, slot: &dyn Answer, number: u64) -> Failure {
        let limit = self.limit.unwrap_or_default();
        let in_queue = match slot.stashed().place {
            StashPlace::Waits => true,
            StashPlace::InHand => false,
            StashPlace::Nowhere => !target.has_taken(number),
        };
        if in_queue { Failure::TimedOutInQueue(limit) } else { Failure::TimedOutInHandler(limit) }
    }

    /// Sets the limit, which an ask in hand may shorten, and finds out who asks.
    #[inline(never)]
    fn begin<A: Protocol, R: Send + 'static, E: Send + 'static>(
        &mut self,
        target: &Arc<Cell<A>>,
        slot: &Arc<Slot<R, E>>,
    ) -> Result<(), Trouble> {
        let (caller, inherited) = current_caller();
        let cell: &dyn AnyCell = &**target;
        if inherited.is_some() || self.limit.is_some() {
            if let Some(deadline) = cell.env().in_time(|| self.set_limit(inherited)) {
                slot.limit(deadline);
            }
        }
        match caller {
            Some(caller) => self.asked_by(caller, target, slot),
            None => Ok(()),
        }
    }

    /// Sets the limit, which an ask in hand may shorten. Returns by when there has to be an answer.
    fn set_limit(&mut self, inherited: Option<Instant>) -> Option<Instant> {
        if let Some(inherited) = inherited.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            self.limit = Some(self.limit.map_or(inherited, |own| own.min(inherited)));
        }
        let deadline = self.limit.map(|limit| after(Instant::now(), limit));
        if let Some(deadline) = deadline {
            self.sleep = Some(Box::pin(tokio::time::sleep_until(deadline)));
        }
        deadline
    }

    /// Notes who asks, unless this would close a cycle.
    fn asked_by<A: Protocol, R: Send + 'static, E: Send + 'static>(
        &mut self,
        caller: Arc<dyn AnyCell>,
        target: &Arc<Cell<A>>,
        slot: &Arc<Slot<R, E>>,
    ) -> Result<(), Trouble> {
        if deadlock::may_close(caller.core(), target.core()) {
            let cycle = deadlock::would_close(&caller, &deadlock::Ask::new(target.clone(), UNSENT, slot.clone()));
            cycle.map_or(Ok(()), |cycle| Err(Trouble::Cycle(cycle)))?;
        }
        self.asker = Some(Asker { cell: caller, open: None });
        Ok(())
    }

    /// Enters the ask among those that the asker waits for, unless this closes a cycle.
    #[inline(never)]
    fn open<A: Protocol, R: Send + 'static, E: Send + 'static>(
        &mut self,
        target: &Arc<Cell<A>>,
        slot: &Arc<Slot<R, E>>,
        number: u64,
    ) -> Result<(), Trouble> {
        let Some(asker) = &mut self.asker else { return Ok(()) };
        let core = asker.cell.core();
        asker.open = Some(core.open_ask(target.clone(), number, slot.clone()));
        // Looked at again: the other may have begun to wait for us meanwhile.
        if !deadlock::may_close(core, target.core()) {
            return Ok(());
        }
        let cycle = deadlock::closes(&asker.cell, &deadlock::Ask::new(target.clone(), number, slot.clone()));
        cycle.map_or(Ok(()), |cycle| Err(Trouble::Cycle(cycle)))
    }

    #[inline]
    fn no_more(&mut self) {
        if let Some(Asker { cell, open }) = &mut self.asker {
            if let Some(open) = open.take() {
                cell.core().close_ask(open);
            }
        }
    }

    /// Carried on elsewhere than it was begun, it is no handler's any more.
    fn no_more_elsewhere(&mut self) {
        self.no_more();
        let is_elsewhere = |asker: &mut Asker| current_actor().is_none_or(|current| current.id() != asker.cell.id());
        drop(self.asker.take_if(is_elsewhere));
    }
}

impl<A: Protocol, M, R, E> Unpin for Ask<'_, A, M, R, E> {}

impl<A: Protocol, M: 'static, R: Send + 'static, E: Send + 'static> Future for Ask<'_, A, M, R, E> {
    type Output = Result<R, AskError<M, E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // By far the most frequent: the message was posted at the first poll, and this is the second, with the answer.
        let step = match this.phase {
            Phase::Waiting(_) => match Slot::poll_own(&mut this.slot, cx) {
                Poll::Ready(outcome) => Step::Answer(outcome),
                Poll::Pending => Step::Waits,
            },
            _ => this.post(cx),
        };
        // Each arm takes all there is, so that nothing is left to be looked through and dropped.
        match step {
            Step::Answer(outcome) => {
                this.phase = Phase::Done;
                this.wait.no_more();
                match outcome {
                    Outcome::Answered(Ok(reply)) => Poll::Ready(Ok(reply)),
                    Outcome::Answered(Err(error)) => Poll::Ready(Err(AskError::Failed(error))),
                    Outcome::Broken(broken) => Poll::Ready(Err(this.error_of(broken))),
                }
            }
            Step::Waits if this.wait.sleep.is_none() => Poll::Pending,
            Step::Waits => this.poll_limit(cx),
            Step::Fails(trouble) => Poll::Ready(Err(this.troubled(trouble))),
        }
    }
}

impl<A: Protocol, M: 'static, R: Send + 'static, E: Send + 'static> Ask<'_, A, M, R, E> {
    #[inline(never)]
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, AskError<M, E>>> {
        let Some(sleep) = &mut self.wait.sleep else { return Poll::Pending };
        std::task::ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(self.give_up()))
    }

    fn post(&mut self, cx: &mut Context<'_>) -> Step<R, E> {
        self.try_post(cx).unwrap_or_else(Step::Fails)
    }

    /// Posts the message, or waits for room. The answer may be there already.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn try_post(&mut self, cx: &mut Context<'_>) -> Result<Step<R, E>, Trouble> {
        let is_new = self.slot.is_none();
        let mut ticket = None;
        match self.phase {
            Phase::New => self.begin(cx)?,
            Phase::Posting(place) => {
                // What waits for room is entered anew each time, so that no entry says so of a request that has been posted.
                self.wait.no_more_elsewhere();
                // It is given up once, here or where the message is made, and not again if that panics.
                self.phase = Phase::Posting(None);
                ticket = place;
            }
            Phase::Waiting(_) | Phase::Done => unreachable!("polled after it was done"),
        }
        let Ask { target, lane, make, message, slot, .. } = &mut *self;
        let slot = slot.as_ref().expect("it was made at the beginning");
        let posted = target.poll_post(*lane, &mut ticket, message, |message, place: &mut _| make(message, slot, place), cx);
        match posted {
            Poll::Ready(Ok(number)) => {
                self.phase = Phase::Waiting(number);
                self.wait_for(number)?;
                // A slot that was made just now knows the waker.
                match &self.slot {
                    Some(slot) if !is_new => Ok(match slot.poll(cx) {
                        Poll::Ready(outcome) => Step::Answer(outcome),
                        Poll::Pending => Step::Waits,
                    }),
                    _ => Ok(Step::Waits),
                }
            }
            Poll::Ready(Err(Refusal::WouldDeadlock)) => {
                // It asks itself, and had the answer already: otherwise this was seen at the beginning.
                let asker = self.target().path();
                Err(Trouble::Cycle(vec![asker.clone(), asker]))
            }
            Poll::Ready(Err(refusal)) => Err(Trouble::Refused(refusal)),
            Poll::Pending => {
                self.phase = Phase::Posting(ticket);
                self.wait_for(UNSENT)?;
                self.look_for_a_cycle(cx)
            }
        }
    }

    /// While it waits for room, all that can be told is that it waits for itself. What the maker of the message has answered is for later.
    #[cold]
    fn look_for_a_cycle(&mut self, cx: &mut Context<'_>) -> Result<Step<R, E>, Trouble> {
        let Some(slot) = self.slot.as_ref().filter(|_| self.wait.asker.is_some()) else { return Ok(Step::Waits) };
        match slot.poll(cx) {
            Poll::Ready(Outcome::Broken(broken)) if matches!(*broken, Broken::Circular(_)) => return Err(Trouble::Broken(broken)),
            Poll::Ready(early) => slot.put_back(early),
            Poll::Pending => {}
        }
        Ok(Step::Waits)
    }
}

impl<A: Protocol, M, R, E> Drop for Ask<'_, A, M, R, E> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if let Phase::Posting(_) | Phase::Waiting(_) = self.phase {
            self.leave();
        }
    }
}
