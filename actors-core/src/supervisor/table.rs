//! Who stands in a supervisor's table, and what is to be done next: plain decisions over plain data. Nothing here waits,
//! and nothing is locked.
//!
//! A failure opens a *repair*: a set of children that have to be down together before they come up again. They are
//! stopped in reverse order, one after the other; then the backoff is waited for; then they are started in order, each
//! after the one before is ready. Under one-for-one each child has a repair of its own, so that one that waits holds up
//! nobody; under the other strategies there is one for all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;
use super::intensity::{Intensity, RunningTime};
use super::spec::Restart;
use crate::lifecycle::{AutoShutdown, Policy, StartFailure, Strategy};
use crate::time::after;

/// The place of a child in the table: start order, which a restart keeps.
pub(super) type Place = u64;

/// How a supervisor deals with the ends of its children.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) strategy: Strategy,
    /// `u32::MAX` stands for no limit.
    pub(super) restarts: u32,
    pub(super) within: Duration,
    pub(super) auto_shutdown: AutoShutdown,
}

impl Settings {
    pub(super) fn fault(&self) -> Option<StartFailure> {
        let counts = self.restarts != Policy::UNLIMITED && self.restarts > 0;
        let fault = StartFailure::BadSpec("a period of zero, within which no restarts can be counted");
        (counts && self.within.is_zero()).then_some(fault)
    }
}

#[derive(Debug)]
pub(super) struct Table {
    settings: Settings,
    intensity: Intensity,
    time: RunningTime,
    children: BTreeMap<Place, Child>,
    repairs: BTreeMap<Place, Repair>,
    /// The repairs in which something is to be done, from when on.
    agenda: BTreeSet<(Instant, Place)>,
    /// How many children are being started by hand, or terminated.
    in_motion: usize,
    /// So many restarts were all there may be: nothing is begun any more.
    given_up: Option<u32>,
}

/// One child, as far as decisions go.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) backoff: Option<Backoff>,
    state: State,
    /// How often in a row it has failed.
    failures: u32,
    ready_at: Option<Instant>,
    /// It began to start with a sibling that has failed since, and with which it is to be restarted.
    outdated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is started, the first time or by hand.
    Starting,
    Up,
    /// It is stopped, to be started again, or to be forgotten if it is temporary.
    Bouncing,
    /// Its incarnation has ended, and another is to come.
    Down,
    /// It is started again.
    Restarting,
    /// It is stopped by hand.
    Terminating,
    /// It does not run. Only its spec is there.
    Idle,
}

/// Children that have to be down together before they come up again.
#[derive(Debug)]
struct Repair {
    /// Those still to be stopped.
    up: BTreeSet<Place>,
    /// Those on their way, down or up.
    moving: BTreeSet<Place>,
    /// Those to be started.
    down: BTreeSet<Place>,
    not_before: Instant,
    /// Where it stands on the agenda.
    due: Option<Instant>,
}

/// What is to be done with a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// End its incarnation.
    Bounce(Place),
    /// End it for good.
    Retire(Place),
    /// Begin its next incarnation, or make it anew.
    Start(Place),
}

/// What was decided after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was stopped to be restarted, or was about to be.
    Expected,
    /// It is restarted: so many within the period, after this wait, and so many siblings that run with it.
    Restarted { nth: u32, wait: Duration, along: usize },
    /// There have been too many restarts.
    TooMany { restarts: u32 },
    /// It was stopped to be restarted, or was about to be, and there have been too many restarts since: it ends.
    TooLate,
}

/// How a child ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Clean,
    Abnormal,
    /// It declined to start.
    Declined,
    /// It never ran, and who started it knows.
    NotStarted,
    /// It may still run somewhere, and cannot be replaced.
    Unresponsive,
}

/// What follows for the supervisor from the end of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    GoOn,
    /// It was significant: the supervisor shuts down.
    Shutdown,
    /// It cannot be replaced, and has to be.
    GiveUp,
}

impl Table {
    pub(super) fn new(settings: Settings, now: Instant) -> Self {
        Table {
            settings,
            intensity: Intensity::new(settings.restarts, settings.within),
            time: RunningTime::begin(now),
            children: BTreeMap::new(),
            repairs: BTreeMap::new(),
            agenda: BTreeSet::new(),
            in_motion: 0,
            given_up: None,
        }
    }

