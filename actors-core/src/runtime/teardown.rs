//! The end of an actor: one path for every cause, and what its task's destructor does when it cannot wait.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::crash::report_crash;
use super::fault;
use super::ladder::{self, Budget, Parent};
use super::life::{self, AnyLife, Called, Common, Draining, Hook, InHand, Life, Over};
use super::rest::Ending;
use super::serve::TURN;
use super::watch::{Watched, discard, watch};
use crate::actor::Actor;
use crate::address::deadlock::break_off;
use crate::caught::unless_it_panics;
use crate::lifecycle::cell::{Core, Family, Ties, Turn};
use crate::lifecycle::conclude::{claim, conclude, note_limits};
use crate::lifecycle::exit::{AbortedBy, Exit, ExitReason};
use crate::lifecycle::policy::Children;
use crate::lifecycle::record::{ActorReport, HookOutcome, LimitHit};
use crate::lifecycle::request;
use crate::lifecycle::restart::go_down;
use crate::lifecycle::signal::Signals;
use crate::lifecycle::ties::Helper;
use crate::mailbox::Closed;
use crate::sync::{lock, wake_all};
use crate::telemetry;
use crate::time::after;

/// How long a `stopped` hook may take after a kill, and how long a killed actor waits for its blocking jobs.
const AFTER_KILL: Duration = Duration::from_millis(500);

/// Ends the actor, in the order that every user may rely on.
pub(super) async fn end(life: &mut dyn AnyLife, over: Over) {
    let began = Instant::now();
    let common = life.common();
    common.settle_cause(over);
    telemetry::stopping(&common.any);
    common.note_handler(began);

    // 1. The mailbox refuses outsiders, unless there is another incarnation to come. 2. The handler in hand is over.
    common.close_if_last();
    close_family(common.core());
    drop_sources(life);

    // 3. The queue.
    if life.common().drains() {
        life.drain(None).await;
    }
    let after_drain = Instant::now();
    life.common().ending().drain = after_drain - began;
    life.discard_stash();
    if life.common().close_if_last() {
        life.discard_queue();
    }

    // 4. The children, and what runs beside the messages.
    stop_children(life).await;
    stop_work(life).await;
    life.common().ending().children = after_drain.elapsed();

    // 5. The hook. A kill since the first cause comes before whatever goes wrong in it; after an abort, whoever drops this does the rest.
    let has_hook = life.has_stop_hook();
    let common = life.common();
    if common.is_aborted() {
        return;
    }
    common.note_kill();
    if common.core().signals.any(Signals::STARTED) && (has_hook || fault::threatens_stop(&common.any)) {
        let before = Instant::now();
        run_hook(life).await;
        // What the hook has begun is the actor's own too.
        stop_work(life).await;
        life.common().ending().hook = before.elapsed();
    } else if has_hook {
        common.ending().hook_outcome = HookOutcome::Skipped;
    }

    life.common().note_kill();
    // 6 to 9.
    finish(life);
}

/// Whether nothing of the end has to be waited for, and no code of the user's runs in it but destructors. From now on nothing
/// comes to that.
pub(super) fn ends_at_once(life: &mut dyn AnyLife) -> bool {
    let has_hook = life.has_stop_hook();
    let common = life.common();
    let runs_hook = has_hook || fault::threatens_stop(&common.any);
    if runs_hook || common.core().signals.any(Signals::DRAIN) && has_to_drain(life) {
        return false;
    }
    let core = life.common().core();
    if !core.signals.any(Signals::STOP) {
        // It ends of its own making. Said under the lock under which a family is begun: whoever begins one after this sees it.
        let _ties = lock(&core.ties);
        core.signals.set(Signals::STOP);
    }
    let Some(family) = close_family(core) else { return !has_work(core) };
    // Whoever makes a child for it is either refused from now on, or seen.
    family.len() == 0 && !has_work(core)
}

