//! One life of an actor: what its task owns, and the handling of one message.
//!
//! A life is generic in its actor, and so compiled anew for each. What does not need the type stands in [`Common`], or goes through
//! [`AnyLife`]: only what is done for every message, and what a hook or a handler is, is left.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::failing::failure_of;
use super::fault;
use super::teardown::{Drained, Marks, drain_in_steps};
use super::turn::Outcome;
use super::watch::{Handled, Polled, Watched, Watching, begin, discard, poll_once, watch};
use crate::actor::{Actor, Context, Found, at_once};
use crate::address::ActorRef;
use crate::address::cell::Cell;
use crate::lifecycle::cell::{AnyCell, Core, Turn};
use crate::lifecycle::crash::Crash;
use crate::lifecycle::current::{DropCause, Dropping, dropping, set_current_deadline};
use crate::lifecycle::dead_letter::DeadReason;
use crate::lifecycle::event::{Exited, SourceKey};
use crate::lifecycle::exit::{BoxError, Exit, ExitReason, HandlerTimedOut};
use crate::lifecycle::panic::catch;
use crate::lifecycle::policy::InFlight;
use crate::lifecycle::record::HookOutcome;
use crate::lifecycle::signal::Signals;
use crate::lifecycle::ties::Answer;
use crate::mailbox::{Admitted, Batch};
use crate::telemetry::{self, ActorSpan, MessageSpan, Scope};
use crate::time::after;

/// An actor that runs: what its task owns.
///
/// It begins where a line of the processor's cache does, with what every message needs: a task that is woken for one message touches
/// the fewest of them so.
#[repr(C, align(64))]
pub(crate) struct Life<A: Actor> {
    /// An event waits until this many messages have been taken.
    pub(super) due_at: u64,
    pub(super) cell: Arc<Cell<A>>,
    pub(super) batch: Batch<A::Msg>,
    pub(super) ctx: Context<A>,
    /// The state, until it is dropped.
    pub(super) actor: Option<A>,
    pub(super) common: Common,
}

/// What a life is, whatever the type of its actor.
#[repr(C)]
pub(crate) struct Common {
    pub(super) any: Arc<dyn AnyCell>,
    pub(super) span: ActorSpan,
    /// What the end has come to so far; it is made when the end begins.
    pub(super) ending: Option<Box<Ending>>,
    /// This life is over, and its destructor has nothing to do.
    pub(super) concluded: bool,
}

