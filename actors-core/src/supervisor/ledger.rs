//! What a supervisor knows of its children, and what is to be done about them: behind one lock, and without waiting.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::spec::{ChildSpec, Restart};
use super::table::{Place, Settings, State, Step, Table, Verdict};
use crate::caught::unless_it_panics;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::crash::Decision;
use crate::lifecycle::exit::StartFailure;
use crate::lifecycle::id::ActorId;
use crate::lifecycle::panic::guard;
use crate::lifecycle::policy::Policy;

/// What is known of the children of one supervisor, and what is to be done about them.
pub(super) struct Ledger {
    pub(super) table: Table,
    pub(super) kids: BTreeMap<Place, Kid>,
    pub(super) names: HashMap<Arc<str>, Place>,
    /// Where those stand who took the place of another.
    pub(super) successors: HashMap<ActorId, Place>,
    pub(super) steps: Vec<Step>,
    pub(super) driver: Driver,
    /// The driver has to look again.
    pub(super) changed: bool,
    /// The parent is ending.
    pub(super) closed: bool,
    /// Counts the incarnations of the parent.
    pub(super) generation: u64,
}

/// One child, as far as doing goes.
pub(super) struct Kid {
    pub(super) cell: Option<Arc<dyn AnyCell>>,
    /// What it is made from; a temporary child is not made again.
    pub(super) spec: Option<ChildSpec>,
    pub(super) name: Option<Arc<str>>,
    pub(super) restart: Restart,
    pub(super) significant: bool,
    /// How often it was restarted before its present cell was made.
    pub(super) restarts: u64,
    /// Its present cell has ended, or never was; nothing more comes of it.
    pub(super) over: bool,
    /// Whoever asked for it has not stayed to see that it had started.
    pub(super) abandoned: bool,
    pub(super) ended: Vec<oneshot::Sender<()>>,
    pub(super) started: Vec<oneshot::Sender<Result<(), StartFailure>>>,
}

/// The task that carries steps out.
pub(super) enum Driver {
    Off,
    On(Option<Waker>),
}

/// What is to be done once the lock is released.
#[derive(Default)]
pub(super) struct After {
    pub(super) wake: Option<Waker>,
    pub(super) drive: Option<u64>,
    /// Values whose destructor may be a user's.
    pub(super) dropped: Vec<Kid>,
    /// Those who wait for a start that will not be; a drop tells them.
    pub(super) unstarted: Vec<oneshot::Sender<Result<(), StartFailure>>>,
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

impl Ledger {
    pub(super) fn new(settings: Settings, closed: bool) -> Self {
        Ledger {
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

    pub(super) fn find(&self, key: &Key) -> Result<Place, Refused> {
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

    pub(super) fn forget(&mut self, place: Place, after: &mut After) {
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
    pub(super) fn pump(&mut self, now: Instant, after: &mut After) {
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
    pub(super) fn decision(&self, verdict: Verdict) -> Decision {
        let Settings { restarts: allowed, within, .. } = *self.table.settings();
        match verdict {
            Verdict::Expected => Decision::RestartWithSibling,
            Verdict::TooLate => Decision::NotRestarted,
            Verdict::Restarted { nth, wait, along } => {
                let of = (allowed != Policy::UNLIMITED).then_some(allowed);
                Decision::Restart { nth, of, within, after: wait, along }
            }
            Verdict::TooMany { restarts } => Decision::GiveUp { restarts, within },
        }
    }

    /// The child whose failure was one too many.
    pub(super) fn too_many(&self, place: Place, verdict: Verdict) -> Option<(Arc<dyn AnyCell>, u32)> {
        match verdict {
            Verdict::TooMany { restarts } => Some((self.kids.get(&place)?.cell.clone()?, restarts)),
            _ => None,
        }
    }
}

/// Tells all who wait. What wakes them may be of anybody's making, and panic.
pub(super) fn tell_all<T: Clone>(waiting: Vec<oneshot::Sender<T>>, news: &T) {
    for one in waiting {
        let _ = unless_it_panics(|| one.send(news.clone()));
    }
}

/// Drops what may have a destructor of a user's, one after the other. A panic in it has nobody to be told to.
pub(super) fn drop_all<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = guard(|| drop(value));
    }
}
