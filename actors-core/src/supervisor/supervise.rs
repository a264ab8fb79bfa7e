//! Carrying out what the table decides: ends and starts come in from the children, steps go out through one task, which
//! exists only while there is something to do.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use super::spec::{ChildSpec, Made, Restart};
use super::table::{Consequence, Ending, Place, Settings, State, Step, Table, Verdict};
use super::warning::warnings;
use crate::lifecycle::cell::{AnyCell, Family, Overseer};
use crate::lifecycle::conclude::conclude;
use crate::lifecycle::crash::{CrashReport, Decision};
use crate::lifecycle::current::current_actor;
use crate::lifecycle::dead_letter::DeadReason;
use crate::lifecycle::env::Env;
use crate::lifecycle::exit::{Exit, ExitReason, StartFailure};
use crate::lifecycle::id::ActorId;
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::{ActorPath, Segment};
use crate::lifecycle::policy::Policy;
use crate::lifecycle::post_mortem;
use crate::lifecycle::request::{self, Mode};
use crate::lifecycle::restart::expire;
use crate::lifecycle::signal::Signals;
use crate::mailbox::Closed;
use crate::runtime::{Descent, StartError};
use crate::sync::lock;
use crate::telemetry;

/// The supervision of one parent's children.
pub(super) struct Supervision {
    this: Weak<Supervision>,
    env: Arc<Env>,
    owner: Weak<dyn AnyCell>,
    inner: Mutex<Inner>,
}

struct Inner {
    table: Table,
    kids: BTreeMap<Place, Kid>,
    names: HashMap<Arc<str>, Place>,
    /// Where those stand who took the place of another.
    successors: HashMap<ActorId, Place>,
    steps: Vec<Step>,
    driver: Driver,
    /// The driver has to look again.
    changed: bool,
    /// The parent is ending.
    closed: bool,
    /// Counts the incarnations of the parent.
    generation: u64,
}

/// One child, as far as doing goes.
struct Kid {
    cell: Option<Arc<dyn AnyCell>>,
    /// What it is made from; a temporary child is not made again.
    spec: Option<ChildSpec>,
    name: Option<Arc<str>>,
    restart: Restart,
    significant: bool,
    /// How often it was restarted before its present cell was made.
    restarts: u64,
    /// Its present cell has ended, or never was; nothing more comes of it.
    over: bool,
    /// Whoever asked for it waits for its first start.
    awaited: bool,
    ended: Vec<oneshot::Sender<()>>,
    started: Vec<oneshot::Sender<Result<(), StartFailure>>>,
}

/// The task that carries steps out.
enum Driver {
    Off,
    On(Option<Waker>),
}

/// What is to be done once the lock is released.
#[derive(Default)]
struct After {
    wake: Option<Waker>,
    drive: Option<u64>,
    /// Values whose destructor may be a user's.
    dropped: Vec<Kid>,
    /// Those who wait for a start that will not be; a drop tells them.
    unstarted: Vec<oneshot::Sender<Result<(), StartFailure>>>,
}

/// What a listing says of one child.
pub(super) struct Seen {
    pub(super) name: Option<Arc<str>>,
    pub(super) cell: Option<Arc<dyn AnyCell>>,
    pub(super) state: State,
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) restarts: u64,
}

/// Which child is meant.
#[derive(Clone)]
pub(super) enum Key {
    Name(Arc<str>),
    Cell(Arc<dyn AnyCell>),
}

/// Why a child could not be managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NotFound,
    Running,
    Stopping,
}

impl Supervision {
    /// The supervision of `owner`'s children; begins it, with what its policy says, if there is none.
    pub(super) fn of(owner: &Arc<dyn AnyCell>) -> Arc<Supervision> {
        let family = owner.core().family_or_begin(owner);
        let overseer = family.overseer_or_appoint(|| {
            let policy = owner.policy();
            let settings = Settings {
                strategy: policy.strategy,
                restarts: policy.restarts,
                within: policy.within,
                auto_shutdown: policy.auto_shutdown,
            };
            Arc::new_cyclic(|this| Supervision {
                this: this.clone(),
                env: owner.env().clone(),
                owner: Arc::downgrade(owner),
                inner: Mutex::new(Inner::new(settings, owner.core().is_stopping())),
            })
        });
        overseer.clone().into_any().downcast().expect("there is one kind of overseer")
    }

