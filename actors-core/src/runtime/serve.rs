//! The loop of an actor: its start, its messages, and what is more urgent than they.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::fault;
use super::life::{Life, Over, note_crash, over_after, see_through};
use super::watch::{Watched, begin, discard, watch};
use crate::actor::{Actor, Found, Put};
use crate::address::cell::Cell;
use crate::lifecycle::cell::{AnyCell, Turn};
use crate::lifecycle::event::{Event, Exited, News, SourceKey};
use crate::lifecycle::exit::{BoxError, ExitReason, Failure, StartFailure};
use crate::lifecycle::linger::linger;
use crate::lifecycle::panic::guard;
use crate::lifecycle::signal::Signals;
use crate::sync::wake_all;
use crate::telemetry::{self, Scope};
use crate::time::after;

/// After how many messages an actor lets others run, unless they took next to no time.
pub(super) const TURN: u32 = 64;
/// How many times as long a turn is at most.
const LONGEST: u32 = 8;
/// What is next to no time for a [`TURN`].
const QUICK: Duration = Duration::from_micros(25);

impl<A: Actor> Life<A> {
    /// Runs the `started` hook.
    pub(super) async fn begin(&mut self) -> Result<(), Over> {
        if self.core().signals.any(Signals::STOP | Signals::KILL) && !drains_first(&self.cell) {
            return Err(Over::Asked);
        }
        let limit = self.any.policy().start_limit();
        let cut = self.cut();
        let Life { actor, ctx, cell, batch, span, any, .. } = self;
        let actor = actor.as_mut().expect("the state is there until the end");
        let outcome = {
            let mut hook = pin!(None);
            let first = begin(hook.as_mut(), || fault::around_start(any, || actor.started(ctx)));
            let until = limit.map(|limit| after(Instant::now(), limit));
            let mut outcome = watch(hook.as_mut(), span, cell, batch, cut, until, first).await;
            if matches!(outcome, Watched::Cut) && drains_first(cell) {
                outcome = watch(hook.as_mut(), span, cell, batch, Signals::KILL, until, None).await;
            }
            let broken = discard(hook, outcome.is_cut_short());
            broken.map_or(outcome, Watched::Panicked)
        };
        self.core().finish();
        let failure = match outcome {
            Watched::Done(Ok(())) if self.core().signals.any(Signals::DECLINED) => StartFailure::Declined,
            Watched::Done(Ok(())) => {
                // Before it is known: whoever waits for the start finds it in the log.
                self.any.env().kit.started(&self.any);
                self.core().signals.set(Signals::STARTED);
                wake_all(self.core().if_tied(|ties| ties.waiters.take()).unwrap_or_default());
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
        self.batch.stays_awake();
        let caught = {
            let mut serving = pin!(self.go_round());
            poll_fn(|cx| match guard(|| serving.as_mut().poll(cx)) {
                Ok(poll) => poll.map(Ok),
                Err(reason) => Poll::Ready(Err(reason)),
            })
            .await
        };
        caught.unwrap_or_else(|reason| {
            note_crash(&self.any);
            Over::Because(reason)
        })
    }

    async fn go_round(&mut self) -> Over {
        let cut = self.cut();
        let mut left = TURN;
        let mut turn = LongTurn::default();
        loop {
            let handled = match self.next(&mut left) {
                Next::Urgent => {
                    self.batch.stays_awake();
                    Box::pin(self.attend(cut)).await
                }
                Next::Message(message) if !A::AT_ONCE && self.is_plain(&message) => {
                    // What `handle` does, without what a plain message does not need, and in one piece with the loop, so that
                    // a handler costs little more than a call. A panic ends this future, and is caught outside.
                    let (tag, handled) = {
                        let Life { actor, ctx, cell, any, batch, span, .. } = &mut *self;
                        let actor = actor.as_mut().expect("the state is there until the end");
                        let tag = A::tag(&message);
                        cell.core().begin(tag, Turn::Ordinary);
                        let mut handler = pin!(Some(actor.handle(message, ctx)));
                        match poll_fn(|cx| Poll::Ready(handler.as_mut().as_pin_mut().expect("just made").poll(cx))).await {
                            Poll::Ready(Ok(())) => {
                                // Its destructor may panic, and is its own.
                                handler.set(None);
                                cell.core().finish();
                                (tag, Ok(()))
                            }
                            first => {
                                let span = span.message(|| any.message_name(u32::from(tag)));
                                (tag, see_through(handler, Ok(first), &span, any, cell, batch, tag, cut).await)
                            }
                        }
                    };
                    self.note_activity(tag);
                    handled
                }
                Next::Message(message) => {
                    self.batch.stays_awake();
                    self.handle(message, Turn::Ordinary, cut).await
                }
                Next::Failed(error) => {
                    note_crash(&self.any);
                    Err(Over::Because(ExitReason::failed(error)))
                }
                Next::Nothing => {
                    // A wait that was none is no rest for the others.
                    if self.wait().await {
                        (left, turn) = (TURN, LongTurn::default());
                    }
                    continue;
                }
            };
            if let Err(over) = handled {
                return over;
            }
            left -= 1;
            if left == 0 {
                if !turn.goes_on() {
                    self.batch.stays_awake();
                    tokio::task::yield_now().await;
                    turn = LongTurn::default();
                }
                left = TURN;
            }
        }
    }

    /// Finds out what is to be done next. Does it, one message after the other, as long as that can be done at once; the
    /// last of the turn is left to the caller.
    pub(super) fn next(&mut self, left: &mut u32) -> Next<A::Msg> {
        loop {
            // Looked at before every message, so that all that is urgent comes first, and not only the first of it.
            if self.core().signals.any(Signals::URGENT) || (self.due_at != u64::MAX && self.cell.mailbox.passed(&self.batch) >= self.due_at)
            {
                return Next::Urgent;
            }
            let Some(message) = self.cell.mailbox.take(&mut self.batch) else { return Next::Nothing };
            if !A::AT_ONCE || *left <= 1 || !self.is_plain(&message) {
                return Next::Message(message);
            }
            let Life { actor, ctx, cell, .. } = self;
            let actor = actor.as_mut().expect("the state is there until the end");
            let core = cell.core();
            let tag = A::tag(&message);
            core.begin(tag, Turn::Ordinary);
            let handled = pin!(actor.handle(message, ctx)).poll(&mut task::Context::from_waker(Waker::noop()));
            match handled {
                Poll::Ready(Ok(())) => core.finish(),
                Poll::Ready(Err(error)) => return Next::Failed(error),
                Poll::Pending => unreachable!("an actor that says so handles every message at once"),
            }
            self.note_activity(tag);
            *left -= 1;
        }
    }

    /// Sleeps until there is a message, or something urgent. Says whether it did sleep.
    async fn wait(&mut self) -> bool {
        let mut slept = false;
        poll_fn(|cx| {
            let core = self.cell.core();
            let refill = self.cell.mailbox.poll_refill(&mut self.batch, cx, || core.signals.any(Signals::URGENT));
            if refill.is_pending() {
                slept = true;
                if !core.signals.any(Signals::LISTED) && self.may_rest() {
                    linger(&self.any);
                }
            }
            refill
        })
        .await;
        slept
    }

    /// Looks at what is urgent, and does the first of it.
    pub(super) async fn attend(&mut self, cut: u32) -> Result<(), Over> {
        if self.core().signals.any(Signals::STOP | Signals::KILL) {
            return Err(Over::Asked);
        }
        if self.core().signals.any(Signals::REST) && self.lie_down() {
            return Err(Over::Asked);
        }
        if let Some(exit) = self.next_exit() {
            return self.hear(exit, cut).await;
        }
        if let Some(message) = self.overtaking() {
            return self.handle_overtaking(message, cut).await;
        }
        // Last, so that what was sent before the end of the other comes before the notice of it.
        match self.next_notice() {
            Some(notice) => self.hear(notice, cut).await,
            None => Ok(()),
        }
    }

    /// Takes the message that comes before those in the mailbox, if there is one.
    pub(super) fn overtaking(&mut self) -> Option<Overtaking<A>> {
        let signals = self.core().signals.get();
        let control = if signals & Signals::CONTROL != 0 { self.cell.take_control() } else { None };
        if let Some(message) = control {
            return Some(Overtaking::Control(message));
        }
        if signals & Signals::RELEASED != 0 { self.ctx.next_released().map(Overtaking::Released) } else { None }
    }

    pub(super) async fn handle_overtaking(&mut self, message: Overtaking<A>, cut: u32) -> Result<(), Over> {
        match message {
            Overtaking::Control(message) => self.handle(message, Turn::Control, cut).await,
            Overtaking::Released(Put { message, asker }) => {
                if let Some(asker) = &asker {
                    asker.note_replayed();
                }
                let handled = self.handle(message, Turn::Apart, cut).await;
                if let Some(asker) = &asker {
                    asker.note_handled();
                }
                handled
            }
        }
    }

    /// Tells the actor of the end of another, or looks at a source of its own.
    async fn hear(&mut self, event: Event, cut: u32) -> Result<(), Over> {
        match event.news {
            News::Ready(key) => self.attend_to_source(key, cut).await,
            News::Exited(exited) if A::HOOKS.exited => self.attend_to_exit(*exited, cut).await,
            News::Exited(_) => Ok(()),
        }
    }

    async fn attend_to_exit(&mut self, exited: Exited, cut: u32) -> Result<(), Over> {
        let Life { actor, ctx, cell, batch, span, .. } = self;
        let actor = actor.as_mut().expect("the state is there until the end");
        let mut hook = pin!(None);
        let first = begin(hook.as_mut(), || actor.exited(exited, ctx));
        let outcome = watch(hook.as_mut(), span, cell, batch, cut, None, first).await;
        let broken = discard(hook, outcome.is_cut_short());
        cell.core().finish();
        over_after(outcome, broken)
    }

    /// Polls a source, and handles its message if there is one.
    async fn attend_to_source(&mut self, key: SourceKey, cut: u32) -> Result<(), Over> {
        let Life { ctx, span, .. } = self;
        let found = span.enter(|| guard(|| ctx.poll_source(key))).map_err(Over::Because)?;
        let Some(Found { message, is_activity }) = found else { return Ok(()) };
        let tag = self.handle_quietly(message, Turn::Apart, cut).await?;
        if is_activity {
            self.ctx.note_activity(tag);
        }
        let ctx = &mut self.ctx;
        guard(|| ctx.rearm_source(key)).map_err(Over::Because)
    }

    /// Takes the next exit of a link, a child or a group, or what else is due at once, and notes when the next notice is due.
    fn next_exit(&mut self) -> Option<Event> {
        let core = self.cell.core();
        if !core.signals.any(Signals::EVENTS) && self.due_at != 0 {
            return None;
        }
        let (exit, due_at) = core.with_ties(|ties| {
            core.signals.clear(Signals::EVENTS);
            (ties.events.pop_front(), ties.next_event_due())
        });
        self.due_at = due_at;
        exit
    }

    /// Takes the next notice of a monitor if it is due.
    fn next_notice(&mut self) -> Option<Event> {
        let passed = self.cell.mailbox.passed(&self.batch);
        if self.due_at > passed {
            return None;
        }
        let (notice, due_at) = self.core().with_ties(|ties| (ties.next_notice(passed), ties.next_event_due()));
        self.due_at = due_at;
        notice
    }
}

/// Whether an actor that was asked to end starts all the same: stop beats start, but for a drain, since what was accepted can be
/// handled only by an actor that has started.
fn drains_first<A: Actor>(cell: &Cell<A>) -> bool {
    cell.core().signals.get() & (Signals::DRAIN | Signals::KILL) == Signals::DRAIN && cell.mailbox.len() > 0
}

/// A turn that goes on while messages take next to no time: a yield costs as much as many of them, and whoever sends would get
/// further and further ahead.
#[derive(Default)]
pub(super) struct LongTurn {
    /// How many times it has gone on, and since when.
    times: u32,
    since: Option<Instant>,
}

impl LongTurn {
    /// Whether it goes on by another [`TURN`].
    pub(super) fn goes_on(&mut self) -> bool {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.times += 1;
        self.times < LONGEST && now - since <= QUICK * (self.times - 1)
    }
}

/// What the loop does next.
pub(super) enum Next<M> {
    Urgent,
    Message(M),
    /// A message was handled, and this came of it.
    Failed(BoxError),
    Nothing,
}

/// A message that comes before those in the mailbox.
pub(super) enum Overtaking<A: Actor> {
    Control(A::Msg),
    /// It was stashed, and is to be handled again.
    Released(Put<A::Msg>),
}
