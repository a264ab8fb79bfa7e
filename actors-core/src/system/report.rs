//! What a shutdown reports: plain data, an exit status, and the questions one asks of it.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::ops::Deref;
use std::process::{ExitCode, Termination};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::path::{ActorPath, Node, Segment};
use crate::lifecycle::record::{ActorReport, HookOutcome, LimitHit, Record};

/// What happened while a system shut down.
///
/// It is plain data: `Display` shows it as a waterfall, with the feature `serde` it can be serialised, and `main` can
/// return it. Then it prints itself to the standard error, unless that was done already, and is the exit status.
///
/// ```no_run
/// use actors_core::{ActorSystem, ShutdownReport};
///
/// #[tokio::main]
/// async fn main() -> ShutdownReport {
///     let system = ActorSystem::new("demo");
///     let report = system.shutdown().await;
///     assert!(report.is_clean());
///     report
/// }
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The name of the system.
    pub system: String,
    /// What began the shutdown.
    pub trigger: Trigger,
    /// How it went, in one word.
    pub outcome: Outcome,
    /// How long it took, from its beginning to the end of the last actor, or of the last callback.
    pub total: Duration,
    /// How long it was allowed to take.
    pub deadline: Duration,
    /// How long the system went on serving, as part of `total`, before the first actor was asked to stop.
    pub quiesce: Duration,
    /// Every actor that ended during the shutdown, in the order in which they ended.
    pub actors: ActorReports,
    /// Actors that failed for good, before the shutdown or during it, and callbacks, under the path `/`. The first thousand are
    /// remembered.
    pub failures: Vec<(ActorPath, ExitReason)>,
    /// How many actors and callbacks failed for good, those included that are not remembered.
    pub failed: usize,
    /// How many messages became dead letters in the life of the system.
    pub dead_letters: u64,
    /// How many blocking jobs were still running when their actors were given up.
    pub leaked_blocking: usize,
    #[cfg_attr(feature = "serde", serde(skip))]
    printed: Arc<AtomicBool>,
}

/// The reports on all actors that ended during a shutdown: a slice, in the order in which they ended.
///
/// It is cheap to clone. The reports are written when they are first looked at; until then, little is held of actors that
/// had nothing to do in order to end.
#[derive(Clone)]
pub struct ActorReports(Arc<Ends>);

struct Ends {
    records: Vec<Record>,
    reports: OnceLock<Vec<ActorReport>>,
}

impl ActorReports {
    pub(crate) fn new(records: Vec<Record>) -> Self {
        ActorReports(Arc::new(Ends { records, reports: OnceLock::new() }))
    }

    /// Returns how many actors ended.
    pub fn len(&self) -> usize {
        self.0.records.len()
    }

    /// Tells whether no actor ended.
    pub fn is_empty(&self) -> bool {
        self.0.records.is_empty()
    }

    /// The reports on those of whom there is more to tell than that they ended when they were asked to.
    pub(super) fn eventful(&self) -> impl Iterator<Item = &ActorReport> {
        self.0.records.iter().filter_map(Record::eventful)
    }
}

impl Deref for ActorReports {
    type Target = [ActorReport];

    fn deref(&self) -> &[ActorReport] {
        self.0.reports.get_or_init(|| self.0.records.iter().map(Record::report).collect())
    }
}

impl<'a> IntoIterator for &'a ActorReports {
    type Item = &'a ActorReport;
    type IntoIter = std::slice::Iter<'a, ActorReport>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for ActorReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ActorReports {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize(serializer)
    }
}

/// What began a shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Trigger {
    /// The program asked for it.
    Request,
    /// A signal of this name came, such as `SIGTERM`.
    Signal(String),
    /// An actor ended whose end is the end of the system.
    ActorEnded {
        /// Which actor.
        path: ActorPath,
        /// Why it ended.
        reason: ExitReason,
    },
    /// The system was dropped.
    Dropped,
}

