//! Why an ask has no answer, and the message that comes back.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::tell::{Refusal, TellError};
use crate::lifecycle::exit::{ExitReason, StartFailure};
use crate::lifecycle::path::{ActorPath, short_name};
use crate::sync::{Mutex, lock};

/// Why an ask has no answer.
///
/// `M` is the message that was asked with, `E` the error of its handler. [`into_message`](Self::into_message) gives the
/// message back wherever it was not handled.
///
/// Since `E` need be no [`Error`], this has no [source](Error::source), and its text is that of `E` alone:
/// [`into_failure`](Self::into_failure) gives an error with all that it came from.
#[non_exhaustive]
pub enum AskError<M, E = Infallible> {
    /// The handler ran and returned this error. The actor lives on.
    Failed(E),
    /// The message was not taken: the actor is not running, or its mailbox stayed full.
    NotDelivered(TellError<M>),
    /// The message was taken, and discarded from the queue when the actor ended.
    Lost(LostError<M>),
    /// The handler panicked or was cut short. The reason is the handler's, which need not be that for which the actor ends:
    /// [`Killed`](ExitReason::Killed) also of one that a stop has cancelled.
    Crashed {
        /// The actor that was asked.
        path: ActorPath,
        /// The name of the message's type.
        message_type: &'static str,
        /// What happened to the handler.
        reason: ExitReason,
    },
    /// The handler dropped its [`ReplyTo`](crate::ReplyTo) without an answer.
    NoReply {
        /// The actor that was asked.
        path: ActorPath,
        /// The name of the message's type.
        message_type: &'static str,
    },
    /// The limit was over before the handler began, or after it had [stashed](crate::Context::stash_ask) the message. It
    /// may still be handled; its answer is discarded.
    TimedOutInQueue {
        /// The actor that was asked.
        path: ActorPath,
        /// The name of the message's type.
        message_type: &'static str,
        /// How long the asker was ready to wait.
        limit: Duration,
    },
    /// The limit was over while the message was being handled, or after its handler had put off the answer.
    TimedOutInHandler {
        /// The actor that was asked.
        path: ActorPath,
        /// The name of the message's type.
        message_type: &'static str,
        /// How long the asker was ready to wait.
        limit: Duration,
    },
    /// The ask would have waited for itself: each actor on the cycle waits for the next, for an answer or, to be restarted, for the end.
    WouldDeadlock(DeadlockError<M>),
}

/// A message that was taken and then discarded.
pub struct LostError<M>(Box<Unhandled<M>>);

/// An ask that would have waited for itself.
pub struct DeadlockError<M>(Box<Unhandled<M>>);

struct Unhandled<M> {
    paths: Vec<ActorPath>,
    message: Mutex<Option<M>>,
}

impl<M> Unhandled<M> {
    fn new(paths: Vec<ActorPath>, message: Option<M>) -> Box<Self> {
        Box::new(Unhandled { paths, message: Mutex::new(message) })
    }

    fn into_message(self) -> Option<M> {
        self.message.into_inner()
    }
}

impl<M> LostError<M> {
    pub(super) fn new(path: ActorPath, message: Option<M>) -> Self {
        LostError(Unhandled::new(vec![path], message))
    }

    /// Returns the path of the actor that was asked.
    pub fn path(&self) -> &ActorPath {
        &self.0.paths[0]
    }

    /// Returns the message, if it could be taken out of the mailbox's item.
    pub fn into_message(self) -> Option<M> {
        self.0.into_message()
    }

    /// Returns the message, or else the error.
    pub(crate) fn try_into_message(self) -> Result<M, Self> {
        let message = lock(&self.0.message).take();
        message.ok_or(self)
    }
}

impl<M> DeadlockError<M> {
    pub(super) fn new(cycle: Vec<ActorPath>, message: Option<M>) -> Self {
        DeadlockError(Unhandled::new(cycle, message))
    }

    /// Returns the paths of the cycle, beginning and ending with the asker.
    pub fn cycle(&self) -> &[ActorPath] {
        &self.0.paths
    }

    /// Returns the message, unless it had been delivered when the cycle closed.
    pub fn into_message(self) -> Option<M> {
        self.0.into_message()
    }
}

impl<M> fmt::Debug for LostError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LostError({})", self.path())
    }
}

impl<M> fmt::Debug for DeadlockError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeadlockError({:?})", self.cycle())
    }
}

impl<M, E> AskError<M, E> {
    /// Returns the message, wherever it was not handled.
    pub fn into_message(self) -> Option<M> {
        match self {
            AskError::NotDelivered(refused) => Some(refused.into_message()),
            AskError::Lost(lost) => lost.into_message(),
            AskError::WouldDeadlock(deadlock) => deadlock.into_message(),
            _ => None,
        }
    }

