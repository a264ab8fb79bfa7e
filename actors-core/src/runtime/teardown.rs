//! The end of an actor: one path for every cause, and what its task's destructor does when it cannot wait.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::fault;
use super::ladder::{self, Budget, Parent};
use super::life::{Ending, Life, Over};
use super::serve::TURN;
use super::watch::{Watched, begin, discard, watch};
use crate::actor::Actor;
use crate::lifecycle::cell::{AnyCell, Core, Turn};
use crate::lifecycle::conclude::{claim, conclude, note_limits};
use crate::lifecycle::current::{DropCause, dropping};
use crate::lifecycle::dead_letter::DeadReason;
use crate::lifecycle::exit::{AbortedBy, Exit, ExitReason};
use crate::lifecycle::panic::guard;
use crate::lifecycle::policy::Children;
use crate::lifecycle::post_mortem;
use crate::lifecycle::record::{ActorReport, HookOutcome, LimitHit};
use crate::lifecycle::request;
use crate::lifecycle::restart::go_down;
use crate::lifecycle::signal::Signals;
use crate::mailbox::Closed;
use crate::telemetry;
use crate::time::after;

/// How long a `stopped` hook may take after a kill, and how long a killed actor waits for its blocking jobs.
const AFTER_KILL: Duration = Duration::from_millis(500);

impl<A: Actor> Life<A> {
    /// Ends the actor, in the order that every user may rely on.
    pub(super) async fn end(&mut self, over: Over) {
        let began = Instant::now();
        self.batch.stays_awake();
        self.settle_cause(over);
        telemetry::stopping(&self.any);
        if let Some((asked_at, _)) = self.core().order() {
            self.ending().handler = began.saturating_duration_since(asked_at);
        }

        // 1. The mailbox refuses outsiders, unless there is another incarnation to come. 2. The handler in hand is over.
        self.close_if_last();
        if let Some(family) = self.core().family() {
            family.close();
        }
        self.drop_sources();

        // 3. The queue.
        if self.drains() {
            self.drain().await;
        }
        let after_drain = Instant::now();
        self.ending().drain = after_drain - began;
        self.discard_stash();
        if self.close_if_last() {
            self.discard_queue();
        }

        // 4. The children, and what runs beside the messages.
        self.stop_children().await;
        self.stop_work().await;
        self.ending().children = after_drain.elapsed();

        // 5. The hook. A kill since the first cause comes before whatever goes wrong in it.
        self.note_kill();
        if self.core().signals.any(Signals::STARTED) && (A::HOOKS.stopped || fault::threatens_stop(&self.any)) {
            let before = Instant::now();
            self.run_hook().await;
            // What the hook has begun is the actor's own too.
            self.stop_work().await;
            self.ending().hook = before.elapsed();
        } else if A::HOOKS.stopped {
            self.ending().hook_outcome = HookOutcome::Skipped;
        }

        self.note_kill();
        // 6 to 9.
        self.finish();
    }

    /// Ends an actor that never ran and has nothing to wait for, where it is asked to: no hook, no child, no message.
    /// Says whether it did; if not, a task has to.
    pub(super) fn end_here(&mut self) -> bool {
        thread_local! {
            /// The end of one actor may be the end of the next, so only one ends here at a time, and the others on tasks.
            static ENDING: Cell<bool> = const { Cell::new(false) };
        }
        let signals = self.core().signals.get();
        // A destructor is foreign code: that of an actor that has had messages may have something to wait for.
        let may_drop = !std::mem::needs_drop::<A>() || self.cell.mailbox.pushed() == 0;
        let idle = may_drop
            && signals & (Signals::STOP | Signals::STARTED) == Signals::STOP | Signals::STARTED
            && signals & (Signals::EVENTS | Signals::ABORT) == 0
            && self.cell.mailbox.len() == 0
            && self.ends_at_once();
        if !idle || ENDING.replace(true) {
            return false;
        }
        self.end_at_once(Over::Asked);
        ENDING.set(false);
        true
    }

    /// Whether nothing of the end has to be waited for, and no code of the user's runs in it but destructors. From now on nothing
    /// comes to that.
    pub(super) fn ends_at_once(&self) -> bool {
        let core = self.core();
        let runs_hook = A::HOOKS.stopped || fault::threatens_stop(&self.any);
        if runs_hook || core.signals.any(Signals::DRAIN) && self.cell.mailbox.len() > 0 {
            return false;
        }
        let Some(family) = core.family() else { return !has_work(core) };
        family.close();
        // Whoever makes a child for it is either refused from now on, or seen.
        family.len() == 0 && !has_work(core)
    }