    /// Replaces the settings; for before anything has failed.
    pub(super) fn configure(&mut self, settings: Settings) {
        self.settings = settings;
        self.intensity = Intensity::new(settings.restarts, settings.within);
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn state(&self, place: Place) -> Option<State> {
        self.children.get(&place).map(|child| child.state)
    }

    // ===== what happens =====

    /// A child is made.
    pub(super) fn add(&mut self, place: Place, restart: Restart, significant: bool, backoff: Option<Backoff>, now: Instant) {
        let child = Child { restart, significant, backoff, state: State::Idle, failures: 0, ready_at: None, outdated: false };
        self.children.insert(place, child);
        self.enter(place, State::Starting, now);
    }

    /// A child has started.
    pub(super) fn ready(&mut self, place: Place, now: Instant) {
        let Some(child) = self.children.get_mut(&place) else { return };
        if !matches!(child.state, State::Starting | State::Restarting) {
            return;
        }
        child.ready_at = Some(now);
        let outdated = child.outdated;
        let to_be_stopped = self.is_to_be_stopped(place);
        self.enter(place, State::Up, now);
        if outdated {
            self.widen(place, now, [place], now);
        } else if !to_be_stopped {
            self.leave_repair(place, now);
        }
    }

    /// An incarnation of a child has ended, and its restart type says that another follows; or its start has failed. It
    /// began to end at `began`, which was not told then.
    pub(super) fn down(&mut self, place: Place, began: Instant, chance: f64, now: Instant) -> Verdict {
        let Some(state) = self.state(place) else { return Verdict::Expected };
        // Its end for good is to follow.
        if state == State::Terminating {
            return Verdict::Expected;
        }
        if state == State::Bouncing || self.is_to_be_stopped(place) {
            self.enter(place, State::Down, now);
            // Nothing is begun any more, this neither.
            return if self.given_up.is_some() { Verdict::TooLate } else { Verdict::Expected };
        }
        self.time.stood_since(began, now);
        let spent = match self.given_up {
            None => self.intensity.spend(self.time.at(now)),
            Some(restarts) => Err(restarts),
        };
        let nth = match spent {
            Ok(nth) => nth,
            Err(restarts) => {
                self.enter(place, State::Down, now);
                self.given_up = Some(restarts);
                return Verdict::TooMany { restarts };
            }
        };
        let child = self.children.get_mut(&place).expect("it was there a moment ago");
        let wait = child.backoff.map_or(Duration::ZERO, |backoff| {
            let healthy = child.ready_at.is_some_and(|ready_at| now.saturating_duration_since(ready_at) >= backoff.reset);
            let failures = if healthy { 0 } else { child.failures };
            child.failures = failures.saturating_add(1);
            backoff.wait(failures, chance)
        });
        child.ready_at = None;
        self.enter(place, State::Down, now);
        let along = self.repair(place, after(now, wait), now);
        Verdict::Restarted { nth, wait, along }
    }

    /// A child has ended for good. `forget` says that its spec goes too.
    pub(super) fn ended(&mut self, place: Place, ending: Ending, forget: bool, now: Instant) -> Consequence {
        let Some(child) = self.children.get(&place).cloned() else { return Consequence::GoOn };
        let own = !matches!(child.state, State::Bouncing | State::Terminating);
        let temporary = child.restart == Restart::Temporary;
        // Somebody has stopped it meanwhile.
        let done = child.restart == Restart::Transient && ending == Ending::Clean;
        if child.state == State::Bouncing && !temporary && !done && ending != Ending::Unresponsive {
            // It was to be restarted and did not outlast its stop: another is made in its place.
            self.enter(place, State::Down, now);
            return Consequence::GoOn;
        }
        self.enter(place, State::Idle, now);
        self.leave_repair(place, now);
        if temporary || forget {
            self.children.remove(&place);
        }
        if ending == Ending::Unresponsive && child.restart == Restart::Permanent && child.state == State::Bouncing {
            self.given_up = Some(0);
            return Consequence::GiveUp;
        }
        // Once it gives up, that is why the supervisor ends.
        if own && self.given_up.is_none() && child.significant && !matches!(ending, Ending::Declined | Ending::NotStarted) {
            return self.significant_ended();
        }
        Consequence::GoOn
    }

    // ===== what is asked for =====

    /// A child that does not run is started by hand.
    pub(super) fn start_by_hand(&mut self, place: Place, now: Instant) {
        if self.state(place) == Some(State::Idle) {
            self.enter(place, State::Starting, now);
            // A group restart would have started it too, and now has nothing to do with it.
            self.leave_repair(place, now);
        }
    }

    /// A child is stopped by hand. Says whether there is anything to be stopped.
    pub(super) fn terminate(&mut self, place: Place, now: Instant) -> bool {
        if self.state(place).is_none_or(|state| state == State::Idle) {
            return false;
        }
        self.enter(place, State::Terminating, now);
        true
    }

    /// A child that was started by hand could not be made.
    pub(super) fn not_made(&mut self, place: Place, now: Instant) {
        self.enter(place, State::Idle, now);
        self.leave_repair(place, now);
    }

    pub(super) fn remove(&mut self, place: Place, now: Instant) {
        self.children.remove(&place);
        self.leave_repair(place, now);
    }

    // ===== what is next =====

    /// What is to be done now, which counts as begun.
    pub(super) fn next_steps(&mut self, now: Instant) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.given_up.is_some() {
            return steps;
        }
        let mut due: Vec<Place> = self.agenda.range(..=(now, Place::MAX)).map(|(_, key)| *key).collect();
        due.sort_unstable();
        steps.extend(due.iter().filter_map(|key| next_step(self.repairs.get(key)?, &self.children)));
        for step in &steps {
            match *step {
                Step::Bounce(place) | Step::Retire(place) => self.enter(place, State::Bouncing, now),
                Step::Start(place) => self.enter(place, State::Restarting, now),
            }
        }
        steps
    }