    pub(super) fn settings(&self) -> Settings {
        *lock(&self.inner).table.settings()
    }

    /// Replaces what the policy says. For before the first child.
    pub(super) fn configure(&self, settings: Settings) {
        lock(&self.inner).table.configure(settings);
    }

    fn family(&self) -> Option<Arc<Family>> {
        self.owner.upgrade()?.core().family().cloned()
    }

    // ===== managing children =====

    /// Makes a child from a spec. With `awaited`, whoever asks waits for its start and a failure is his.
    pub(super) fn add(self: &Arc<Self>, spec: ChildSpec, awaited: bool) -> Result<Made, StartError> {
        let Some(owner) = self.owner.upgrade() else { unreachable!("whoever asks has the owner") };
        let family = owner.core().family_or_begin(&owner).clone();
        let refuse = |failure, holder| {
            let path = owner.path();
            let path = match &spec.name {
                Some(name) => ActorPath { parent: Some(path.node()), segment: Segment::Named(name.clone()) },
                None => path,
            };
            Err(StartError::new(path, failure, holder))
        };
        {
            let inner = lock(&self.inner);
            if inner.closed {
                return refuse(StartFailure::Stopping, None);
            }
            if let Err(failure) = spec.check(inner.table.settings().auto_shutdown) {
                return refuse(failure, None);
            }
            if let Some(place) = spec.name.as_ref().and_then(|name| inner.names.get(name)) {
                let known = inner.kids.get(place).and_then(|kid| kid.cell.clone()).filter(|cell| !cell.has_ended());
                let failure = match &known {
                    Some(cell) => StartFailure::NameTaken(cell.path()),
                    None => StartFailure::AlreadyPresent,
                };
                drop(inner);
                return refuse(failure, known);
            }
        }
        let settings = *lock(&self.inner).table.settings();
        for warning in warnings(&spec, &settings, owner.policy().stop_limit) {
            telemetry::lies(&owner.path(), &warning);
        }
        let mut enrolled = None;
        let made = spec.create(&family, awaited, &mut |cell| {
            enrolled = self.enroll(cell, &spec, awaited);
            enrolled.is_some()
        });
        let made = match made {
            Ok(made) => made,
            Err(ExitReason::Panicked { message, location }) => return refuse(StartFailure::Panicked { message, location }, None),
            Err(_) => return refuse(StartFailure::Killed, None),
        };
        match made.cell.core().exit() {
            Some(exit) if is_stillborn(&made.cell) => {
                // Its parent was stopping, or its name was taken, by somebody who is not supervised.
                if let Some(place) = enrolled {
                    self.strike(place);
                }
                let ExitReason::StartFailed(failure) = exit.reason.clone() else { unreachable!("the stillborn never start") };
                refuse(failure, made.holder)
            }
            _ => Ok(made),
        }
    }

    /// Enters a new child into the table.
    fn enroll(&self, cell: &Arc<dyn AnyCell>, spec: &ChildSpec, awaited: bool) -> Option<Place> {
        let now = Instant::now();
        let mut inner = lock(&self.inner);
        let taken = spec.name.as_ref().is_some_and(|name| inner.names.contains_key(name));
        if inner.closed || taken {
            return None;
        }
        let place = cell.id().0;
        inner.table.add(place, spec.restart, spec.significant, spec.backoff, now);
        if cell.core().signals.any(Signals::STARTED) {
            inner.table.ready(place, now);
        }
        if let Some(name) = &spec.name {
            inner.names.insert(name.clone(), place);
        }
        let kid = Kid {
            cell: Some(cell.clone()),
            spec: (spec.restart != Restart::Temporary).then(|| spec.clone()),
            name: spec.name.clone(),
            restart: spec.restart,
            significant: spec.significant,
            restarts: 0,
            over: false,
            awaited,
            ended: Vec::new(),
            started: Vec::new(),
        };
        inner.kids.insert(place, kid);
        Some(place)
    }