    /// Ends an actor of which [`ends_at_once`](Self::ends_at_once) has said so: what [`end`](Self::end) does, without what waits.
    pub(super) fn end_at_once(&mut self, over: Over) {
        self.settle_cause(over);
        telemetry::stopping(&self.any);
        self.drop_sources();
        self.discard_stash();
        if self.close_if_last() {
            self.discard_queue();
        }
        self.add_failed_work();
        self.note_kill();
        self.finish();
    }

    /// Closes the mailbox, if no other incarnation follows; says whether it did. It may yet turn out that none does.
    fn close_if_last(&mut self) -> bool {
        let reason = self.exit().reason.clone();
        let last = !self.core().is_restarted_after(&reason);
        if last {
            self.core().signals.set(Signals::FINAL);
            self.cell.close(Closed::Stopping);
        }
        last
    }

    /// Decides why the actor ends: the first cause, unless it is a clean one and something has gone wrong since.
    fn settle_cause(&mut self, over: Over) {
        let core = self.core();
        let (exit, stop_waiters, token) = core.with_ties(|ties| {
            let asked = ties.cause.clone();
            let exit = match (asked, over) {
                (Some(cause), Over::Asked) => Exit::new(cause),
                (Some(cause), Over::Because(reason)) => {
                    let mut exit = Exit::new(cause);
                    exit.add(reason);
                    exit
                }
                (None, Over::Because(reason)) => Exit::new(reason),
                (None, Over::Asked) => Exit::new(ExitReason::Killed),
            };
            ties.cause.get_or_insert_with(|| exit.reason.clone());
            ties.order.get_or_insert_with(|| crate::lifecycle::ties::StopOrder { at: Instant::now(), deadline: None });
            core.signals.set(Signals::STOP);
            (exit, ties.stop_waiters.take(), ties.token.clone())
        });
        crate::sync::wake_all(stop_waiters);
        if let Some(token) = token {
            token.cancel();
        }
        self.ending().exit = Some(exit);
    }

    /// Notes that the actor was killed while it ended.
    fn note_kill(&mut self) {
        if !self.core().signals.any(Signals::KILL) {
            return;
        }
        let exit = self.exit();
        if exit.reason != ExitReason::Killed && !exit.secondary.contains(&ExitReason::Killed) {
            exit.add(ExitReason::Killed);
        }
    }

    fn exit(&mut self) -> &mut Exit {
        self.ending().exit.get_or_insert_with(|| Exit::new(ExitReason::Killed))
    }

    fn drains(&mut self) -> bool {
        let signals = self.core().signals.get();
        let wanted = signals & Signals::DRAIN != 0 && signals & Signals::STARTED != 0 && signals & Signals::KILL == 0;
        wanted && self.exit().reason.is_clean()
    }

    /// Handles what was accepted before the stop, save what stays in the stash. The mailbox is closed, or stays open for the next incarnation, which then
    /// handles what has come since.
    async fn drain(&mut self) {
        let mailbox = &self.cell.mailbox;
        let marks = [Some(mailbox.pushed()), mailbox.last_overtaking()];
        let mut left = TURN;
        loop {
            let done = marks.iter().flatten().all(|mark| self.cell.mailbox.has_taken(*mark));
            let signals = self.core().signals.get();
            if signals & Signals::KILL != 0 || (done && signals & Signals::RELEASED == 0) {
                return;
            }
            let handled = if let Some(message) = self.overtaking() {
                self.ending().drained += 1;
                self.handle_overtaking(message, Signals::KILL).await
            } else if let Some(message) = self.cell.mailbox.take(&mut self.batch) {
                self.ending().drained += 1;
                self.handle(message, Turn::Ordinary, Signals::KILL).await
            } else {
                let Life { cell, batch, .. } = self;
                let refill = poll_fn(|cx| cell.mailbox.poll_refill(batch, cx, || true)).await;
                if refill == crate::mailbox::Refill::Urgent {
                    return;
                }
                continue;
            };
            match handled {
                Ok(()) => {}
                Err(Over::Asked) => return,
                Err(Over::Because(reason)) => {
                    self.exit().add(reason);
                    return;
                }
            }
            left -= 1;
            if left == 0 {
                tokio::task::yield_now().await;
                left = TURN;
            }
        }
    }

    /// Makes dead letters of what is left; asks among it are told.
    fn discard_queue(&mut self) {
        self.discard_stash();
        let rest = self.cell.mailbox.rest(&mut self.batch);
        self.bury_all(rest);
    }

    /// Makes dead letters of what the actor has put aside, which ends with the incarnation; asks among it are told.
    pub(super) fn discard_stash(&mut self) {
        let put_aside = self.ctx.take_stash();
        self.bury_all(put_aside);
    }