/// How a shutdown went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Outcome {
    /// Every actor stopped, and none had ever failed for good. Exit code 0.
    Clean,
    /// Every actor stopped, but some had failed for good. Exit code 1.
    Failed,
    /// Some actors were killed at a limit or aborted, or their `stopped` hook was cut short. Exit code 3.
    Aborted,
    /// Some actors, or blocking jobs of theirs, may still be running. Exit code 4.
    Unresponsive,
    /// The process was forced to exit, by repeated signals. Exit code 128 + `signal`.
    Forced {
        /// The number of the signal.
        signal: i32,
    },
    /// The system did not start, and what had started was stopped. Exit code 2.
    StartFailed,
    /// An actor of the system awaited the shutdown, which would have waited for that actor (S7.3). Nothing was stopped.
    /// Exit code 1.
    WouldDeadlock {
        /// The actor that asked.
        path: ActorPath,
    },
}

impl ShutdownReport {
    /// Returns the exit status this report stands for: that of its [`outcome`](Self::outcome).
    pub fn exit_code(&self) -> u8 {
        self.outcome.exit_code()
    }

    /// Tells whether every actor stopped by itself, within its limits, and none had ever failed for good.
    pub fn is_clean(&self) -> bool {
        self.outcome == Outcome::Clean
    }

    /// Returns the actors that may still be running, or have blocking jobs that may.
    pub fn unresponsive(&self) -> impl Iterator<Item = &ActorReport> {
        self.actors.eventful().filter(|actor| is_unresponsive(actor))
    }

    /// Returns the report on the actor with this path; on the last one, if several had it one after the other.
    pub fn get(&self, path: &str) -> Option<&ActorReport> {
        self.actors.iter().rev().find(|actor| actor.path == *path)
    }

    /// Returns the paths of the actors in the order in which they ended.
    ///
    /// They compare with text: `assert_eq!(report.order(), ["/chat/room", "/chat"])`.
    pub fn order(&self) -> Vec<&ActorPath> {
        self.actors.iter().map(|actor| &actor.path).collect()
    }

    /// Returns the chain of actors that the shutdown spent most of its time on: from the top of the tree downward, at
    /// each level the one that took longest, and of equals the one that ended last.
    pub fn critical_path(&self) -> Vec<&ActorReport> {
        let mut places = HashMap::with_capacity(self.actors.len());
        for (place, actor) in self.actors.iter().enumerate() {
            places.insert(key(&actor.path), place);
        }
        let parents: Vec<Option<ActorPath>> = self.actors.iter().map(|actor| actor.path.up()).collect();
        let mut top = None;
        let mut longest_child = vec![None; self.actors.len()];
        for (place, actor) in self.actors.iter().enumerate() {
            let parent = parents[place].as_ref().and_then(|parent| places.get(&key(parent)));
            let longest = match parent {
                Some(&parent) => &mut longest_child[parent],
                None => &mut top,
            };
            if longest.is_none_or(|longest: usize| self.actors[longest].total <= actor.total) {
                *longest = Some(place);
            }
        }
        std::iter::successors(top, |&place| longest_child[place]).map(|place| &self.actors[place]).collect()
    }

    /// Puts a report together, deciding what follows from the rest.
    pub(crate) fn new(parts: ReportParts) -> Self {
        let ReportParts { system, trigger, outcome, total, deadline, quiesce, actors, failures, failed, dead_letters } = parts;
        ShutdownReport {
            outcome: outcome.unwrap_or_else(|| Outcome::of(&actors, failed)),
            leaked_blocking: actors.eventful().map(|actor| actor.leaked_blocking).sum(),
            printed: Arc::default(),
            system,
            trigger,
            total,
            deadline,
            quiesce,
            actors,
            failures,
            failed,
            dead_letters,
        }
    }

    /// Prints the report to the standard error, unless it or a clone of it has been printed.
    pub(crate) fn print_once(&self) {
        // Only one of all who swap sees `false`; nothing else is read on the strength of it.
        if !self.printed.swap(true, Ordering::Relaxed) {
            // Written at once, so that it stays in one piece. Nobody can be told of an error in writing.
            let _ = std::io::stderr().write_all(format!("{self}\n").as_bytes());
        }
    }
}

impl Outcome {
    /// Returns the exit status of a process whose shutdown went like this (S7.6).
    pub fn exit_code(&self) -> u8 {
        match self {
            Outcome::Clean => 0,
            Outcome::Failed | Outcome::WouldDeadlock { .. } => 1,
            Outcome::StartFailed => 2,
            Outcome::Aborted => 3,
            Outcome::Unresponsive => 4,
            Outcome::Forced { signal } => 128_u8.saturating_add(u8::try_from(*signal).unwrap_or(u8::MAX)),
        }
    }

