//! What a shutdown remembers of each actor it ended.

use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::path::ActorPath;

/// What happened to one actor while the system shut down.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ActorReport {
    /// Where it stood.
    pub path: ActorPath,
    /// Why it ended, and what went wrong meanwhile.
    pub exit: Exit,
    /// When its turn to stop came, from the beginning of the shutdown.
    pub turn: Duration,
    /// How long it took from its turn to its end.
    pub total: Duration,
    /// Of that: waiting for the handler in hand.
    pub handler: Duration,
    /// Of that: handling what had been accepted before the stop.
    pub drain: Duration,
    /// Of that: waiting for its children and its helpers.
    pub children: Duration,
    /// Of that: running the `stopped` hook.
    pub hook: Duration,
    /// What became of the `stopped` hook.
    pub hook_outcome: HookOutcome,
    /// How many messages were handled after the stop had come.
    pub drained: u64,
    /// How many messages were discarded.
    pub discarded: u64,
    /// The limit that it hit, if any.
    pub limit: Option<LimitHit>,
    /// The type of the message whose handler held it up, if it hit a limit in one.
    pub held_by: Option<String>,
    /// How many blocking jobs of its own were still running when it was given up.
    pub leaked_blocking: usize,
}

/// What became of a `stopped` hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum HookOutcome {
    /// The actor has none.
    #[default]
    None,
    /// It ran to its end.
    Ran,
    /// It returned an error.
    Failed,
    /// It panicked.
    Panicked,
    /// It outran its limit and was dropped.
    TimedOut,
    /// It did not run, or not to its end: the actor never started, or its task was aborted.
    Skipped,
}

/// A limit that an actor hit while it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum LimitHit {
    /// Its own stop limit, or its share of the deadline: it was killed.
    Stop,
    /// The limit of its `stopped` hook.
    Hook,
    /// It did not react to the kill in time: it was aborted.
    Kill,
    /// It did not react to the abort either.
    Abort,
}

/// What is remembered of an end until somebody reads the report: of most, very little.
pub(crate) enum Record {
    /// It was at rest when its turn came, and ended there and then.
    AtRest {
        path: ActorPath,
        exit: Arc<Exit>,
        turn: Duration,
    },
    Eventful(Box<ActorReport>),
}

impl Record {
    pub(crate) fn eventful(&self) -> Option<&ActorReport> {
        match self {
            Record::AtRest { .. } => None,
            Record::Eventful(report) => Some(report),
        }
    }

    pub(crate) fn report(&self) -> ActorReport {
        match self {
            Record::AtRest { path, exit, turn } => ActorReport { turn: *turn, ..ActorReport::new(path.clone(), (**exit).clone()) },
            Record::Eventful(report) => (**report).clone(),
        }
    }
}

impl From<ActorReport> for Record {
    fn from(report: ActorReport) -> Self {
        Record::Eventful(Box::new(report))
    }
}

impl ActorReport {
    pub(crate) fn new(path: ActorPath, exit: Exit) -> Self {
        ActorReport {
            path,
            exit,
            turn: Duration::ZERO,
            total: Duration::ZERO,
            handler: Duration::ZERO,
            drain: Duration::ZERO,
            children: Duration::ZERO,
            hook: Duration::ZERO,
            hook_outcome: HookOutcome::None,
            drained: 0,
            discarded: 0,
            limit: None,
            held_by: None,
            leaked_blocking: 0,
        }
    }
}
