//! What all actors of one system share: ids, dead letters, the clock, and what a shutdown remembers.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::crash::CrashReport;
use super::dead_letter::DeadLetterOffice;
use super::event::{MonitorRef, SourceKey};
use super::exit::{Exit, ExitReason};
use super::feed::Feed;
use super::id::{self, ActorId};
use super::kit::Kit;
use super::path::ActorPath;
use super::record::Record;
use super::run_queue::RunQueue;
use super::slots::Slots;
use crate::caught::unless_it_panics;
use crate::sync::{Mutex, lock};

/// How many failures are remembered until the report; the rest is counted.
const REMEMBERED: usize = 1_000;

pub(crate) struct Env {
    pub(crate) name: Arc<str>,
    pub(crate) runtime: Handle,
    pub(crate) dead_letters: DeadLetterOffice,
    pub(crate) crashes: Feed<CrashReport>,
    /// Cancelled when the system begins to [quiesce](Self::quiesce).
    pub(crate) quiescing: CancellationToken,
    /// The system above, for those who come from below.
    pub(crate) system: OnceLock<Weak<dyn Any + Send + Sync>>,
    /// What higher floors share.
    pub(crate) slots: Slots,
    /// How long a task without anything to do lingers.
    pub(super) linger: Duration,
    /// Those who wait for their turn.
    pub(crate) run_queue: Arc<RunQueue>,
    /// What tests are told and do.
    pub(crate) kit: Kit,
    stopped: Arc<Exit>,
    shut_down: Arc<Exit>,
    epoch: Instant,
    /// What ids, monitors and sources count from.
    base: u64,
    ids: AtomicU64,
    monitors: AtomicU64,
    sources: AtomicU64,
    /// Signed, because an actor may end on one thread before another has counted its birth.
    alive: AtomicIsize,
    tasks: AtomicUsize,
    /// A shutdown runs, and this is when it began.
    began: OnceLock<Instant>,
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    records: Vec<(ActorId, Record)>,
    failures: Vec<(ActorPath, ExitReason)>,
    /// How many others have failed, by the path of whoever stood above them: as many paths as failures are remembered.
    others: HashMap<ActorPath, usize>,
    failed: usize,
    /// What to do when an actor ends whose end is the end of the system.
    on_significant: Option<Arc<dyn Fn(ActorPath, ExitReason) + Send + Sync>>,
}

impl Env {
    pub(crate) fn new(name: Arc<str>, runtime: Handle, linger: Duration) -> Arc<Env> {
        let base = id::base();
        Arc::new(Env {
            name,
            run_queue: RunQueue::new(runtime.clone(), linger),
            runtime,
            dead_letters: DeadLetterOffice::default(),
            crashes: Feed::default(),
            quiescing: CancellationToken::new(),
            system: OnceLock::new(),
            slots: Slots::default(),
            linger,
            kit: Kit::new(),
            stopped: Arc::new(Exit::new(ExitReason::Normal)),
            shut_down: Arc::new(Exit::new(ExitReason::Shutdown)),
            epoch: Instant::now(),
            base,
            ids: AtomicU64::new(base + 1),
            monitors: AtomicU64::new(base + 1),
            sources: AtomicU64::new(base + 1),
            alive: AtomicIsize::new(0),
            tasks: AtomicUsize::new(0),
            began: OnceLock::new(),
            history: Mutex::default(),
        })
    }

