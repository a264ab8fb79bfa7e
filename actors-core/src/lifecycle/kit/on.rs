//! The logs that tests keep of one system, and the faults that are laid out in it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::fault::{Entry, Moment, Strike};
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;
use crate::sync::{Mutex, lock};

/// What the tests of one system have set up. Nothing of it stands in an actor.
#[derive(Default)]
pub(crate) struct Kit {
    /// There has been a log.
    listened_to: AtomicBool,
    logs: Mutex<Vec<Weak<Log>>>,
    /// How many faults are laid out.
    armed: AtomicUsize,
    faults: Mutex<Vec<Arc<Entry>>>,
}

/// A start or an end, as a [`LifeLog`](crate::test_kit::LifeLog) keeps it. `Display` shows it on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LifeEvent {
    /// Where the actor stood.
    pub path: ActorPath,
    /// Which actor.
    pub id: ActorId,
    /// Which of its lives, the first being 0.
    pub incarnation: u64,
    /// What happened to it.
    pub step: LifeStep,
}

/// What can happen to an actor as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifeStep {
    /// It has started: its `started` hook has succeeded, or there is none.
    Started,
    /// An incarnation of it has ended, for this reason; it is for its supervisor to say whether another follows.
    Down(ExitReason),
    /// It has ended for good, for this reason.
    Ended(ExitReason),
}

/// What happened from the moment at which it was begun.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<LifeEvent>>);

impl Log {
    pub(crate) fn events(&self) -> Vec<LifeEvent> {
        lock(&self.0).clone()
    }

    pub(crate) fn clear(&self) {
        let cleared = std::mem::take(&mut *lock(&self.0));
        drop(cleared);
    }
}

impl Kit {
    pub(crate) fn new() -> Self {
        Kit::default()
    }

    /// Begins a log, which is kept as long as somebody has it.
    pub(crate) fn begin_log(&self) -> Arc<Log> {
        let log = Arc::new(Log::default());
        let mut logs = lock(&self.logs);
        logs.retain(|log| log.strong_count() > 0);
        logs.push(Arc::downgrade(&log));
        self.listened_to.store(true, Ordering::Release);
        log
    }

    pub(crate) fn started(&self, cell: &Arc<dyn AnyCell>) {
        self.note(cell, || LifeStep::Started);
    }

    pub(crate) fn down(&self, cell: &Arc<dyn AnyCell>, reason: &ExitReason) {
        self.note(cell, || LifeStep::Down(reason.clone()));
    }

    pub(crate) fn ended(&self, cell: &Arc<dyn AnyCell>, reason: &ExitReason) {
        self.note(cell, || LifeStep::Ended(reason.clone()));
    }

    fn note(&self, cell: &Arc<dyn AnyCell>, step: impl FnOnce() -> LifeStep) {
        if !self.listened_to.load(Ordering::Acquire) {
            return;
        }
        let incarnation = cell.core().incarnation();
        let event = LifeEvent { path: cell.path(), id: cell.id(), incarnation, step: step() };
        // Under the lock of all, so that every log has the same order.
        let logs = lock(&self.logs);
        for log in logs.iter().filter_map(Weak::upgrade) {
            lock(&log.0).push(event.clone());
        }
    }

    /// Lays a fault out.
    pub(crate) fn arm(&self, entry: Arc<Entry>) {
        let mut faults = lock(&self.faults);
        faults.push(entry);
        self.armed.store(faults.len(), Ordering::Release);
    }

    /// Takes a fault back.
    pub(crate) fn disarm(&self, entry: &Arc<Entry>) {
        let mut faults = lock(&self.faults);
        faults.retain(|armed| !Arc::ptr_eq(armed, entry));
        self.armed.store(faults.len(), Ordering::Release);
    }

    /// Whether there is any fault at all: all that an actor pays for in a system without.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Acquire) > 0
    }

    /// Whether a fault may still strike `cell` at `moment`.
    pub(crate) fn threatens(&self, cell: &Arc<dyn AnyCell>, moment: Moment) -> bool {
        if !self.is_armed() {
            return false;
        }
        let (path, faults) = (cell.path(), self.faults());
        faults.iter().any(|fault| fault.threatens(&path, moment))
    }

    /// What strikes `cell` at `moment`, if anything: of several faults the one that was laid out first. All count the
    /// occasion.
    pub(crate) fn strike(&self, cell: &Arc<dyn AnyCell>, moment: Moment, message: Option<&str>) -> Option<Strike> {
        if !self.is_armed() {
            return None;
        }
        let (path, faults) = (cell.path(), self.faults());
        let mut struck = None;
        for fault in &faults {
            let strike = fault.meet(&path, moment, message, struck.is_none());
            struck = struck.or(strike);
        }
        struck
    }

    fn faults(&self) -> Vec<Arc<Entry>> {
        lock(&self.faults).clone()
    }
}

impl fmt::Display for LifeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.incarnation > 0 {
            write!(f, " (incarnation {})", self.incarnation)?;
        }
        match &self.step {
            LifeStep::Started => f.write_str(" started"),
            LifeStep::Down(reason) => write!(f, " down: {reason}"),
            LifeStep::Ended(reason) => write!(f, " ended: {reason}"),
        }
    }
}
