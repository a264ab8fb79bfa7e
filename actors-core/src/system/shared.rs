//! What all handles to one system share, and the state of its shutdown.

use std::any::Any;
use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};
use std::thread::Thread;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::callback::{Callback, Terminated, callback_too_late};
use super::report::{ActorReports, Outcome, ReportParts, ShutdownReport, Trigger};
use super::tree;
use crate::caught::unless_it_panics;
use crate::lifecycle::cell::{AnyCell, Family};
use crate::lifecycle::conclude::late_report;
use crate::lifecycle::env::Env;
use crate::lifecycle::exit::{Exit, ExitReason, StartFailure};
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::record::{ActorReport, Record};
use crate::lifecycle::{linger, lookup, request};
use crate::runtime::StartError;
use crate::sync::{Mutex, Wakers, lock, wake, wake_all};

/// How long a shutdown may take, unless set otherwise: less than the 30 s after which orchestrators lose patience.
const DEADLINE: Duration = Duration::from_secs(25);

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) deadline: Duration,
    pub(super) quiesce: Duration,
    pub(super) progress: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { deadline: DEADLINE, quiesce: Duration::ZERO, progress: true }
    }
}

pub(super) struct Shared {
    pub(super) env: Arc<Env>,
    pub(super) root: Arc<Family>,
    pub(super) deadline: Duration,
    pub(super) quiesce: Duration,
    pub(super) progress: bool,
    /// Cancelled when all that is left is to be killed.
    pub(super) hard: CancellationToken,
    /// Cancelled when nobody has a handle to the system any more.
    gone: CancellationToken,
    /// Cancelled when the report is known.
    over: CancellationToken,
    state: Mutex<State>,
    listens: AtomicBool,
    /// Held while the report is written, so that its parts are taken once.
    reporting: Mutex<()>,
}

#[derive(Default)]
struct State {
    going: Option<Going>,
    report: Option<ShutdownReport>,
    waiters: Wakers,
    /// The last key that one of them was given.
    last_waiter: u64,
    callbacks: Vec<Box<dyn Callback>>,
    /// All callbacks have run, or the report is being written: none begins any more, and no more is taken.
    callbacks_over: bool,
    /// One of them runs.
    calls: bool,
    start_failed: bool,
    /// The number of the signal that had what was left killed.
    forced: Option<i32>,
    /// The task that drives the shutdown.
    driver: Option<Waker>,
    /// The thread that watches it.
    watchdog: Option<Thread>,
}

/// A shutdown that runs, or has run.
#[derive(Clone)]
pub(super) struct Going {
    pub(super) trigger: Trigger,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    /// How long the system went on serving.
    pub(super) quiesced: Duration,
    /// The same moments by the clock of the machine, for the thread that watches from outside.
    pub(super) really_began: std::time::Instant,
    pub(super) real_deadline: std::time::Instant,
}

impl Shared {
    pub(super) fn new(env: Arc<Env>, settings: Settings) -> Arc<Shared> {
        let root = Family::root(env.clone());
        let shared = Shared::around(env, root, settings);
        let weak: Weak<Shared> = Arc::downgrade(&shared);
        let any: Weak<dyn Any + Send + Sync> = weak;
        // Set once, here; nobody else has seen this system yet.
        let _ = shared.env.system.set(any);
        shared
    }

    fn around(env: Arc<Env>, root: Arc<Family>, settings: Settings) -> Arc<Shared> {
        Arc::new(Shared {
            env,
            root,
            deadline: settings.deadline,
            quiesce: settings.quiesce,
            progress: settings.progress,
            hard: CancellationToken::new(),
            gone: CancellationToken::new(),
            over: CancellationToken::new(),
            state: Mutex::default(),
            listens: AtomicBool::new(false),
            reporting: Mutex::default(),
        })
    }

    /// The system of an actor. If nobody has a handle to it any more, it is being killed, and this one says so.
    pub(super) fn of(cell: &Arc<dyn AnyCell>) -> Arc<Shared> {
        let known = cell.env().system.get().and_then(Weak::upgrade).and_then(|any| any.downcast::<Shared>().ok());
        known.unwrap_or_else(|| Shared::around(cell.env().clone(), lookup::root_of(cell), Settings::default()))
    }

