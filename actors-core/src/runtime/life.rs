//! One life of an actor: what its task owns, and the handling of one message.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::fault;
use super::watch::{Polled, Watched, begin, discard, poll_once, watch};
use crate::actor::{Actor, Context};
use crate::address::ActorRef;
use crate::address::cell::Cell;
use crate::lifecycle::cell::{AnyCell, Core, Turn};
use crate::lifecycle::crash::Crash;
use crate::lifecycle::current::set_current_deadline;
use crate::lifecycle::exit::{BoxError, Exit, ExitReason, HandlerTimedOut};
use crate::lifecycle::panic::guard;
use crate::lifecycle::policy::InFlight;
use crate::lifecycle::record::HookOutcome;
use crate::lifecycle::signal::Signals;
use crate::mailbox::Batch;
use crate::telemetry::{self, ActorSpan, Scope};
use crate::time::after;

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
    pub(super) due_at: u64,
    /// What the end has come to so far; it is made when the end begins.
    pub(super) ending: Option<Box<Ending>>,
    /// This life is over, and its destructor has nothing to do.
    pub(super) concluded: bool,
}

/// What the end of an actor has come to so far.
#[derive(Default)]
pub(super) struct Ending {
    pub(super) exit: Option<Exit>,
    pub(super) handler: Duration,
    pub(super) drain: Duration,
    pub(super) children: Duration,
    pub(super) hook: Duration,
    pub(super) hook_outcome: HookOutcome,
    pub(super) drained: u64,
    pub(super) discarded: u64,
    pub(super) hook_hit_limit: bool,
    /// Why the turn was over with which it began.
    pub(super) over: Option<Over>,
}

/// Why the loop is over.
pub(super) enum Over {
    /// It was asked to end; the cause stands with the ties.
    Asked,
    /// It ends for this reason of its own.
    Because(ExitReason),
}

impl<A: Actor> Life<A> {
    pub(super) fn new(cell: Arc<Cell<A>>, actor: A) -> Self {
        let any: Arc<dyn AnyCell> = cell.clone();
        Life {
            ctx: Context::new(ActorRef::new(cell.clone())),
            span: ActorSpan::new(&any),
            cell,
            any,
            actor: Some(actor),
            batch: Batch::new(),
            due_at: u64::MAX,
            ending: None,
            concluded: false,
        }
    }

    pub(super) fn ending(&mut self) -> &mut Ending {
        self.ending.get_or_insert_default()
    }

    pub(super) fn core(&self) -> &Core {
        self.cell.core()
    }

    /// Whether a message needs nothing but its handler: nobody waits for it until a deadline, and nobody looks.
    pub(super) fn is_plain(&self, message: &A::Msg) -> bool {
        !self.ctx.has_sources() && !telemetry::sees_messages() && !fault::threatens_messages(&self.any) && A::deadline(message).is_none()
    }

    /// Handles one message.
    pub(super) async fn handle(&mut self, message: A::Msg, turn: Turn, cut: u32) -> Result<(), Over> {
        let tag = self.handle_quietly(message, turn, cut).await?;
        self.note_activity(tag);
        Ok(())
    }

    /// A message from outside has been handled; its handler may have begun what wants to know that.
    pub(super) fn note_activity(&mut self, tag: u16) {
        if self.ctx.has_sources() {
            self.ctx.note_activity(tag);
        }
    }

