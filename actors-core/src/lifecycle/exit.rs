//! Why an actor ended.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::path::ActorPath;
use crate::caught::unless_it_panics;

/// An error of any kind, as a hook or a handler returns it.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why an actor ended.
///
/// [`Normal`](ExitReason::Normal) and [`Shutdown`](ExitReason::Shutdown) are clean, all others are not
/// ([`is_clean`](ExitReason::is_clean)). Cloning is cheap; the error inside is shared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExitReason {
    /// It stopped by itself, or was asked to, on its own: `ctx.stop()`, [`ActorRef::stop`](crate::ActorRef::stop).
    Normal,
    /// It stopped because what it belongs to stopped: its parent, its peer group, the system.
    Shutdown,
    /// A hook or a handler returned this error, and nobody had asked.
    Failed(Failure),
    /// A hook, a handler or the destructor of its state panicked.
    Panicked {
        /// What the panic said.
        message: Arc<str>,
        /// File, line and column, where they could be had.
        location: Option<Arc<str>>,
    },
    /// It was linked to an actor that ended.
    LinkDown {
        /// The actor on the other end of the link.
        peer: ActorPath,
        /// Why the first of the chain ended; never itself a `LinkDown`.
        cause: Arc<ExitReason>,
    },
    /// It never ran.
    StartFailed(StartFailure),
    /// A child was restarted too often.
    Escalated {
        /// The child that failed once too often.
        child: ActorPath,
        /// How many restarts there were...
        restarts: u32,
        /// ...within this time.
        period: Duration,
    },
    /// It was killed.
    Killed,
    /// Its task was aborted.
    Aborted {
        /// Who did it.
        by: AbortedBy,
    },
    /// It did not react to being aborted: a handler that never awaits, a blocking job that goes on. It may still run.
    Unresponsive,
    /// There was no such actor. Only notices carry this reason.
    NoSuchActor,
}

/// Who aborted a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbortedBy {
    /// Its time to stop had run out.
    Deadline,
    /// The runtime dropped the task.
    Runtime,
}

/// Why an actor never ran.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StartFailure {
    /// The `started` hook returned this error.
    Failed(Failure),
    /// The `started` hook panicked.
    Panicked {
        /// What the panic said.
        message: Arc<str>,
        /// File, line and column, where they could be had.
        location: Option<Arc<str>>,
    },
    /// The `started` hook took longer than this.
    TimedOut(Duration),
    /// The `started` hook declined.
    Declined,
    /// The name is in use.
    NameTaken(ActorPath),
    /// The name is not one.
    InvalidName {
        /// What was asked for.
        name: Arc<str>,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A child spec of this name is there already, and does not run; it can be restarted or removed.
    AlreadyPresent,
    /// The child spec says what cannot be.
    BadSpec(&'static str),
    /// The parent, or the system, was stopping.
    Stopping,
    /// It was killed, or the future that waited for its start was dropped.
    Killed,
    /// Whoever was to start it had no room for the request, or did not answer in time.
    Unanswered,
}

/// A handler took longer than its actor's policy allows. What the actor fails with then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the handler of `{message}` took longer than {limit:?}")]
pub struct HandlerTimedOut {
    /// The type of the message.
    pub message: &'static str,
    /// How long it may take.
    pub limit: Duration,
}

/// The error with which an actor failed, shared by all who learn of it.
///
/// An error that panics when its text is asked for says that here, and harms nobody.
#[derive(Clone)]
pub struct Failure(Arc<Kept>);

/// An error of a user's. A panic in its destructor has nobody to be told to.
struct Kept(Option<BoxError>);

impl Drop for Kept {
    fn drop(&mut self) {
        let error = self.0.take();
        unless_it_panics(|| drop(error));
    }
}

impl Failure {
    pub(crate) fn new(error: BoxError) -> Self {
        Failure(Arc::new(Kept(Some(error))))
    }

    /// Returns the error itself.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.0.0.as_deref().expect("the error is there until it is dropped")
    }

    /// Returns the error, if it is an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.error().downcast_ref()
    }

    /// Returns what the error says, followed by what its sources say.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut error: &dyn Error = self.error();
        while let Some(source) = unless_it_panics(|| error.source()).flatten() {
            text.push_str(": ");
            text.push_str(&Said(source).to_string());
            error = source;
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Said(self.error()).fmt(f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say(f, |f| fmt::Debug::fmt(self.error(), f))
    }
}

/// What an error of a user's says.
struct Said<'a>(&'a dyn Error);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say(f, |f| fmt::Display::fmt(self.0, f))
    }
}

/// Has code of a user's write, which may panic or claim that it cannot.
fn say(f: &mut fmt::Formatter<'_>, text: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result) -> fmt::Result {
    match unless_it_panics(|| text(f)) {
        Some(Ok(())) => Ok(()),
        // Where it is the reader that takes no more, this fails, too.
        Some(Err(_)) => f.write_str("(it has no text)"),
        None => f.write_str("(its text panicked)"),
    }
}

/// What it says is what the error says, and it comes from where the error comes from.
impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error().source()
    }
}

