//! Managing children from outside: adding, terminating, restarting, removing and listing them.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::ledger::{After, Key, Kid, Refused, Seen};
use super::spec::{ChildSpec, Made, Restart, is_stillborn};
use super::supervise::Supervision;
use super::table::{Place, State, Step};
use super::warning::warnings;
use crate::lifecycle::cell::{AnyCell, Overseer};
use crate::lifecycle::current::current_actor;
use crate::lifecycle::exit::{ExitReason, StartFailure};
use crate::lifecycle::path::{ActorPath, Segment};
use crate::lifecycle::request::{self, Mode};
use crate::lifecycle::signal::Signals;
use crate::runtime::StartError;
use crate::sync::lock;
use crate::telemetry;

impl Supervision {
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
        if let Some(name) = &spec.name {
            self.see(&Key::Name(name.clone()));
        }
        {
            let ledger = lock(&self.ledger);
            if ledger.closed {
                return refuse(StartFailure::Stopping, None);
            }
            let settings = ledger.table.settings();
            if let Some(failure) = settings.fault().or_else(|| spec.check(settings.auto_shutdown).err()) {
                return refuse(failure, None);
            }
            if let Some(place) = spec.name.as_ref().and_then(|name| ledger.names.get(name)) {
                let known = ledger.kids.get(place).and_then(|kid| kid.cell.clone()).filter(|cell| !cell.has_ended());
                let failure = match &known {
                    Some(cell) => StartFailure::NameTaken(cell.path()),
                    None => StartFailure::AlreadyPresent,
                };
                drop(ledger);
                return refuse(failure, known);
            }
        }
        let settings = *lock(&self.ledger).table.settings();
        for warning in warnings(&spec, &settings, owner.policy().stop_limit) {
            telemetry::lies(&owner.path(), &warning);
        }
        let mut enrolled = None;
        let made = spec.create(&family, awaited, &mut |cell| {
            enrolled = self.enroll(cell, &spec);
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
            _ => {
                if let Some(place) = enrolled {
                    self.admitted(place, &made.cell);
                }
                Ok(made)
            }
        }
    }

    /// A new child stands in the tree; if it has no start to wait for, it is ready, unless something has become of it since.
    fn admitted(self: &Arc<Self>, place: Place, cell: &Arc<dyn AnyCell>) {
        let mut after = After::default();
        {
            let mut ledger = lock(&self.ledger);
            let is_starting = ledger.table.state(place) == Some(State::Starting);
            let is_over = ledger.kids.get(&place).is_none_or(|kid| kid.over);
            if !is_starting || is_over || !cell.core().signals.any(Signals::STARTED) {
                return;
            }
            let now = Instant::now();
            ledger.table.ready(place, now);
            ledger.pump(now, &mut after);
        }
        self.follow_up(after);
    }

    /// Enters a new child into the table.
    fn enroll(&self, cell: &Arc<dyn AnyCell>, spec: &ChildSpec) -> Option<Place> {
        let now = Instant::now();
        let mut ledger = lock(&self.ledger);
        let taken = spec.name.as_ref().is_some_and(|name| ledger.names.contains_key(name));
        if ledger.closed || taken {
            return None;
        }
        let place = cell.id().0;
        // It counts as starting until it stands in the tree: nobody takes it along before.
        ledger.table.add(place, spec.restart, spec.significant, spec.backoff, now);
        if let Some(name) = &spec.name {
            ledger.names.insert(name.clone(), place);
        }
        let kid = Kid {
            cell: Some(cell.clone()),
            spec: (spec.restart != Restart::Temporary).then(|| spec.clone()),
            name: spec.name.clone(),
            restart: spec.restart,
            significant: spec.significant,
            restarts: 0,
            over: false,
            abandoned: false,
            ended: Vec::new(),
            started: Vec::new(),
        };
        ledger.kids.insert(place, kid);
        Some(place)
    }

    /// Whoever asked for a child does not wait for its start any more: its end, which is to follow, is that of one that never was.
    pub(super) fn abandon(&self, cell: &Arc<dyn AnyCell>) {
        let mut ledger = lock(&self.ledger);
        if let Ok(place) = ledger.find(&Key::Cell(cell.clone())) {
            if let Some(kid) = ledger.kids.get_mut(&place) {
                kid.abandoned = true;
            }
        }
    }

    /// Takes a child out that could not be made after all.
    fn strike(&self, place: Place) {
        let after = {
            let mut ledger = lock(&self.ledger);
            let now = Instant::now();
            ledger.table.not_made(place, now);
            ledger.table.remove(place, now);
            let mut after = After::default();
            ledger.forget(place, &mut after);
            after
        };
        drop(after);
    }