    /// Whoever asked for a child has it: what becomes of it is no longer his concern.
    pub(super) fn handed_over(&self, cell: &Arc<dyn AnyCell>) {
        let mut inner = lock(&self.inner);
        if let Ok(place) = inner.find(&Key::Cell(cell.clone())) {
            if let Some(kid) = inner.kids.get_mut(&place) {
                kid.awaited = false;
            }
        }
    }

    /// Takes a child out that could not be made after all.
    fn strike(&self, place: Place) {
        let after = {
            let mut inner = lock(&self.inner);
            let now = Instant::now();
            inner.table.not_made(place, now);
            inner.table.remove(place, now);
            let mut after = After::default();
            inner.forget(place, &mut after);
            after
        };
        drop(after);
    }

    /// Stops a child for good. What is returned resolves when it has ended; `None` if it does not run.
    pub(super) fn terminate(self: &Arc<Self>, key: &Key) -> Result<Option<oneshot::Receiver<()>>, Refused> {
        let mut after = After::default();
        let ended = {
            let mut inner = lock(&self.inner);
            let place = match inner.find(key) {
                Ok(place) => place,
                // One that was ours and has been forgotten has ended.
                Err(_) if self.was_ours(key) => return Ok(None),
                Err(_) if inner.closed => return Err(Refused::Stopping),
                Err(refused) => return Err(refused),
            };
            let now = Instant::now();
            if !inner.table.terminate(place, now) {
                return Ok(None);
            }
            if inner.closed && inner.kids.get(&place).is_some_and(|kid| kid.over) {
                inner.table.not_made(place, now);
                return Ok(None);
            }
            let (ended, wait) = oneshot::channel();
            inner.kids.get_mut(&place).expect("who stands in the table is known").ended.push(ended);
            inner.steps.push(Step::Retire(place));
            inner.pump(now, &mut after);
            wait
        };
        self.follow_up(after);
        Ok(Some(ended))
    }

    /// Starts a child that does not run. What is returned resolves when it is ready.
    pub(super) fn restart(self: &Arc<Self>, key: &Key) -> Result<oneshot::Receiver<Result<(), StartFailure>>, Refused> {
        let mut after = After::default();
        let ready = {
            let mut inner = lock(&self.inner);
            if inner.closed {
                return Err(Refused::Stopping);
            }
            let place = inner.find(key)?;
            if inner.table.state(place) != Some(State::Idle) {
                return Err(Refused::Running);
            }
            let now = Instant::now();
            inner.table.start_by_hand(place, now);
            let (started, wait) = oneshot::channel();
            inner.kids.get_mut(&place).expect("who stands in the table is known").started.push(started);
            inner.steps.push(Step::Start(place));
            inner.pump(now, &mut after);
            wait
        };
        self.follow_up(after);
        Ok(ready)
    }

    /// Forgets a child that does not run.
    pub(super) fn remove(&self, key: &Key) -> Result<(), Refused> {
        let mut after = After::default();
        {
            let mut inner = lock(&self.inner);
            let place = inner.find(key)?;
            if inner.table.state(place) != Some(State::Idle) {
                return Err(Refused::Running);
            }
            let now = Instant::now();
            inner.table.remove(place, now);
            inner.forget(place, &mut after);
            inner.pump(now, &mut after);
        }
        self.follow_up(after);
        Ok(())
    }

    /// All children, in start order.
    pub(super) fn list(&self) -> Vec<Seen> {
        let inner = lock(&self.inner);
        let see = |(place, kid): (&Place, &Kid)| Seen {
            name: kid.name.clone(),
            cell: kid.cell.clone(),
            state: inner.table.state(*place).unwrap_or(State::Idle),
            restart: kid.restart,
            significant: kid.significant,
            restarts: kid.restarts,
        };
        inner.kids.iter().map(see).collect()
    }

