//! Bringing children down: in order or side by side, each within its share of the time, with a harder word at every rung.
//!
//! The rungs are *stop*, *kill*, *abort*, *unresponsive*. No wait is without an end: where there is a deadline above, each
//! rung takes a part of what is left to it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, timeout_at};

use super::crash::report_crash;
use super::subtree::end_those_at_rest;
use crate::address::Stopped;
use crate::lifecycle::cell::{AnyCell, Family};
use crate::lifecycle::conclude::{claim, conclude};
use crate::lifecycle::dead_letter::DeadReason;
use crate::lifecycle::exit::{Exit, ExitReason};
use crate::lifecycle::policy::Limit;
use crate::lifecycle::record::LimitHit;
use crate::lifecycle::request::{self, Mode};
use crate::lifecycle::signal::Signals;
use crate::sync::note_wake;
use crate::telemetry;
use crate::time::{FAR, after};

/// How long a killed child may take at most before it is aborted.
const KILL_GRACE: Duration = Duration::from_secs(1);
/// How long an aborted child may take at most before it is given up.
const ABORT_GRACE: Duration = Duration::from_millis(250);
/// What is kept for the hook of the parent, at most.
const HOOK_RESERVE: Duration = Duration::from_secs(1);
/// How much of the time is kept for each sibling still to come, if there is that much.
const SIBLING_RESERVE: Duration = Duration::from_millis(100);
/// How long one with children may take that has no limit of its own, where there is no deadline above: as long as a shutdown takes.
const NO_DEADLINE: Duration = Duration::from_secs(25);
/// How long a rung takes at least: whoever reacts at all gets a chance to, also when the time is over.
const CHANCE: Duration = Duration::from_millis(1);

/// The time in which the children of one parent have to be gone.
pub(crate) struct Budget {
    /// What is kept of the deadline: for the parent's hook, and for the rungs below a stop.
    reserve: Duration,
    depth: u32,
    /// The parent's own deadline, which may come nearer.
    deadline: Box<dyn Fn() -> Option<Instant> + Send + Sync>,
}

impl Budget {
    /// The budget of a parent whose hook may take `hook`, and above which `depth` actors stand.
    pub(crate) fn of(hook: Option<Duration>, depth: u32, deadline: impl Fn() -> Option<Instant> + Send + Sync + 'static) -> Self {
        let hook = hook.unwrap_or(HOOK_RESERVE).min(HOOK_RESERVE);
        Budget { reserve: hook + KILL_GRACE + ABORT_GRACE, depth, deadline: Box::new(deadline) }
    }

    /// By when the children should be gone, so that there is time for what comes after.
    fn for_children(&self, now: Instant) -> Option<Instant> {
        let deadline = (self.deadline)()?;
        Some(deadline - reserve(self.reserve, deadline.saturating_duration_since(now), self.depth))
    }

    /// How long a rung may take that would like to take `wish`: at most the given part of what is left.
    fn rung(&self, now: Instant, wish: Duration, part: u32) -> Duration {
        match (self.deadline)() {
            Some(deadline) => wish.min(deadline.saturating_duration_since(now) / part).max(CHANCE),
            None => wish,
        }
    }
}

/// What is kept of `left`. A parent wants `wish`; deeper down it keeps less, in such a way that however many stand above
/// one another, a third of the time is left for the lowest.
fn reserve(wish: Duration, left: Duration, depth: u32) -> Duration {
    let level = depth.saturating_add(1);
    wish.min(left / level.saturating_mul(level.saturating_add(1)).max(2))
}

/// What the siblings still to come may need.
#[derive(Default)]
struct Others {
    count: u32,
    /// The sum of the limits of those that have one.
    limits: Duration,
    /// How many have none, and would take all there is.
    unlimited: u32,
}

impl Others {
    fn add(&mut self, own: Option<Duration>) {
        self.count += 1;
        self.unlimited += u32::from(own.is_none());
        self.limits = self.limits.saturating_add(own.unwrap_or_default());
    }

