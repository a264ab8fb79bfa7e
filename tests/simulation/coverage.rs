//! What the programs get around to: an invariant of what never happens says nothing.

use std::collections::BTreeMap;

use actors_core::test_kit::LifeStep;
use actors_core::{DeadReason, ExitReason, Outcome, StartFailure};

use crate::execute::Run;
use crate::journal::{Change, Note, Sent, Tied};
use crate::program::{JobHow, Serve, Way};

/// How often each kind of thing happened.
#[derive(Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

/// What has to happen.
const WANTED: &[&str] = &[
    "answered",
    "accepted",
    "refused",
    "abandoned",
    "handler failed",
    "lost",
    "crashed",
    "no reply",
    "timed out in queue",
    "timed out in handler",
    "deadlock",
    "stopped",
    "drained",
    "killed",
    "put aside",
    "released",
    "control",
    "timer",
    "interval",
    "taken back",
    "item",
    "end of a stream",
    "news",
    "late",
    "dead: Lagged",
    "unsubscribed",
    "members",
    "member joined",
    "member left",
    "member ended",
    "job answered",
    "job refused",
    "job crashed",
    "job timed out",
    "job dead",
    "job retried",
    "broadcast",
    "resized",
    "pool escalated",
    "worker restarted",
    "short linger",
    "told by link",
    "told by child",
    "told by monitor",
    "told by group",
    "group ended",
    "linked",
    "unlinked",
    "unwatched",
    "dead: Stopped",
    "dead: Failed",
    "dead: Killed",
    "dead: NotStarted",
    "dead: Oldest",
    "dead: Newest",
    "down",
    "another life",
    "Normal",
    "Shutdown",
    "Failed",
    "Panicked",
    "LinkDown",
    "Escalated",
    "Killed",
    "Aborted",
    "secondary",
    "start failed",
    "start panicked",
    "start timed out",
    "declined",
    "name taken",
    "shutdown returned",
    "Clean",
    "outcome Failed",
    "outcome Aborted",
];

impl Tally {
    pub fn add(&mut self, run: &Run) {
        if run.program.linger.is_some() {
            self.count("short linger");
        }
        for entry in &run.journal {
            self.note(&entry.note);
        }
        for event in &run.lives {
            if matches!(event.step, LifeStep::Started) && event.incarnation > 0 && event.path.name().starts_with("worker-") {
                self.count("worker restarted");
            }
            match &event.step {
                LifeStep::Down(_) => self.count("down"),
                LifeStep::Started if event.incarnation > 0 => self.count("another life"),
                LifeStep::Ended(reason) => {
                    if matches!(reason, ExitReason::Escalated { .. }) && event.path.name() == "pool" {
                        self.count("pool escalated");
                    }
                    self.reason(reason);
                }
                _ => {}
            }
        }
        if let Some(report) = &run.report {
            self.count(match report.outcome {
                Outcome::Clean => "Clean",
                Outcome::Failed => "outcome Failed",
                Outcome::Aborted => "outcome Aborted",
                _ => "another outcome",
            });
        }
    }