    /// Whether the code that runs here is that of the child itself.
    pub(super) fn is_current(&self, key: &Key) -> bool {
        let Some(current) = current_actor() else { return false };
        match key {
            Key::Cell(cell) => cell.id() == current.id(),
            Key::Name(_) => {
                let inner = lock(&self.inner);
                let place = inner.find(key).ok();
                place.and_then(|place| inner.kids.get(&place)?.cell.as_ref()).is_some_and(|cell| cell.id() == current.id())
            }
        }
    }

    fn was_ours(&self, key: &Key) -> bool {
        let Key::Cell(cell) = key else { return false };
        let ours = self.family().is_some_and(|family| Arc::ptr_eq(&family, &cell.core().parent));
        ours && cell.has_ended() && cell.core().signals.any(Signals::SUPERVISED)
    }

    // ===== doing =====

    fn follow_up(&self, after: After) {
        if let Some(waker) = after.wake {
            waker.wake();
        }
        if let Some((generation, driver)) = after.drive.and_then(|generation| Some((generation, self.this.upgrade()?))) {
            let counted = self.env.count_task();
            self.env.runtime.spawn(async move {
                driver.drive(generation).await;
                drop(counted);
            });
        }
        drop_all(after.dropped);
    }

    /// Carries steps out until there are none, and none to come.
    async fn drive(self: Arc<Self>, generation: u64) {
        let mut descents: BTreeMap<Place, Descent> = BTreeMap::new();
        let mut sleep: Option<Pin<Box<Sleep>>> = None;
        loop {
            let now = Instant::now();
            let Some((steps, due)) = self.take_steps(generation, &mut descents, now) else { return };
            let idle = steps.is_empty();
            for step in steps {
                self.carry_out(step, &mut descents, now);
            }
            let due = descents.values_mut().filter_map(|descent| descent.step(now)).chain(due).min();
            if !idle {
                // What fails at once is tried again at once, and yet leaves room for others.
                tokio::task::yield_now().await;
                continue;
            }
            let go_on = poll_fn(|cx| self.poll_work(generation, !descents.is_empty(), due, &mut sleep, cx)).await;
            if !go_on {
                return;
            }
        }
    }

    /// Takes what is to be done now. `None` if the driver is to end.
    fn take_steps(&self, generation: u64, descents: &mut BTreeMap<Place, Descent>, now: Instant) -> Option<(Vec<Step>, Option<Instant>)> {
        let mut inner = lock(&self.inner);
        if inner.closed || inner.generation != generation {
            return None;
        }
        descents.retain(|place, _| matches!(inner.table.state(*place), Some(State::Bouncing | State::Terminating)));
        let mut steps = std::mem::take(&mut inner.steps);
        steps.extend(inner.table.next_steps(now));
        Some((steps, inner.table.next_due(now)))
    }

