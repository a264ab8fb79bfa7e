//! The loop of an actor: its start, its messages, and what is more urgent than they.

use std::future::poll_fn;
use std::pin::pin;

use tokio::time::Instant;

use super::life::{Life, Over, over_after};
use super::watch::{Watched, begin, discard, watch};
use crate::actor::Actor;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::event::Event;
use crate::lifecycle::exit::{ExitReason, Failure, StartFailure};
use crate::lifecycle::signal::Signals;
use crate::sync::wake_all;
use crate::telemetry;
use crate::time::after;

/// How many messages an actor handles before it lets others run.
pub(super) const TURN: u32 = 128;

impl<A: Actor> Life<A> {
    /// Runs the `started` hook.
    pub(super) async fn begin(&mut self) -> Result<(), Over> {
        // Stop beats start, but for a drain: what was accepted can be handled only by an actor that has started.
        let signals = self.core().signals.get();
        let drains = signals & (Signals::DRAIN | Signals::KILL) == Signals::DRAIN && self.cell.mailbox.pushed() > 0;
        if signals & (Signals::STOP | Signals::KILL) != 0 && !drains {
            return Err(Over::Asked);
        }
        let limit = self.any.policy().start_limit();
        let cut = if drains { Signals::KILL } else { self.cut() };
        let Life { actor, ctx, cell, batch, span, .. } = self;
        let actor = actor.as_mut().expect("the state is there until the end");
        let outcome = {
            let mut hook = pin!(None);
            let first = begin(hook.as_mut(), || actor.started(ctx));
            let outcome = watch(hook.as_mut(), span, cell, batch, cut, limit.map(|limit| after(Instant::now(), limit)), first).await;
            let broken = discard(hook, outcome.is_cut_short());
            broken.map_or(outcome, Watched::Panicked)
        };
        self.core().finish();
        let failure = match outcome {
            Watched::Done(Ok(())) if self.core().signals.any(Signals::DECLINED) => StartFailure::Declined,
            Watched::Done(Ok(())) => {
                self.core().signals.set(Signals::STARTED);
                wake_all(self.core().with_ties(|ties| ties.waiters.take()));
                telemetry::started(&self.any);
                if let Some(overseer) = self.core().parent.overseer().filter(|_| self.core().signals.any(Signals::SUPERVISED)) {
                    overseer.ready(&self.any);
                }
                return Ok(());
            }
            Watched::Done(Err(error)) => StartFailure::Failed(Failure::new(error)),
            Watched::Panicked(ExitReason::Panicked { message, location }) => StartFailure::Panicked { message, location },
            Watched::Panicked(_) | Watched::Cut => return Err(Over::Asked),
            Watched::TimedOut => StartFailure::TimedOut(limit.unwrap_or_default()),
        };
        Err(Over::Because(ExitReason::StartFailed(failure)))
    }

    /// Handles messages, and what is more urgent, until there is a reason to end.
    pub(super) async fn serve(&mut self) -> Over {
        let cut = self.cut();
        let mut left = TURN;
        loop {
            // Looked at before every message, so that all that is urgent comes first, and not only the first of it.
            if self.core().signals.any(Signals::URGENT) || (self.due_at != u64::MAX && self.cell.mailbox.taken() >= self.due_at) {
                if let Some(over) = Box::pin(self.attend()).await {
                    return over;
                }
            } else if let Some(message) = self.cell.mailbox.take(&mut self.batch) {
                if let Err(over) = self.handle(message, cut).await {
                    return over;
                }
            } else {
                // A wait that was none is no rest for the others.
                if self.wait().await {
                    left = TURN;
                }
                continue;
            }
            left -= 1;
            if left == 0 {
                tokio::task::yield_now().await;
                left = TURN;
            }
        }
    }

    /// Sleeps until there is a message, or something urgent. Says whether it did sleep.
    async fn wait(&mut self) -> bool {
        let Life { cell, batch, .. } = self;
        let mut slept = false;
        poll_fn(|cx| {
            let refill = cell.mailbox.poll_refill(batch, cx, || cell.core().signals.any(Signals::URGENT));
            slept |= refill.is_pending();
            refill
        })
        .await;
        slept
    }

    /// Looks at what is urgent: a stop, or one exit of another.
    async fn attend(&mut self) -> Option<Over> {
        if self.core().signals.any(Signals::STOP | Signals::KILL) {
            return Some(Over::Asked);
        }
        let event = self.next_event()?;
        if !A::HOOKS.exited {
            return None;
        }
        let cut = self.cut();
        let Life { actor, ctx, cell, batch, span, .. } = self;
        let actor = actor.as_mut().expect("the state is there until the end");
        let mut hook = pin!(None);
        let first = begin(hook.as_mut(), || actor.exited(event.exited, ctx));
        let outcome = watch(hook.as_mut(), span, cell, batch, cut, None, first).await;
        let broken = discard(hook, outcome.is_cut_short());
        cell.core().finish();
        over_after(outcome, broken).err()
    }

    /// Takes the next exit whose turn has come, and notes when the one after it is due.
    fn next_event(&mut self) -> Option<Event> {
        let taken = self.cell.mailbox.taken();
        let core = self.cell.core();
        let (event, due_at) = core.with_ties(|ties| {
            core.signals.clear(Signals::EVENTS);
            let event = ties.next_event(taken);
            (event, ties.next_event_due())
        });
        self.due_at = due_at;
        event
    }
}
