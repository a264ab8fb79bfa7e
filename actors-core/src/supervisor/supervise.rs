//! The supervision of one parent's children: it hears of their ends and starts, and has the table decide.
//!
//! What is known stands in the [`Ledger`]; what is decided is carried out elsewhere, by a task that exists only meanwhile.

use std::any::Any;
use std::sync::{Arc, Weak};

use tokio::time::Instant;

use super::ledger::{After, Driver, Key, Ledger, drop_all, tell_all};
use super::table::{Consequence, Ending, Place, Settings, State, Verdict};
use crate::address::deadlock::break_off;
use crate::lifecycle::cell::{AnyCell, Family, Overseer};
use crate::lifecycle::conclude::{conclude, late_report};
use crate::lifecycle::crash::{CrashReport, Decision};
use crate::lifecycle::dead_letter::DeadReason;
use crate::lifecycle::env::Env;
use crate::lifecycle::exit::{Exit, ExitReason, StartFailure};
use crate::lifecycle::post_mortem;
use crate::lifecycle::request::{self, Mode};
use crate::lifecycle::restart::expire;
use crate::lifecycle::signal::Signals;
use crate::mailbox::Closed;
use crate::sync::{Mutex, lock, note_wake, wake};
use crate::telemetry;

/// The supervision of one parent's children.
pub(super) struct Supervision {
    this: Weak<Supervision>,
    pub(super) env: Arc<Env>,
    pub(super) owner: Weak<dyn AnyCell>,
    pub(super) ledger: Mutex<Ledger>,
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
                ledger: Mutex::new(Ledger::new(settings, owner.core().is_stopping())),
            })
        });
        overseer.clone().into_any().downcast().expect("there is one kind of overseer")
    }

    pub(super) fn settings(&self) -> Settings {
        *lock(&self.ledger).table.settings()
    }

    /// Replaces what the policy says. For before the first child.
    pub(super) fn configure(&self, settings: Settings) {
        lock(&self.ledger).table.configure(settings);
    }

    pub(super) fn family(&self) -> Option<Arc<Family>> {
        self.owner.upgrade()?.core().family().cloned()
    }

    pub(super) fn follow_up(&self, after: After) {
        if let Some(waker) = after.wake {
            wake(waker);
        }
        if let Some((generation, driver)) = after.drive.and_then(|generation| Some((generation, self.this.upgrade()?))) {
            let counted = self.env.count_task();
            note_wake();
            self.env.runtime.spawn(async move {
                driver.drive(generation).await;
                drop(counted);
            });
        }
        drop_all(after.dropped);
        drop_all(after.unstarted);
    }

    /// Has those hear of it who wait for a child that is down, while they are being stopped so that it can start, or is to hear of it below
    /// them.
    pub(super) fn break_off_beside(&self, place: Place) {
        let awaited: Vec<_> = {
            let ledger = lock(&self.ledger);
            let awaited = ledger.table.awaited_beside(place).into_iter();
            awaited.filter_map(|place| ledger.kids.get(&place)?.cell.clone()).collect()
        };
        awaited.iter().for_each(break_off);
    }

    pub(super) fn publish(&self, report: CrashReport) {
        telemetry::crashed(&report);
        self.env.crashes.publish(Arc::new(report));
    }

    /// There were too many restarts, or one that must be cannot be: the supervisor ends.
    pub(super) fn give_up(&self, child: &Arc<dyn AnyCell>, restarts: u32) {
        let Some(owner) = self.owner.upgrade() else { return };
        let period = lock(&self.ledger).table.settings().within;
        // Those who are down cannot answer any more. Whoever waits for them has to hear of it, be it the supervisor itself.
        let down: Vec<_> = lock(&self.ledger).kids.values().filter_map(|kid| kid.cell.clone()).filter(is_down).collect();
        let reason = ExitReason::Escalated { child: child.path(), restarts, period };
        // Its end is claimed before the supervisor ends, which retires all who are down, and told after the reason of that is known.
        let expired = expire(child);
        request::stop(&owner, reason, Mode::Now, None);
        if let Some(exit) = expired {
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
            let mut ledger = lock(&self.ledger);
            let Ok(place) = ledger.find(&Key::Cell(child.clone())) else { return };
            if ledger.kids.get(&place).is_none_or(|kid| kid.over) {
                return;
            }
            let now = Instant::now();
            ledger.table.ready(place, now);
            ledger.pump(now, &mut after);
            ledger.kids.get_mut(&place).map(|kid| std::mem::take(&mut kid.started)).unwrap_or_default()
        };
        tell_all(started, &Ok(()));
        self.follow_up(after);
    }

    fn down(&self, child: &Arc<dyn AnyCell>, exit: &Exit) {
        let mut after = After::default();
        // Put together before anybody can restart it.
        let mut report = post_mortem::report(child, exit, Decision::NotRestarted);
        let (place, decision, verdict, escalates, closed) = {
            let mut ledger = lock(&self.ledger);
            let Ok(place) = ledger.find(&Key::Cell(child.clone())) else { return };
            // It was ended for good before this was told.
            if ledger.kids.get(&place).is_none_or(|kid| kid.over) {
                return;
            }
            let now = Instant::now();
            let began = child.core().order().map_or(now, |(asked_at, _)| asked_at);
            let verdict = ledger.table.down(place, began, fastrand::f64(), now);
            ledger.pump(now, &mut after);
            let terminated = ledger.table.state(place) == Some(State::Terminating);
            let closed = ledger.closed;
            let decision = if terminated || closed { Decision::NotRestarted } else { ledger.decision(verdict) };
            (place, decision, verdict, ledger.too_many(place, verdict), closed)
        };
        report.decision = decision;
        let is_too_late = verdict == Verdict::TooLate;
        // One that has stopped as it was asked to, and is not restarted after all, is nobody's crash.
        if !((is_too_late || closed) && exit.reason.is_clean()) {
            self.publish(report);
        }
        self.follow_up(after);
        self.break_off_beside(place);
        if closed {
            request::retire(child, ExitReason::Shutdown, Mode::AsPolicy, None);
            return;
        }
        if is_too_late {
            if let Some(exit) = expire(child) {
                self.over(child, exit);
            }
        }
        if let Some((cell, restarts)) = escalates {
            self.give_up(&cell, restarts);
        }
    }

    fn over(&self, child: &Arc<dyn AnyCell>, exit: Exit) {
        child.close(Closed::Stopping);
        let record = self.env.is_recording().then(|| late_report(child, &exit).into());
        child.discard(DeadReason::after(&exit.reason));
        telemetry::ended(child, &exit);
        conclude(child.clone(), exit, record);
    }

    fn ended(&self, child: &Arc<dyn AnyCell>, exit: &Exit) {
        let mut after = After::default();
        let (consequence, ended, started) = {
            let mut ledger = lock(&self.ledger);
            let Ok(place) = ledger.find(&Key::Cell(child.clone())) else { return };
            let now = Instant::now();
            let closed = ledger.closed;
            let kid = ledger.kids.get_mut(&place).expect("it was found");
            // It was seen before it was told.
            if std::mem::replace(&mut kid.over, true) {
                return;
            }
            let (ended, started) = (std::mem::take(&mut kid.ended), std::mem::take(&mut kid.started));
            let abandoned = kid.abandoned;
            let ending = if abandoned { Ending::NotStarted } else { ending(exit) };
            let first_start = kid.restarts == 0 && child.core().signals.get() & (Signals::AWAITED | Signals::STARTED) == Signals::AWAITED;
            // What has no name cannot be asked for again; and a first start that failed leaves nothing.
            let forget = kid.name.is_none() || (first_start && ending != Ending::Declined) || abandoned;
            let consequence = ledger.table.ended(place, ending, forget, now);
            // Those who go because their parent does are no reason for anything.
            let consequence = if closed { Consequence::GoOn } else { consequence };
            if ledger.table.state(place).is_none() {
                ledger.forget(place, &mut after);
            }
            ledger.pump(now, &mut after);
            (consequence, ended, started)
        };
        let failure = match &exit.reason {
            ExitReason::StartFailed(failure) => failure.clone(),
            _ => StartFailure::Killed,
        };
        tell_all(started, &Err(failure));
        self.follow_up(after);
        tell_all(ended, &());
        let Some(owner) = self.owner.upgrade() else { return };
        match consequence {
            Consequence::GoOn => {}
            Consequence::Shutdown => {
                request::stop(&owner, ExitReason::Shutdown, Mode::AsPolicy, None);
            }
            Consequence::GiveUp => self.give_up(child, 0),
        }
    }

    fn dismiss(&self, child: &Arc<dyn AnyCell>) {
        let mut after = After::default();
        {
            let mut ledger = lock(&self.ledger);
            let Ok(place) = ledger.find(&Key::Cell(child.clone())) else { return };
            let now = Instant::now();
            ledger.table.terminate(place, now);
            ledger.pump(now, &mut after);
        }
        self.follow_up(after);
    }

    fn awaited_by(&self, down: &Arc<dyn AnyCell>) -> Vec<Arc<dyn AnyCell>> {
        let ledger = lock(&self.ledger);
        let awaited = ledger.find(&Key::Cell(down.clone())).map(|place| ledger.table.awaited_by(place)).unwrap_or_default();
        awaited.into_iter().filter_map(|place| ledger.kids.get(&place)?.cell.clone()).collect()
    }

    fn close(&self) {
        let mut after = After::default();
        let mut ended = Vec::new();
        let doomed: Vec<_> = {
            let mut ledger = lock(&self.ledger);
            ledger.closed = true;
            for kid in ledger.kids.values_mut() {
                // Nobody starts anything any more, and of those that are gone nobody will tell.
                after.unstarted.append(&mut kid.started);
                if kid.over {
                    ended.append(&mut kid.ended);
                }
            }
            after.wake = match &mut ledger.driver {
                Driver::On(waker) => waker.take(),
                Driver::Off => None,
            };
            // Those who are down are not restarted, and those who are terminated may not have been told so: whoever waits for them is not to
            // wait for their turn.
            let is_doomed = |place: &Place| matches!(ledger.table.state(*place), Some(State::Down | State::Terminating));
            ledger.kids.iter().filter(|(place, kid)| !kid.over && is_doomed(place)).filter_map(|(_, kid)| kid.cell.clone()).collect()
        };
        self.follow_up(after);
        tell_all(ended, &());
        // Whoever gives a whole tree up has what is queued in it discarded elsewhere.
        if self.owner.upgrade().is_some_and(|owner| owner.core().signals.any(Signals::ABORT)) {
            return;
        }
        for cell in doomed {
            request::retire(&cell, ExitReason::Shutdown, Mode::AsPolicy, None);
        }
    }

    fn reopen(&self) {
        let old = {
            let mut ledger = lock(&self.ledger);
            let settings = *ledger.table.settings();
            let generation = ledger.generation + 1;
            let fresh = Ledger { generation, ..Ledger::new(settings, false) };
            std::mem::replace(&mut *ledger, fresh)
        };
        drop_all(old.kids);
    }

    fn parent_ended(&self) {
        let kids = {
            let mut ledger = lock(&self.ledger);
            ledger.closed = true;
            ledger.names.clear();
            ledger.successors.clear();
            std::mem::take(&mut ledger.kids)
        };
        drop_all(kids);
    }

    fn arrange(&self, children: &mut [Arc<dyn AnyCell>]) {
        let ledger = lock(&self.ledger);
        if !ledger.successors.is_empty() {
            children.sort_by_key(|child| ledger.successors.get(&child.id()).copied().unwrap_or(child.id().0));
        }
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

fn is_down(cell: &Arc<dyn AnyCell>) -> bool {
    cell.core().signals.any(Signals::DOWN)
}

fn ending(exit: &Exit) -> Ending {
    match &exit.reason {
        ExitReason::StartFailed(StartFailure::Declined) => Ending::Declined,
        ExitReason::StartFailed(_) => Ending::NotStarted,
        ExitReason::Unresponsive => Ending::Unresponsive,
        // It had failed before, and was given up then.
        _ if exit.secondary.contains(&ExitReason::Unresponsive) => Ending::Unresponsive,
        reason if reason.is_clean() => Ending::Clean,
        _ => Ending::Abnormal,
    }
}