    /// Notes that a shutdown begins, and says so; if one runs, a limit that is given brings its deadline nearer.
    pub(super) fn try_begin(&self, trigger: Trigger, given: Option<Duration>) -> bool {
        // A year is for ever, and the clock of any machine can count it.
        let within = given.unwrap_or(self.deadline).min(Duration::from_secs(365 * 24 * 60 * 60));
        let now = self.env.in_time(Instant::now);
        let real_now = std::time::Instant::now();
        let (first, to_wake) = {
            let mut state = lock(&self.state);
            match &mut state.going {
                Some(going) if given.is_none() || now + within >= going.deadline => (false, None),
                Some(going) => {
                    going.deadline = now + within;
                    going.real_deadline = real_now + within;
                    (false, Some((state.driver.take(), state.watchdog.clone())))
                }
                going => {
                    *going = Some(Going {
                        trigger,
                        began: now,
                        deadline: now + within,
                        quiesced: Duration::ZERO,
                        really_began: real_now,
                        real_deadline: real_now + within,
                    });
                    // Under the lock: whoever comes second finds that ends are recorded.
                    self.env.begin_recording(now);
                    (true, None)
                }
            }
        };
        if let Some((driver, watchdog)) = to_wake {
            driver.into_iter().for_each(wake);
            watchdog.into_iter().for_each(|thread| thread.unpark());
        }
        first
    }