/// Ends an actor of which [`ends_at_once`] has said so: what [`end`] does, without what waits.
pub(super) fn end_at_once(life: &mut dyn AnyLife, over: Over) {
    let common = life.common();
    if common.any.env().is_recording() {
        common.note_handler(Instant::now());
    }
    common.settle_cause(over);
    telemetry::stopping(&common.any);
    common.close_if_last();
    drop_sources(life);
    life.discard_stash();
    if life.common().close_if_last() {
        life.discard_queue();
    }
    let common = life.common();
    common.add_failed_work();
    common.note_kill();
    finish(life);
}

/// Ends an actor that never ran and has nothing to wait for, where it is asked to: no hook, no child, no message. Says whether it did;
/// if not, a task has to. `drops` says whether its state has a destructor.
pub(super) fn end_here(life: &mut dyn AnyLife, drops: bool) -> bool {
    let any = &life.common().any;
    let signals = any.core().signals.get();
    // A destructor is foreign code: that of an actor that has had messages may have something to wait for.
    let idle = (!drops || any.pushed() == 0)
        && signals & (Signals::STOP | Signals::STARTED) == Signals::STOP | Signals::STARTED
        && signals & (Signals::EVENTS | Signals::ABORT) == 0
        && any.queued() == 0
        && ends_at_once(life);
    let Some(_ending) = idle.then(Ending::begin).flatten() else { return false };
    if drops {
        let env = life.common().any.env().clone();
        env.within(|| end_at_once(life, Over::Asked));
    } else {
        end_at_once(life, Over::Asked);
    }
    true
}

/// Takes no more children. One that was killed passes that on first: whoever kills it may not have come to all of them yet, and those who
/// are down, or at rest, would end as in a stop.
fn close_family(core: &Core) -> Option<&Arc<Family>> {
    let family = core.family()?;
    if core.signals.any(Signals::KILL) {
        family.children().iter().for_each(request::kill_for_good);
    }
    family.close();
    Some(family)
}

/// Drops what yields messages: nothing of it is handled any more.
fn drop_sources(life: &mut dyn AnyLife) {
    for panicked in life.drop_sources() {
        life.common().exit().add(panicked);
    }
}

fn drop_state(life: &mut dyn AnyLife) {
    if let Some(panicked) = life.drop_state() {
        life.common().exit().add(panicked);
    }
}

async fn stop_children(life: &mut dyn AnyLife) {
    let has_hook = life.has_stop_hook();
    let (common, admitted) = life.lend();
    let Some(family) = common.core().family().cloned() else { return };
    if family.len() == 0 {
        return;
    }
    let restarts = common.is_restarted();
    let any = &common.any;
    let policy = any.policy();
    let hook = if has_hook { policy.hook_limit() } else { Some(Duration::ZERO) };
    let side_by_side = policy.children == Children::SideBySide;
    let owner = any.clone();
    let budget = Budget::of(hook, family.depth, move || owner.core().deadline());
    if restarts {
        // Whoever asks it below has been heard, or hears that it asks in vain.
        any.core().signals.set(Signals::FALLS);
        break_off(any);
    }
    // A kill of this actor has reached the children already. The waker is registered even then: an abort may follow.
    let mut parent = |cx: &mut Context<'_>| {
        any.suspend(admitted, cx, 0);
        match any.core().signals.get() & (Signals::KILL | Signals::FELLED) {
            0 => Parent::Stops,
            Signals::KILL => Parent::Killed,
            _ => Parent::Felled,
        }
    };
    ladder::bring_down(&family, side_by_side, &budget, &mut parent).await;
}