    pub(crate) fn next_id(&self) -> ActorId {
        ActorId(self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// The id that shows as this number.
    pub(crate) fn id_shown_as(&self, number: u64) -> Option<ActorId> {
        (number == id::shown(number)).then_some(ActorId(self.base + number))
    }

    pub(crate) fn next_monitor(&self) -> MonitorRef {
        MonitorRef(self.monitors.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_source(&self) -> SourceKey {
        SourceKey(self.sources.fetch_add(1, Ordering::Relaxed))
    }

    /// Microseconds since the system began, at least 1.
    pub(crate) fn clock_micros(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// Runs code of a user's that may come to run on any thread, as a destructor does, within the runtime of the actors. A thread that is
    /// ending can be in none.
    pub(crate) fn within<R>(&self, work: impl FnOnce() -> R) -> R {
        let _within = unless_it_panics(|| self.runtime.enter());
        work()
    }

    /// Runs `work`, which asks for the time or makes a timer, within the runtime that runs here, or else within that of the actors.
    pub(crate) fn in_time<R>(&self, work: impl FnOnce() -> R) -> R {
        let _within = Handle::try_current().is_err().then(|| self.runtime.enter());
        work()
    }

    /// An exit to be read by all. The most frequent ones are made once for all actors.
    pub(crate) fn share(&self, exit: Exit) -> Arc<Exit> {
        let plain = if exit.secondary.is_empty() { self.plain_exit(&exit.reason) } else { None };
        plain.unwrap_or_else(|| Arc::new(exit))
    }

    /// The exit of those who ended cleanly for this reason, and of whom there is nothing else to say.
    pub(crate) fn plain_exit(&self, reason: &ExitReason) -> Option<Arc<Exit>> {
        match reason {
            ExitReason::Normal => Some(self.stopped.clone()),
            ExitReason::Shutdown => Some(self.shut_down.clone()),
            _ => None,
        }
    }

    pub(crate) fn born(&self) {
        self.alive.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn died(&self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many actors there are.
    pub(crate) fn alive(&self) -> usize {
        usize::try_from(self.alive.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Counts a task until what is returned is dropped.
    pub(crate) fn count_task(self: &Arc<Self>) -> CountedTask {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        CountedTask(self.clone())
    }

    /// How many tasks of actors there are.
    pub(crate) fn tasks(&self) -> usize {
        self.tasks.load(Ordering::Acquire) + usize::from(self.run_queue.is_awake())
    }

    /// Lets all know that the system quiesces. What wakes those who wait for that may be of anybody's making.
    pub(crate) fn quiesce(&self) {
        let _ = unless_it_panics(|| self.quiescing.cancel());
    }

    /// From now on the end of every actor is recorded.
    pub(crate) fn begin_recording(&self, began: Instant) {
        self.began.get_or_init(|| began);
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.began.get().is_some()
    }

    /// When the shutdown began, or now.
    pub(crate) fn began(&self) -> Instant {
        self.began.get().copied().unwrap_or_else(Instant::now)
    }

    /// How long after the beginning of the shutdown `instant` is.
    pub(crate) fn since_began(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.began())
    }

    pub(crate) fn record(&self, id: ActorId, record: Record) {
        lock(&self.history).records.push((id, record));
    }

    pub(crate) fn take_records(&self) -> Vec<(ActorId, Record)> {
        std::mem::take(&mut lock(&self.history).records)
    }

    pub(crate) fn note_failure(&self, path: ActorPath, reason: ExitReason) {
        let mut history = lock(&self.history);
        history.failed += 1;
        if history.failures.len() < REMEMBERED {
            history.failures.push((path, reason));
        } else if let Some(above) = path.up() {
            if history.others.len() < REMEMBERED || history.others.contains_key(&above) {
                *history.others.entry(above).or_default() += 1;
            }
        }
    }

    /// Forgets the failures of those who stood below an actor that begins anew: with it, they are repaired.
    pub(crate) fn forgive_below(&self, above: &ActorPath) {
        let forgiven: Vec<_> = {
            let mut history = lock(&self.history);
            let (forgiven, kept): (Vec<_>, _) =
                std::mem::take(&mut history.failures).into_iter().partition(|(path, _)| path.is_below(above));
            history.failures = kept;
            let mut others = 0;
            history.others.retain(|parent, count| {
                let is_kept = parent != above && !parent.is_below(above);
                others += if is_kept { 0 } else { *count };
                is_kept
            });
            history.failed -= forgiven.len() + others;
            forgiven
        };
        // Errors are of users' making, and may do as they like when they are dropped.
        drop(forgiven);
    }

    /// The failures so far, and how many there were.
    pub(crate) fn failures(&self) -> (Vec<(ActorPath, ExitReason)>, usize) {
        let history = lock(&self.history);
        (history.failures.clone(), history.failed)
    }

    /// Takes the failures out, which are told: their errors may hold references to actors, and those hold this.
    pub(crate) fn take_failures(&self) -> Vec<(ActorPath, ExitReason)> {
        std::mem::take(&mut lock(&self.history).failures)
    }

    pub(crate) fn on_significant(&self, act: Arc<dyn Fn(ActorPath, ExitReason) + Send + Sync>) {
        lock(&self.history).on_significant = Some(act);
    }

    pub(crate) fn significant_ended(&self, path: ActorPath, reason: ExitReason) {
        let act = lock(&self.history).on_significant.clone();
        if let Some(act) = act {
            act(path, reason);
        }
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        // Its runner would stay for a while.
        self.run_queue.close();
    }
}

/// One task of an actor.
pub(crate) struct CountedTask(Arc<Env>);

impl Drop for CountedTask {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, Ordering::Release);
    }
}