/// How a life does what there is to do, for the length of a turn.
type TakeTurn<L> = fn(&mut L, Option<&mut task::Context<'_>>) -> Option<Outcome>;

/// A life of an actor of any type: what those who need not know the type ask of it.
pub(super) trait AnyLife: Send {
    fn common(&mut self) -> &mut Common;

    /// Lends what it takes to wait beside the signals.
    fn lend(&mut self) -> (&mut Common, &mut Admitted);

    /// Whether the actor has a `stopped` hook.
    fn has_stop_hook(&self) -> bool;

    /// Calls a hook.
    fn call<'a>(&'a mut self, hook: Hook<'a>) -> Called<'a>;

    /// Whether all that it does between its start and its end is done in turns.
    fn takes_turns(&self) -> bool;

    /// Does what there is to do, for the length of a turn, without a task or in the one that is polled; nothing comes of it if the life
    /// is over, which notes why. Only for an actor that [takes turns](Self::takes_turns).
    fn take_turn(&mut self, task: Option<&mut task::Context<'_>>) -> Option<Outcome>;

    /// Handles messages, and what is more urgent, until there is a reason to end. Nothing of an actor that takes
    /// [rounds](Self::take_round) instead.
    fn serve(&mut self) -> Option<Serving<'_>>;

    /// Handles what there is, for the length of a turn; nothing comes of it if the life is over, which notes why.
    fn take_round(&mut self, cx: &mut task::Context<'_>) -> Option<Outcome>;

    /// Handles what was accepted before the stop, save what stays in the stash: up to these marks, if they are set already.
    fn drain(&mut self, marks: Option<Marks>) -> Draining<'_>;

    /// The marks up to which a drain that begins now goes.
    fn marks(&self) -> Marks;

    /// Takes one step of a drain.
    fn drain_step(&mut self) -> Drained;
    /// After a panic: takes the next message if nobody can find out what it is.
    fn skip_unreadable(&mut self);

    /// Drops what yields messages. Panics in destructors come back.
    fn drop_sources(&mut self) -> Vec<ExitReason>;

    /// Makes dead letters of what the actor has put aside, which ends with the incarnation; asks among it are told.
    fn discard_stash(&mut self);

    /// Makes dead letters of what is left; asks among it are told.
    fn discard_queue(&mut self);

    /// Puts what was fetched back, for the next incarnation.
    fn put_back(&mut self);

    /// Drops the state. A panic in its destructor comes back.
    fn drop_state(&mut self) -> Option<ExitReason>;
}

/// One of the hooks, with what it is told.
pub(super) enum Hook<'a> {
    Started,
    Exited(Box<Exited>),
    Stopped(&'a ExitReason),
}

/// What an actor does that may wait, in a box.
pub(super) type Serving<'a> = Pin<Box<dyn Future<Output = Over> + Send + 'a>>;

/// What handles messages after a stop, in a box.
pub(super) type Draining<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What a hook returns, in a box: hooks are few.
pub(super) type HookWork<'a> = Pin<Box<dyn Future<Output = Handled> + Send + 'a>>;

/// A hook that has been called, and what it takes to wait for it.
pub(super) struct Called<'a> {
    pub(super) work: Option<HookWork<'a>>,
    /// It has panicked already.
    pub(super) first: Option<Polled>,
    pub(super) common: &'a mut Common,
    pub(super) admitted: &'a mut Admitted,
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

/// A message that is to be handled now, and what is to be done once that is done.
pub(super) struct InHand<M> {
    pub(super) message: M,
    turn: Turn,
    /// Whether it came from outside.
    is_activity: bool,
    /// It was put aside, and this is whoever asked.
    asker: Option<Arc<dyn Answer>>,
    /// The source from which it came.
    source: Option<SourceKey>,
}

impl<M> InHand<M> {
    /// A message from the mailbox.
    pub(super) fn new(message: M, turn: Turn) -> Self {
        InHand { message, turn, is_activity: true, asker: None, source: None }
    }

    /// A message that was put aside, and whoever asked.
    pub(super) fn released(message: M, asker: Option<Arc<dyn Answer>>) -> Self {
        if let Some(asker) = &asker {
            asker.note_replayed();
        }
        InHand { message, turn: Turn::Apart, is_activity: true, asker, source: None }
    }

    /// A message of a source.
    pub(super) fn found(found: Found<M>, key: SourceKey) -> Self {
        let Found { message, is_activity } = found;
        InHand { message, turn: Turn::Apart, is_activity, asker: None, source: Some(key) }
    }
}

impl<A: Actor> Life<A> {
    /// Nothing that it does between its start and its end has to be waited for.
    const NEVER_WAITS: bool = A::AT_ONCE && (A::TAKES_TURNS || !A::HOOKS.exited);

    /// What waits, for those that may. As constants, so that the compiler does not so much as look at it for all others.
    const SERVE: Option<for<'a> fn(&'a mut Self) -> Serving<'a>> =
        if Self::NEVER_WAITS && !fault::POSSIBLE { None } else { Some(|life| Box::pin(life.go_round())) };
    const DRAIN: Option<for<'a> fn(&'a mut Self, Option<Marks>) -> Draining<'a>> =
        if A::AT_ONCE && !fault::POSSIBLE { None } else { Some(|life, marks| Box::pin(life.drain_all(marks))) };
    const TURN: Option<TakeTurn<Self>> = if A::TAKES_TURNS { Some(Self::turn) } else { None };

    pub(super) fn new(cell: Arc<Cell<A>>, actor: A) -> Self {
        let common = Common::new(cell.clone());
        Life { due_at: u64::MAX, ctx: Context::new(ActorRef::new(cell.clone())), cell, actor: Some(actor), batch: Batch::new(), common }
    }

    pub(super) fn core(&self) -> &Core {
        self.cell.core()
    }

    /// Whether a message needs nothing but its handler: nobody waits for it until a deadline, and nobody looks.
    pub(super) fn is_plain(&self, message: &A::Msg) -> bool {
        !self.looks_at_messages() && A::deadline(message).is_none()
    }

    /// Whether somebody looks at the messages that are handled.
    pub(super) fn looks_at_messages(&self) -> bool {
        self.ctx.has_sources() || telemetry::sees_messages() || self.is_threatened()
    }

    /// Whether there may be something that strikes at a message.
    pub(super) fn is_threatened(&self) -> bool {
        fault::threatens_messages(&self.common.any)
    }

    /// A message from outside has been handled; its handler may have begun what wants to know that.
    pub(super) fn note_activity(&mut self, tag: u16) {
        if self.ctx.has_sources() {
            self.ctx.note_activity(tag);
        }
    }

    /// Handles one message.
    pub(super) async fn handle(&mut self, in_hand: InHand<A::Msg>, cut: u32) -> Result<(), Over> {
        let InHand { message, turn, is_activity, asker, source } = in_hand;
        let handled = match fault::first!(self, message, turn, cut) {
            Err(over) => Err(over),
            Ok(message) if const { A::AT_ONCE } => self.handle_now(message, turn),
            Ok(message) => {
                let Life { actor, ctx, batch, common, .. } = &mut *self;
                match describe::<A>(&message) {
                    Err(reason) => Err(Over::Because(reason)),
                    Ok((tag, deadline)) => {
                        let span = common.begin_message(tag, deadline, turn);
                        let actor = actor.as_mut().expect(HAS_STATE);
                        let mut parts = Some((actor, message, ctx));
                        let mut handler = pin!(None);
                        let first = span.enter(|| {
                            begin(&mut || {
                                if let Some((actor, message, ctx)) = parts.take() {
                                    handler.set(Some(actor.handle(message, ctx)));
                                }
                            })
                        });
                        see_through(handler, first, &span, &common.any, batch.admitted(), tag, cut).await
                    }
                }
            }
        };
        self.after(handled, is_activity, asker, source)
    }

    /// Handles one message of an actor whose handlers never wait.
    pub(super) fn handle_at_once(&mut self, in_hand: InHand<A::Msg>) -> Result<(), Over> {
        let InHand { message, turn, is_activity, asker, source } = in_hand;
        let handled = self.handle_now(message, turn);
        self.after(handled, is_activity, asker, source)
    }

    fn handle_now(&mut self, message: A::Msg, turn: Turn) -> Result<u16, Over> {
        let Life { actor, ctx, common, .. } = self;
        let (tag, deadline) = match describe::<A>(&message) {
            Ok(known) => known,
            Err(reason) => return Err(Over::Because(reason)),
        };
        let span = common.begin_message(tag, deadline, turn);
        let actor = actor.as_mut().expect(HAS_STATE);
        let (mut message, mut handled) = (Some(message), Ok(()));
        let caught = span.catch(&mut || {
            handled = handle_in_place(actor, &mut message, ctx);
        });
        end_message(&common.any, tag, Watched::of(caught, handled), None, None)
    }

    /// Does what is to be done once a message has been handled.
    fn after(
        &mut self,
        handled: Result<u16, Over>,
        is_activity: bool,
        asker: Option<Arc<dyn Answer>>,
        source: Option<SourceKey>,
    ) -> Result<(), Over> {
        if let Some(asker) = asker {
            asker.note_handled();
        }
        let tag = handled?;
        if is_activity {
            self.note_activity(tag);
        }
        match source {
            Some(key) => self.ctx.rearm_source(key).map_err(Over::Because),
            None => Ok(()),
        }
    }
}

/// Handles a message of an actor whose handlers never wait, which takes it from where it stands.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn handle_in_place<A: Actor>(actor: &mut A, message: &mut Option<A::Msg>, ctx: &mut Context<A>) -> Result<(), BoxError> {
    match message.take() {
        Some(message) => at_once(actor.handle(message, ctx)),
        None => Ok(()),
    }
}