    fn remove(&mut self, own: Option<Duration>) {
        self.count -= 1;
        self.unlimited = self.unlimited.saturating_sub(u32::from(own.is_none()));
        self.limits = self.limits.saturating_sub(own.unwrap_or_default());
    }

    /// How much of `left` is kept for them: what they may need, up to half; more, if they could not have
    /// [`SIBLING_RESERVE`] each otherwise, and there is that much.
    fn kept(&self, left: Duration) -> Duration {
        let need = if self.unlimited > 0 { left } else { self.limits };
        let least = SIBLING_RESERVE.saturating_mul(self.count);
        let least = if least + SIBLING_RESERVE <= left { least } else { Duration::ZERO };
        need.min(least.max(left / 2))
    }
}

/// The time that a child gets: as long as it may take itself, but what is kept for its siblings.
fn share(own: Option<Duration>, others: &Others, left: Duration) -> Duration {
    let for_it = left - others.kept(left);
    own.map_or(for_it, |own| own.min(for_it))
}

/// Says how the parent is, and promises to wake when that changes.
pub(crate) type Look<'a> = &'a mut (dyn FnMut(&mut Context<'_>) -> Parent + Send);

/// How the parent itself is meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// It stops, in its own time.
    Stops,
    /// It was killed, and its children with it.
    Killed,
    /// It was killed by one above, who also takes the further steps: waiting is all that is left here.
    Felled,
}

/// Stops all children and waits until they are gone.
pub(crate) async fn bring_down(family: &Arc<Family>, side_by_side: bool, budget: &Budget, parent: Look<'_>) {
    family.close();
    let mut children = end_those_at_rest(family, family.children()).await;
    let mut ladder = Ladder { family, budget, others: Others::default(), sleep: None, parent: Parent::Stops, seen: None };
    if side_by_side {
        let now = Instant::now();
        let rungs = children.into_iter().map(|child| {
            let due = ladder.first_due(&child, own_limit(&child), now);
            Rung::stop(child, due)
        });
        let rungs = rungs.collect();
        ladder.descend(rungs, &|| family.len() == 0, parent).await;
        return;
    }
    // What a child may take is asked once: it changes when its own children come and go.
    let mut limits: Vec<Option<Duration>> = children.iter().map(own_limit).collect();
    limits.iter().for_each(|own| ladder.others.add(*own));
    // In reverse start order, one after the other.
    while let Some(child) = children.pop() {
        limits.drain(children.len() + 1..).for_each(|own| ladder.others.remove(own));
        let own = limits.pop().flatten();
        ladder.others.remove(own);
        let id = child.id();
        // One that has ended is waited for until all have been told of it, and it has left the family.
        if family.child(id).is_some() {
            let due = ladder.first_due(&child, own, Instant::now());
            ladder.descend(vec![Rung::stop(child, due)], &|| family.child(id).is_none(), parent).await;
        }
        children = end_those_at_rest(family, children).await;
    }
}

/// The limit of a child, unless it is as good as none: so the sum of those of all its siblings is a time too.
fn own_limit(child: &Arc<dyn AnyCell>) -> Option<Duration> {
    let has_children = child.core().family().is_some_and(|family| family.len() > 0);
    child.policy().stop_limit(has_children).filter(|limit| *limit < FAR)
}

/// By when a child has to be gone above which there is no deadline.
fn due_by_itself(child: &Arc<dyn AnyCell>, now: Instant) -> Option<Instant> {
    let by_default = || (child.policy().stop_limit == Limit::Default).then_some(NO_DEADLINE);
    own_limit(child).or_else(by_default).map(|limit| after(now, limit))
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// One child on its way down.
struct Rung {
    child: Arc<dyn AnyCell>,
    step: Step,
}

enum Step {
    Stopping(Option<Instant>),
    Killed(Instant),
    Aborted(Instant),
    GivenUp,
}

impl Rung {
    fn stop(child: Arc<dyn AnyCell>, deadline: Option<Instant>) -> Self {
        request::retire(&child, ExitReason::Shutdown, Mode::AsPolicy, deadline);
        Rung { child, step: Step::Stopping(deadline) }
    }
}

impl Rung {
    /// Takes all steps whose time has come; returns when the next is due. With `haste` a stop is not waited for. `time` says
    /// how long a rung may take, of a wish and a part of what is left.
    fn step(&mut self, now: Instant, haste: bool, time: impl Fn(Duration, u32) -> Duration) -> Option<Instant> {
        loop {
            match self.step {
                Step::Stopping(due) => {
                    let too_late = due.is_some_and(|due| now >= due);
                    if !too_late && !haste {
                        return due;
                    }
                    if too_late {
                        note(&self.child, LimitHit::Stop);
                    }
                    let until = now + time(KILL_GRACE, 2);
                    request::kill_by(&self.child, until);
                    self.step = Step::Killed(until);
                }
                Step::Killed(due) | Step::Aborted(due) if now < due => return Some(due),
                Step::Killed(_) => {
                    note(&self.child, LimitHit::Kill);
                    request::abort(&self.child);
                    self.step = Step::Aborted(now + time(ABORT_GRACE, 4));
                }
                Step::Aborted(_) => {
                    note(&self.child, LimitHit::Abort);
                    discard_all(give_up(&self.child));
                    self.step = Step::GivenUp;
                }
                Step::GivenUp => return None,
            }
        }
    }
}

/// One child that is stopped while its parent goes on: within its own limit, with the same rungs.
pub(crate) struct Descent(Rung);

impl Descent {
    /// Stops a child for good.
    pub(crate) fn retire(child: Arc<dyn AnyCell>, now: Instant) -> Self {
        let due = due_by_itself(&child, now);
        request::retire(&child, ExitReason::Shutdown, Mode::AsPolicy, due);
        Descent(Rung { child, step: Step::Stopping(due) })
    }

    /// Ends the incarnation of a child that is to be restarted.
    pub(crate) fn bounce(child: Arc<dyn AnyCell>, now: Instant) -> Self {
        let due = due_by_itself(&child, now);
        request::bounce(&child, due);
        Descent(Rung { child, step: Step::Stopping(due) })
    }

    /// Takes all steps until the child has ended, or nothing more can be done.
    async fn go_down(mut self) {
        while let Some(due) = self.step(Instant::now()) {
            if timeout_at(due, Stopped::new(self.0.child.clone())).await.is_ok() {
                return;
            }
        }
    }

    pub(crate) fn is_of(&self, child: &Arc<dyn AnyCell>) -> bool {
        Arc::ptr_eq(&self.0.child, child)
    }

    /// Takes all steps whose time has come; returns when the next is due.
    pub(crate) fn step(&mut self, now: Instant) -> Option<Instant> {
        self.0.step(now, false, |wish, _| wish)
    }
}

/// Asks an actor to end for good for which no driver is there, and takes the further steps beside whoever has asked.
pub(super) fn bring_down_alone(cell: Arc<dyn AnyCell>, cause: ExitReason, mode: Mode) {
    let env = cell.env().clone();
    let due = env.in_time(|| due_by_itself(&cell, Instant::now()));
    request::retire(&cell, cause, mode, due);
    if !cell.has_ended() {
        let descent = Descent(Rung { child: cell, step: Step::Stopping(due) });
        let counted = env.count_task();
        note_wake();
        env.runtime.spawn(async move {
            descent.go_down().await;
            drop(counted);
        });
    }
}

struct Ladder<'a> {
    family: &'a Arc<Family>,
    budget: &'a Budget,
    /// Those whose turn is still to come.
    others: Others,
    /// One timer serves all children, one after the other.
    sleep: Option<Pin<Box<Sleep>>>,
    /// How the parent was when it was last looked at.
    parent: Parent,
    /// The parent's deadline when the steps were last taken.
    seen: Option<Instant>,
}

impl Ladder<'_> {
    /// By when a child has to be gone that may take so long itself.
    fn due(&self, own: Option<Duration>, now: Instant) -> Option<Instant> {
        let time = match self.budget.for_children(now) {
            Some(until) => Some(share(own, &self.others, until.saturating_duration_since(now))),
            None => own,
        };
        time.map(|time| after(now, time))
    }

    /// The same, when its turn has come.
    fn first_due(&self, child: &Arc<dyn AnyCell>, own: Option<Duration>, now: Instant) -> Option<Instant> {
        self.due(own, now).or_else(|| due_by_itself(child, now))
    }

    async fn descend(&mut self, mut rungs: Vec<Rung>, done: &(dyn Fn() -> bool + Sync), parent: Look<'_>) {
        loop {
            let now = Instant::now();
            let deadline = (self.budget.deadline)();
            let nearer = deadline != std::mem::replace(&mut self.seen, deadline);
            let mut next: Option<Instant> = None;
            for rung in &mut rungs {
                if !rung.child.has_ended() && self.parent != Parent::Felled {
                    if nearer {
                        self.bring_nearer(rung, now);
                    }
                    next = earlier(next, self.step(rung, now));
                }
            }
            if !self.wait(next, done, parent).await {
                return;
            }
        }
    }

    /// The parent has less time than it had: so has the child.
    fn bring_nearer(&self, rung: &mut Rung, now: Instant) {
        match &mut rung.step {
            Step::Stopping(due) => {
                // What it may take itself it has been given.
                let until = earlier(*due, self.due(None, now));
                if until != *due {
                    *due = until;
                    request::retire(&rung.child, ExitReason::Shutdown, Mode::AsPolicy, until);
                }
            }
            Step::Killed(due) => *due = (*due).min(now + self.budget.rung(now, KILL_GRACE, 2)),
            Step::Aborted(due) => *due = (*due).min(now + self.budget.rung(now, ABORT_GRACE, 4)),
            Step::GivenUp => {}
        }
    }

    /// Takes all steps of one child whose time has come; returns when the next is due.
    fn step(&self, rung: &mut Rung, now: Instant) -> Option<Instant> {
        rung.step(now, self.parent != Parent::Stops, |wish, part| self.budget.rung(now, wish, part))
    }

    /// Waits until all are gone, the next step is due, or the parent is killed. Returns whether some are left.
    async fn wait(&mut self, next: Option<Instant>, done: &(dyn Fn() -> bool + Sync), parent: Look<'_>) -> bool {
        let mut armed = false;
        poll_fn(|cx| {
            if self.family.poll_change(cx, done).is_ready() {
                return Poll::Ready(false);
            }
            let was = std::mem::replace(&mut self.parent, parent(cx));
            if self.parent != was {
                return Poll::Ready(true);
            }
            if (self.budget.deadline)() != self.seen {
                return Poll::Ready(true);
            }
            let Some(next) = next else { return Poll::Pending };
            let sleep = self.sleep.get_or_insert_with(|| {
                armed = true;
                Box::pin(tokio::time::sleep_until(next))
            });
            if !armed {
                armed = true;
                sleep.as_mut().reset(next);
            }
            sleep.as_mut().poll(cx).map(|()| true)
        })
        .await
    }
}

