//! One life of an actor: from its state and its mailbox to its end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::Instant;

use super::watch::{Watched, discard, watch};
use crate::actor::{Actor, Context};
use crate::address::ActorRef;
use crate::address::cell::Cell;
use crate::lifecycle::cell::{AnyCell, Core};
use crate::lifecycle::current::{Role, run_as, set_current_deadline};
use crate::lifecycle::dead_letter::DeadReason;
use crate::lifecycle::event::Event;
use crate::lifecycle::exit::{ExitReason, Failure, StartFailure};
use crate::lifecycle::policy::InFlight;
use crate::lifecycle::signal::Signals;
use crate::mailbox::Batch;
use crate::sync::wake_all;
use crate::telemetry::{self, ActorSpan};

/// How many messages an actor handles before it lets others run.
const TURN: u32 = 128;

/// An actor that runs: what its task owns.
pub(crate) struct Life<A: Actor> {
    pub(super) cell: Arc<Cell<A>>,
    pub(super) any: Arc<dyn AnyCell>,
    /// The state, until it is dropped.
    pub(super) actor: Option<A>,
    pub(super) ctx: Context<A>,
    pub(super) batch: Batch<A::Msg>,
    pub(super) span: ActorSpan,
    /// An event waits until this many messages have been taken.
    due_at: u64,
    /// What the end has come to so far.
    pub(super) ending: super::teardown::Ending,
}

/// Why the loop is over.
pub(super) enum Over {
    /// It was asked to end; the cause stands with the ties.
    Asked,
    /// It ends for this reason of its own.
    Because(ExitReason),
}

/// Starts a task for an actor that has none.
pub(crate) fn start<A: Actor>(cell: Arc<Cell<A>>) {
    let Some(actor) = cell.take_state() else { return };
    let any: Arc<dyn AnyCell> = cell.clone();
    let runtime = any.env().runtime.clone();
    let life = Life {
        ctx: Context::new(ActorRef::new(cell.clone())),
        span: ActorSpan::new(&any),
        cell,
        any,
        actor: Some(actor),
        batch: Batch::new(),
        due_at: u64::MAX,
        ending: super::teardown::Ending::default(),
    };
    runtime.spawn(live(life));
}

/// The whole life, as the future of a task. Dropped at any point, it still ends the actor in order.
async fn live<A: Actor>(life: Life<A>) {
    let _counted = life.any.env().count_task();
    let cell = life.any.clone();
    let watched = cell.clone();
    run_as(cell, Role::Itself, async move {
        let mut life = pin!(Some(life.run()));
        poll_fn(|cx| {
            if watched.core().signals.any(Signals::ABORT) {
                life.set(None);
                return Poll::Ready(());
            }
            life.as_mut().as_pin_mut().expect("polled until it is done").poll(cx)
        })
        .await;
    })
    .await;
}

impl<A: Actor> Life<A> {
    async fn run(mut self) {
        let over = match self.begin().await {
            Ok(()) => self.serve().await,
            Err(over) => over,
        };
        self.end(over).await;
    }

    pub(super) fn core(&self) -> &Core {
        self.cell.core()
    }