    fn bury_all(&mut self, rest: VecDeque<A::Msg>) {
        if rest.is_empty() {
            return;
        }
        // A stop that became a kill is noted as such only at the end.
        let killed = self.core().signals.any(Signals::KILL) && self.exit().reason.is_clean();
        let reason = if killed { DeadReason::Killed } else { DeadReason::after(&self.exit().reason) };
        self.ending().discarded += rest.len() as u64;
        for message in rest {
            if let Err(panicked) = guard(|| self.cell.bury(message, reason)) {
                self.exit().add(panicked);
            }
        }
    }

    async fn stop_children(&mut self) {
        let Some(family) = self.core().family().cloned() else { return };
        if family.len() == 0 {
            return;
        }
        let policy = self.any.policy();
        let hook = if A::HOOKS.stopped { policy.hook_limit() } else { Some(Duration::ZERO) };
        let side_by_side = policy.children == Children::SideBySide;
        let owner = self.any.clone();
        let budget = Budget::of(hook, family.depth, move || owner.core().deadline());
        let Life { cell, batch, .. } = self;
        // A kill of this actor has reached the children already. The waker is registered even then: an abort may follow.
        let parent = |cx: &mut std::task::Context<'_>| {
            cell.mailbox.suspend(batch, cx, || false);
            match cell.core().signals.get() & (Signals::KILL | Signals::FELLED) {
                0 => Parent::Stops,
                Signals::KILL => Parent::Killed,
                _ => Parent::Felled,
            }
        };
        ladder::bring_down(&family, side_by_side, &budget, parent).await;
    }

    /// Drops the helpers and waits until they, and the blocking jobs, are gone.
    async fn stop_work(&mut self) {
        let helpers = self.core().if_tied(|ties| ties.helpers.values().flatten().cloned().collect::<Vec<_>>()).unwrap_or_default();
        for helper in helpers {
            helper.abort();
        }
        let Life { cell, batch, .. } = self;
        let core = cell.core();
        let mut patience: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            loop {
                if !has_work(core) {
                    return Poll::Ready(());
                }
                let killed = core.signals.any(Signals::KILL);
                if killed {
                    let patience = patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(AFTER_KILL)));
                    if patience.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(());
                    }
                }
                if cell.mailbox.suspend(batch, cx, || !killed && core.signals.any(Signals::KILL)) {
                    // Asked again after the waker stands: a job that ended meanwhile has not woken us.
                    return if has_work(core) { Poll::Pending } else { Poll::Ready(()) };
                }
            }
        })
        .await;
        self.add_failed_work();
    }

    /// Counts panics that nobody awaited among what went wrong.
    fn add_failed_work(&mut self) {
        let failed = self.core().if_tied(|ties| std::mem::take(&mut ties.failed_work)).unwrap_or_default();
        for reason in failed {
            self.exit().add(reason);
        }
    }

    /// Runs the `stopped` hook, in a fresh scope and with its own limit; a kill shortens what is left of it.
    async fn run_hook(&mut self) {
        let reason = self.exit().reason.clone();
        let limit = self.any.policy().hook_limit();
        let Life { actor, ctx, cell, batch, span, any, .. } = self;
        let actor = actor.as_mut().expect("the state is dropped after the hook");
        let core = cell.core();
        let (outcome, broken, killed) = {
            let mut hook = pin!(None);
            let mut first = begin(hook.as_mut(), || fault::around_stop(any, || actor.stopped(&reason, ctx)));
            let own = limit.map(|limit| after(Instant::now(), limit));
            let mut outcome = Watched::Cut;
            if !core.signals.any(Signals::KILL) {
                outcome = watch(hook.as_mut(), span, cell, batch, Signals::KILL, own, first.take()).await;
            }
            let killed = matches!(outcome, Watched::Cut);
            if killed {
                let short = Instant::now() + AFTER_KILL;
                let until = own.map_or(short, |own| own.min(short));
                outcome = watch(hook.as_mut(), span, cell, batch, 0, Some(until), first).await;
            }
            let cut_short = outcome.is_cut_short();
            (outcome, discard(hook, cut_short), killed)
        };
        core.finish();
        if killed {
            self.note_kill();
        }
        let (hook_outcome, wrong) = match outcome {
            Watched::Done(Ok(())) => (HookOutcome::Ran, None),
            Watched::Done(Err(error)) => (HookOutcome::Failed, Some(ExitReason::failed(error))),
            Watched::Panicked(reason) => (HookOutcome::Panicked, Some(reason)),
            Watched::Cut | Watched::TimedOut => (HookOutcome::TimedOut, None),
        };
        self.ending().hook_outcome = hook_outcome;
        self.ending().hook_hit_limit = hook_outcome == HookOutcome::TimedOut;
        for wrong in wrong.into_iter().chain(broken) {
            self.exit().add(wrong);
        }
    }

    /// Drops the state, and makes the end known: nothing here waits.
    fn finish(&mut self) {
        self.concluded = true;
        // What the hook has put aside.
        self.discard_stash();
        self.drop_state();
        self.add_failed_work();
        if self.goes_down() {
            return;
        }
        // If it was to be restarted until a moment ago, this was not done yet.
        self.cell.close(Closed::Stopping);
        self.discard_queue();
        let exit = self.ending().exit.take().unwrap_or_else(|| Exit::new(ExitReason::Killed));
        if !claim(&self.any) {
            // It was declared unresponsive, and its end is known.
            return;
        }
        if exit.reason.is_failure() {
            report_crash(&self.any, &exit);
        }
        telemetry::ended(&self.any, &exit);
        let record = self.any.env().is_recording().then(|| self.report(&exit).into());
        conclude(self.any.clone(), exit, record);
    }

    /// Drops what yields messages: nothing of it is handled any more.
    fn drop_sources(&mut self) {
        for panicked in self.ctx.drop_sources() {
            self.exit().add(panicked);
        }
    }

    /// Ends the incarnation only, if another is to follow; says whether that is so.
    fn goes_down(&mut self) -> bool {
        let exit = self.exit().clone();
        if !self.core().is_restarted_after(&exit.reason) {
            return false;
        }
        if let Some(oldest) = self.cell.mailbox.put_back(&mut self.batch) {
            // What its destructor has to say is no concern of an incarnation that has failed already.
            let _ = guard(|| self.cell.bury(oldest, DeadReason::Oldest));
        }
        go_down(&self.any, exit).is_ok()
    }

    fn drop_state(&mut self) {
        let state = self.actor.take();
        if let Err(panicked) = guard(|| dropping(DropCause::State, || drop(state))) {
            self.exit().add(panicked);
        }
    }

    fn report(&self, exit: &Exit) -> ActorReport {
        let mut report = ActorReport::new(self.any.path(), exit.clone());
        if let Some((asked_at, _)) = self.core().order() {
            report.turn = self.any.env().since_began(asked_at);
            report.total = asked_at.elapsed();
        }
        let none = Ending::default();
        let ending = self.ending.as_deref().unwrap_or(&none);
        report.handler = ending.handler;
        report.drain = ending.drain;
        report.children = ending.children;
        report.hook = ending.hook;
        report.hook_outcome = ending.hook_outcome;
        report.drained = ending.drained;
        report.discarded = ending.discarded;
        note_limits(&self.any, &mut report);
        if report.limit.is_none() && ending.hook_hit_limit {
            report.limit = Some(LimitHit::Hook);
        }
        report
    }
}