    /// When there is something to be done that nobody tells of.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        if self.given_up.is_some() {
            return None;
        }
        self.agenda.range((now, Place::MAX)..).map(|(due, _)| *due).find(|&due| due > now)
    }

    /// Those who have to be stopped before a child that is down can start.
    pub(super) fn awaited_by(&self, down: Place) -> Vec<Place> {
        let repair = self.repairs.get(&repair_of(self.settings.strategy, down)).filter(|repair| repair.down.contains(&down));
        let up = repair.into_iter().flat_map(|repair| &repair.up).copied();
        up.chain(self.awaited_beside(down)).collect()
    }

    /// Those who are being stopped, in the repair to which a child belongs, while others are down that start only after that.
    pub(super) fn awaited_beside(&self, place: Place) -> Vec<Place> {
        let repair = self.repairs.get(&repair_of(self.settings.strategy, place)).filter(|repair| !repair.down.is_empty());
        let moving = repair.into_iter().flat_map(|repair| &repair.moving).copied();
        moving.filter(|place| matches!(self.state(*place), Some(State::Bouncing | State::Terminating))).collect()
    }

    // ===== inside =====

    fn enter(&mut self, place: Place, state: State, now: Instant) {
        let Some(child) = self.children.get_mut(&place) else { return };
        let moves = |state| matches!(state, State::Starting | State::Terminating);
        self.in_motion = self.in_motion + usize::from(moves(state)) - usize::from(moves(child.state));
        child.state = state;
        child.outdated = false;
        let key = repair_of(self.settings.strategy, place);
        if let Some(repair) = self.repairs.get_mut(&key) {
            repair.note(place, state);
        }
        self.put_on_agenda(key, now);
        self.tell_time(now);
    }

    fn tell_time(&mut self, now: Instant) {
        let stands = self.in_motion > 0 || !self.repairs.is_empty();
        self.time.stand(stands, now);
    }

    /// Has a child that failed restarted, with those it takes along. Returns how many of them run.
    fn repair(&mut self, failed: Place, not_before: Instant, now: Instant) -> usize {
        let (starting, affected): (Vec<_>, Vec<_>) = affected(self.settings.strategy, failed, &self.children)
            .into_iter()
            .partition(|place| self.state(*place) == Some(State::Starting));
        for place in starting {
            self.children.get_mut(&place).expect("it stands there").outdated = true;
        }
        let along = affected.iter().filter(|place| matches!(self.state(**place), Some(State::Up | State::Restarting))).count();
        self.widen(failed, not_before, affected, now);
        along
    }

    /// Opens the repair to which a child belongs, or widens the one there is.
    fn widen(&mut self, of: Place, not_before: Instant, by: impl IntoIterator<Item = Place>, now: Instant) {
        let key = repair_of(self.settings.strategy, of);
        let repair = self.repairs.entry(key).or_insert_with(|| Repair::new(not_before));
        for place in by {
            match self.children[&place].state {
                // It has begun with the one that failed.
                State::Restarting => repair.join(place, State::Up),
                state => repair.join(place, state),
            }
        }
        repair.not_before = repair.not_before.max(not_before);
        self.put_on_agenda(key, now);
        self.tell_time(now);
    }

    fn leave_repair(&mut self, place: Place, now: Instant) {
        let key = repair_of(self.settings.strategy, place);
        let is_over = self.repairs.get_mut(&key).is_some_and(|repair| repair.leave(place));
        self.put_on_agenda(key, now);
        if is_over {
            self.repairs.remove(&key);
        }
        self.tell_time(now);
    }

    /// Notes from when on there is something to be done in a repair that may have changed.
    fn put_on_agenda(&mut self, key: Place, now: Instant) {
        let Some(repair) = self.repairs.get_mut(&key) else { return };
        let due = repair.is_due_at(now);
        if let Some(before) = std::mem::replace(&mut repair.due, due) {
            self.agenda.remove(&(before, key));
        }
        self.agenda.extend(due.map(|due| (due, key)));
    }

    /// Whether a repair is about to stop a child that still runs.
    fn is_to_be_stopped(&self, place: Place) -> bool {
        self.repairs.get(&repair_of(self.settings.strategy, place)).is_some_and(|repair| repair.up.contains(&place))
    }

    fn significant_ended(&self) -> Consequence {
        let runs = |child: &Child| child.significant && child.state != State::Idle;
        match self.settings.auto_shutdown {
            AutoShutdown::Never => Consequence::GoOn,
            AutoShutdown::AnySignificant => Consequence::Shutdown,
            AutoShutdown::AllSignificant if self.children.values().any(runs) => Consequence::GoOn,
            AutoShutdown::AllSignificant => Consequence::Shutdown,
        }
    }
}

