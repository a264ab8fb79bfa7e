//! Telling: send and go on.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::in_line::{Wait, Waiting};
use super::protocol::Protocol;
use super::stopped::Stopped;
use crate::lifecycle::current::runs_nobody;
use crate::lifecycle::dead_letter::{DeadLetter, DeadReason};
use crate::lifecycle::env::Env;
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::{ActorPath, short_name};
use crate::mailbox::Ticket;
use crate::sync::Mutex;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The mailbox is full.
    #[error("its mailbox is full")]
    Full,
    /// The actor was asked to end and takes nothing more.
    #[error("it is stopping")]
    Stopping,
    /// The actor has ended, or never ran.
    #[error("it is not running")]
    Stopped,
    /// No worker of the pool is running, and the pool goes on: all have ended for good, or, of a call that does not wait, it is starting them.
    #[error("none of its workers is running")]
    NoWorkers,
    /// There was no room within the limit.
    #[error("there was no room in its mailbox in time")]
    TimedOut,
    /// The sender would wait for room in its own mailbox, or in that of an actor that waits for the sender: for its answer, for room in its
    /// mailbox, or, to be restarted, for its end.
    #[error("the sender would wait for itself to make room in the full mailbox")]
    WouldDeadlock,
}

/// A message was not taken; here it is again.
pub struct TellError<M>(Box<Refused<M>>);

struct Refused<M> {
    path: ActorPath,
    reason: Refusal,
    // Behind a lock, so that the error can be shared between threads whatever the message is.
    message: Mutex<M>,
}

impl<M> TellError<M> {
    pub(crate) fn new(path: ActorPath, reason: Refusal, message: M) -> Self {
        TellError(Box::new(Refused { path, reason, message: Mutex::new(message) }))
    }

    /// Returns why the message was not taken.
    pub fn reason(&self) -> Refusal {
        self.0.reason
    }

    /// Returns the path of the actor that did not take it.
    pub fn path(&self) -> &ActorPath {
        &self.0.path
    }

    /// Returns the name of the message's type.
    pub fn message_type(&self) -> &'static str {
        short_name(std::any::type_name::<M>())
    }

    /// Returns the message.
    pub fn into_message(self) -> M {
        self.0.message.into_inner()
    }

    /// Makes a dead letter of the message. What its destructor may panic with counts as a failure.
    pub(crate) fn bury(self, env: &Env)
    where
        M: Send + 'static,
    {
        let (path, name) = (self.0.path.clone(), self.message_type());
        let letter = DeadLetter::new(path.clone(), name, DeadReason::Newest, Some(Box::new(self.into_message())));
        if let Err(reason) = guard(|| env.dead_letters.deliver(letter)) {
            env.note_failure(path, reason);
        }
    }

    /// Tells whether the mailbox was full.
    pub fn is_full(&self) -> bool {
        self.0.reason == Refusal::Full
    }

    /// Tells whether the actor is stopping or has stopped, or, of a pool, all its workers.
    pub fn is_not_running(&self) -> bool {
        matches!(self.0.reason, Refusal::Stopping | Refusal::Stopped | Refusal::NoWorkers)
    }
}

impl<M> fmt::Display for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, "", (&self.0.path, self.message_type(), self.0.reason), "")
    }
}

impl<M> fmt::Debug for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, "TellError(", (&self.0.path, self.message_type(), self.0.reason), ")")
    }
}

impl<M> Error for TellError<M> {}

/// Says that an actor did not take a message of this type, and why, whatever the type.
fn describe(
    f: &mut fmt::Formatter<'_>,
    before: &str,
    (path, message_type, reason): (&ActorPath, &str, Refusal),
    after: &str,
) -> fmt::Result {
    write!(f, "{before}{path} did not take `{message_type}`: {reason}{after}")
}

/// Those whom one can tell: [`ActorRef`](crate::ActorRef) and [`Recipient`](crate::Recipient).
pub trait Target<M>: sealed::Door {
    #[doc(hidden)]
    fn poll_tell(&self, place: &mut Place, message: &mut Option<M>, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>>;
}

pub(crate) mod sealed {
    use super::{ActorPath, Place, Stopped};