/// Whether a helper or a blocking job of the actor runs.
pub(super) fn has_work(core: &Core) -> bool {
    core.peek_ties(|ties| !ties.helpers.is_empty() || ties.blocking > 0).unwrap_or(false)
}

/// Tells of an end by failure.
pub(super) fn report_crash(cell: &Arc<dyn AnyCell>, exit: &Exit) {
    let report = post_mortem::report(cell, exit, post_mortem::decision_at_end(cell));
    telemetry::crashed(&report);
    cell.env().crashes.publish(Arc::new(report));
}

/// The task was dropped before it reached the end: aborted at a deadline, or the runtime has gone.
///
/// Nothing can be awaited here. The children are told to drop everything too, and if some are left, the last of them
/// publishes this end.
impl<A: Actor> Drop for Life<A> {
    fn drop(&mut self) {
        if self.concluded {
            return;
        }
        self.concluded = true;
        let by = if self.core().signals.any(Signals::ABORT) { AbortedBy::Deadline } else { AbortedBy::Runtime };
        if self.ending().exit.is_none() {
            self.settle_cause(Over::Because(ExitReason::Aborted { by }));
        } else {
            self.exit().add(ExitReason::Aborted { by });
        }
        self.core().signals.set(Signals::FINAL);
        self.cell.close(Closed::Stopping);
        self.drop_sources();
        self.discard_queue();
        if A::HOOKS.stopped && self.ending().hook_outcome == HookOutcome::None {
            self.ending().hook_outcome = HookOutcome::Skipped;
        }
        let family = self.core().family().cloned();
        if let Some(family) = &family {
            family.close();
            for child in family.children() {
                match by {
                    AbortedBy::Deadline => request::abort(&child),
                    AbortedBy::Runtime => request::kill_for_good(&child),
                }
            }
        }
        self.drop_state();
        self.add_failed_work();
        let exit = self.ending().exit.take().unwrap_or_else(|| Exit::new(ExitReason::Aborted { by }));
        if !claim(&self.any) {
            return;
        }
        telemetry::ended(&self.any, &exit);
        let record = self.any.env().is_recording().then(|| self.report(&exit).into());
        let exit = match family {
            Some(family) => match family.leave_end(exit) {
                Ok(()) => return,
                Err(exit) => exit,
            },
            None => exit,
        };
        conclude(self.any.clone(), exit, record);
    }
}
