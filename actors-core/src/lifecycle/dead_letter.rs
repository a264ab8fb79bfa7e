//! Dead letters: messages that were accepted and never handled.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::exit::ExitReason;
use super::feed::{Feed, Subscription};
use super::path::ActorPath;
use crate::sync::{Mutex, lock};

/// A message that was accepted and never handled.
pub struct DeadLetter {
    path: ActorPath,
    message_type: &'static str,
    reason: DeadReason,
    message: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Why a message was never handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadReason {
    /// The actor stopped, and its policy is to discard.
    Stopped,
    /// The actor failed or panicked.
    Failed,
    /// The actor was killed or aborted.
    Killed,
    /// The actor never started.
    NotStarted,
    /// The mailbox was full, and this was the oldest message.
    Oldest,
    /// The mailbox was full, and this was the newest message.
    Newest,
    /// It was published, the subscriber's mailbox was full, and it had to give way to what was published after.
    Lagged,
}

impl DeadReason {
    /// Why messages are discarded that an actor leaves behind which ended for this reason.
    pub(crate) fn after(reason: &ExitReason) -> Self {
        match reason {
            ExitReason::StartFailed(_) => DeadReason::NotStarted,
            ExitReason::Failed(_) | ExitReason::Panicked { .. } => DeadReason::Failed,
            ExitReason::Killed | ExitReason::Aborted { .. } => DeadReason::Killed,
            _ => DeadReason::Stopped,
        }
    }
}

impl DeadLetter {
    pub(crate) fn new(path: ActorPath, message_type: &'static str, reason: DeadReason, message: Option<Box<dyn Any + Send>>) -> Self {
        DeadLetter { path, message_type, reason, message: Mutex::new(message) }
    }

    /// Returns the path of the actor that it was for.
    pub fn path(&self) -> &ActorPath {
        &self.path
    }

    /// Returns the name of the message's type.
    pub fn message_type(&self) -> &'static str {
        self.message_type
    }

    /// Returns why it was not handled.
    pub fn reason(&self) -> DeadReason {
        self.reason
    }

    /// Whether it is a dead letter that a listener was sent and did not handle. It is counted and told nobody, or those who
    /// listen would beget letters without end.
    fn is_about_a_letter(&self) -> bool {
        lock(&self.message).as_deref().is_some_and(|message| message.is::<Arc<DeadLetter>>())
    }

    /// Takes the message out, if it is an `M` and nobody was faster.
    pub fn take<M: 'static>(&self) -> Option<M> {
        let mut message = lock(&self.message);
        match message.take()?.downcast() {
            Ok(found) => Some(*found),
            Err(other) => {
                *message = Some(other);
                None
            }
        }
    }
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeadLetter({} to {}: {:?})", self.message_type, self.path, self.reason)
    }
}

/// Where dead letters go.
#[derive(Default)]
pub(crate) struct DeadLetterOffice {
    count: AtomicU64,
    subscribers: Feed<DeadLetter>,
    /// Has letters come to actors as messages.
    postman: OnceLock<Postman>,
}

type Postman = Box<dyn Fn(&Arc<DeadLetter>) + Send + Sync>;

impl DeadLetterOffice {
    pub(crate) fn deliver(&self, letter: DeadLetter) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let postman = self.postman.get();
        if (!self.subscribers.is_wanted() && postman.is_none()) || letter.is_about_a_letter() {
            return;
        }
        let letter = Arc::new(letter);
        if let Some(postman) = postman {
            postman(&letter);
        }
        self.subscribers.publish(letter);
    }

    /// Calls `postman` with each letter; the first one given counts.
    pub(crate) fn call_with(&self, postman: impl FnOnce() -> Postman) {
        self.postman.get_or_init(postman);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn subscribe(&self) -> DeadLetters {
        DeadLetters(self.subscribers.subscribe())
    }
}

/// A subscription to the dead letters of a system, from [`ActorSystem::dead_letters`](crate::ActorSystem::dead_letters).
pub struct DeadLetters(Subscription<DeadLetter>);

impl DeadLetters {
    /// Waits for the next dead letter; `None` once nothing is left of the system, references to its actors included.
    ///
    /// A subscriber that is more than 1,024 letters behind misses the oldest of them; see [`missed`](Self::missed).
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    pub async fn recv(&mut self) -> Option<Arc<DeadLetter>> {
        self.0.recv().await
    }

    /// Returns the next dead letter if there is one now.
    pub fn try_recv(&mut self) -> Option<Arc<DeadLetter>> {
        self.0.try_recv()
    }

    /// Returns how many letters this subscriber has missed because it was too slow.
    pub fn missed(&self) -> u64 {
        self.0.missed()
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("missed", &self.missed()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::exit::{AbortedBy, StartFailure};

    #[test]
    fn what_was_left_in_a_mailbox_died_of_what_its_actor_died_of() {
        let panicked = ExitReason::Panicked { message: "no".into(), location: None };
        for (reason, dead) in [
            (ExitReason::Normal, DeadReason::Stopped),
            (ExitReason::Unresponsive, DeadReason::Stopped),
            (ExitReason::failed("no".into()), DeadReason::Failed),
            (panicked, DeadReason::Failed),
            (ExitReason::Killed, DeadReason::Killed),
            (ExitReason::Aborted { by: AbortedBy::Runtime }, DeadReason::Killed),
            (ExitReason::StartFailed(StartFailure::Declined), DeadReason::NotStarted),
        ] {
            assert_eq!(DeadReason::after(&reason), dead, "{reason}");
        }
    }
}