/// What an actor is until its end.
pub(super) const HAS_STATE: &str = "the state is there until the end";

/// What is to be known of a message before it is handled. What says so may be the user's own, and panic.
pub(super) fn describe<A: Actor>(message: &A::Msg) -> Result<(u16, Option<Instant>), ExitReason> {
    let mut known = (0, None);
    catch(&mut || known = (A::tag(message), A::deadline(message)))?;
    Ok(known)
}

impl<A: Actor> AnyLife for Life<A> {
    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn lend(&mut self) -> (&mut Common, &mut Admitted) {
        (&mut self.common, self.batch.admitted())
    }

    fn has_stop_hook(&self) -> bool {
        A::HOOKS.stopped
    }

    fn call<'a>(&'a mut self, hook: Hook<'a>) -> Called<'a> {
        let Life { actor, ctx, batch, common, .. } = self;
        if const { !A::HOOKS.started && !A::HOOKS.exited && !A::HOOKS.stopped } {
            let (work, first) = begin_nothing(&common.any, &hook);
            return Called { work, first, common, admitted: batch.admitted() };
        }
        let any = common.any.clone();
        let mut parts = Some((actor.as_mut().expect(HAS_STATE), ctx, hook));
        let mut work: Option<HookWork<'a>> = None;
        let first = begin(&mut || {
            // Only the hooks that there are, are compiled.
            work = match parts.take() {
                Some((actor, ctx, Hook::Started)) if const { A::HOOKS.started } => {
                    Some(fault::around_start(&any, || Box::pin(actor.started(ctx))))
                }
                Some((actor, ctx, Hook::Exited(exited))) if const { A::HOOKS.exited } => Some(Box::pin(actor.exited(*exited, ctx))),
                Some((actor, ctx, Hook::Stopped(reason))) if const { A::HOOKS.stopped } => {
                    Some(fault::around_stop(&any, || Box::pin(actor.stopped(reason, ctx))))
                }
                Some((_, _, Hook::Started)) => Some(fault::around_start(&any, nothing)),
                Some((_, _, Hook::Stopped(_))) => Some(fault::around_stop(&any, nothing)),
                _ => Some(nothing()),
            };
        });
        Called { work, first, common, admitted: batch.admitted() }
    }

