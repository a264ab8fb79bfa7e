//! A tell that waits for room: how long, and how others see it, for whom it is part of a cycle, like an ask, until there is room.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

use super::deadlock::{self, UNSENT};
use super::tell::Refusal;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::current::current_actor;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::ties::{Answer, Stashed};
use crate::mailbox::Ticket;

/// Whoever waits for room.
pub(super) trait Waiting: Send + Sync {
    /// Waits on with this ticket. Says why not any longer.
    fn poll(&mut self, ticket: Option<Ticket>, cx: &mut Context<'_>) -> Poll<Refusal>;
}

/// The wait of one tell.
pub(super) struct Wait {
    target: Arc<dyn AnyCell>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// There while it is an actor that waits.
    entry: Option<InLine>,
}

impl Wait {
    /// Waits for room in the mailbox of `target`, no longer than the limit.
    pub(super) fn for_room(target: Arc<dyn AnyCell>, limit: Option<Duration>) -> Self {
        let sleep = limit.map(|limit| Box::pin(target.env().in_time(|| tokio::time::sleep(limit))));
        Wait { target, sleep, entry: None }
    }
}

impl Waiting for Wait {
    fn poll(&mut self, ticket: Option<Ticket>, cx: &mut Context<'_>) -> Poll<Refusal> {
        // Entered anew each time, so that no entry says so of a tell that is carried on elsewhere.
        if self.entry.take().is_some_and(|entry| entry.is_told()) {
            return Poll::Ready(Refusal::WouldDeadlock);
        }
        if let (Some(ticket), Some(teller)) = (ticket, current_actor()) {
            self.entry = InLine::enter(teller, self.target.clone(), ticket);
            if self.entry.is_none() {
                return Poll::Ready(Refusal::WouldDeadlock);
            }
        }
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx).map(|()| Refusal::TimedOut),
            None => Poll::Pending,
        }
    }
}

/// The entry of an actor that waits for room, among those of its asks; taken out when this is dropped.
struct InLine {
    teller: Arc<dyn AnyCell>,
    key: u64,
    wait: Arc<Awaited>,
}

/// What a tell waits for.
struct Awaited {
    target: Arc<dyn AnyCell>,
    ticket: Ticket,
    /// It waits for itself.
    told: AtomicBool,
}

impl InLine {
    /// Enters that `teller` waits with this ticket, unless it would wait for itself.
    fn enter(teller: Arc<dyn AnyCell>, target: Arc<dyn AnyCell>, ticket: Ticket) -> Option<Self> {
        let wait = Arc::new(Awaited { target: target.clone(), ticket, told: AtomicBool::new(false) });
        let key = teller.core().open_ask(target.clone(), UNSENT, wait.clone());
        let entry = InLine { teller, key, wait: wait.clone() };
        let closes = deadlock::may_close(entry.teller.core(), target.core())
            && deadlock::closes(&entry.teller, &deadlock::Ask::new(target, UNSENT, wait)).is_some();
        if closes { None } else { Some(entry) }
    }

    /// Whether it is known by now that it waits for itself.
    fn is_told(&self) -> bool {
        self.wait.told.load(Ordering::Acquire)
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.teller.core().close_ask(self.key);
    }
}

impl Answer for Awaited {
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
