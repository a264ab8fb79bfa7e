//! The word of signals in which an actor's life is written: one load tells its loop whether anything is urgent.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::mailbox::Flags;

/// Signals, as a set of bits. Within an incarnation bits are only ever added, but for [`Signals::EVENTS`], the two that say
/// that messages overtake others, [`Signals::CONTROL`] and [`Signals::RELEASED`], and the two about a task without anything to
/// do, [`Signals::REST`] and [`Signals::LISTED`]; the next one begins without those of
/// [`Signals::OF_INCARNATION`].
#[derive(Default)]
pub(crate) struct Signals(AtomicU32);

impl Signals {
    /// The `started` hook has succeeded.
    pub(crate) const STARTED: u32 = 1;
    /// End after the message in hand.
    pub(crate) const STOP: u32 = 1 << 1;
    /// Handle what was accepted first.
    pub(crate) const DRAIN: u32 = 1 << 2;
    /// Drop the handler in hand.
    pub(crate) const KILL: u32 = 1 << 3;
    /// Drop everything, the stop hook too.
    pub(crate) const ABORT: u32 = 1 << 4;
    /// Something other than messages waits to be handled.
    pub(crate) const EVENTS: u32 = 1 << 5;
    /// The end is published.
    pub(crate) const ENDED: u32 = 1 << 6;
    /// Exits of others come as events and do not stop it.
    pub(crate) const TRAPS: u32 = 1 << 7;
    /// Its end is the end of the whole system.
    pub(crate) const SIGNIFICANT: u32 = 1 << 8;
    /// The `started` hook has declined.
    pub(crate) const DECLINED: u32 = 1 << 9;

    /// It was killed by one above it, who waits for it and all below it and takes every further step.
    pub(crate) const FELLED: u32 = 1 << 10;

    /// Control messages wait.
    pub(crate) const CONTROL: u32 = 1 << 11;
    /// Messages that were stashed are to be handled again.
    pub(crate) const RELEASED: u32 = 1 << 12;

    /// Its task has had nothing to do for a while, and is to go.
    pub(crate) const REST: u32 = 1 << 13;
    /// It stands in the list of those who have nothing to do.
    pub(crate) const LISTED: u32 = 1 << 14;

    /// Its name leads to it: it stands in the tree.
    pub(crate) const KNOWN: u32 = 1 << 15;

    // What is decided when the actor is made, for one that stands in its parent's table of children.
    /// It stands in the table.
    pub(crate) const SUPERVISED: u32 = 1 << 16;
    /// It is restarted whatever ends it.
    pub(crate) const PERMANENT: u32 = 1 << 17;
    /// It is restarted when it fails.
    pub(crate) const TRANSIENT: u32 = 1 << 18;
    /// Whatever ends it now, it is not restarted.
    pub(crate) const FINAL: u32 = 1 << 19;
    /// It is between two incarnations: nothing of it runs.
    pub(crate) const DOWN: u32 = 1 << 20;
    /// Somebody waits for its first start, which is not tried again.
    pub(crate) const AWAITED: u32 = 1 << 21;
    /// Its incarnation ends only so that another can begin, whatever its restart type.
    pub(crate) const BOUNCED: u32 = 1 << 22;

    /// It waits for its children to end, and has done with its messages.
    pub(crate) const FALLS: u32 = 1 << 23;

    /// What an incarnation leaves behind, and the next one begins without.
    pub(crate) const OF_INCARNATION: u32 = Self::STARTED
        | Self::STOP
        | Self::DRAIN
        | Self::KILL
        | Self::ABORT
        | Self::DECLINED
        | Self::FELLED
        | Self::DOWN
        | Self::TRAPS
        | Self::AWAITED
        | Self::BOUNCED
        | Self::FALLS
        | Self::RELEASED
        | Self::REST;

    /// What the loop looks at before every message.
    pub(crate) const URGENT: u32 = Self::STOP | Self::KILL | Self::ABORT | Self::EVENTS | Self::CONTROL | Self::RELEASED | Self::REST;

    pub(crate) fn new(bits: u32) -> Self {
        Signals(AtomicU32::new(bits))
    }

    pub(crate) fn get(&self) -> u32 {
        // Pairs with the release in `set`: who sees a bit sees what was written before it was set.
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn any(&self, bits: u32) -> bool {
        self.get() & bits != 0
    }

    /// Sets bits; returns what was set before.
    pub(crate) fn set(&self, bits: u32) -> u32 {
        self.0.fetch_or(bits, Ordering::AcqRel)
    }

    pub(crate) fn clear(&self, bits: u32) {
        self.0.fetch_and(!bits, Ordering::AcqRel);
    }

    /// These bits, for the mailbox.
    #[inline]
    pub(crate) fn bits(&self, bits: u32) -> Bits<'_> {
        Bits { signals: self, bits }
    }
}

/// Some of the bits of one actor.
pub(crate) struct Bits<'a> {
    signals: &'a Signals,
    bits: u32,
}

impl Flags for Bits<'_> {
    #[inline]
    fn is_any_up(&self) -> bool {
        self.signals.any(self.bits)
    }

    #[inline]
    fn raise(&self) {
        self.signals.set(self.bits);
    }

    #[inline]
    fn lower(&self) {
        self.signals.clear(self.bits);
    }
}