    /// Has `waker` woken when the deadline comes nearer; returns when that is.
    pub(super) fn due_for(&self, waker: &Waker) -> Option<Instant> {
        let mut state = lock(&self.state);
        match &mut state.driver {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        state.going.as_ref().map(|going| going.deadline)
    }

    /// Has the watching thread look again when the deadline comes nearer.
    pub(super) fn watched_by(&self, thread: Thread) {
        lock(&self.state).watchdog = Some(thread);
    }

    /// Waits for the report.
    pub(super) async fn done(&self) -> ShutdownReport {
        struct Waiter<'a>(&'a Shared, Option<u64>);
        impl Drop for Waiter<'_> {
            fn drop(&mut self) {
                if let Some(key) = self.1 {
                    let old = lock(&self.0.state).waiters.remove(key);
                    drop(old);
                }
            }
        }
        let mut waiter = Waiter(self, None);
        poll_fn(|cx| {
            let _old;
            let mut state = lock(&self.state);
            match &state.report {
                Some(report) => Poll::Ready(report.clone()),
                None => {
                    let State { waiters, last_waiter, .. } = &mut *state;
                    _old = waiters.register(last_waiter, &mut waiter.1, cx.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Writes the report on what has happened, and makes it known; the first counts. Nobody waits any longer for those who are still
    /// there: they are in it too, with the reason `left`.
    pub(super) fn complete(&self, left: &ExitReason) -> ShutdownReport {
        let (report, waiters) = {
            // Two may want to at the same time: the driver and the watchdog.
            let _one = lock(&self.reporting);
            if let Some(report) = self.report() {
                return report;
            }
            if self.calls_are_over() {
                self.env.note_failure(ActorPath::root(), callback_too_late());
            }
            // Looked at before the records are: whoever ends meanwhile is in the one or in the others.
            let left = self.those_left(left);
            let report = self.make_report(left);
            let mut state = lock(&self.state);
            state.report = Some(report.clone());
            (report, state.waiters.take())
        };
        linger::close(&self.env);
        self.env.run_queue.close();
        let _ = unless_it_panics(|| drop(self.env.take_failures()));
        let _ = unless_it_panics(|| self.over.cancel());
        wake_all(waiters);
        report
    }

    /// Cancelled when the system has shut down. Whoever has it may cancel it for himself.
    pub(super) fn over_token(&self) -> CancellationToken {
        self.over.child_token()
    }

    /// Cancelled when nobody has a handle to the system any more.
    pub(super) fn gone_token(&self) -> CancellationToken {
        self.gone.clone()
    }

    /// Wakes `waker` when the report is known, at once if it is.
    pub(super) fn on_done(&self, waker: Waker) {
        let mut state = lock(&self.state);
        if state.report.is_none() {
            let State { waiters, last_waiter, .. } = &mut *state;
            let none = waiters.register(last_waiter, &mut None, &waker);
            debug_assert!(none.is_none(), "it stands nowhere yet");
            return;
        }
        drop(state);
        wake(waker);
    }

    pub(super) fn report(&self) -> Option<ShutdownReport> {
        lock(&self.state).report.clone()
    }

    pub(super) fn going(&self) -> Option<Going> {
        lock(&self.state).going.clone()
    }

    pub(super) fn has_begun(&self) -> bool {
        lock(&self.state).going.is_some()
    }

    /// Notes that the system has served for as long as it was to.
    pub(super) fn note_quiesced(&self) {
        if let Some(going) = &mut lock(&self.state).going {
            going.quiesced = going.began.elapsed();
        }
    }

    /// By when the shutdown has to be done.
    pub(super) fn due(&self) -> Option<Instant> {
        lock(&self.state).going.as_ref().map(|going| going.deadline)
    }

    /// What is to be said of those who are still there, children first, as they end.
    fn those_left(&self, reason: &ExitReason) -> Left {
        let left = tree::preorder(&self.root).into_iter().rev();
        left.map(|place| (place.cell.id(), late_report(&place.cell, &Exit::new(reason.clone())))).collect()
    }

    /// Writes the report on what has happened so far.
    fn make_report(&self, left: Left) -> ShutdownReport {
        let trigger = self.going().map_or(Trigger::Dropped, |going| going.trigger);
        // An actor whose end is the end of the system ends it by not starting, too.
        let did_not_start = matches!(&trigger, Trigger::ActorEnded { reason: ExitReason::StartFailed(_), .. });
        let outcome = {
            let state = lock(&self.state);
            let forced = state.forced.map(|signal| Outcome::Forced { signal });
            forced.or((did_not_start || state.start_failed).then_some(Outcome::StartFailed))
        };
        self.report_with(trigger, outcome, left)
    }

    /// The report of a shutdown that nobody waits for any longer, and that has left these.
    pub(super) fn report_with(&self, trigger: Trigger, outcome: Option<Outcome>, left: Left) -> ShutdownReport {
        let going = self.going();
        let deadlocked = matches!(outcome, Some(Outcome::WouldDeadlock { .. }));
        let (failures, failed) = self.env.failures();
        let known = if deadlocked { Vec::new() } else { self.env.take_records() };
        let actors = ActorReports::new(with_unknown(known, left));
        // A failed start is said only if nothing worse happened while the rest was stopped.
        let outcome = outcome.filter(|outcome| {
            *outcome != Outcome::StartFailed || !matches!(Outcome::of(&actors, failed), Outcome::Aborted | Outcome::Unresponsive)
        });
        ShutdownReport::new(ReportParts {
            system: self.env.name.to_string(),
            trigger,
            outcome,
            total: going.as_ref().map_or(Duration::ZERO, |going| going.began.elapsed()),
            deadline: going.as_ref().map_or(self.deadline, |going| going.deadline - going.began),
            quiesce: going.as_ref().map_or(Duration::ZERO, |going| going.quiesced),
            actors,
            failures,
            failed,
            dead_letters: self.env.dead_letters.count(),
        })
    }

    pub(super) fn note_start_failure(&self, error: &StartError) {
        // Whoever starts one more while all others stop has not failed.
        if self.has_begun() && matches!(error.failure(), StartFailure::Stopping) {
            return;
        }
        lock(&self.state).start_failed = true;
        // The actor noted a failure of its own hook; a taken name is nobody's failure yet.
        if matches!(error.failure(), StartFailure::NameTaken(_) | StartFailure::InvalidName { .. }) {
            self.env.note_failure(error.path().clone(), ExitReason::StartFailed(error.failure().clone()));
        }
    }

    /// Kills all that is left, since a signal says so, and has the report say that.
    pub(super) fn force(&self, signal: i32) {
        lock(&self.state).forced.get_or_insert(signal);
        self.kill_all();
    }

    /// Kills all that is left.
    pub(super) fn kill_all(&self) {
        self.root.close();
        self.hard.cancel();
        for child in self.root.children() {
            request::kill_for_good(&child);
        }
    }

    pub(super) fn add_callback(&self, callback: Box<dyn Callback>) -> Result<(), Terminated> {
        let mut state = lock(&self.state);
        if state.callbacks_over {
            return Err(Terminated);
        }
        state.callbacks.push(callback);
        Ok(())
    }

    /// The callback that was registered last, and whether there are others. Once there is none, none is taken any more; those
    /// that are left when the report is written are dropped.
    pub(super) fn next_callback(&self) -> Option<(Box<dyn Callback>, bool)> {
        let mut too_late = Vec::new();
        let mut state = lock(&self.state);
        if state.callbacks_over {
            too_late = std::mem::take(&mut state.callbacks);
        }
        let callback = state.callbacks.pop();
        state.callbacks_over = callback.is_none();
        state.calls = callback.is_some();
        let next = callback.map(|callback| (callback, !state.callbacks.is_empty()));
        drop(state);
        for callback in too_late {
            let _ = unless_it_panics(|| drop(callback));
        }
        next
    }

    /// A callback does not run any more, or is not waited for; says whether nobody has said so before.
    pub(super) fn call_is_over(&self) -> bool {
        std::mem::take(&mut lock(&self.state).calls)
    }

    /// No callback begins any more; says whether one runs that is not waited for.
    fn calls_are_over(&self) -> bool {
        let mut state = lock(&self.state);
        state.callbacks_over = true;
        std::mem::take(&mut state.calls)
    }

    /// What a thread of this system is called.
    pub(super) fn thread_name(&self, role: &str) -> String {
        // A system may be called anything; a thread's name holds no NUL.
        format!("{}-{role}", self.env.name).replace('\0', "")
    }

    /// Notes that signals are listened for; says whether they were not before.
    pub(super) fn begin_to_listen(&self) -> bool {
        !self.listens.swap(true, Ordering::AcqRel)
    }

    pub(super) fn listen_no_more(&self) {
        self.listens.store(false, Ordering::Release);
    }

    pub(super) fn handles_signals(&self) -> bool {
        self.listens.load(Ordering::Acquire)
    }
}

/// Those who are still there, and what is to be said of them.
type Left = Vec<(ActorId, ActorReport)>;

/// Adds those who have not said themselves how they ended. They are told apart by their ids: of two children with one name, one after the
/// other, the first may have said it.
fn with_unknown(known: Vec<(ActorId, Record)>, mut left: Left) -> Vec<Record> {
    if !left.is_empty() {
        let known: HashSet<ActorId> = known.iter().map(|(id, _)| *id).collect();
        left.retain(|(id, _)| !known.contains(id));
    }
    let mut records: Vec<Record> = known.into_iter().map(|(_, record)| record).collect();
    records.extend(left.into_iter().map(|(_, report)| Record::from(report)));
    records
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

/// The handles that users hold. The last one dropped without a shutdown kills the tree.
pub(super) struct Owner {
    shared: Arc<Shared>,
}

impl Owner {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Owner { shared: shared.clone() }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if !self.shared.has_begun() {
            self.shared.kill_all();
            self.shared.complete(&ExitReason::Unresponsive);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_has_said_how_it_ended_is_told_of_once_though_it_was_still_there() {
        let report = |reason| ActorReport::new(ActorPath::root(), Exit::new(reason));
        let [first, second] = [1, 2].map(ActorId);
        let known = vec![(first, Record::from(report(ExitReason::Normal)))];
        let left = vec![(first, report(ExitReason::Unresponsive)), (second, report(ExitReason::Killed))];

        let told: Vec<_> = with_unknown(known, left).iter().map(|record| record.report().exit.reason).collect();

        assert_eq!(told, [ExitReason::Normal, ExitReason::Killed]);
    }

    #[tokio::test]
    async fn no_callback_begins_while_the_report_is_written() {
        let env = Env::new("chat".into(), tokio::runtime::Handle::current(), Duration::MAX);
        let shared = Shared::new(env, Settings::default());
        for _ in 0..2 {
            shared.add_callback(<dyn Callback>::boxed(async || ())).expect("it is not over");
        }
        assert!(shared.next_callback().is_some_and(|(_, others)| others));

        assert!(shared.calls_are_over(), "one runs that is not waited for");

        assert!(shared.next_callback().is_none());
        assert_eq!(shared.add_callback(<dyn Callback>::boxed(async || ())), Err(Terminated));
        assert!(!shared.calls_are_over(), "that is said once");
    }
}