    fn takes_turns(&self) -> bool {
        A::TAKES_TURNS
    }

    fn take_turn(&mut self, task: Option<&mut task::Context<'_>>) -> Option<Outcome> {
        match const { Self::TURN } {
            Some(turn) => turn(self, task),
            None => Some(Outcome::Task),
        }
    }

    fn serve(&mut self) -> Option<Serving<'_>> {
        self.batch.stays_awake();
        match const { Self::SERVE } {
            Some(serve) if !Self::NEVER_WAITS || self.is_threatened() => Some(serve(self)),
            _ => None,
        }
    }

    fn take_round(&mut self, cx: &mut task::Context<'_>) -> Option<Outcome> {
        if const { !Self::NEVER_WAITS } || self.is_threatened() { Some(Outcome::Task) } else { self.round(Some(cx)) }
    }

    fn drain(&mut self, marks: Option<Marks>) -> Draining<'_> {
        match const { Self::DRAIN } {
            Some(drain) if !A::AT_ONCE || self.is_threatened() => drain(self, marks),
            _ => drain_in_steps(self, marks),
        }
    }

    fn skip_unreadable(&mut self) {
        self.take_unreadable();
    }

    fn marks(&self) -> Marks {
        self.marks()
    }

    fn drain_step(&mut self) -> Drained {
        if const { A::AT_ONCE } { self.drain_at_once() } else { Drained::Done }
    }

    fn drop_sources(&mut self) -> Vec<ExitReason> {
        self.ctx.drop_sources()
    }

    fn discard_stash(&mut self) {
        let Some(mut stash) = self.ctx.take_stash() else { return };
        while let Some(message) = stash.next_of_all() {
            let reason = self.common.discards();
            self.common.note_discarded(self.cell.bury_quietly(message, reason));
        }
    }

    fn discard_queue(&mut self) {
        self.discard_stash();
        while let Some(message) = self.cell.mailbox.next_left(&mut self.batch) {
            let reason = self.common.discards();
            self.common.note_discarded(self.cell.bury_quietly(message, reason));
        }
    }

    fn put_back(&mut self) {
        if let Some(oldest) = self.cell.mailbox.put_back(&mut self.batch) {
            // What its destructor has to say is no concern of an incarnation that has failed already.
            let _ = self.cell.bury_quietly(oldest, DeadReason::Oldest);
        }
    }

    fn drop_state(&mut self) -> Option<ExitReason> {
        let mut state = self.actor.take();
        let _dropping = Dropping::because(DropCause::State);
        catch(&mut || drop(state.take())).err()
    }
}

/// Begins a hook of an actor that has none.
fn begin_nothing<'a>(any: &Arc<dyn AnyCell>, hook: &Hook<'_>) -> (Option<HookWork<'a>>, Option<Polled>) {
    let mut work = None;
    let first = begin(&mut || {
        work = Some(match hook {
            Hook::Started => fault::around_start(any, nothing),
            Hook::Stopped(_) => fault::around_stop(any, nothing),
            Hook::Exited(_) => nothing(),
        });
    });
    (work, first)
}

/// What a hook does that there is not.
fn nothing<'a>() -> HookWork<'a> {
    Box::pin(std::future::ready(Ok(())))
}

impl Common {
    fn new(any: Arc<dyn AnyCell>) -> Self {
        Common { span: ActorSpan::new(&any), any, ending: None, concluded: false }
    }

    pub(super) fn core(&self) -> &Core {
        self.any.core()
    }

    pub(super) fn ending(&mut self) -> &mut Ending {
        self.ending.get_or_insert_default()
    }

    /// Takes the reason for which a turn was over.
    pub(super) fn take_over(&mut self) -> Option<Over> {
        self.ending.as_mut()?.over.take()
    }

    /// The signals that cut a handler short.
    pub(super) fn cut(&self) -> u32 {
        match self.any.policy().in_flight {
            InFlight::Finish => Signals::KILL,
            InFlight::Cancel => Signals::KILL | Signals::STOP,
        }
    }

