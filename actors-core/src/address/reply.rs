//! The way back of an ask: answered once, now or later, by whoever holds it.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::lifecycle::current::{DropCause, drop_cause};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::ties::{Answer, StashPlace, Stashed};
use crate::sync::{Mutex, lock, renew, wake};

/// The right, and the duty, to answer one ask.
///
/// A handler that takes a `ReplyTo` answers when it likes: at once, from a helper task, or never, in which case the
/// asker learns [`NoReply`](crate::AskError::NoReply) when the `ReplyTo` is dropped. It can be passed on to another
/// actor with [`ActorRef::forward`](crate::ActorRef::forward). For a [`tell`](crate::ActorRef::tell) there is nobody to
/// answer, and sending does nothing.
///
/// ```
/// use actors_core::{messages, Actor, ActorSystem, ReplyTo};
///
/// #[derive(Actor)]
/// struct Desk { waiting: Vec<ReplyTo<&'static str>> }
///
/// #[messages]
/// impl Desk {
///     #[message] fn next(&mut self, reply: ReplyTo<&'static str>) { self.waiting.push(reply) }
///     #[message] fn open(&mut self) { self.waiting.drain(..).for_each(|reply| reply.send("please")) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = ActorSystem::new("desk");
/// let desk = system.spawn(Desk { waiting: Vec::new() });
/// let (answer, opened) = tokio::join!(desk.ask(Next), desk.tell(Open));
/// opened.unwrap();
/// assert_eq!(answer.unwrap(), "please");
/// # system.shutdown().await; }
/// ```
#[must_use = "whoever asked waits for the answer"]
pub struct ReplyTo<R, E = Infallible> {
    slot: Option<Arc<Slot<R, E>>>,
}

/// What a message was that was never handled.
#[derive(Debug)]
pub enum Unhandled {
    /// An ask, which has been told.
    Bounced,
    /// A tell, with its message if that could be had; it becomes a dead letter.
    Told(Option<Box<dyn Any + Send>>),
}

/// What an asker and an answerer share.
pub(crate) struct Slot<R, E> {
    state: Mutex<State<R, E>>,
    /// By when the asker wants the answer; set before the message is sent.
    deadline: OnceLock<Instant>,
}

struct State<R, E> {
    stage: Stage,
    /// There while the stage says that it is settled.
    outcome: Option<Outcome<R, E>>,
    waker: Option<Waker>,
    /// The answer is to wake nobody yet.
    hushed: bool,
    stashed: Stashed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Settled,
    /// The asker has gone, or has been told.
    Done,
}

/// How an ask ended.
pub(crate) enum Outcome<R, E> {
    Answered(Result<R, E>),
    Broken(Box<Broken>),
}

/// Why there will be no answer.
pub(crate) enum Broken {
    /// The reply was dropped.
    NoReply,
    /// The message was discarded from the queue.
    Discarded(Option<Box<dyn Any + Send>>),
    /// The handler panicked.
    Panicked(ExitReason),
    /// The handler was dropped.
    Cut,
    /// The handler outran its limit.
    TimedOut,
    /// It came out that the asker waits for itself, round this cycle.
    Circular(Vec<ActorPath>),
}

impl<R, E> ReplyTo<R, E> {
    #[inline]
    pub(crate) fn nobody() -> Self {
        ReplyTo { slot: None }
    }

    pub(crate) fn to(slot: &Arc<Slot<R, E>>) -> Self {
        ReplyTo { slot: Some(slot.clone()) }
    }

    /// Answers. If nobody asked, or the asker has gone, the answer is dropped.
    #[inline]
    pub fn send(self, reply: R) {
        self.settle(Outcome::Answered(Ok(reply)));
    }

    /// Answers with an error.
    ///
    /// # Errors
    /// The error comes back if nobody asked, so that it is not lost.
    pub fn fail(self, error: E) -> Result<(), E> {
        if self.slot.is_none() {
            return Err(error);
        }
        self.settle(Outcome::Answered(Err(error)));
        Ok(())
    }

    /// Answers with whatever came out.
    ///
    /// # Errors
    /// An error comes back if nobody asked, so that it is not lost.
    #[inline]
    pub fn resolve(self, outcome: Result<R, E>) -> Result<(), E> {
        match outcome {
            Ok(reply) => {
                self.send(reply);
                Ok(())
            }
            Err(error) => self.fail(error),
        }
    }

    /// Tells whether somebody asked: `false` for a tell.
    pub fn is_asked(&self) -> bool {
        self.slot.is_some()
    }

    /// Tells whether nobody waits for the answer: it was a tell, or the asker has gone.
    pub fn is_closed(&self) -> bool {
        self.slot.as_ref().is_none_or(|slot| lock(&slot.state).stage == Stage::Done)
    }

    /// Returns by when the asker wants the answer, if there is a limit.
    pub fn deadline(&self) -> Option<Instant> {
        self.slot.as_ref()?.deadline.get().copied()
    }

    /// Has nobody be woken by the answer until what is returned goes.
    pub(crate) fn hush(&self) -> Option<Hushed<R, E>> {
        let slot = self.slot.clone()?;
        lock(&slot.state).hushed = true;
        Some(Hushed(slot))
    }

    /// What the asker shares with whoever answers, if somebody asked.
    pub(crate) fn slot(&self) -> Option<Arc<Slot<R, E>>> {
        self.slot.clone()
    }