    /// Stops a child for good. What is returned resolves when it has ended; `None` if it does not run.
    pub(super) fn terminate(self: &Arc<Self>, key: &Key) -> Result<Option<oneshot::Receiver<()>>, Refused> {
        let mut after = After::default();
        let (ended, at_once) = {
            let mut ledger = lock(&self.ledger);
            let place = match ledger.find(key) {
                Ok(place) => place,
                // One that was ours and has been forgotten has ended.
                Err(_) if self.was_ours(key) => return Ok(None),
                Err(_) if ledger.closed => return Err(Refused::Stopping),
                Err(refused) => return Err(refused),
            };
            let now = Instant::now();
            if !ledger.table.terminate(place, now) {
                return Ok(None);
            }
            if ledger.closed && ledger.kids.get(&place).is_some_and(|kid| kid.over) {
                ledger.table.not_made(place, now);
                return Ok(None);
            }
            let (ended, wait) = oneshot::channel();
            let closed = ledger.closed;
            let kid = ledger.kids.get_mut(&place).expect("who stands in the table is known");
            kid.ended.push(ended);
            // Its supervisor stops: nobody carries steps out any more, and whoever asks may be one for whom that waits.
            let at_once = kid.cell.clone().filter(|_| closed);
            ledger.steps.push(Step::Retire(place));
            ledger.pump(now, &mut after);
            (wait, at_once)
        };
        self.follow_up(after);
        if let Some(cell) = at_once {
            request::retire(&cell, ExitReason::Shutdown, Mode::AsPolicy, None);
        }
        Ok(Some(ended))
    }

    /// Starts a child that does not run. What is returned resolves when it is ready.
    pub(super) fn restart(self: &Arc<Self>, key: &Key) -> Result<oneshot::Receiver<Result<(), StartFailure>>, Refused> {
        self.see(key);
        let mut after = After::default();
        let ready = {
            let mut ledger = lock(&self.ledger);
            if ledger.closed {
                return Err(Refused::Stopping);
            }
            let place = ledger.find(key)?;
            if ledger.table.state(place) != Some(State::Idle) {
                return Err(Refused::Running);
            }
            let now = Instant::now();
            ledger.table.start_by_hand(place, now);
            let (started, wait) = oneshot::channel();
            ledger.kids.get_mut(&place).expect("who stands in the table is known").started.push(started);
            ledger.steps.push(Step::Start(place));
            ledger.pump(now, &mut after);
            wait
        };
        self.follow_up(after);
        Ok(ready)
    }

    /// Forgets a child that does not run.
    pub(super) fn remove(&self, key: &Key) -> Result<(), Refused> {
        self.see(key);
        let mut after = After::default();
        {
            let mut ledger = lock(&self.ledger);
            let place = ledger.find(key)?;
            if ledger.table.state(place) != Some(State::Idle) {
                return Err(Refused::Running);
            }
            let now = Instant::now();
            ledger.table.remove(place, now);
            ledger.forget(place, &mut after);
            ledger.pump(now, &mut after);
        }
        self.follow_up(after);
        Ok(())
    }

    /// Takes note of the end of a child that can be seen, before it is told: whoever has seen it finds it here too.
    fn see(&self, key: &Key) {
        let cell = {
            let ledger = lock(&self.ledger);
            ledger.find(key).ok().and_then(|place| ledger.kids.get(&place)?.cell.clone())
        };
        if let Some(cell) = cell {
            self.see_end(&cell);
        }
    }

    fn see_end(&self, cell: &Arc<dyn AnyCell>) {
        // Whoever makes one knows himself that it never stood in the tree.
        if let Some(exit) = cell.core().exit().filter(|_| !is_stillborn(cell)) {
            self.ended(cell, &exit);
        }
    }

    /// All children, in start order.
    pub(super) fn list(&self) -> Vec<Seen> {
        let all: Vec<_> = lock(&self.ledger).kids.values().filter(|kid| !kid.over).filter_map(|kid| kid.cell.clone()).collect();
        all.iter().for_each(|cell| self.see_end(cell));
        let ledger = lock(&self.ledger);
        let see = |(place, kid): (&Place, &Kid)| Seen {
            name: kid.name.clone(),
            cell: kid.cell.clone(),
            state: ledger.table.state(*place).unwrap_or(State::Idle),
            restart: kid.restart,
            significant: kid.significant,
            restarts: kid.restarts,
        };
        ledger.kids.iter().map(see).collect()
    }

    /// Whether the code that runs here is that of the child itself.
    pub(super) fn is_current(&self, key: &Key) -> bool {
        let Some(current) = current_actor() else { return false };
        match key {
            Key::Cell(cell) => cell.id() == current.id(),
            Key::Name(_) => {
                let ledger = lock(&self.ledger);
                let place = ledger.find(key).ok();
                place.and_then(|place| ledger.kids.get(&place)?.cell.as_ref()).is_some_and(|cell| cell.id() == current.id())
            }
        }
    }

    fn was_ours(&self, key: &Key) -> bool {
        let Key::Cell(cell) = key else { return false };
        let ours = self.family().is_some_and(|family| Arc::ptr_eq(&family, &cell.core().parent));
        ours && cell.has_ended() && cell.core().signals.any(Signals::SUPERVISED)
    }
}