    /// Runs the `started` hook.
    async fn begin(&mut self) -> Result<(), Over> {
        if self.core().signals.any(Signals::STARTED) {
            return Ok(());
        }
        if self.core().is_stopping() {
            return Err(Over::Asked);
        }
        let limit = self.any.policy().start_limit();
        let cut = self.cut();
        let Life { actor, ctx, cell, batch, span, .. } = self;
        let actor = actor.as_mut().expect("the state is there until the end");
        let outcome = {
            let mut hook = pin!(Some(enter(span, actor.started(ctx))));
            let outcome = watch(hook.as_mut(), cell, batch, cut, limit.map(|limit| Instant::now() + limit)).await;
            let broken = discard(hook, matches!(outcome, Watched::Cut | Watched::TimedOut));
            broken.map_or(outcome, Watched::Panicked)
        };
        self.core().finish();
        let failure = match outcome {
            Watched::Done(Ok(())) if self.core().signals.any(Signals::DECLINED) => StartFailure::Declined,
            Watched::Done(Ok(())) => {
                self.core().signals.set(Signals::STARTED);
                wake_all(self.core().with_ties(|ties| ties.waiters.take()));
                telemetry::started(&self.any);
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
    async fn serve(&mut self) -> Over {
        let cut = self.cut();
        let mut left = TURN;
        loop {
            // Looked at before every message, so that all that is urgent comes first, and not only the first of it.
            if self.core().signals.any(Signals::URGENT) || (self.due_at != u64::MAX && self.cell.mailbox.taken() >= self.due_at) {
                if let Some(over) = self.attend().await {
                    return over;
                }
            } else if let Some(message) = self.cell.mailbox.take(&mut self.batch) {
                if let Err(over) = self.handle(message, cut).await {
                    return over;
                }
            } else {
                self.wait().await;
                left = TURN;
                continue;
            }
            left -= 1;
            if left == 0 {
                tokio::task::yield_now().await;
                left = TURN;
            }
        }
    }

    /// Sleeps until there is a message, or something urgent.
    async fn wait(&mut self) {
        let Life { cell, batch, .. } = self;
        poll_fn(|cx| cell.mailbox.poll_refill(batch, cx, || cell.core().signals.any(Signals::URGENT))).await;
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
        let mut hook = pin!(Some(enter(span, actor.exited(event.exited, ctx))));
        let outcome = watch(hook.as_mut(), cell, batch, cut, None).await;
        let broken = discard(hook, matches!(outcome, Watched::Cut));
        cell.core().finish();
        over_after(outcome, broken).err()
    }

    /// Takes the next exit whose turn has come, and notes when the one after it is due.
    fn next_event(&mut self) -> Option<Event> {
        let taken = self.cell.mailbox.taken();
        let core = self.cell.core();
        let (event, due_at) = core.with_ties(|ties| {
            core.signals.clear(Signals::EVENTS);
            let place = ties.events.iter().position(|event| event.not_before <= taken);
            let event = place.and_then(|place| ties.events.remove(place));
            let due_now = ties.events.iter().any(|event| event.not_before <= taken);
            let due_at = if due_now { Some(taken) } else { ties.events.iter().map(|event| event.not_before).min() };
            (event, due_at.unwrap_or(u64::MAX))
        });
        self.due_at = due_at;
        event
    }

    /// Handles one message.
    pub(super) async fn handle(&mut self, message: A::Msg, cut: u32) -> Result<(), Over> {
        let Life { actor, ctx, cell, batch, span, .. } = self;
        let actor = actor.as_mut().expect("the state is there until the end");
        let core = cell.core();
        let tag = A::tag(&message);
        core.begin(tag);
        let deadline = A::deadline(&message);
        if deadline.is_some() {
            set_current_deadline(deadline);
        }
        let (outcome, broken) = {
            let mut handler = pin!(Some(enter_message(span, || cell.message_name(u32::from(tag)), actor.handle(message, ctx))));
            let outcome = watch(handler.as_mut(), cell, batch, cut, None).await;
            if let Watched::Done(Ok(())) = outcome {
                // By far the most frequent end: nothing is left of the future but its shell.
                (outcome, None)
            } else {
                let cut_short = matches!(outcome, Watched::Cut);
                (outcome, discard(handler, cut_short))
            }
        };
        if deadline.is_some() {
            set_current_deadline(None);
        }
        core.finish();
        over_after(outcome, broken)
    }

    /// The signals that cut a handler short.
    fn cut(&self) -> u32 {
        match self.any.policy().in_flight {
            InFlight::Finish => Signals::KILL,
            InFlight::Cancel => Signals::KILL | Signals::STOP,
        }
    }

    /// Why the messages that are left are discarded.
    pub(super) fn dead_reason(&self, reason: &ExitReason) -> DeadReason {
        match reason {
            ExitReason::StartFailed(_) => DeadReason::NotStarted,
            ExitReason::Failed(_) | ExitReason::Panicked { .. } => DeadReason::Failed,
            ExitReason::Killed | ExitReason::Aborted { .. } => DeadReason::Killed,
            _ => DeadReason::Stopped,
        }
    }
}

fn over_after(outcome: Watched<Result<(), crate::lifecycle::exit::BoxError>>, broken: Option<ExitReason>) -> Result<(), Over> {
    match (outcome, broken) {
        (Watched::Panicked(reason), _) => Err(Over::Because(reason)),
        (Watched::Done(Err(error)), _) => Err(Over::Because(ExitReason::failed(error))),
        (_, Some(reason)) => Err(Over::Because(reason)),
        (Watched::Cut | Watched::TimedOut, None) => Err(Over::Asked),
        (Watched::Done(Ok(())), None) => Ok(()),
    }
}

/// Polls `work` in the actor's span.
pub(super) async fn enter<F: Future>(span: &ActorSpan, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| span.enter(|| work.as_mut().poll(cx))).await
}

/// Polls `work` in a span of its own.
async fn enter_message<F: Future>(span: &ActorSpan, name: impl FnOnce() -> &'static str, work: F) -> F::Output {
    let span = span.message(name);
    let mut work = pin!(work);
    poll_fn(|cx| span.enter(|| work.as_mut().poll(cx))).await
}
