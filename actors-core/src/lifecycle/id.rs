//! What tells one actor from all others of its system.

use std::fmt;

/// Identifies an actor within its system, for ever: an id is not used again, and a restart keeps it.
///
/// Ids grow in the order in which actors are created.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ActorId(pub(crate) u64);

impl ActorId {
    /// The root of every system, which is no actor.
    pub(crate) const ROOT: ActorId = ActorId(0);
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