    /// How a shutdown went that ended these actors, in a system of which `failed` actors had failed for good. The worst
    /// that happened to any of them decides.
    pub(crate) fn of(actors: &ActorReports, failed: usize) -> Outcome {
        if actors.eventful().any(is_unresponsive) {
            Outcome::Unresponsive
        } else if actors.eventful().any(was_cut_short) {
            Outcome::Aborted
        } else if failed > 0 || actors.eventful().any(has_failed) {
            Outcome::Failed
        } else {
            Outcome::Clean
        }
    }
}

/// Something of the actor may still be running.
pub(super) fn is_unresponsive(actor: &ActorReport) -> bool {
    actor.leaked_blocking > 0
        || actor.limit == Some(LimitHit::Abort)
        || reasons(actor).any(|reason| matches!(reason, ExitReason::Unresponsive))
}

/// The actor, or its hook, did not end by itself.
pub(super) fn was_cut_short(actor: &ActorReport) -> bool {
    actor.limit.is_some()
        || actor.hook_outcome == HookOutcome::TimedOut
        || reasons(actor).any(|reason| matches!(reason, ExitReason::Aborted { .. }))
}

/// The actor, or its hook, failed.
pub(super) fn has_failed(actor: &ActorReport) -> bool {
    matches!(actor.hook_outcome, HookOutcome::Failed | HookOutcome::Panicked) || reasons(actor).any(ExitReason::is_failure)
}

fn reasons(actor: &ActorReport) -> impl Iterator<Item = &ExitReason> {
    std::iter::once(&actor.exit.reason).chain(&actor.exit.secondary)
}

/// What tells a path from others of the same system without walking up: siblings share the node above them.
pub(super) fn key(path: &ActorPath) -> (Option<*const Node>, &Segment) {
    (path.parent.as_ref().map(Arc::as_ptr), &path.segment)
}

impl Termination for ShutdownReport {
    /// Prints the report to the standard error, unless that was done already, and returns its exit code.
    fn report(self) -> ExitCode {
        self.print_once();
        ExitCode::from(self.exit_code())
    }
}

impl fmt::Debug for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownReport")
            .field("system", &self.system)
            .field("trigger", &self.trigger)
            .field("outcome", &self.outcome)
            .field("total", &self.total)
            .field("deadline", &self.deadline)
            .field("quiesce", &self.quiesce)
            .field("actors", &self.actors)
            .field("failures", &self.failures)
            .field("failed", &self.failed)
            .field("dead_letters", &self.dead_letters)
            .field("leaked_blocking", &self.leaked_blocking)
            .finish_non_exhaustive()
    }
}

/// What a report is put together from.
pub(crate) struct ReportParts {
    pub(crate) system: String,
    pub(crate) trigger: Trigger,
    /// How it went, if that does not follow from what became of the actors.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) total: Duration,
    pub(crate) deadline: Duration,
    pub(crate) quiesce: Duration,
    /// In the order in which they ended.
    pub(crate) actors: ActorReports,
    pub(crate) failures: Vec<(ActorPath, ExitReason)>,
    /// How many failed, those not remembered included.
    pub(crate) failed: usize,
    pub(crate) dead_letters: u64,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::lifecycle::exit::{AbortedBy, Exit};
    use crate::system::text::tests::named;

    pub(in crate::system) fn reports(actors: Vec<ActorReport>) -> ActorReports {
        ActorReports::new(actors.into_iter().map(Record::from).collect())
    }

    pub(in crate::system) fn parts(actors: Vec<ActorReport>) -> ReportParts {
        ReportParts {
            system: "chat".to_owned(),
            trigger: Trigger::Request,
            outcome: None,
            total: actors.iter().map(|actor| actor.turn + actor.total).max().unwrap_or_default(),
            deadline: Duration::from_secs(25),
            quiesce: Duration::ZERO,
            actors: reports(actors),
            failures: Vec::new(),
            failed: 0,
            dead_letters: 0,
        }
    }

