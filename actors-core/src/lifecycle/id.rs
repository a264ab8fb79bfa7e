//! What tells one actor from all others, and one system of a process from the next.

// Not of `std`: it is no protocol, and no step of a model.
use core::sync::atomic::{AtomicU64, Ordering};
use std::fmt;

/// Identifies an actor for ever: an id is not used again, and a restart keeps it. Actors of other systems in the process have others.
///
/// Ids grow in the order in which actors are created. What is shown, and written by `serde`, counts from 1 in each system; so what is
/// read back is an id of the first system of the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ActorId(#[cfg_attr(feature = "serde", serde(serialize_with = "write_shown"))] pub(crate) u64);

/// How many bits count what is in one system; those above count the systems of the process.
const IN_SYSTEM: u32 = 40;

/// What the numbers of a new system count from: behind those of all others, since what has one may be handed to another system.
pub(crate) fn base() -> u64 {
    static SYSTEMS: AtomicU64 = AtomicU64::new(0);
    SYSTEMS.fetch_add(1, Ordering::Relaxed) << IN_SYSTEM
}

/// A number as its own system counts.
pub(crate) fn shown(number: u64) -> u64 {
    number & ((1 << IN_SYSTEM) - 1)
}

impl ActorId {
    /// The root of every system, which is no actor.
    pub(crate) const ROOT: ActorId = ActorId(0);
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", shown(self.0))
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
fn write_shown<S: serde::Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(shown(*number))
}
