//! Crash reports: what is known of an incarnation that failed, and what was decided about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::exit::ExitReason;
use super::feed::Subscription;
use super::id::ActorId;
use super::path::ActorPath;

/// The end of an incarnation that failed, or that is followed by another.
///
/// As an event of `tracing` it has the same fields; [`ActorSystem::crash_reports`](crate::ActorSystem::crash_reports) yields it as a value.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CrashReport {
    /// Where the actor stands.
    pub path: ActorPath,
    /// Which actor it is.
    pub id: ActorId,
    /// Which of its lives has ended, the first being 0.
    pub incarnation: u64,
    /// Why: the error with its whole chain of sources, or what the panic said and where.
    pub reason: ExitReason,
    /// What went wrong while it ended.
    pub secondary: Vec<ExitReason>,
    /// The type of the message in whose handler it failed.
    pub handling: Option<String>,
    /// How long that handler had waited for something; `None` if it had not.
    pub handling_for: Option<Duration>,
    /// How many messages wait, for the next incarnation or to be discarded.
    pub queued: u64,
    /// To whom it is linked.
    pub links: Vec<ActorPath>,
    /// What was decided.
    pub decision: Decision,
}

/// What was decided about an actor that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Decision {
    /// Nobody supervises it: it has ended.
    Unsupervised,
    /// It is not to be restarted, by its restart type or because its supervisor is stopping: it has ended.
    NotRestarted,
    /// It was stopped by its supervisor, together with a sibling that failed, and is restarted with it.
    RestartWithSibling,
    /// It is restarted.
    Restart {
        /// How many restarts there have been within the period, this one included; 0 if nobody counts.
        nth: u32,
        /// How many are allowed; `None` if there is no limit.
        of: Option<u32>,
        /// The period.
        within: Duration,
        /// How long it is waited before.
        after: Duration,
        /// How many siblings are restarted with it.
        along: usize,
    },
    /// There have been too many restarts: its supervisor ends.
    GiveUp {
        /// How many there had been within the period.
        restarts: u32,
        /// The period.
        within: Duration,
    },
}

/// What is noted of a failure where it happens.
pub(crate) struct Crash {
    pub(crate) handling: &'static str,
    pub(crate) handling_for: Option<Duration>,
}

/// Several lines, as they are read on a terminal.
impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, incarnation {}): {}", self.path, self.id, self.incarnation, self.reason)?;
        for later in &self.secondary {
            write!(f, "\n  then: {later}")?;
        }
        match (&self.handling, self.handling_for) {
            (Some(message), Some(time)) => write!(f, "\n  handling: `{message}`, for {time:?}")?,
            (Some(message), None) => write!(f, "\n  handling: `{message}`")?,
            (None, _) => {}
        }
        if self.queued > 0 {
            write!(f, "\n  queued: {}", self.queued)?;
        }
        if !self.links.is_empty() {
            f.write_str("\n  links:")?;
            self.links.iter().try_for_each(|peer| write!(f, " {peer}"))?;
        }
        write!(f, "\n  decision: {}", self.decision)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Unsupervised => f.write_str("none, nobody supervises it"),
            Decision::NotRestarted => f.write_str("not restarted"),
            Decision::RestartWithSibling => f.write_str("restart, with a sibling that failed"),
            Decision::Restart { nth, of, within, after, along } => {
                match of {
                    Some(of) => write!(f, "restart {nth} of {of} in {within:?}")?,
                    None => f.write_str("restart, without a limit")?,
                }
                if !after.is_zero() {
                    write!(f, ", after {after:?}")?;
                }
                if *along > 0 {
                    write!(f, ", and {along} of its siblings")?;
                }
                Ok(())
            }
            Decision::GiveUp { restarts, within } => write!(f, "give up, after {restarts} restarts in {within:?}"),
        }
    }
}

/// A subscription to the crash reports of a system, from [`ActorSystem::crash_reports`](crate::ActorSystem::crash_reports).
pub struct CrashReports(Subscription<CrashReport>);

impl CrashReports {
    pub(crate) fn new(subscription: Subscription<CrashReport>) -> Self {
        CrashReports(subscription)
    }

    /// Waits for the next report; `None` once nothing is left of the system, references to its actors included.
    ///
    /// A subscriber that is more than 1,024 reports behind misses the oldest of them; see [`missed`](Self::missed).
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    pub async fn recv(&mut self) -> Option<Arc<CrashReport>> {
        self.0.recv().await
    }

    /// Returns the next report if there is one now.
    pub fn try_recv(&mut self) -> Option<Arc<CrashReport>> {
        self.0.try_recv()
    }

    /// Returns how many reports this subscriber has missed because it was too slow.
    pub fn missed(&self) -> u64 {
        self.0.missed()
    }
}

impl fmt::Debug for CrashReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrashReports").field("missed", &self.missed()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_told_with_its_limit_its_wait_and_those_it_takes_along() {
        let within = Duration::from_secs(5);
        let restart = |of, after, along| Decision::Restart { nth: 2, of, within, after: Duration::from_millis(after), along }.to_string();
        assert_eq!(restart(Some(3), 0, 0), "restart 2 of 3 in 5s");
        assert_eq!(restart(Some(3), 400, 1), "restart 2 of 3 in 5s, after 400ms, and 1 of its siblings");
        assert_eq!(restart(None, 0, 2), "restart, without a limit, and 2 of its siblings");
        assert_eq!(Decision::GiveUp { restarts: 3, within }.to_string(), "give up, after 3 restarts in 5s");
    }
}