fn note(child: &Arc<dyn AnyCell>, limit: LimitHit) {
    telemetry::hit_limit(child, limit);
    let held_by = child.in_hand();
    child.core().with_ties(|ties| {
        let held_by = held_by.or(ties.limit.and_then(|(_, held_by)| held_by));
        ties.limit = Some((limit, held_by));
    });
}

/// Declares a child, and what is left below it, unresponsive; the lowest first, without a deep stack. Returns those who have a
/// mailbox to be discarded, which runs destructors of anybody's making.
#[must_use]
pub(crate) fn give_up(child: &Arc<dyn AnyCell>) -> Vec<Arc<dyn AnyCell>> {
    let mut all = vec![child.clone()];
    let mut next = 0;
    while next < all.len() {
        // If its task ever runs again, it drops what it holds. It takes no child after this, so that all are seen.
        all[next].core().signals.set(Signals::ABORT | Signals::KILL | Signals::STOP);
        if let Some(family) = all[next].core().family() {
            family.close();
            let children = family.children();
            all.extend(children);
        }
        next += 1;
    }
    let mut left = Vec::new();
    for cell in all.into_iter().rev() {
        if claim(&cell) {
            if cell.in_hand().is_some() {
                note(&cell, LimitHit::Abort);
            }
            // Said again: a life that has just begun has forgotten it.
            cell.core().signals.set(Signals::ABORT | Signals::KILL | Signals::STOP);
            // One that is at rest gets a task that does so.
            cell.clone().call();
            let exit = given_up(&cell);
            report_crash(&cell, &exit);
            telemetry::ended(&cell, &exit);
            conclude(cell.clone(), exit, None);
            left.push(cell);
        }
    }
    left
}

