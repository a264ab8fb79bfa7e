//! A turn: what an actor whose handlers and hooks never wait does without a task.
//!
//! The state stays in the cell between turns. What one turn cannot do goes on in a task: many messages, work that has to be
//! waited for, sources and a stash, which live as long as the task does.

use std::sync::Arc;
use std::task::Context;

use super::fault;
use super::life::{AnyLife, HAS_STATE, InHand, Life, Over, handle_in_place, over_after};
use super::serve::{LongTurn, Next, TURN, Urgent};
use super::task::{go_on_in_task, start_task};
use super::teardown::{end_at_once, ends_at_once};
use super::watch::Watched;
use crate::actor::{Actor, at_once};
use crate::address::cell::Cell;
use crate::caught::unless_it_panics;
use crate::lifecycle::cell::{AnyCell, Turn};
use crate::lifecycle::current::{Identity, Role};
use crate::lifecycle::event::Exited;
use crate::lifecycle::exit::{BoxError, ExitReason};
use crate::lifecycle::panic::{catch, guard};
use crate::lifecycle::run_queue::RunQueue;
use crate::lifecycle::signal::Signals;
use crate::mailbox::fill;
use crate::telemetry::Scope;

/// An actor that has had more messages than these will get more, and has a task that lingers between them.
const FEW: u64 = 16;

/// What came of a turn.
pub(super) enum Outcome {
    /// The actor is at rest, or has ended.
    Done,
    /// There is nothing to do until the task is woken.
    Sleep,
    /// There is more to do, once others have had their turn.
    Yield,
    /// What is left takes a task that can wait.
    Task,
}

/// Sees to it that an actor without a receiver does what there is to do: in a turn, if that may be enough.
pub(super) fn start<A: Actor>(cell: Arc<Cell<A>>) {
    // One that is at rest but for those who wait for its end, or hear of it, ends at once.
    let ends_here = cell.core().signals.any(Signals::STOP) && !std::mem::needs_drop::<A>();
    if !A::TAKES_TURNS || ends_here {
        return start_task(cell);
    }
    RunQueue::add(cell);
}

/// Takes a turn of an actor.
pub(super) fn take_turn<A: Actor>(cell: Arc<Cell<A>>) {
    let Some(actor) = cell.take_state() else { return };
    let mut life = Life::new(cell, actor);
    if !is_done_in_turn(&mut life) {
        go_on_in_task(Box::new(life));
    }
}

/// Does what there is to do, for the length of a turn; says whether nothing is left that takes a task.
fn is_done_in_turn(life: &mut dyn AnyLife) -> bool {
    let common = life.common();
    // A span is as long as a task.
    if common.span.is_on() || common.core().signals.any(Signals::ABORT) {
        return false;
    }
    let mut identity = Identity::new(common.any.clone(), Role::Itself);
    !matches!(identity.enter(|| do_turn(life, None)), Outcome::Task | Outcome::Yield)
}

/// Does what there is to do, for the length of a turn, without a task or in the one that is polled; and ends the actor, if its life is
/// over and that takes no waiting.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn do_turn(life: &mut dyn AnyLife, task: Option<&mut Context<'_>>) -> Outcome {
    match life.take_turn(task) {
        Some(outcome) => outcome,
        None => end_turn(life),
    }
}

#[cold]
fn end_turn(life: &mut dyn AnyLife) -> Outcome {
    if !ends_at_once(life) {
        life.common().settle_failure();
        return Outcome::Task;
    }
    if let Some(over) = life.common().take_over() {
        end_at_once(life, over);
    }
    Outcome::Done
}