    /// Notes which message is in hand, and by when whoever asked wants its answer; returns the span in which it is handled.
    pub(super) fn begin_message(&self, tag: u16, deadline: Option<Instant>, turn: Turn) -> MessageSpan {
        self.core().begin(tag, turn);
        if deadline.is_some() {
            set_current_deadline(deadline);
        }
        self.message_span(tag)
    }

    pub(super) fn message_span(&self, tag: u16) -> MessageSpan {
        self.span.message(|| self.any.message_name(u32::from(tag)))
    }

    /// Why messages are discarded that are left at the end.
    fn discards(&mut self) -> DeadReason {
        // A stop that became a kill is noted as such only at the end.
        let killed = self.core().signals.any(Signals::KILL) && self.exit().reason.is_clean();
        if killed { DeadReason::Killed } else { DeadReason::after(&self.exit().reason) }
    }

    /// Counts one message that was discarded, and what its destructor has panicked with.
    fn note_discarded(&mut self, panicked: Option<ExitReason>) {
        self.ending().discarded += 1;
        if let Some(panicked) = panicked {
            self.exit().add(panicked);
        }
    }

    /// The handler in hand has returned an error.
    pub(super) fn failed(&self, error: BoxError) -> Result<(), Over> {
        failure_of(self.core(), error).map_err(|failure| self.crashed(ExitReason::Failed(failure)))?;
        self.core().finish();
        Ok(())
    }

    /// Notes what is known where the handler in hand failed, for this reason.
    pub(super) fn crashed(&self, reason: ExitReason) -> Over {
        note_crash(&self.any);
        Over::Because(reason)
    }
}

/// Sees a handler through, after what came of its first poll if that was made, until it is done or cut short.
pub(super) async fn see_through(
    mut handler: Watching<'_>,
    first: Option<Polled>,
    span: &MessageSpan,
    any: &Arc<dyn AnyCell>,
    admitted: &mut Admitted,
    tag: u16,
    cut: u32,
) -> Result<u16, Over> {
    // It is polled once in any case.
    let first = match first {
        Some(first) => first,
        None => std::future::poll_fn(|cx| Poll::Ready(poll_once(handler.as_mut(), span, cx))).await,
    };
    let limit = any.policy().handler_limit;
    let until = limit.map(|limit| after(Instant::now(), limit));
    let outcome = watch(handler.as_mut(), span, any, admitted, cut, until, Some(first)).await;
    let broken = match outcome {
        Watched::TimedOut => dropping(DropCause::TimedOut, || discard(handler, false)),
        _ => discard(handler, outcome.is_cut_short()),
    };
    end_message(any, tag, outcome, limit, broken)
}

/// What the outcome of a handler means for the life, if it was to take no longer than `limit`. It is in hand no more.
pub(super) fn end_message(
    any: &Arc<dyn AnyCell>,
    tag: u16,
    outcome: Watched,
    limit: Option<Duration>,
    mut broken: Option<ExitReason>,
) -> Result<u16, Over> {
    if matches!(outcome, Watched::TimedOut | Watched::Panicked(_) | Watched::Done(Err(_))) {
        // It comes beside another reason, and is kept for the end.
        if let Some(broken) = broken.take() {
            any.core().with_ties(|ties| ties.failed_work.push(broken));
        }
    }
    let over = match (outcome, limit) {
        (Watched::TimedOut, Some(limit)) => {
            let message = any.message_name(u32::from(tag));
            Err(Over::Because(ExitReason::failed(Box::new(HandlerTimedOut { message, limit }))))
        }
        (outcome, _) => over_after(any.core(), outcome, broken),
    };
    match over {
        Err(Over::Because(_)) => note_crash(any),
        _ => any.core().finish(),
    }
    set_current_deadline(None);
    over.map(|()| tag)
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

/// What an outcome of a hook or a handler means for the life.
pub(super) fn over_after(core: &Core, outcome: Watched, broken: Option<ExitReason>) -> Result<(), Over> {
    if let Watched::Done(Err(error)) = outcome {
        failure_of(core, error).map_err(|failure| Over::Because(ExitReason::Failed(failure)))?;
        return broken.map_or(Ok(()), |reason| Err(Over::Because(reason)));
    }
    match (outcome, broken) {
        (Watched::Panicked(reason), _) | (_, Some(reason)) => Err(Over::Because(reason)),
        (Watched::Cut | Watched::TimedOut, None) => Err(Over::Asked),
        (Watched::Done(_), None) => Ok(()),
    }
}