/// Discards what waits for those who were given up.
pub(crate) fn discard_all(given_up: Vec<Arc<dyn AnyCell>>) {
    for cell in given_up {
        cell.discard(DeadReason::Killed);
    }
}

/// Why an actor ends that is given up: if it had failed before, for that reason first.
fn given_up(cell: &Arc<dyn AnyCell>) -> Exit {
    let failure = cell.core().peek_ties(|ties| ties.cause.clone().filter(ExitReason::is_failure)).flatten();
    match failure {
        Some(failure) => {
            let mut exit = Exit::new(failure);
            exit.add(ExitReason::Unresponsive);
            exit
        }
        None => Exit::new(ExitReason::Unresponsive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_child_gets_its_own_limit_or_what_its_siblings_leave() {
        let others = |limits: &[Option<u64>]| {
            let mut others = Others::default();
            limits.iter().for_each(|limit| others.add(limit.map(secs)));
            others
        };
        let fives = |count| vec![Some(5); count];
        assert_eq!(share(Some(secs(5)), &others(&fives(2)), secs(24)), secs(5));
        assert_eq!(share(None, &others(&fives(2)), secs(24)), secs(14));
        assert_eq!(share(None, &others(&fives(100)), secs(24)), secs(12));
        assert_eq!(share(Some(secs(5)), &others(&fives(3)), secs(6)), secs(3));
        assert_eq!(share(Some(secs(5)), &others(&[]), secs(0)), secs(0));
        // Whoever has no limit would take all, and gets half of it at least.
        assert_eq!(share(None, &others(&[None]), secs(24)), secs(12));
        assert_eq!(share(Some(secs(20)), &others(&[None]), secs(24)), secs(12));
        // Many get a tenth of a second each, if there is as much.
        assert_eq!(share(Some(secs(5)), &others(&fives(30)), secs(4)), secs(1));
        assert_eq!(share(Some(secs(5)), &others(&fives(39)), secs(4)), SIBLING_RESERVE);
        assert_eq!(share(Some(secs(5)), &others(&fives(40)), secs(4)), secs(2));
        assert_eq!(share(Some(secs(5)), &others(&fives(100_000)), secs(24)), secs(5));
    }

    #[test]
    fn a_reserve_never_eats_a_deep_tree() {
        let mut left = secs(25);
        for depth in 0..10_000 {
            let kept = reserve(secs(2), left, depth);
            assert!(depth > 3 || kept > Duration::from_millis(800), "the first levels keep what they want: {depth} {kept:?}");
            left -= kept;
        }
        assert!(left > secs(8), "{left:?}");
    }
}
