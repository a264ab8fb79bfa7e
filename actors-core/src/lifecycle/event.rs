//! What an actor is told beside its messages: the end of others, and that a source of its own may have something.

use std::fmt;
use std::sync::Arc;

use super::exit::ExitReason;
use super::id::{ActorId, shown};
use super::path::ActorPath;

/// The end of another actor, as the `exited` hook learns of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exited {
    /// Which actor ended; of a group, the first that did.
    pub id: ActorId,
    /// Where it stood.
    pub path: ActorPath,
    /// Why it ended.
    pub reason: ExitReason,
    /// What it was to the one who is told.
    pub tie: Tie,
}

/// What an actor that ended was to the one who is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Tie {
    /// It was linked, and exits are trapped, or the link only notifies.
    Link,
    /// It was a child.
    Child,
    /// It was watched by this monitor.
    Monitor(MonitorRef),
    /// It was the first of a peer group to end; now all members have.
    Group(GroupReport),
}

/// One watch of one actor over another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorRef(pub(crate) u64);

impl fmt::Debug for MonitorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MonitorRef({})", shown(self.0))
    }
}

/// What became of a peer group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupReport {
    /// The name of the group.
    pub name: Arc<str>,
    /// The member that ended first, and why: the cause of all that followed.
    pub first: (ActorPath, ExitReason),
    /// Every member and why it ended, in the order in which they ended.
    pub members: Vec<(ActorPath, ExitReason)>,
}

/// One source of messages that an actor owns. No two have the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceKey(pub(crate) u64);

impl fmt::Debug for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceKey({})", shown(self.0))
    }
}

/// Something on its way to an actor, beside its mailbox.
pub(crate) struct Event {
    pub(crate) news: News,
    /// It is handled once this many messages have been: what was there before comes first.
    pub(crate) not_before: u64,
}

/// What an event tells.
pub(crate) enum News {
    /// Another actor has ended.
    Exited(Box<Exited>),
    /// A source may have a message.
    Ready(SourceKey),
}

impl Event {
    /// An exit that overtakes the mailbox.
    pub(crate) fn exited(exited: Exited) -> Self {
        Event::exited_after(exited, 0)
    }

    /// An exit that comes once so many messages have been handled.
    pub(crate) fn exited_after(exited: Exited, not_before: u64) -> Self {
        Event { news: News::Exited(Box::new(exited)), not_before }
    }

    /// A source may have a message; its turn is after so many messages.
    pub(crate) fn ready(key: SourceKey, not_before: u64) -> Self {
        Event { news: News::Ready(key), not_before }
    }

    /// Whether it comes before the messages that wait. What a monitor or a source tells comes after those that were there.
    pub(crate) fn overtakes(&self) -> bool {
        self.is_exit(|exited| !matches!(exited.tie, Tie::Monitor(_)))
    }

    /// Tells whether this is of the given source.
    pub(crate) fn is_ready(&self, source: SourceKey) -> bool {
        matches!(self.news, News::Ready(key) if key == source)
    }

    /// Tells whether this is an exit of which `is_it` holds.
    pub(crate) fn is_exit(&self, is_it: impl FnOnce(&Exited) -> bool) -> bool {
        matches!(&self.news, News::Exited(exited) if is_it(exited))
    }
}