    /// Handles one message, which does not count as activity yet. Says which it was.
    pub(super) async fn handle_quietly(&mut self, message: A::Msg, turn: Turn, cut: u32) -> Result<u16, Over> {
        let message = fault::first!(self, message, turn, cut);
        let Life { actor, ctx, cell, any, batch, span, .. } = self;
        let actor = actor.as_mut().expect("the state is there until the end");
        let core = cell.core();
        let (tag, deadline) = match guard(|| (A::tag(&message), A::deadline(&message))) {
            Ok(known) => known,
            Err(reason) => return Err(Over::Because(reason)),
        };
        core.begin(tag, turn);
        if deadline.is_some() {
            set_current_deadline(deadline);
        }
        let span = span.message(|| cell.message_name(u32::from(tag)));
        let mut handler = pin!(None);
        let first = match span.enter(|| begin(handler.as_mut(), || actor.handle(message, ctx))) {
            Some(broken) => broken,
            None => poll_fn(|cx| Poll::Ready(poll_once(handler.as_mut(), &span, cx))).await,
        };
        let over = see_through(handler, first, &span, any, cell, batch, tag, cut).await;
        if deadline.is_some() {
            set_current_deadline(None);
        }
        over.map(|()| tag)
    }

    /// The signals that cut a handler short.
    pub(super) fn cut(&self) -> u32 {
        match self.any.policy().in_flight {
            InFlight::Finish => Signals::KILL,
            InFlight::Cancel => Signals::KILL | Signals::STOP,
        }
    }
}

/// Sees a handler through, after what came of its first poll, until it is done or cut short.
#[expect(clippy::too_many_arguments, reason = "the handler borrows the rest of the life")]
pub(super) async fn see_through<A: Actor, F: Future<Output = Result<(), BoxError>>>(
    mut handler: Pin<&mut Option<F>>,
    first: Polled<F::Output>,
    span: &impl Scope,
    any: &Arc<dyn AnyCell>,
    cell: &Cell<A>,
    batch: &mut Batch<A::Msg>,
    tag: u16,
    cut: u32,
) -> Result<(), Over> {
    let limit = any.policy().handler_limit;
    let until = limit.map(|limit| after(Instant::now(), limit));
    let outcome = watch(handler.as_mut(), span, cell, batch, cut, until, Some(first)).await;
    let broken = discard(handler, outcome.is_cut_short());
    let over = over_after_handler(any, tag, outcome, limit, broken);
    finish(any, &over);
    over
}

/// Notes that the message in hand is done, and what is known where its handler failed.
pub(super) fn finish(cell: &Arc<dyn AnyCell>, over: &Result<(), Over>) {
    match over {
        Err(Over::Because(_)) => note_crash(cell),
        _ => cell.core().finish(),
    }
}

/// Notes what is known where the handler in hand failed.
pub(super) fn note_crash(cell: &Arc<dyn AnyCell>) {
    let core = cell.core();
    if let Some(handling) = cell.in_hand() {
        let crash = Crash { handling, handling_for: core.waiting_for() };
        core.with_ties(|ties| ties.crash = Some(Box::new(crash)));
    }
    core.finish();
}

/// What the outcome of a handler means for the life, if it was to take no longer than `limit`.
pub(super) fn over_after_handler(
    cell: &Arc<dyn AnyCell>,
    tag: u16,
    outcome: Watched<Result<(), BoxError>>,
    limit: Option<Duration>,
    broken: Option<ExitReason>,
) -> Result<(), Over> {
    match (outcome, limit) {
        (Watched::TimedOut, Some(limit)) => {
            let message = cell.message_name(u32::from(tag));
            Err(Over::Because(ExitReason::failed(Box::new(HandlerTimedOut { message, limit }))))
        }
        (outcome, _) => over_after(outcome, broken),
    }
}

/// What an outcome of a hook or a handler means for the life.
pub(super) fn over_after(outcome: Watched<Result<(), BoxError>>, broken: Option<ExitReason>) -> Result<(), Over> {
    match (outcome, broken) {
        (Watched::Panicked(reason), _) => Err(Over::Because(reason)),
        (Watched::Done(Err(error)), _) => Err(Over::Because(ExitReason::failed(error))),
        (_, Some(reason)) => Err(Over::Because(reason)),
        (Watched::Cut | Watched::TimedOut, None) => Err(Over::Asked),
        (Watched::Done(Ok(())), None) => Ok(()),
    }
}