    /// What happened less often than `times`.
    pub fn lacks(&self, times: u64) -> Vec<(&'static str, u64)> {
        let count = |what: &&'static str| (*what, self.0.get(what).copied().unwrap_or(0));
        WANTED.iter().map(count).filter(|(_, count)| *count < times).collect()
    }

    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn note(&mut self, note: &Note) {
        let what = match note {
            Note::Sent { result, .. } => match result {
                Sent::Accepted => "accepted",
                Sent::Refused(_) => "refused",
                Sent::Abandoned => "abandoned",
                Sent::Answered => "answered",
                Sent::Failed => "handler failed",
                Sent::Lost => "lost",
                Sent::Crashed => "crashed",
                Sent::NoReply => "no reply",
                Sent::TimedOutInQueue => "timed out in queue",
                Sent::TimedOutInHandler => "timed out in handler",
                Sent::WouldDeadlock => "deadlock",
                Sent::Mixed => return,
            },
            Note::JobSent { results, .. } if results.len() > 1 => "broadcast",
            Note::JobSent { results, .. } => match results.first() {
                Some(Sent::Answered) => "job answered",
                Some(Sent::Refused(_)) => "job refused",
                Some(Sent::Crashed) => "job crashed",
                Some(Sent::TimedOutInQueue | Sent::TimedOutInHandler) => "job timed out",
                _ => return,
            },
            Note::DeadJob { .. } => "job dead",
            Note::SendsJob { how: JobHow::Retry(_), .. } => "job retried",
            Note::Resized { done: true, .. } => "resized",
            Note::Asks { way: Way::Stop, .. } => "stopped",
            Note::Asks { way: Way::Drain, .. } => "drained",
            Note::Asks { way: Way::Kill, .. } => "killed",
            Note::PutAside { .. } => "put aside",
            Note::Released(_) => "released",
            Note::Took { control: true, .. } => "control",
            Note::TimerCame { .. } => "timer",
            Note::SetsInterval { .. } => "interval",
            Note::TakenBack { was_to_come: true, .. } => "taken back",
            Note::ItemCame { nth: Some(_), .. } => "item",
            Note::ItemCame { nth: None, .. } => "end of a stream",
            Note::GotNews { .. } => "news",
            Note::Published { late: 1.., .. } => "late",
            Note::DeadNews { reason: DeadReason::Lagged, .. } => "dead: Lagged",
            Note::Serves { what: Serve::Unsubscribe(_), .. } => "unsubscribed",
            Note::Noticed { change, .. } => match change {
                Change::Members(_) => "members",
                Change::Joined(_) => "member joined",
                Change::Left(_) => "member left",
                Change::Ended(..) => "member ended",
            },
            Note::Told { tie, .. } => match tie {
                Tied::Link => "told by link",
                Tied::Child => "told by child",
                Tied::Monitor(_) => "told by monitor",
                Tied::Group => "told by group",
            },
            Note::GroupEnded { .. } => "group ended",
            Note::Linked(..) => "linked",
            Note::Unlinked(..) => "unlinked",
            Note::Unwatches(..) => "unwatched",
            Note::Dead { reason, .. } => match reason {
                DeadReason::Stopped => "dead: Stopped",
                DeadReason::Failed => "dead: Failed",
                DeadReason::Killed => "dead: Killed",
                DeadReason::NotStarted => "dead: NotStarted",
                DeadReason::Oldest => "dead: Oldest",
                DeadReason::Newest => "dead: Newest",
                _ => return,
            },
            Note::Ended { secondary, .. } if !secondary.is_empty() => "secondary",
            Note::Ended { reason: ExitReason::StartFailed(StartFailure::NameTaken(_)), .. } => "name taken",
            Note::ShutdownReturned { .. } => "shutdown returned",
            _ => return,
        };
        self.count(what);
    }

    fn reason(&mut self, reason: &ExitReason) {
        self.count(match reason {
            ExitReason::Normal => "Normal",
            ExitReason::Shutdown => "Shutdown",
            ExitReason::Failed(_) => "Failed",
            ExitReason::Panicked { .. } => "Panicked",
            ExitReason::LinkDown { .. } => "LinkDown",
            ExitReason::Escalated { .. } => "Escalated",
            ExitReason::Killed => "Killed",
            ExitReason::Aborted { .. } => "Aborted",
            ExitReason::StartFailed(StartFailure::Failed(_)) => "start failed",
            ExitReason::StartFailed(StartFailure::Panicked { .. }) => "start panicked",
            ExitReason::StartFailed(StartFailure::TimedOut(_)) => "start timed out",
            ExitReason::StartFailed(StartFailure::Declined) => "declined",
            _ => "another reason",
        });
    }
}