    /// An actor whose turn came after `turn` milliseconds, and that took `total`.
    pub(in crate::system) fn actor(path: ActorPath, reason: ExitReason, turn: u64, total: u64) -> ActorReport {
        let mut report = ActorReport::new(path, Exit::new(reason));
        report.turn = Duration::from_millis(turn);
        report.total = Duration::from_millis(total);
        report
    }

    fn panicked() -> ExitReason {
        ExitReason::Panicked { message: "boom".into(), location: None }
    }

    #[test]
    fn the_worst_that_happened_decides_the_outcome() {
        fn with(reason: ExitReason, change: fn(&mut ActorReport)) -> ActorReport {
            let mut report = actor(named(&Node::root(), "a"), reason, 0, 1);
            change(&mut report);
            report
        }
        let clean = || with(ExitReason::Shutdown, |_| ());
        let failed = || with(panicked(), |_| ());
        let killed = || with(ExitReason::Killed, |_| ());
        let stop_limit = || with(ExitReason::Killed, |actor| actor.limit = Some(LimitHit::Stop));
        let unresponsive = || with(ExitReason::Unresponsive, |_| ());
        let cases = [
            ("nobody", vec![], 0, Outcome::Clean),
            ("clean", vec![clean(), with(ExitReason::Normal, |_| ())], 0, Outcome::Clean),
            ("killed by somebody", vec![killed()], 0, Outcome::Clean),
            ("failed before", vec![clean()], 1, Outcome::Failed),
            ("failed now", vec![failed(), clean()], 0, Outcome::Failed),
            ("hook failed", vec![with(ExitReason::Killed, |actor| actor.hook_outcome = HookOutcome::Panicked)], 0, Outcome::Failed),
            ("failed later", vec![with(ExitReason::Killed, |actor| actor.exit.secondary.push(panicked()))], 0, Outcome::Failed),
            ("stop limit", vec![stop_limit(), failed()], 1, Outcome::Aborted),
            ("hook limit", vec![with(ExitReason::Shutdown, |actor| actor.limit = Some(LimitHit::Hook))], 0, Outcome::Aborted),
            ("hook timed out", vec![with(ExitReason::Shutdown, |actor| actor.hook_outcome = HookOutcome::TimedOut)], 0, Outcome::Aborted),
            ("kill limit", vec![with(ExitReason::Killed, |actor| actor.limit = Some(LimitHit::Kill))], 0, Outcome::Aborted),
            ("aborted", vec![with(ExitReason::Aborted { by: AbortedBy::Runtime }, |_| ())], 0, Outcome::Aborted),
            ("abort limit", vec![with(ExitReason::Killed, |actor| actor.limit = Some(LimitHit::Abort))], 0, Outcome::Unresponsive),
            ("unresponsive", vec![unresponsive(), stop_limit(), failed()], 1, Outcome::Unresponsive),
            (
                "aborted later",
                vec![with(ExitReason::Killed, |actor| actor.exit.secondary.push(ExitReason::Aborted { by: AbortedBy::Runtime }))],
                0,
                Outcome::Aborted,
            ),
            (
                "unresponsive later",
                vec![with(ExitReason::Killed, |actor| actor.exit.secondary.push(ExitReason::Unresponsive))],
                0,
                Outcome::Unresponsive,
            ),
            ("leaked", vec![with(ExitReason::Shutdown, |actor| actor.leaked_blocking = 1)], 0, Outcome::Unresponsive),
        ];
        for (name, actors, failed, outcome) in cases {
            assert_eq!(Outcome::of(&reports(actors), failed), outcome, "{name}");
        }
    }

    #[test]
    fn each_outcome_has_its_exit_code() {
        let path = named(&Node::root(), "a");
        let cases = [
            (Outcome::Clean, 0),
            (Outcome::Failed, 1),
            (Outcome::WouldDeadlock { path }, 1),
            (Outcome::StartFailed, 2),
            (Outcome::Aborted, 3),
            (Outcome::Unresponsive, 4),
            (Outcome::Forced { signal: 2 }, 130),
            (Outcome::Forced { signal: 15 }, 143),
            (Outcome::Forced { signal: 1_000 }, 255),
            (Outcome::Forced { signal: -1 }, 255),
        ];
        for (outcome, code) in cases {
            assert_eq!(outcome.exit_code(), code, "{outcome:?}");
        }
    }