    /// Gives back a message that will not be handled: to the asker, or as a dead letter.
    #[doc(hidden)]
    pub fn unhandled(self, message: Box<dyn Any + Send>) -> Unhandled {
        if self.slot.is_none() {
            return Unhandled::Told(Some(message));
        }
        self.settle(Outcome::Broken(Box::new(Broken::Discarded(Some(message)))));
        Unhandled::Bounced
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn settle(mut self, outcome: Outcome<R, E>) {
        let slot = self.slot.take();
        // There is nothing left to drop, and no need to look again.
        std::mem::forget(self);
        if let Some(slot) = slot {
            Slot::settle(slot, outcome);
        }
    }
}

impl<R, E> Drop for ReplyTo<R, E> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            Slot::forsake(slot);
        }
    }
}

/// While there is one, the answer wakes nobody; afterwards it does, whenever it has come.
pub(crate) struct Hushed<R, E>(Arc<Slot<R, E>>);

impl<R, E> Drop for Hushed<R, E> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.hushed = false;
        let waker = if state.stage == Stage::Waiting { None } else { state.waker.take() };
        drop(state);
        if let Some(waker) = waker {
            wake(waker);
        }
    }
}

impl<R, E> Slot<R, E> {
    /// The right to answer is dropped.
    fn forsake(slot: Arc<Self>) {
        let broken = match drop_cause() {
            Some(DropCause::Discarded) => Broken::Discarded(None),
            Some(DropCause::Cut) => Broken::Cut,
            Some(DropCause::TimedOut) => Broken::TimedOut,
            Some(DropCause::State) => Broken::NoReply,
            None => panic::under_way().map_or(Broken::NoReply, Broken::Panicked),
        };
        Self::settle(slot, Outcome::Broken(Box::new(broken)));
    }
}

impl<R, E> Outcome<R, E> {
    fn none() -> Self {
        Outcome::Broken(Box::new(Broken::NoReply))
    }
}

impl<R, E> fmt::Debug for ReplyTo<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyTo").field("asked", &self.is_asked()).finish()
    }
}

impl<R, E> Slot<R, E> {
    /// A slot whose answer wakes `waker`, if the asker is known already.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(waker: Option<Waker>) -> Arc<Self> {
        // Made where it stands: `new` would make it on the stack and copy it at once, in other parts, while its writing is under way.
        Arc::new_cyclic(|_| {
            let state = State { stage: Stage::Waiting, outcome: None, waker, hushed: false, stashed: Stashed::default() };
            Slot { state: Mutex::new(state), deadline: OnceLock::new() }
        })
    }

    /// Sets by when the asker wants the answer.
    pub(crate) fn limit(&self, deadline: Instant) {
        self.deadline.get_or_init(|| deadline);
    }

    fn settle(slot: Arc<Self>, outcome: Outcome<R, E>) {
        let mut state = lock(&slot.state);
        if state.stage != Stage::Waiting {
            // Nobody wants it; it is dropped after the lock is released.
            drop(state);
            return;
        }
        state.stage = Stage::Settled;
        // There was none, so there is nothing to drop.
        std::mem::forget(state.outcome.replace(outcome));
        let waker = if state.hushed { None } else { state.waker.take() };
        drop(state);
        // First, so that the asker finds it to be its own.
        drop(slot);
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Takes the answer out of the asker's slot, which goes with that.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn poll_own(own: &mut Option<Arc<Self>>, cx: &mut Context<'_>) -> Poll<Outcome<R, E>> {
        let Some(slot) = own.take() else { return Poll::Pending };
        match Arc::try_unwrap(slot) {
            // Whoever was to answer has gone, and nobody else looks at it: no lock is needed.
            Ok(slot) => Poll::Ready(slot.state.into_inner().outcome.unwrap_or_else(Outcome::none)),
            Err(slot) => own.insert(slot).poll(cx),
        }
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Outcome<R, E>> {
        // Dropped once the lock is free: it may be of anybody's making.
        let mut _old = None;
        let mut state = lock(&self.state);
        if state.stage == Stage::Waiting {
            match &mut state.waker {
                Some(waker) => _old = renew(waker, cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        state.stage = Stage::Done;
        Poll::Ready(state.outcome.take().unwrap_or_else(Outcome::none))
    }

    /// Has an answer wait that the asker has taken too early.
    pub(crate) fn put_back(&self, outcome: Outcome<R, E>) {
        let mut state = lock(&self.state);
        (state.stage, state.outcome) = (Stage::Settled, Some(outcome));
    }

    fn note(&self, note: impl FnOnce(&mut Stashed)) {
        let mut state = lock(&self.state);
        if state.stage == Stage::Waiting {
            note(&mut state.stashed);
        }
    }

    /// The asker goes away; a late answer is discarded.
    pub(crate) fn close(&self) {
        let unread = {
            let mut state = lock(&self.state);
            state.stage = Stage::Done;
            (state.outcome.take(), state.waker.take())
        };
        drop(unread);
    }
}

impl<R: Send, E: Send> Answer for Slot<R, E> {
    fn break_off(self: Arc<Self>, cycle: Vec<ActorPath>) {
        Slot::settle(self, Outcome::Broken(Box::new(Broken::Circular(cycle))));
    }

    fn is_awaited(&self) -> bool {
        lock(&self.state).stage == Stage::Waiting
    }

    fn stashed(&self) -> Stashed {
        let state = lock(&self.state);
        if state.stage == Stage::Waiting { state.stashed } else { Stashed::default() }
    }

    fn note_stashed(&self) {
        self.note(|stashed| {
            stashed.times += 1;
            stashed.place = StashPlace::Waits;
        });
    }

    fn note_replayed(&self) {
        self.note(|stashed| stashed.place = StashPlace::InHand);
    }

    fn note_handled(&self) {
        self.note(|stashed| {
            if stashed.place == StashPlace::InHand {
                stashed.place = StashPlace::Nowhere;
            }
        });
    }
}