/// Drops the helpers and waits until they, and the blocking jobs, are gone. One that has failed, or is to be restarted, waits no longer
/// than a stop from above would, unless somebody above looks to the time.
async fn stop_work(life: &mut dyn AnyLife) {
    let (common, admitted) = life.lend();
    let unasked = common.is_restarted() || !common.exit().reason.is_clean();
    let core = common.core();
    abort_helpers(core);
    let watches_itself = unasked && has_work(core) && core.deadline().is_none();
    let own = common.any.policy().stop_limit(false).filter(|_| watches_itself);
    let mut patience: Option<Pin<Box<Sleep>>> = own.map(|limit| Box::pin(tokio::time::sleep(limit)));
    let mut killed = false;
    poll_fn(|cx| {
        loop {
            if !has_work(core) {
                return Poll::Ready(());
            }
            if !killed && core.signals.any(Signals::KILL) {
                killed = true;
                give_up_work(core);
                patience = Some(Box::pin(tokio::time::sleep(AFTER_KILL)));
                continue;
            }
            if patience.as_mut().is_some_and(|patience| patience.as_mut().poll(cx).is_ready()) {
                give_up_work(core);
                return Poll::Ready(());
            }
            if common.any.suspend(admitted, cx, if killed { 0 } else { Signals::KILL }) {
                // Asked again after the waker stands: a job that ended meanwhile has not woken us.
                return if has_work(core) { Poll::Pending } else { Poll::Ready(()) };
            }
        }
    })
    .await;
    common.add_failed_work();
}

/// Drops the helpers; blocking jobs go on, those too that no thread has come to yet.
fn abort_helpers(core: &Core) {
    for helper in helpers(core).iter().filter(|helper| matches!(helper, Helper::Task(_))) {
        helper.give_up();
    }
}

/// Drops the helpers, and the blocking jobs that have not begun.
fn give_up_work(core: &Core) {
    helpers(core).iter().for_each(Helper::give_up);
}

fn helpers(core: &Core) -> Vec<Helper> {
    core.if_tied(|ties| ties.helpers.values().cloned().collect()).unwrap_or_default()
}

/// Runs the `stopped` hook, in a fresh scope and with its own limit; a kill shortens what is left of it.
async fn run_hook(life: &mut dyn AnyLife) {
    let reason = life.common().exit().reason.clone();
    let Called { work, mut first, common, admitted } = life.call(Hook::Stopped(&reason));
    let (any, span) = (&common.any, &common.span);
    let limit = any.policy().hook_limit();
    let (outcome, broken, killed) = {
        let mut hook = pin!(work);
        let own = limit.map(|limit| after(Instant::now(), limit));
        let mut outcome = Watched::Cut;
        if !any.core().signals.any(Signals::KILL) {
            outcome = watch(hook.as_mut(), span, any, admitted, Signals::KILL, own, first.take()).await;
        }
        let killed = matches!(outcome, Watched::Cut);
        if killed {
            let short = Instant::now() + AFTER_KILL;
            let until = own.map_or(short, |own| own.min(short));
            outcome = watch(hook.as_mut(), span, any, admitted, 0, Some(until), first).await;
        }
        let cut_short = outcome.is_cut_short();
        (outcome, discard(hook, cut_short), killed)
    };
    common.core().finish();
    if killed {
        common.note_kill();
    }
    let (hook_outcome, wrong) = match outcome {
        Watched::Done(Ok(())) => (HookOutcome::Ran, None),
        Watched::Done(Err(error)) => (HookOutcome::Failed, Some(ExitReason::failed(error))),
        Watched::Panicked(reason) => (HookOutcome::Panicked, Some(reason)),
        Watched::Cut | Watched::TimedOut => (HookOutcome::TimedOut, None),
    };
    common.ending().hook_outcome = hook_outcome;
    common.ending().hook_hit_limit = hook_outcome == HookOutcome::TimedOut;
    for wrong in wrong.into_iter().chain(broken) {
        common.exit().add(wrong);
    }
}