    #[test]
    fn an_outcome_that_is_given_stands() {
        let given = ReportParts { outcome: Some(Outcome::Forced { signal: 2 }), ..parts(Vec::new()) };
        assert_eq!(ShutdownReport::new(given).outcome, Outcome::Forced { signal: 2 });
    }

    #[test]
    fn actors_are_found_and_listed_in_the_order_of_their_ends() {
        let chat = named(&Node::root(), "chat");
        let room = named(&chat.node(), "room");
        let report = ShutdownReport::new(parts(vec![actor(room, ExitReason::Unresponsive, 0, 5), actor(chat, ExitReason::Shutdown, 0, 9)]));
        assert_eq!(report.order(), ["/chat/room", "/chat"]);
        assert!(!report.actors.is_empty() && reports(Vec::new()).is_empty());
        assert_eq!(report.get("/chat").map(|actor| actor.total), Some(Duration::from_millis(9)));
        assert!(report.get("/room").is_none());
        assert_eq!(report.unresponsive().map(|actor| &actor.path).collect::<Vec<_>>(), ["/chat/room"]);
        assert!(!report.is_clean());
    }

    #[test]
    fn of_several_that_stood_at_one_place_the_last_is_found() {
        let name = || named(&Node::root(), "job");
        let report = ShutdownReport::new(parts(vec![actor(name(), panicked(), 0, 5), actor(name(), ExitReason::Shutdown, 5, 7)]));
        assert_eq!(report.get("/job").map(|job| &job.exit.reason), Some(&ExitReason::Shutdown));
    }

    #[test]
    fn the_critical_path_takes_the_slowest_at_each_level() {
        let (root, clean) = (Node::root(), || ExitReason::Shutdown);
        let (chat, log) = (named(&root, "chat"), named(&root, "log"));
        let below = chat.node();
        let (fast, slow) = (named(&below, "fast"), named(&below, "slow"));
        // The nodes above siblings are shared, those above cousins are not.
        let grandchild = named(&slow.node(), "fast");
        let report = ShutdownReport::new(parts(vec![
            actor(named(&root, "old"), clean(), 0, 100),
            actor(log, clean(), 0, 5),
            actor(grandchild, clean(), 5, 10),
            actor(slow, clean(), 5, 90),
            actor(fast, clean(), 95, 1),
            actor(chat, clean(), 5, 100),
        ]));
        let path: Vec<_> = report.critical_path().into_iter().map(|actor| &actor.path).collect();
        assert_eq!(path, ["/chat", "/chat/slow", "/chat/slow/fast"]);
        assert!(ShutdownReport::new(parts(Vec::new())).critical_path().is_empty());
    }

    #[test]
    fn of_equals_on_the_critical_path_the_one_that_ended_last_counts() {
        let root = Node::root();
        let both = vec![actor(named(&root, "first"), ExitReason::Shutdown, 0, 5), actor(named(&root, "last"), ExitReason::Shutdown, 5, 5)];
        let report = ShutdownReport::new(parts(both));
        assert_eq!(report.critical_path().iter().map(|actor| &actor.path).collect::<Vec<_>>(), ["/last"]);
    }

    #[test]
    fn a_chain_of_ten_thousand_needs_no_deep_stack_and_little_text() {
        let mut path = named(&Node::root(), "link");
        let mut actors = Vec::new();
        for _ in 0..10_000 {
            actors.push(actor(path.clone(), ExitReason::Shutdown, 0, 1));
            path = named(&path.node(), "link");
        }
        actors.reverse();
        let report = ShutdownReport::new(parts(actors));
        assert_eq!(report.critical_path().len(), 10_000);
        assert!(report.to_string().len() < 20_000);
        assert!(report.get("/link/link").is_some());
    }

    #[test]
    fn clones_are_printed_once_together() {
        let report = ShutdownReport::new(parts(Vec::new()));
        let clone = report.clone();
        report.print_once();
        assert!(clone.printed.load(Ordering::Relaxed));
        assert!(!format!("{report:?}").contains("printed"));
    }
}