/// Whom a failure takes along, itself included: those who run, and those whose spec is there. One that is just being stopped by hand is
/// left alone.
fn affected(strategy: Strategy, failed: Place, children: &BTreeMap<Place, Child>) -> Vec<Place> {
    let from = match strategy {
        Strategy::OneForOne => return vec![failed],
        Strategy::OneForAll => Place::MIN,
        Strategy::RestForOne => failed,
    };
    children.range(from..).filter(|(_, child)| child.state != State::Terminating).map(|(&place, _)| place).collect()
}

/// Which repair a child belongs to, if it belongs to one.
fn repair_of(strategy: Strategy, place: Place) -> Place {
    if strategy == Strategy::OneForOne { place } else { Place::MIN }
}

impl Repair {
    fn new(not_before: Instant) -> Self {
        Repair { up: BTreeSet::new(), moving: BTreeSet::new(), down: BTreeSet::new(), not_before, due: None }
    }

    /// From when on something is to be done in it, unless it waits for somebody.
    fn is_due_at(&self, now: Instant) -> Option<Instant> {
        match (self.moving.is_empty(), self.up.is_empty(), self.down.is_empty()) {
            (false, ..) | (true, true, true) => None,
            (true, false, _) => Some(now),
            (true, true, false) => Some(self.not_before),
        }
    }

    /// Takes a child in, or notes that its state has changed.
    fn join(&mut self, place: Place, state: State) {
        self.leave(place);
        match state {
            State::Up => self.up.insert(place),
            // One that is stopped by hand meanwhile has to be down as well.
            State::Starting | State::Bouncing | State::Restarting | State::Terminating => self.moving.insert(place),
            State::Down | State::Idle => self.down.insert(place),
        };
    }

    /// Notes the state of a child, if it is a member.
    fn note(&mut self, place: Place, state: State) {
        if self.up.contains(&place) || self.moving.contains(&place) || self.down.contains(&place) {
            self.join(place, state);
        }
    }

    /// Lets a child go; says whether it was the last.
    fn leave(&mut self, place: Place) -> bool {
        self.up.remove(&place);
        self.moving.remove(&place);
        self.down.remove(&place);
        self.up.is_empty() && self.moving.is_empty() && self.down.is_empty()
    }
}

/// What is next in one repair that is due.
fn next_step(repair: &Repair, children: &BTreeMap<Place, Child>) -> Option<Step> {
    if let Some(&place) = repair.up.last() {
        let forgotten = children.get(&place).is_some_and(|child| child.restart == Restart::Temporary);
        return Some(if forgotten { Step::Retire(place) } else { Step::Bounce(place) });
    }
    repair.down.first().copied().map(Step::Start)
}

#[cfg(test)]
mod tests;