    /// Waits until there is something to do. Says whether there is; if not, the driver is off.
    fn poll_work(
        &self,
        generation: u64,
        descends: bool,
        due: Option<Instant>,
        sleep: &mut Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        {
            let mut inner = lock(&self.inner);
            if inner.closed || inner.generation != generation {
                return Poll::Ready(false);
            }
            if !inner.steps.is_empty() || std::mem::take(&mut inner.changed) {
                return Poll::Ready(true);
            }
            if due.is_none() && !descends {
                inner.driver = Driver::Off;
                return Poll::Ready(false);
            }
            inner.driver = Driver::On(Some(cx.waker().clone()));
        }
        let Some(due) = due else { return Poll::Pending };
        match sleep {
            Some(sleep) if sleep.deadline() == due => {}
            Some(sleep) => sleep.as_mut().reset(due),
            None => *sleep = Some(Box::pin(tokio::time::sleep_until(due))),
        }
        sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx).map(|()| true))
    }

    fn carry_out(self: &Arc<Self>, step: Step, descents: &mut BTreeMap<Place, Descent>, now: Instant) {
        let cell_of = |place| lock(&self.inner).kids.get(&place).and_then(|kid| kid.cell.clone());
        match step {
            Step::Bounce(place) => {
                if let Some(cell) = cell_of(place) {
                    descents.insert(place, Descent::bounce(cell, now));
                }
            }
            Step::Retire(place) => {
                let Some(cell) = cell_of(place) else { return };
                if self.settle_terminated(place) {
                    return;
                }
                if descents.get(&place).is_some_and(|descent| descent.is_of(&cell)) {
                    // Its time runs already.
                    request::retire(&cell, ExitReason::Shutdown, Mode::AsPolicy, None);
                } else {
                    descents.insert(place, Descent::retire(cell, now));
                }
            }
            Step::Start(place) => self.start(place),
        }
    }

    /// Ends the termination of a child of which nothing is left to be stopped; says whether it is so.
    fn settle_terminated(&self, place: Place) -> bool {
        let mut after = After::default();
        let ended = {
            let mut inner = lock(&self.inner);
            let Some(kid) = inner.kids.get_mut(&place).filter(|kid| kid.over) else { return false };
            let ended = std::mem::take(&mut kid.ended);
            after.unstarted = std::mem::take(&mut kid.started);
            let now = Instant::now();
            inner.table.not_made(place, now);
            inner.pump(now, &mut after);
            ended
        };
        self.follow_up(after);
        for ended in ended {
            let _ = ended.send(());
        }
        true
    }

    /// Begins the next incarnation of a child, or makes it anew if it has ended for good.
    fn start(self: &Arc<Self>, place: Place) {
        let (cell, spec, by_hand) = {
            let inner = lock(&self.inner);
            let Some(kid) = inner.kids.get(&place) else { return };
            let by_hand = match inner.table.state(place) {
                Some(State::Starting) => true,
                // It was stopped for good since this was decided.
                None | Some(State::Idle | State::Terminating) => return,
                Some(_) => false,
            };
            let down = kid.cell.clone().filter(|_| !by_hand && !kid.over);
            (down, kid.spec.clone(), by_hand)
        };
        let Some(spec) = spec else { return };
        let failed = match cell {
            Some(cell) => match spec.make.revive(&cell) {
                // If it did not, it was asked to end for good, and its end is told elsewhere.
                Ok(_) => None,
                Err(reason) => Some(start_failure(reason)),
            },
            None => self.start_anew(place, &spec, by_hand),
        };
        if let Some(failure) = failed {
            self.start_failed(place, failure);
        }
    }

    /// Makes a new actor in the place of one that has ended.
    fn start_anew(self: &Arc<Self>, place: Place, spec: &ChildSpec, awaited: bool) -> Option<StartFailure> {
        let family = self.family()?;
        let made = spec.create(&family, awaited, &mut |cell| {
            let mut inner = lock(&self.inner);
            if inner.closed {
                return false;
            }
            inner.successors.insert(cell.id(), place);
            let old = inner.kids.get_mut(&place).and_then(|kid| {
                kid.restarts += kid.cell.as_ref().map_or(0, |old| old.core().incarnation()) + 1;
                kid.over = false;
                kid.cell.replace(cell.clone())
            });
            if let Some(old) = &old {
                inner.successors.remove(&old.id());
            }
            drop(inner);
            true
        });
        match made {
            Err(reason) => Some(start_failure(reason)),
            Ok(made) if is_stillborn(&made.cell) => {
                if let Some(kid) = lock(&self.inner).kids.get_mut(&place) {
                    // Nobody will tell of its end.
                    kid.over = true;
                }
                made.cell.core().exit().map(|exit| start_failure(exit.reason.clone()))
            }
            Ok(made) => {
                if made.cell.core().signals.any(Signals::STARTED) {
                    self.ready(&made.cell);
                }
                None
            }
        }
    }

    /// A start that did not even begin.
    fn start_failed(self: &Arc<Self>, place: Place, failure: StartFailure) {
        let mut after = After::default();
        let mut told = Vec::new();
        let failed = {
            let mut inner = lock(&self.inner);
            let now = Instant::now();
            match inner.table.state(place) {
                Some(State::Starting) => {
                    inner.table.not_made(place, now);
                    told = inner.kids.get_mut(&place).map(|kid| std::mem::take(&mut kid.started)).unwrap_or_default();
                    None
                }
                Some(State::Restarting) => {
                    let verdict = inner.table.down(place, now, fastrand::f64(), now);
                    inner.pump(now, &mut after);
                    let cell = inner.kids.get(&place).and_then(|kid| kid.cell.clone());
                    cell.map(|cell| (cell, inner.decision(verdict), inner.too_many(place, verdict)))
                }
                _ => None,
            }
        };
        for started in told {
            let _ = started.send(Err(failure.clone()));
        }
        let Some((child, decision, escalates)) = failed else { return self.follow_up(after) };
        self.publish(post_mortem::report(&child, &Exit::new(ExitReason::StartFailed(failure)), decision));
        self.follow_up(after);
        if let Some((cell, restarts)) = escalates {
            self.give_up(&cell, restarts);
        }
    }

    fn publish(&self, report: CrashReport) {
        telemetry::crashed(&report);
        self.env.crashes.publish(|| report);
    }

    /// There were too many restarts, or one that must be cannot be: the supervisor ends.
    fn give_up(&self, child: &Arc<dyn AnyCell>, restarts: u32) {
        let Some(owner) = self.owner.upgrade() else { return };
        let period = lock(&self.inner).table.settings().within;
        // Those who are down cannot answer any more. Whoever waits for them has to hear of it, be it the supervisor itself.
        let down: Vec<_> = lock(&self.inner).kids.values().filter_map(|kid| kid.cell.clone()).filter(is_down).collect();
        let reason = ExitReason::Escalated { child: child.path(), restarts, period };
        request::stop(&owner, reason, Mode::Now, None);
        if let Some(exit) = expire(child) {
            self.over(child, exit);
        }
        for cell in down {
            request::retire(&cell, ExitReason::Shutdown, Mode::Now, None);
        }
    }
}