    /// What a target is whatever the message. A [`Tell`](super::Tell) asks for no more, so that of a message that is not handled the
    /// compiler speaks where it is told, and not where its `Tell` is named as well.
    pub trait Door {
        fn leave(&self, place: Place);
        fn path_of(&self) -> ActorPath;
        fn stopped_of(&self) -> Stopped;
    }

    /// A reply, and those who give it. A message that is not handled has none, and so nobody who takes it: of the `.await` of
    /// its [`Tell`](super::Tell) the compiler then has nothing to say.
    ///
    /// Likewise the messages of an actor, and what is made for it; see [`For`](super::For).
    pub trait ReplyOf<T> {
        type Target;
    }

    impl<R, T> ReplyOf<T> for R {
        type Target = T;
    }
}

/// Just `T`, which is made for the actor `A`.
///
/// If `A` is no actor, there is no such type. The compiler then complains of `A` where it is given, and of nothing that is done with
/// the `T` afterwards.
pub type For<A, T> = <<A as Protocol>::Msg as sealed::ReplyOf<T>>::Target;

/// A place among those who wait for room.
#[doc(hidden)]
#[derive(Default)]
pub struct Place(pub(crate) Option<Ticket>);

/// A message on its way; resolves when the mailbox has it. Made by [`ActorRef::tell`](crate::ActorRef::tell).
///
/// # Cancel safety
/// A dropped future has sent nothing. One that waits for room and is kept without being polled keeps its place in line, and the room that it
/// was granted: whoever then awaits another tell to the same full mailbox in the same task may wait for himself. In a handler it counts as
/// awaited all the while, so that whoever waits for that actor may be told of a cycle (S4.7).
#[must_use = "nothing is sent until this is awaited"]
pub struct Tell<'a, T: sealed::Door, M> {
    target: &'a T,
    message: Option<M>,
    place: Place,
    patience: Option<Patience>,
}

impl<'a, T: sealed::Door, M> Tell<'a, T, M> {
    pub(crate) fn new(target: &'a T, message: M) -> Self {
        Tell { target, message: Some(message), place: Place::default(), patience: None }
    }

    /// Waits at most this long for room.
    pub fn within(mut self, limit: Duration) -> Self {
        self.patience = Some(Patience::Of(limit));
        self
    }
}

/// How long a sender waits.
enum Patience {
    Of(Duration),
    /// It waits. Not as what it is: then to drop none of it is a comparison, and not a call.
    Runs(Box<dyn Waiting>),
}

impl<T: sealed::Door, M> Unpin for Tell<'_, T, M> {}

impl<T: Target<M>, M> Future for Tell<'_, T, M> {
    type Output = Result<(), TellError<M>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let refusal = match this.target.poll_tell(&mut this.place, &mut this.message, cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(refusal)) => refusal,
            Poll::Pending => std::task::ready!(this.wait(cx)),
        };
        Poll::Ready(Err(this.give_up(refusal)))
    }
}

impl<T: sealed::Door, M> Tell<'_, T, M> {
    /// Waits no longer, for this reason.
    pub(crate) fn give_up(&mut self, reason: Refusal) -> TellError<M> {
        self.leave();
        self.refused(reason)
    }

    fn refused(&mut self, reason: Refusal) -> TellError<M> {
        let message = self.message.take().expect("a refused message is still here, and this is polled once after");
        TellError::new(self.target.path_of(), reason, message)
    }

    /// Waits for room, until the time is over, or it comes out that this is to wait for oneself.
    #[cold]
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Refusal> {
        let waits = match &mut self.patience {
            None if runs_nobody() => return Poll::Pending,
            Some(Patience::Runs(waits)) => waits,
            patience => {
                let limit = patience.take().and_then(|patience| if let Patience::Of(limit) = patience { Some(limit) } else { None });
                let waits = Patience::Runs(Box::new(Wait::for_room(self.target.stopped_of().cell(), limit)));
                let Patience::Runs(waits) = patience.insert(waits) else { unreachable!("just made") };
                waits
            }
        };
        waits.poll(self.place.0, cx)
    }

    #[cold]
    fn leave(&mut self) {
        self.target.leave(std::mem::take(&mut self.place));
    }
}

impl<T: sealed::Door, M> Drop for Tell<'_, T, M> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if self.place.0.is_some() {
            self.leave();
        }
    }
}