impl<A: Actor> Life<A> {
    /// What there is to do, but for the end: nothing comes of it if the life is over. One that is aborted does nothing more, and ends when
    /// it is dropped.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn turn(&mut self, task: Option<&mut Context<'_>>) -> Option<Outcome> {
        let signals = self.core().signals.get();
        if signals & Signals::ABORT != 0 {
            return Some(Outcome::Done);
        }
        if fault::threatens_messages(&self.common.any) {
            return Some(Outcome::Task);
        }
        if signals & Signals::STARTED != 0 { self.round(task) } else { self.first_turn(task) }
    }

    #[cfg_attr(not(debug_assertions), inline(never))]
    fn first_turn(&mut self, task: Option<&mut Context<'_>>) -> Option<Outcome> {
        if let Err(over) = self.begin_at_once() {
            return self.is_over(over);
        }
        // Mostly nobody has told it anything yet.
        let outcome = if task.is_none() && self.has_run_out() { self.look_again() } else { None };
        outcome.or_else(|| self.round(task))
    }

    /// The life is over, and notes why, unless the actor has lain down.
    fn is_over(&mut self, over: Over) -> Option<Outcome> {
        if self.common.concluded {
            return Some(Outcome::Done);
        }
        self.common.ending().over = Some(over);
        None
    }

    fn begin_at_once(&mut self) -> Result<(), Over> {
        self.common.may_start()?;
        if const { !A::HOOKS.started } {
            return self.common.started(Watched::Done(Ok(())), None);
        }
        let Life { actor, ctx, common, .. } = self;
        let actor = actor.as_mut().expect(HAS_STATE);
        let mut outcome = Ok(());
        let caught = common.span.enter(|| catch(&mut || outcome = at_once(actor.started(ctx))));
        common.started(Watched::of(caught, outcome), None)
    }

    /// Handles what there is, for the length of a turn. What a handler panics with is caught here, once for all.
    /// Nothing comes of it if the life is over.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn round(&mut self, task: Option<&mut Context<'_>>) -> Option<Outcome> {
        match task {
            Some(cx) if self.has_run_out() => self.short_round(cx),
            task => self.long_round(task, Next::Nothing),
        }
    }

    /// What wakes a task is mostly a message. If there is no other, and nothing comes of it, the task sleeps again: all that takes little
    /// more than to call the handler, and stands by itself.
    fn short_round(&mut self, cx: &mut Context<'_>) -> Option<Outcome> {
        let (mut message, mut error, mut sleeps) = (None, None, false);
        let caught = guard(|| sleeps = self.handle_alone(cx, &mut message, &mut error));
        if sleeps {
            return Some(Outcome::Sleep);
        }
        match caught {
            Ok(()) => self.long_round(Some(cx), Next::of(message, error)),
            Err(reason) => {
                // One panic is told of.
                unless_it_panics(|| drop(message.take()));
                self.has_panicked(reason)
            }
        }
    }

    /// Handles the message that has come, if it is the only one, and says whether the task sleeps then. A message that needs more than its
    /// handler stays where it was put.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn handle_alone(&mut self, cx: &mut Context<'_>, message: &mut Option<A::Msg>, error: &mut Option<BoxError>) -> bool {
        let urgent = self.cell.core().signals.bits(Signals::URGENT);
        self.cell.mailbox.take_alone(&mut self.batch, cx, &urgent, message);
        let Some(alone) = &*message else { return false };
        if !self.is_plain(alone) {
            return false;
        }
        let tag = A::tag(alone);
        let Life { actor, ctx, cell, .. } = self;
        let (core, actor) = (cell.core(), actor.as_mut().expect(HAS_STATE));
        core.begin(tag, Turn::Ordinary);
        if let Err(failed) = handle_in_place(actor, message, ctx) {
            fill(error, failed);
            return false;
        }
        core.finish();
        self.note_activity(tag);
        // It has said in advance that it sleeps.
        self.has_run_out() && self.batch.falls_asleep() && self.note_idle().is_pending()
    }

    #[cfg_attr(not(debug_assertions), inline(never))]
    fn long_round(&mut self, task: Option<&mut Context<'_>>, first: Next<A::Msg>) -> Option<Outcome> {
        match guard(|| self.go_round_at_once(task, first)) {
            Ok(outcome) => outcome,
            Err(reason) => self.has_panicked(reason),
        }
    }

    #[cold]
    fn has_panicked(&mut self, reason: ExitReason) -> Option<Outcome> {
        self.take_unreadable();
        let over = self.common.crashed(reason);
        self.is_over(over)
    }

    fn go_round_at_once(&mut self, mut task: Option<&mut Context<'_>>, mut first: Next<A::Msg>) -> Option<Outcome> {
        let mut left = TURN;
        let mut turn = LongTurn::default();
        let mut is_out = false;
        loop {
            let mut next = std::mem::replace(&mut first, Next::Nothing);
            match task.as_deref_mut() {
                _ if !matches!(next, Next::Nothing) => {}
                _ if !is_out => self.next(&mut left, &mut next),
                Some(cx) => {
                    if self.poll_messages(cx).is_pending() {
                        return Some(Outcome::Sleep);
                    }
                }
                None => {
                    if let Some(outcome) = self.look_again() {
                        return Some(outcome);
                    }
                }
            }
            // Looked at now that it is known what comes next, so that it strikes at all that has come after it.
            if const { fault::POSSIBLE } && self.is_threatened() && !matches!(next, Next::Failed(_)) {
                return Some(self.put_off(next));
            }
            let handled = match next {
                Next::Nothing => {
                    is_out = !is_out || self.has_run_out();
                    Ok(())
                }
                Next::Message(message) => {
                    // It may have been alone, and its handler may have made something urgent, or due.
                    is_out = false;
                    self.handle_at_once(InHand::new(message, Turn::Ordinary))
                }
                Next::Urgent => match self.urgent() {
                    Urgent::Message(in_hand) => self.handle_at_once(in_hand),
                    Urgent::Exit(exited) => self.tell_of_exit_at_once(exited),
                    Urgent::Nothing => Ok(()),
                    Urgent::Over(over) => Err(over),
                },
                Next::Failed(error) => self.common.failed(error),
            };
            if let Err(over) = handled {
                return self.is_over(over);
            }
            left -= 1;
            if left == 0 {
                if !turn.goes_on() {
                    self.batch.stays_awake();
                    return Some(Outcome::Yield);
                }
                left = TURN;
            }
        }
    }

    /// Leaves what comes next to a task: what strikes may have to wait.
    #[cold]
    fn put_off(&mut self, next: Next<A::Msg>) -> Outcome {
        if let Next::Message(message) = next {
            self.cell.mailbox.untake(&mut self.batch, message);
        }
        self.batch.stays_awake();
        Outcome::Task
    }

    /// Whether nothing is known to be done, and the mailbox is to be looked into next.
    pub(super) fn has_run_out(&self) -> bool {
        self.batch.is_empty() && self.due_at == u64::MAX && !self.core().signals.any(Signals::URGENT)
    }
}

impl<A: Actor> Life<A> {
    fn tell_of_exit_at_once(&mut self, exited: Box<Exited>) -> Result<(), Over> {
        if const { !A::HOOKS.exited } {
            return Ok(());
        }
        let Life { actor, ctx, common, .. } = self;
        let actor = actor.as_mut().expect(HAS_STATE);
        let (mut exited, mut outcome) = (Some(exited), Ok(()));
        let caught = common.span.catch(&mut || {
            if let Some(exited) = exited.take() {
                outcome = at_once(actor.exited(*exited, ctx));
            }
        });
        common.core().finish();
        over_after(common.core(), Watched::of(caught, outcome), None)
    }

    /// Fetches what has come; where there is nothing, the actor lies down, unless it is too busy for that.
    fn look_again(&mut self) -> Option<Outcome> {
        if self.cell.mailbox.refill(&mut self.batch) {
            return None;
        }
        if self.cell.mailbox.taken() > FEW || !self.may_rest() {
            return Some(Outcome::Task);
        }
        self.lie_down().then_some(Outcome::Done)
    }
}