impl Overseer for Supervision {
    fn ready(&self, child: &Arc<dyn AnyCell>) {
        let mut after = After::default();
        let started = {
            let mut inner = lock(&self.inner);
            let Ok(place) = inner.find(&Key::Cell(child.clone())) else { return };
            if inner.kids.get(&place).is_none_or(|kid| kid.over) {
                return;
            }
            let now = Instant::now();
            inner.table.ready(place, now);
            inner.pump(now, &mut after);
            inner.kids.get_mut(&place).map(|kid| std::mem::take(&mut kid.started)).unwrap_or_default()
        };
        for started in started {
            let _ = started.send(Ok(()));
        }
        self.follow_up(after);
    }

    fn down(&self, child: &Arc<dyn AnyCell>, exit: &Exit) {
        let mut after = After::default();
        // Put together before anybody can restart it.
        let mut report = post_mortem::report(child, exit, Decision::NotRestarted);
        let (decision, escalates) = {
            let mut inner = lock(&self.inner);
            let Ok(place) = inner.find(&Key::Cell(child.clone())) else { return };
            // It was ended for good before this was told.
            if inner.kids.get(&place).is_none_or(|kid| kid.over) {
                return;
            }
            let now = Instant::now();
            let began = child.core().order().map_or(now, |(asked_at, _)| asked_at);
            let verdict = inner.table.down(place, began, fastrand::f64(), now);
            inner.pump(now, &mut after);
            let terminated = inner.table.state(place) == Some(State::Terminating);
            let decision = if terminated { Decision::NotRestarted } else { inner.decision(verdict) };
            (decision, inner.too_many(place, verdict))
        };
        report.decision = decision;
        self.publish(report);
        self.follow_up(after);
        if let Some((cell, restarts)) = escalates {
            self.give_up(&cell, restarts);
        }
    }

