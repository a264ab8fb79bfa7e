//! The lane of messages that overtake all others.

use super::ring::Ring;

/// Some bits of a word that belongs to whoever receives.
pub(crate) trait Flags {
    /// Whether one of them is set.
    fn is_any_up(&self) -> bool;
    fn raise(&self);
    fn lower(&self);
}

/// Which messages of one actor a message overtakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// None.
    Ordinary,
    /// All ordinary ones.
    Control,
}

/// The bit by which the number of a message in this lane differs from that of an ordinary one.
const CONTROL: u64 = 1 << 63;

/// How many slots an empty lane keeps.
const KEEP: usize = 16;

/// Messages that overtake all others, in their own order. They are meant to be few, and any number may wait.
pub(super) struct Control<T> {
    queue: Ring<T>,
    pushed: u64,
    taken: u64,
}

impl<T> Default for Control<T> {
    fn default() -> Self {
        Control { queue: Ring::new(), pushed: CONTROL, taken: CONTROL }
    }
}

impl<T> Control<T> {
    /// Puts a message in; returns its number.
    pub(super) fn push(&mut self, item: T) -> u64 {
        self.queue.push(item);
        self.pushed += 1;
        self.pushed
    }

    /// Takes the next message.
    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.queue.pop()?;
        self.taken += 1;
        if self.queue.is_empty() && self.queue.capacity() > KEEP {
            self.queue = Ring::new();
        }
        Some(item)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Gives the room back of what is empty; the numbers go on.
    pub(super) fn give_back(&mut self) {
        debug_assert!(self.queue.is_empty(), "what is given back is empty");
        self.queue = Ring::new();
    }

    /// The number of the last message that was put in.
    pub(super) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The number of the last message that was taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }
}

/// The lane to which a number belongs.
pub(crate) fn lane_of(number: u64) -> Lane {
    if number & CONTROL == 0 { Lane::Ordinary } else { Lane::Control }
}
