//! The task that carries out what was decided, and exists only while there is something to do.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use super::ledger::{Driver, drop_all, tell_all};
use super::spec::{ChildSpec, is_stillborn, start_failure};
use super::supervise::Supervision;
use super::table::{Place, State, Step};
use crate::actor::occupy;
use crate::lifecycle::cell::Overseer;
use crate::lifecycle::exit::{Exit, ExitReason, StartFailure};
use crate::lifecycle::post_mortem;
use crate::lifecycle::request::{self, Mode};
use crate::lifecycle::signal::Signals;
use crate::runtime::Descent;
use crate::sync::lock;

impl Supervision {
    /// Carries steps out until there are none, and none to come.
    pub(super) async fn drive(self: Arc<Self>, generation: u64) {
        let mut descents: BTreeMap<Place, Descent> = BTreeMap::new();
        let mut sleep: Option<Pin<Box<Sleep>>> = None;
        loop {
            let now = Instant::now();
            let Some((steps, due)) = self.take_steps(generation, &mut descents, now) else { return };
            let idle = steps.is_empty();
            for step in steps {
                self.carry_out(step, generation, &mut descents, now);
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
        let mut ledger = lock(&self.ledger);
        if ledger.closed || ledger.generation != generation {
            return None;
        }
        descents.retain(|place, _| matches!(ledger.table.state(*place), Some(State::Bouncing | State::Terminating)));
        let mut steps = std::mem::take(&mut ledger.steps);
        steps.extend(ledger.table.next_steps(now));
        Some((steps, ledger.table.next_due(now)))
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
            let mut ledger = lock(&self.ledger);
            if ledger.closed || ledger.generation != generation {
                return Poll::Ready(false);
            }
            if std::mem::take(&mut ledger.changed) {
                return Poll::Ready(true);
            }
            if due.is_none() && !descends {
                ledger.driver = Driver::Off;
                return Poll::Ready(false);
            }
            ledger.driver = Driver::On(Some(cx.waker().clone()));
        }
        let Some(due) = due else { return Poll::Pending };
        match sleep {
            Some(sleep) if sleep.deadline() == due => {}
            Some(sleep) => sleep.as_mut().reset(due),
            None => *sleep = Some(Box::pin(tokio::time::sleep_until(due))),
        }
        sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx).map(|()| true))
    }

    fn carry_out(self: &Arc<Self>, step: Step, generation: u64, descents: &mut BTreeMap<Place, Descent>, now: Instant) {
        // One that has ended of itself since this was decided may have another life before it, which this does not concern.
        let cell_in = |place, states: &[State]| {
            let ledger = lock(&self.ledger);
            let is_meant = ledger.table.state(place).is_some_and(|state| states.contains(&state));
            ledger.kids.get(&place).filter(|_| is_meant)?.cell.clone()
        };
        match step {
            Step::Bounce(place) => {
                if let Some(cell) = cell_in(place, &[State::Bouncing]) {
                    descents.insert(place, Descent::bounce(cell, now));
                    self.break_off_beside(place);
                }
            }
            Step::Retire(place) => {
                let Some(cell) = cell_in(place, &[State::Bouncing, State::Terminating]) else { return };
                if self.settle_terminated(place) {
                    return;
                }
                if descents.get(&place).is_some_and(|descent| descent.is_of(&cell)) {
                    // Its time runs already.
                    request::retire(&cell, ExitReason::Shutdown, Mode::AsPolicy, None);
                } else {
                    descents.insert(place, Descent::retire(cell, now));
                    self.break_off_beside(place);
                }
            }
            Step::Start(place) => self.start_while_open(place, generation),
        }
    }

    /// Ends the termination of a child of which nothing is left to be stopped; says whether it is so.
    fn settle_terminated(&self, place: Place) -> bool {
        let (ended, unstarted) = {
            let mut ledger = lock(&self.ledger);
            let terminated = ledger.table.state(place) == Some(State::Terminating);
            let Some(kid) = ledger.kids.get_mut(&place).filter(|kid| terminated && kid.over) else { return false };
            let told = (std::mem::take(&mut kid.ended), std::mem::take(&mut kid.started));
            ledger.table.not_made(place, Instant::now());
            told
        };
        drop_all(unstarted);
        tell_all(ended, &());
        true
    }

    /// Starts a child unless the parent is ending. A parent that begins to end meanwhile waits for whatever makes the state, and for the
    /// state, if that comes too late, to be dropped.
    fn start_while_open(self: &Arc<Self>, place: Place, generation: u64) {
        let Some(owner) = self.owner.upgrade() else { return };
        let _occupied = occupy(&owner);
        // Asked only now: either this is seen to be closed, or whoever closed it sees that the parent is occupied.
        let open = {
            let ledger = lock(&self.ledger);
            !ledger.closed && ledger.generation == generation
        };
        if open {
            self.start(place);
        }
    }

    /// Begins the next incarnation of a child, or makes it anew if it has ended for good.
    fn start(self: &Arc<Self>, place: Place) {
        let (cell, spec, by_hand) = {
            let mut ledger = lock(&self.ledger);
            if ledger.table.state(place) == Some(State::Bouncing) {
                // Another failed since this was decided: what has not begun is over already.
                let now = Instant::now();
                ledger.table.down(place, now, 0.0, now);
                return;
            }
            let Some(kid) = ledger.kids.get(&place) else { return };
            let by_hand = match ledger.table.state(place) {
                Some(State::Starting) => true,
                // It was stopped for good since this was decided.
                None | Some(State::Idle | State::Terminating) => return,
                Some(_) => false,
            };
            let down = kid.cell.clone().filter(|_| !kid.over);
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
            let mut ledger = lock(&self.ledger);
            if ledger.closed {
                return false;
            }
            // Making it may have outlasted the life of the parent in which it was to be made.
            let Some(kid) = ledger.kids.get_mut(&place) else { return false };
            kid.restarts += kid.cell.as_ref().map_or(0, |old| old.core().incarnation()) + 1;
            kid.over = false;
            let old = kid.cell.replace(cell.clone());
            ledger.successors.insert(cell.id(), place);
            if let Some(old) = &old {
                ledger.successors.remove(&old.id());
            }
            drop(ledger);
            true
        });
        match made {
            Err(reason) => Some(start_failure(reason)),
            Ok(made) if is_stillborn(&made.cell) => {
                if let Some(kid) = lock(&self.ledger).kids.get_mut(&place) {
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

    /// A start that did not even begin. What follows is seen when the driver looks again, as it does after each step.
    fn start_failed(&self, place: Place, failure: StartFailure) {
        let mut told = Vec::new();
        // Another may have failed meanwhile, with which it is to be started again.
        let is_restart = |state| matches!(state, State::Restarting | State::Bouncing);
        let failed = {
            let mut ledger = lock(&self.ledger);
            let now = Instant::now();
            match ledger.table.state(place) {
                // Nothing is made while the parent stops, and that is nobody's failure.
                Some(state) if state == State::Starting || (is_restart(state) && failure == StartFailure::Stopping) => {
                    ledger.table.not_made(place, now);
                    told = ledger.kids.get_mut(&place).map(|kid| std::mem::take(&mut kid.started)).unwrap_or_default();
                    None
                }
                Some(state) if is_restart(state) => {
                    let verdict = ledger.table.down(place, now, fastrand::f64(), now);
                    let cell = ledger.kids.get(&place).and_then(|kid| kid.cell.clone());
                    cell.map(|cell| (cell, ledger.decision(verdict), ledger.too_many(place, verdict)))
                }
                _ => None,
            }
        };
        tell_all(told, &Err(failure.clone()));
        let Some((child, decision, escalates)) = failed else { return };
        self.publish(post_mortem::report(&child, &Exit::new(ExitReason::StartFailed(failure)), decision));
        if let Some((cell, restarts)) = escalates {
            self.give_up(&cell, restarts);
        }
    }
}