    fn over(&self, child: &Arc<dyn AnyCell>, exit: Exit) {
        child.close(Closed::Stopping);
        child.discard(DeadReason::after(&exit.reason));
        telemetry::ended(child, &exit);
        conclude(child.clone(), exit, None);
    }

    fn ended(&self, child: &Arc<dyn AnyCell>, exit: &Exit) {
        let mut after = After::default();
        let (consequence, ended, started) = {
            let mut inner = lock(&self.inner);
            let Ok(place) = inner.find(&Key::Cell(child.clone())) else { return };
            let now = Instant::now();
            let closed = inner.closed;
            let kid = inner.kids.get_mut(&place).expect("it was found");
            kid.over = true;
            let (ended, started) = (std::mem::take(&mut kid.ended), std::mem::take(&mut kid.started));
            let ending = ending(&exit.reason);
            let first_start = kid.restarts == 0 && child.core().signals.get() & (Signals::AWAITED | Signals::STARTED) == Signals::AWAITED;
            // Whoever asked for it did not stay to see that it had started.
            let abandoned = kid.awaited && exit.reason == ExitReason::Killed;
            // What has no name cannot be asked for again; and a first start that failed leaves nothing.
            let forget = kid.name.is_none() || (first_start && ending != Ending::Declined) || abandoned;
            let consequence = inner.table.ended(place, ending, forget, now);
            // Those who go because their parent does are no reason for anything.
            let consequence = if closed { Consequence::GoOn } else { consequence };
            if inner.table.state(place).is_none() {
                inner.forget(place, &mut after);
            }
            inner.pump(now, &mut after);
            (consequence, ended, started)
        };
        let failure = match &exit.reason {
            ExitReason::StartFailed(failure) => failure.clone(),
            _ => StartFailure::Killed,
        };
        for started in started {
            let _ = started.send(Err(failure.clone()));
        }
        self.follow_up(after);
        for ended in ended {
            let _ = ended.send(());
        }
        let Some(owner) = self.owner.upgrade() else { return };
        match consequence {
            Consequence::GoOn => {}
            Consequence::Shutdown => {
                request::stop(&owner, ExitReason::Shutdown, Mode::AsPolicy, None);
            }
            Consequence::GiveUp => self.give_up(child, 0),
        }
    }

    fn close(&self) {
        let mut after = After::default();
        let mut ended = Vec::new();
        {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            inner.steps.clear();
            for kid in inner.kids.values_mut() {
                // Nobody starts anything any more, and of those that are gone nobody will tell.
                after.unstarted.append(&mut kid.started);
                if kid.over {
                    ended.append(&mut kid.ended);
                }
            }
            after.wake = match &mut inner.driver {
                Driver::On(waker) => waker.take(),
                Driver::Off => None,
            };
        }
        self.follow_up(after);
        for ended in ended {
            let _ = ended.send(());
        }
    }

    fn reopen(&self) {
        let old = {
            let mut inner = lock(&self.inner);
            let settings = *inner.table.settings();
            let generation = inner.generation + 1;
            let fresh = Inner { generation, ..Inner::new(settings, false) };
            std::mem::replace(&mut *inner, fresh)
        };
        drop_all(old.kids);
    }

