//! A tell that waits for room, as others see it: part of a cycle, like an ask, until there is room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::deadlock::{self, UNSENT};
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::ties::{Answer, Stashed};
use crate::mailbox::Ticket;

/// The entry of an actor that waits for room, among those of its asks; taken out when this is dropped.
pub(super) struct InLine {
    teller: Arc<dyn AnyCell>,
    key: u64,
    wait: Arc<Wait>,
}

/// What a tell waits for.
struct Wait {
    target: Arc<dyn AnyCell>,
    ticket: Ticket,
    /// It waits for itself.
    told: AtomicBool,
}

impl InLine {
    /// Enters that `teller` waits with this ticket, unless it would wait for itself.
    pub(super) fn enter(teller: Arc<dyn AnyCell>, target: Arc<dyn AnyCell>, ticket: Ticket) -> Option<Self> {
        let wait = Arc::new(Wait { target: target.clone(), ticket, told: AtomicBool::new(false) });
        let key = teller.core().open_ask(target.clone(), UNSENT, wait.clone());
        let entry = InLine { teller, key, wait: wait.clone() };
        let closes = deadlock::closes(&entry.teller, &deadlock::Ask::new(target, UNSENT, wait));
        if closes.is_some() { None } else { Some(entry) }
    }

    /// Whether it is known by now that it waits for itself.
    pub(super) fn is_told(&self) -> bool {
        self.wait.told.load(Ordering::Acquire)
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.teller.core().close_ask(self.key);
    }
}

impl Answer for Wait {
    fn is_awaited(&self) -> bool {
        !self.told.load(Ordering::Acquire) && self.target.makes_wait(self.ticket)
    }

    fn stashed(&self) -> Stashed {
        Stashed::default()
    }

    fn note_stashed(&self) {}

    fn note_replayed(&self) {}

    fn note_handled(&self) {}

    fn break_off(self: Arc<Self>, _cycle: Vec<ActorPath>) {
        self.told.store(true, Ordering::Release);
        self.target.rouse(self.ticket);
    }
}