    /// Returns the error of the handler, if that is what it is.
    pub fn into_failure(self) -> Option<E> {
        match self {
            AskError::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Tells whether the time was over: in the line before the mailbox, in the queue, or in the handler.
    pub fn is_timeout(&self) -> bool {
        match self {
            AskError::TimedOutInQueue { .. } | AskError::TimedOutInHandler { .. } => true,
            AskError::NotDelivered(refused) => refused.reason() == Refusal::TimedOut,
            _ => false,
        }
    }

    /// What becomes of a start that was asked for like this.
    pub(crate) fn start_failure(&self) -> StartFailure {
        let unanswered = match self {
            AskError::NotDelivered(refused) => !refused.is_not_running(),
            AskError::TimedOutInQueue { .. } | AskError::TimedOutInHandler { .. } | AskError::WouldDeadlock(_) => true,
            // Whoever is asked answers unless it ends.
            AskError::Failed(_) | AskError::Lost(_) | AskError::Crashed { .. } | AskError::NoReply { .. } => false,
        };
        if unanswered { StartFailure::Unanswered } else { StartFailure::Stopping }
    }

    /// Tells whether the actor was not running: it took nothing, or ended before the message's turn.
    pub fn is_not_running(&self) -> bool {
        match self {
            AskError::NotDelivered(refused) => refused.is_not_running(),
            AskError::Lost(_) => true,
            _ => false,
        }
    }

    /// Returns the path of the actor that was asked, unless it answered itself with an error.
    pub fn path(&self) -> Option<&ActorPath> {
        match self {
            AskError::Failed(_) => None,
            AskError::NotDelivered(refused) => Some(refused.path()),
            AskError::Lost(lost) => Some(lost.path()),
            AskError::WouldDeadlock(deadlock) => deadlock.cycle().get(1),
            AskError::Crashed { path, .. }
            | AskError::NoReply { path, .. }
            | AskError::TimedOutInQueue { path, .. }
            | AskError::TimedOutInHandler { path, .. } => Some(path),
        }
    }
}

impl<M, E: fmt::Display> fmt::Display for AskError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Failed(error) => error.fmt(f),
            AskError::NotDelivered(refused) => refused.fmt(f),
            AskError::Lost(lost) => write!(f, "{} ended before it handled `{}`", lost.path(), short_name(std::any::type_name::<M>())),
            AskError::Crashed { path, message_type, reason } => write!(f, "{path} did not finish `{message_type}`: {reason}"),
            AskError::NoReply { path, message_type } => write!(f, "{path} handled `{message_type}` without a reply"),
            AskError::TimedOutInQueue { path, message_type, limit } => {
                write!(f, "{path} did not come to `{message_type}` within {limit:?}")
            }
            AskError::TimedOutInHandler { path, message_type, limit } => {
                write!(f, "{path} did not answer `{message_type}` within {limit:?}")
            }
            AskError::WouldDeadlock(deadlock) => {
                f.write_str("the ask would wait for itself: ")?;
                for (place, path) in deadlock.cycle().iter().enumerate() {
                    write!(f, "{}{path}", if place == 0 { "" } else { " -> " })?;
                }
                Ok(())
            }
        }
    }
}

impl<M, E: fmt::Debug> fmt::Debug for AskError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            AskError::NotDelivered(refused) => f.debug_tuple("NotDelivered").field(refused).finish(),
            AskError::Lost(lost) => write!(f, "Lost({lost:?})"),
            AskError::WouldDeadlock(deadlock) => write!(f, "WouldDeadlock({deadlock:?})"),
            AskError::Crashed { path, message_type, reason } => write_parts(f, "Crashed", path, message_type, &format_args!(", {reason}")),
            AskError::NoReply { path, message_type } => write_parts(f, "NoReply", path, message_type, &""),
            AskError::TimedOutInQueue { path, message_type, limit } => {
                write_parts(f, "TimedOutInQueue", path, message_type, &format_args!(", {limit:?}"))
            }
            AskError::TimedOutInHandler { path, message_type, limit } => {
                write_parts(f, "TimedOutInHandler", path, message_type, &format_args!(", {limit:?}"))
            }
        }
    }
}

/// Writes what all failures have, whatever the type of the message.
fn write_parts(f: &mut fmt::Formatter<'_>, name: &str, path: &ActorPath, message_type: &str, rest: &dyn fmt::Display) -> fmt::Result {
    write!(f, "{name}({path}, {message_type}{rest})")
}

impl<M, E: fmt::Debug + fmt::Display> Error for AskError<M, E> {}