/// Drops the state, and makes the end known: nothing here waits.
fn finish(life: &mut dyn AnyLife) {
    life.common().concluded = true;
    // What the hook has put aside.
    life.discard_stash();
    drop_state(life);
    life.common().add_failed_work();
    if goes_down(life) {
        return;
    }
    // If it was to be restarted until a moment ago, this was not done yet.
    life.common().any.close(Closed::Stopping);
    life.discard_queue();
    let common = life.common();
    let exit = common.ending().exit.take().unwrap_or_else(|| Exit::new(ExitReason::Killed));
    if !claim(&common.any) {
        // It was declared unresponsive, and its end is known. What it has begun since then goes with it.
        return give_up_work(common.core());
    }
    report_crash(&common.any, &exit);
    telemetry::ended(&common.any, &exit);
    let record = common.any.env().is_recording().then(|| common.report(&exit).into());
    conclude(common.any.clone(), exit, record);
}

/// Ends the incarnation only, if another is to follow; says whether that is so.
fn goes_down(life: &mut dyn AnyLife) -> bool {
    let common = life.common();
    if !common.is_restarted() {
        return false;
    }
    let exit = common.exit().clone();
    life.put_back();
    go_down(&life.common().any, exit).is_ok()
}

/// Whether one that drains has something to handle, be it fetched or released. Looked at when nothing more comes: whoever asked it to
/// end may not have got around to closing its mailbox.
fn has_to_drain(life: &mut dyn AnyLife) -> bool {
    let common = life.common();
    let core = common.core();
    let cause = core.peek_ties(|ties| ties.cause.clone()).flatten().unwrap_or(ExitReason::Normal);
    if !core.is_restarted_after(&cause) {
        core.signals.set(Signals::FINAL);
        common.any.close(Closed::Stopping);
    }
    let (last, last_overtaking) = life.marks();
    let any = &life.common().any;
    !any.has_taken(last) || !any.has_taken(last_overtaking) || any.core().signals.any(Signals::RELEASED)
}

/// Notes why an actor ends. A failure takes the place of a clean cause: it counts, also if the actor is given up before it can say so.
fn note_cause(ties: &mut Ties, reason: &ExitReason) {
    let stands = ties.cause.as_ref().is_some_and(|cause| !cause.is_clean() || !reason.is_failure());
    if !stands {
        ties.cause = Some(reason.clone());
    }
}

impl Common {
    /// Whether the actor does nothing more, not even what belongs to its end.
    pub(super) fn is_aborted(&self) -> bool {
        self.core().signals.any(Signals::ABORT)
    }

    /// Closes the mailbox, if no other incarnation follows; says whether it did. It may yet turn out that none does.
    fn close_if_last(&mut self) -> bool {
        let last = !self.is_restarted();
        if last {
            self.core().signals.set(Signals::FINAL);
            self.any.close(Closed::Stopping);
        }
        last
    }

    /// Whether another incarnation follows, as far as is known.
    fn is_restarted(&mut self) -> bool {
        let reason = self.exit().reason.clone();
        self.core().is_restarted_after(&reason)
    }

    /// Notes how long the handler in hand, which is over, has kept those waiting who have asked for the end.
    fn note_handler(&mut self, over_at: Instant) {
        if let Some((asked_at, _)) = self.core().order() {
            self.ending().handler = over_at.saturating_duration_since(asked_at);
        }
    }

    /// Notes the failure with which a turn was over, if it was one: whatever comes before its task goes on comes second.
    pub(super) fn settle_failure(&mut self) {
        match self.take_over() {
            Some(over @ Over::Because(_)) => {
                self.settle_cause(over);
                self.ending().over = Some(Over::Asked);
            }
            over => self.ending().over = over,
        }
    }