    fn parent_ended(&self) {
        let kids = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            inner.names.clear();
            inner.successors.clear();
            std::mem::take(&mut inner.kids)
        };
        drop_all(kids);
    }

    fn arrange(&self, children: &mut [Arc<dyn AnyCell>]) {
        let inner = lock(&self.inner);
        if !inner.successors.is_empty() {
            children.sort_by_key(|child| inner.successors.get(&child.id()).copied().unwrap_or(child.id().0));
        }
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl Inner {
    fn new(settings: Settings, closed: bool) -> Self {
        Inner {
            table: Table::new(settings, Instant::now()),
            kids: BTreeMap::new(),
            names: HashMap::new(),
            successors: HashMap::new(),
            steps: Vec::new(),
            driver: Driver::Off,
            changed: false,
            closed,
            generation: 0,
        }
    }

    fn find(&self, key: &Key) -> Result<Place, Refused> {
        match key {
            Key::Name(name) => self.names.get(name).copied(),
            Key::Cell(cell) => {
                let place = self.successors.get(&cell.id()).copied().unwrap_or(cell.id().0);
                let is_it = |kid: &Kid| kid.cell.as_ref().is_some_and(|known| Arc::ptr_eq(known, cell));
                self.kids.get(&place).is_some_and(is_it).then_some(place)
            }
        }
        .ok_or(Refused::NotFound)
    }

    fn forget(&mut self, place: Place, after: &mut After) {
        let Some(kid) = self.kids.remove(&place) else { return };
        if let Some(name) = &kid.name {
            self.names.remove(name);
        }
        if let Some(cell) = &kid.cell {
            self.successors.remove(&cell.id());
        }
        after.dropped.push(kid);
    }

    /// Sees to it that what is to be done is done.
    fn pump(&mut self, now: Instant, after: &mut After) {
        if self.closed {
            return;
        }
        self.steps.extend(self.table.next_steps(now));
        match &mut self.driver {
            Driver::On(waker) => {
                self.changed = true;
                after.wake = waker.take();
            }
            Driver::Off if self.steps.is_empty() && self.table.next_due(now).is_none() => {}
            Driver::Off => {
                self.driver = Driver::On(None);
                after.drive = Some(self.generation);
            }
        }
    }

    /// What was decided, in the words of a report.
    fn decision(&self, verdict: Verdict) -> Decision {
        let Settings { restarts: allowed, within, .. } = *self.table.settings();
        match verdict {
            Verdict::Expected => Decision::RestartWithSibling,
            Verdict::Restarted { nth, wait, along } => {
                let of = (allowed != Policy::UNLIMITED).then_some(allowed);
                Decision::Restart { nth, of, within, after: wait, along }
            }
            Verdict::TooMany { restarts } => Decision::GiveUp { restarts, within },
        }
    }

    /// The child whose failure was one too many.
    fn too_many(&self, place: Place, verdict: Verdict) -> Option<(Arc<dyn AnyCell>, u32)> {
        match verdict {
            Verdict::TooMany { restarts } => Some((self.kids.get(&place)?.cell.clone()?, restarts)),
            _ => None,
        }
    }
}

/// Drops what may have a destructor of a user's, one after the other. A panic in it has nobody to be told to.
fn drop_all<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = guard(|| drop(value));
    }
}

fn is_down(cell: &Arc<dyn AnyCell>) -> bool {
    cell.core().signals.any(Signals::DOWN)
}

/// Whether an actor was refused when it was made, and so never stood in the tree.
fn is_stillborn(cell: &Arc<dyn AnyCell>) -> bool {
    cell.core().parent.child(cell.id()).is_none()
        && cell.core().exit().is_some_and(|exit| exit.secondary.is_empty() && never_stood(&exit.reason))
}

fn never_stood(reason: &ExitReason) -> bool {
    matches!(
        reason,
        ExitReason::StartFailed(
            StartFailure::Stopping | StartFailure::NameTaken(_) | StartFailure::InvalidName { .. } | StartFailure::AlreadyPresent
        )
    )
}

fn start_failure(reason: ExitReason) -> StartFailure {
    match reason {
        ExitReason::StartFailed(failure) => failure,
        ExitReason::Panicked { message, location } => StartFailure::Panicked { message, location },
        _ => StartFailure::Killed,
    }
}

fn ending(reason: &ExitReason) -> Ending {
    match reason {
        ExitReason::StartFailed(StartFailure::Declined) => Ending::Declined,
        ExitReason::StartFailed(_) => Ending::NotStarted,
        ExitReason::Unresponsive => Ending::Unresponsive,
        reason if reason.is_clean() => Ending::Clean,
        _ => Ending::Abnormal,
    }
}