/// Two failures are equal if they are the same error, or say the same.
impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.to_string() == other.to_string()
    }
}

impl Eq for Failure {}

impl ExitReason {
    /// Tells whether this is an end as planned: `Normal` or `Shutdown`.
    pub fn is_clean(&self) -> bool {
        matches!(self, ExitReason::Normal | ExitReason::Shutdown)
    }

    /// Tells whether the actor failed of itself: an error, a panic, too many restarts.
    pub fn is_failure(&self) -> bool {
        match self {
            ExitReason::Failed(_) | ExitReason::Panicked { .. } | ExitReason::Escalated { .. } => true,
            ExitReason::StartFailed(why) => {
                matches!(why, StartFailure::Failed(_) | StartFailure::Panicked { .. } | StartFailure::TimedOut(_))
            }
            _ => false,
        }
    }

    /// Returns the error with which the actor failed, if it did.
    pub fn error(&self) -> Option<&Failure> {
        match self {
            ExitReason::Failed(failure) | ExitReason::StartFailed(StartFailure::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    /// Returns what began it all: the cause behind a `LinkDown`, else the reason itself.
    pub fn root_cause(&self) -> &ExitReason {
        match self {
            ExitReason::LinkDown { cause, .. } => cause,
            other => other,
        }
    }

    pub(crate) fn failed(error: BoxError) -> Self {
        ExitReason::Failed(Failure::new(error))
    }

    /// The reason of an actor that falls because `peer` ended with `self`.
    pub(crate) fn spread(&self, peer: ActorPath) -> ExitReason {
        ExitReason::LinkDown { peer, cause: Arc::new(self.root_cause().clone()) }
    }
}

impl PartialEq for ExitReason {
    fn eq(&self, other: &Self) -> bool {
        use ExitReason as R;
        match (self, other) {
            (R::Normal, R::Normal)
            | (R::Shutdown, R::Shutdown)
            | (R::Killed, R::Killed)
            | (R::Unresponsive, R::Unresponsive)
            | (R::NoSuchActor, R::NoSuchActor) => true,
            (R::Failed(a), R::Failed(b)) => a == b,
            (R::Panicked { message: a, .. }, R::Panicked { message: b, .. }) => a == b,
            (R::LinkDown { peer: a, cause: x }, R::LinkDown { peer: b, cause: y }) => a == b && x == y,
            (R::StartFailed(a), R::StartFailed(b)) => a == b,
            (R::Escalated { child: a, restarts: x, period: p }, R::Escalated { child: b, restarts: y, period: q }) => {
                a == b && x == y && p == q
            }
            (R::Aborted { by: a }, R::Aborted { by: b }) => a == b,
            _ => false,
        }
    }
}

impl Eq for ExitReason {}

impl PartialEq for StartFailure {
    fn eq(&self, other: &Self) -> bool {
        use StartFailure as S;
        match (self, other) {
            (S::Failed(a), S::Failed(b)) => a == b,
            (S::Panicked { message: a, .. }, S::Panicked { message: b, .. }) => a == b,
            (S::TimedOut(a), S::TimedOut(b)) => a == b,
            (S::NameTaken(a), S::NameTaken(b)) => a == b,
            (S::InvalidName { name: a, .. }, S::InvalidName { name: b, .. }) => a == b,
            (S::BadSpec(a), S::BadSpec(b)) => a == b,
            (S::AlreadyPresent, S::AlreadyPresent) | (S::Unanswered, S::Unanswered) => true,
            (S::Declined, S::Declined) | (S::Stopping, S::Stopping) | (S::Killed, S::Killed) => true,
            _ => false,
        }
    }
}

impl Eq for StartFailure {}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitReason::Normal => f.write_str("normal"),
            ExitReason::Shutdown => f.write_str("shutdown"),
            ExitReason::Failed(failure) => write!(f, "failed: {}", failure.chain()),
            ExitReason::Panicked { message, location } => write_panic(f, message, location.as_deref()),
            ExitReason::LinkDown { peer, cause } => write!(f, "link to {peer} down: {cause}"),
            ExitReason::StartFailed(why) => write!(f, "start failed: {why}"),
            ExitReason::Escalated { child, restarts, period } => {
                write!(f, "escalated: {child} failed after {restarts} restarts within {period:?}")
            }
            ExitReason::Killed => f.write_str("killed"),
            ExitReason::Aborted { by: AbortedBy::Deadline } => f.write_str("aborted at its deadline"),
            ExitReason::Aborted { by: AbortedBy::Runtime } => f.write_str("aborted by the runtime"),
            ExitReason::Unresponsive => f.write_str("unresponsive"),
            ExitReason::NoSuchActor => f.write_str("no such actor"),
        }
    }
}