    /// Decides why the actor ends: the first cause, unless it is a clean one and something has gone wrong since.
    fn settle_cause(&mut self, over: Over) {
        let core = self.any.core();
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
            note_cause(ties, &exit.reason);
            ties.order.get_or_insert_with(|| crate::lifecycle::ties::StopOrder { at: Instant::now(), deadline: None });
            core.signals.set(Signals::STOP);
            (exit, ties.stop_waiters.take(), ties.token.clone())
        });
        wake_all(stop_waiters);
        if let Some(token) = token {
            let _ = unless_it_panics(|| token.cancel());
        }
        // What was decided in a turn stands.
        self.ending().exit.get_or_insert(exit);
    }

    /// A message that was drained has failed.
    fn has_failed(&mut self, reason: ExitReason) {
        self.exit().add(reason);
        let reason = self.exit().reason.clone();
        self.core().with_ties(|ties| note_cause(ties, &reason));
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

    pub(super) fn exit(&mut self) -> &mut Exit {
        self.ending().exit.get_or_insert_with(|| Exit::new(ExitReason::Killed))
    }

    fn drains(&mut self) -> bool {
        let signals = self.core().signals.get();
        let wanted = signals & Signals::DRAIN != 0 && signals & Signals::STARTED != 0 && signals & Signals::KILL == 0;
        wanted && self.exit().reason.is_clean()
    }

    /// Counts panics that nobody awaited among what went wrong.
    fn add_failed_work(&mut self) {
        let failed = self.core().if_tied(|ties| std::mem::take(&mut ties.failed_work)).unwrap_or_default();
        for reason in failed {
            self.exit().add(reason);
        }
    }

    fn report(&self, exit: &Exit) -> ActorReport {
        let mut report = ActorReport::new(self.any.path(), exit.clone());
        if let Some((asked_at, _)) = self.core().order() {
            report.turn = self.any.env().since_began(asked_at);
            report.total = asked_at.elapsed();
        }
        let none = life::Ending::default();
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

impl<A: Actor> Life<A> {
    /// Handles what was accepted before the stop, save what stays in the stash. The mailbox is closed, or stays open for the next incarnation, which then
    /// handles what has come since.
    pub(super) async fn drain_all(&mut self, marks: Option<Marks>) {
        let (last, last_overtaking) = marks.unwrap_or_else(|| self.marks());
        let mut left = TURN;
        loop {
            let mailbox = &self.cell.mailbox;
            let done = mailbox.has_taken(last) && mailbox.has_taken(last_overtaking);
            let signals = self.core().signals.get();
            if signals & Signals::KILL != 0 || (done && signals & Signals::RELEASED == 0) {
                return;
            }
            let handled = if let Some(message) = self.overtaking() {
                self.common.ending().drained += 1;
                self.handle(message, Signals::KILL).await
            } else if let Some(message) = self.cell.mailbox.take(&mut self.batch) {
                self.common.ending().drained += 1;
                self.handle(InHand::new(message, Turn::Ordinary), Signals::KILL).await
            } else {
                if self.cell.mailbox.refill(&mut self.batch) {
                    continue;
                }
                return;
            };
            match handled {
                Ok(()) => {}
                Err(Over::Asked) => return,
                Err(Over::Because(reason)) => {
                    self.common.has_failed(reason);
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
}

/// The numbers of the last messages that a drain handles, of those in line and of those that overtake.
pub(super) type Marks = (u64, u64);

/// What has come of one step of a drain.
pub(super) enum Drained {
    /// A message was handled.
    One,
    /// There may be more.
    None,
    Done,
}

impl<A: Actor> Life<A> {
    /// One step of [`drain_all`](Self::drain_all), of an actor whose handlers never wait, once it is known that it is to be taken.
    pub(super) fn drain_at_once(&mut self) -> Drained {
        let in_hand = match self.overtaking() {
            Some(in_hand) => in_hand,
            None => match self.cell.mailbox.take(&mut self.batch) {
                Some(message) => InHand::new(message, Turn::Ordinary),
                None if self.cell.mailbox.refill(&mut self.batch) => return Drained::None,
                None => return Drained::Done,
            },
        };
        self.common.ending().drained += 1;
        match self.handle_at_once(in_hand) {
            Ok(()) => return Drained::One,
            Err(Over::Asked) => {}
            Err(Over::Because(reason)) => self.common.has_failed(reason),
        }
        Drained::Done
    }

    pub(super) fn marks(&self) -> Marks {
        (self.cell.mailbox.pushed(), self.cell.mailbox.last_overtaking())
    }
}

/// Drains an actor whose handlers never wait, in a future that is compiled once.
pub(super) fn drain_in_steps(life: &mut dyn AnyLife, marks: Option<Marks>) -> Draining<'_> {
    Box::pin(async move {
        let (last, last_overtaking) = marks.unwrap_or_else(|| life.marks());
        let mut left = TURN;
        loop {
            let any = &life.common().any;
            if fault::threatens_messages(any) {
                // Something strikes at messages, and may have to wait.
                return life.drain(Some((last, last_overtaking))).await;
            }
            let done = any.has_taken(last) && any.has_taken(last_overtaking);
            let signals = any.core().signals.get();
            if signals & Signals::KILL != 0 || (done && signals & Signals::RELEASED == 0) {
                return;
            }
            match life.drain_step() {
                Drained::One => left -= 1,
                Drained::None => {}
                Drained::Done => return,
            }
            if left == 0 {
                tokio::task::yield_now().await;
                left = TURN;
            }
        }
    })
}

/// Whether a helper or a blocking job of the actor runs.
pub(super) fn has_work(core: &Core) -> bool {
    core.peek_ties(|ties| !ties.helpers.is_empty() || ties.blocking > 0).unwrap_or(false)
}

/// The task was dropped before it reached the end: aborted at a deadline, or the runtime has gone.
impl<A: Actor> Drop for Life<A> {
    fn drop(&mut self) {
        if !self.common.concluded {
            let env = self.common.any.env().clone();
            env.within(|| end_abruptly(self));
        }
    }
}

/// Ends an actor whose task was dropped.
///
/// Nothing can be awaited here. The children are told to drop everything too, and if some are left, the last of them
/// publishes this end.
fn end_abruptly(life: &mut dyn AnyLife) {
    let has_hook = life.has_stop_hook();
    let common = life.common();
    common.concluded = true;
    let by = if common.core().signals.any(Signals::ABORT) { AbortedBy::Deadline } else { AbortedBy::Runtime };
    if common.ending().exit.is_none() {
        // It may have failed in the moment before.
        let failed = common.take_over().filter(|over| matches!(over, Over::Because(_)));
        let is_all = failed.is_none();
        common.settle_cause(failed.unwrap_or(Over::Because(ExitReason::Aborted { by })));
        if !is_all {
            common.exit().add(ExitReason::Aborted { by });
        }
    } else {
        common.exit().add(ExitReason::Aborted { by });
    }
    common.core().signals.set(Signals::FINAL);
    common.any.close(Closed::Stopping);
    drop_sources(life);
    life.discard_queue();
    let common = life.common();
    if has_hook && common.ending().hook_outcome == HookOutcome::None {
        common.ending().hook_outcome = HookOutcome::Skipped;
    }
    let family = common.core().family().cloned();
    if let Some(family) = &family {
        // Before the family is closed, which ends those who are down as in a stop.
        for child in family.children() {
            match by {
                AbortedBy::Deadline => request::abort(&child),
                AbortedBy::Runtime => request::kill_for_good(&child),
            }
        }
        family.close();
    }
    drop_state(life);
    let common = life.common();
    common.add_failed_work();
    let exit = common.ending().exit.take().unwrap_or_else(|| Exit::new(ExitReason::Aborted { by }));
    if !claim(&common.any) {
        return give_up_work(common.core());
    }
    report_crash(&common.any, &exit);
    telemetry::ended(&common.any, &exit);
    let record = common.any.env().is_recording().then(|| common.report(&exit).into());
    let end = Box::new((exit, record));
    let (exit, record) = match family {
        Some(family) => match family.leave_end(end) {
            Ok(()) => return,
            Err(end) => *end,
        },
        None => *end,
    };
    conclude(common.any.clone(), exit, record);
}
