//! How much a mailbox holds, and what happens when it is full.

/// How many messages may wait in a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// At most this many; a full mailbox does as its [`Overflow`] says. Zero counts as one.
    Bounded(u32),
    /// As many as memory holds. A sender never waits.
    Unbounded,
}

impl Capacity {
    /// Returns the bound, if there is one.
    pub const fn bound(self) -> Option<u32> {
        match self {
            Capacity::Bounded(0) => Some(1),
            Capacity::Bounded(bound) => Some(bound),
            Capacity::Unbounded => None,
        }
    }
}

/// What a full mailbox does with one message more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The sender waits until there is room: backpressure. The default.
    #[default]
    Wait,
    /// The sender gets the message back at once.
    Reject,
    /// The new message is accepted and becomes a dead letter.
    DropNewest,
    /// The message that has waited longest becomes a dead letter, and the new one takes its room.
    DropOldest,
}
