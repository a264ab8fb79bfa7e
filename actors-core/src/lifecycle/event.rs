//! What an actor is told of the end of others.

use std::sync::Arc;

use super::exit::ExitReason;
use super::id::ActorId;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorRef(pub(crate) u64);

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

/// An exit on its way to the hook.
pub(crate) struct Event {
    pub(crate) exited: Exited,
    /// It is handled once this many messages have been: what the other had sent before comes first.
    pub(crate) not_before: u64,
}