/// Its text is whole, with all that an error came from, and so it has no source; [`error`](ExitReason::error) gives that.
impl Error for ExitReason {}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartFailure::Failed(failure) => f.write_str(&failure.chain()),
            StartFailure::Panicked { message, location } => write_panic(f, message, location.as_deref()),
            StartFailure::TimedOut(limit) => write!(f, "the `started` hook took longer than {limit:?}"),
            StartFailure::Declined => f.write_str("it declined"),
            StartFailure::NameTaken(path) => write!(f, "the name {path} is taken"),
            StartFailure::InvalidName { name, fault } => write!(f, "`{name}` is not a name: {fault}"),
            StartFailure::AlreadyPresent => f.write_str("a child of this name is there already, and does not run"),
            StartFailure::BadSpec(fault) => write!(f, "bad combination in its child spec: {fault}"),
            StartFailure::Stopping => f.write_str("its parent is stopping"),
            StartFailure::Killed => f.write_str("it was killed"),
            StartFailure::Unanswered => f.write_str("whoever was to start it did not answer in time"),
        }
    }
}

fn write_panic(f: &mut fmt::Formatter<'_>, message: &str, location: Option<&str>) -> fmt::Result {
    match location {
        Some(location) => write!(f, "panicked at {location}: {message}"),
        None => write!(f, "panicked: {message}"),
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ExitReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The end of an incarnation: the first cause, and what went wrong after it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Exit {
    /// Why it ended.
    pub reason: ExitReason,
    /// What went wrong while it ended: a stop hook that failed, a destructor that panicked.
    pub secondary: Vec<ExitReason>,
}

impl Exit {
    pub(crate) fn new(reason: ExitReason) -> Self {
        Exit { reason, secondary: Vec::new() }
    }

    /// Adds what went wrong later. A clean end gives way to it; an abnormal one keeps its cause.
    pub(crate) fn add(&mut self, later: ExitReason) {
        if self.reason.is_clean() {
            self.reason = later;
        } else {
            self.secondary.push(later);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_failure_where_its_hook_is_to_blame() {
        let panicked = StartFailure::Panicked { message: "no".into(), location: None };
        for (failure, counts) in [
            (StartFailure::Failed(Failure::new("no".into())), true),
            (panicked, true),
            (StartFailure::TimedOut(Duration::ZERO), true),
            (StartFailure::Declined, false),
            (StartFailure::NameTaken(ActorPath::root()), false),
            (StartFailure::Stopping, false),
            (StartFailure::Killed, false),
        ] {
            assert_eq!(ExitReason::StartFailed(failure.clone()).is_failure(), counts, "{failure}");
        }
    }

    #[test]
    fn every_reason_is_equal_to_itself_and_to_no_other() {
        let panicked = || StartFailure::Panicked { message: "no".into(), location: None };
        let starts = [
            StartFailure::Failed(Failure::new("no".into())),
            panicked(),
            StartFailure::TimedOut(Duration::ZERO),
            StartFailure::Declined,
            StartFailure::NameTaken(ActorPath::root()),
            StartFailure::InvalidName { name: "".into(), fault: "it is empty" },
            StartFailure::AlreadyPresent,
            StartFailure::BadSpec("no"),
            StartFailure::Stopping,
            StartFailure::Killed,
            StartFailure::Unanswered,
        ];
        let others = [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::failed("no".into()),
            ExitReason::Panicked { message: "no".into(), location: None },
            ExitReason::Killed.spread(ActorPath::root()),
            ExitReason::Escalated { child: ActorPath::root(), restarts: 1, period: Duration::ZERO },
            ExitReason::Killed,
            ExitReason::Aborted { by: AbortedBy::Deadline },
            ExitReason::Aborted { by: AbortedBy::Runtime },
            ExitReason::Unresponsive,
            ExitReason::NoSuchActor,
        ];
        let top = ActorPath::root();
        let child = ActorPath { parent: Some(top.node()), segment: crate::lifecycle::path::Segment::Named("a".into()) };
        let escalated = |child: &ActorPath, restarts, period| ExitReason::Escalated { child: child.clone(), restarts, period };
        let nearly = [
            ExitReason::Normal.spread(top.clone()),
            ExitReason::Killed.spread(child.clone()),
            escalated(&child, 1, Duration::ZERO),
            escalated(&top, 2, Duration::ZERO),
            escalated(&top, 1, Duration::MAX),
        ];
        let others = others.into_iter().chain(nearly);
        let all: Vec<_> = starts.into_iter().map(ExitReason::StartFailed).chain(others).collect();
        for (a, one) in all.iter().enumerate() {
            for (b, other) in all.iter().enumerate() {
                assert_eq!(one == &other.clone(), a == b, "{one}, {other}");
            }
        }
    }

    /// It says something else each time.
    #[derive(Debug, Default)]
    struct Fickle(std::sync::atomic::AtomicU32);

    impl fmt::Display for Fickle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
        }
    }

    impl Error for Fickle {}

    #[test]
    fn a_failure_is_the_same_whatever_its_error_says() {
        let failure = Failure::new(Box::new(Fickle::default()));
        assert_eq!(failure, failure.clone());
        assert_eq!(Failure::new("no".into()), Failure::new("no".into()));
        assert_ne!(Failure::new("no".into()), Failure::new("yes".into()));
    }
}
