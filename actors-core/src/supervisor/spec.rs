//! What a supervisor knows of a child before there is one: plain data, and a function that makes it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::child_fn::ChildFn;
use crate::actor::Actor;
use crate::address::cell::Cell;
use crate::lifecycle::cell::{AnyCell, Family};
use crate::lifecycle::exit::{ExitReason, StartFailure};
use crate::lifecycle::panic;
use crate::lifecycle::path::name_fault;
use crate::lifecycle::signal::Signals;
use crate::lifecycle::{AutoShutdown, Limit, Policy};
use crate::mailbox::Capacity;
use crate::runtime::{Builder, Enroll, revive};

/// When a child is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Restart {
    /// Whatever ended it. The default.
    #[default]
    Permanent,
    /// When it failed: not after [`Normal`](ExitReason::Normal) or [`Shutdown`](ExitReason::Shutdown).
    Transient,
    /// Never. Once it has ended, it is forgotten.
    Temporary,
}

/// A child as data: its name, the function that makes it, when it is restarted, how it is stopped.
///
/// The function is called for each incarnation, so it makes the actor from what it keeps and gives nothing away; the
/// compiler sees to that. Of a temporary child it is dropped once the child is made.
///
/// ```
/// # use std::time::Duration;
/// # use actors_core::{messages, Actor, ActorSystem, Backoff, ChildSpec, Supervisor};
/// # #[derive(Actor)] struct Db { url: String }
/// # #[messages] impl Db { #[message] fn ping(&self) {} }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), actors_core::StartError> {
/// let url = String::from("postgres://...");
/// let db = ChildSpec::new("db", move || Db { url: url.clone() })
///     .transient()
///     .stop_limit(Duration::from_secs(10))
///     .backoff(Backoff::exponential(Duration::from_millis(100), Duration::from_secs(5)));
///
/// let system = ActorSystem::new("demo");
/// system.actor(Supervisor::new().child(db)).name("data").start().await?;
/// assert!(system.lookup::<Db>("/data/db").is_some());
/// # system.shutdown().await; Ok(()) }
/// ```
#[derive(Clone)]
pub struct ChildSpec {
    pub(super) name: Option<Arc<str>>,
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) backoff: Option<Backoff>,
    policy: Option<Box<Policy>>,
    pub(super) make: Arc<dyn Make>,
}

impl ChildSpec {
    /// Describes a permanent child. `make` makes the actor, once for each incarnation.
    pub fn new<A: Actor>(name: impl AsRef<str>, make: impl ChildFn<A> + Send + Sync + 'static) -> Self {
        Self::with_name(Some(Arc::from(name.as_ref())), make)
    }

    /// Describes a child without a name.
    pub(super) fn anonymous<A: Actor>(make: impl ChildFn<A> + Send + Sync + 'static) -> Self {
        Self::with_name(None, make)
    }

    fn with_name<A: Actor>(name: Option<Arc<str>>, make: impl ChildFn<A> + Send + Sync + 'static) -> Self {
        ChildSpec {
            name,
            restart: Restart::Permanent,
            significant: false,
            backoff: None,
            policy: None,
            make: Arc::new(Maker { make, made: PhantomData, policy: const { &A::POLICY } }),
        }
    }

    /// Has it restarted whatever ends it. The default.
    pub fn permanent(self) -> Self {
        self.restart(Restart::Permanent)
    }

    /// Has it restarted when it fails.
    pub fn transient(self) -> Self {
        self.restart(Restart::Transient)
    }

    /// Has it never restarted, and forgotten once it has ended.
    pub fn temporary(self) -> Self {
        self.restart(Restart::Temporary)
    }

    /// Sets when it is restarted.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Lets its end count for the [`AutoShutdown`] of its supervisor. It must not be permanent.
    pub fn significant(mut self) -> Self {
        self.significant = true;
        self
    }

    /// Has its supervisor wait before each restart. Without it, a child is restarted at once.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Sets how long it may take to stop.
    pub fn stop_limit(self, limit: Duration) -> Self {
        self.policy(|policy| policy.stop_limit = Limit::After(limit))
    }

    /// Has it killed instead of stopped. Its `stopped` hook still runs, for 500 ms at most.
    pub fn stop_by_kill(self) -> Self {
        self.stop_limit(Duration::ZERO)
    }

    /// Lets it take as long to stop as it needs, or as a deadline above allows.
    pub fn unlimited_stop(self) -> Self {
        self.policy(|policy| policy.stop_limit = Limit::Unlimited)
    }

    /// Sets how long its `started` hook may take.
    pub fn start_limit(self, limit: Duration) -> Self {
        self.policy(|policy| policy.start_limit = Limit::After(limit))
    }

    /// Sets how long a handler of it may take. One that takes longer is dropped, and the child fails.
    pub fn handler_limit(self, limit: Duration) -> Self {
        self.policy(|policy| policy.handler_limit = Some(limit))
    }

    /// Lets at most this many messages wait.
    pub fn mailbox(self, capacity: u32) -> Self {
        self.policy(|policy| policy.mailbox = Capacity::Bounded(capacity))
    }

    /// Changes its policy, which is its `#[actor(...)]` to begin with.
    pub fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(self.policy.get_or_insert_with(|| Box::new(self.make.policy().clone())));
        self
    }

    /// Returns its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns when it is restarted.
    pub fn restart_type(&self) -> Restart {
        self.restart
    }

    /// Returns its policy.
    pub fn policy_ref(&self) -> &Policy {
        self.policy.as_deref().unwrap_or_else(|| self.make.policy())
    }

    pub(super) fn check(&self, auto_shutdown: AutoShutdown) -> Result<(), StartFailure> {
        if let Some((name, fault)) = self.name.as_ref().and_then(|name| Some((name, name_fault(name)?))) {
            return Err(StartFailure::InvalidName { name: name.clone(), fault });
        }
        if self.significant && self.restart == Restart::Permanent {
            return Err(StartFailure::BadSpec("a permanent child cannot be significant, since it never ends for good"));
        }
        if self.significant && auto_shutdown == AutoShutdown::Never {
            return Err(StartFailure::BadSpec("a significant child needs a supervisor with `auto_shutdown`"));
        }
        Ok(())
    }

    /// Makes the actor below `family`. `enroll` sees it before anybody else.
    pub(super) fn create(&self, family: &Arc<Family>, awaited: bool, enroll: Enroll<'_>) -> Result<Made, ExitReason> {
        let kind = match self.restart {
            Restart::Permanent => Signals::PERMANENT,
            Restart::Transient => Signals::TRANSIENT,
            Restart::Temporary => 0,
        };
        let awaited = if awaited { Signals::AWAITED } else { 0 };
        self.make.create(family, Plan { name: self.name.clone(), policy: self.policy.clone(), signals: kind | awaited }, enroll)
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("restart", &self.restart)
            .field("significant", &self.significant)
            .field("backoff", &self.backoff)
            .field("policy", self.policy_ref())
            .finish_non_exhaustive()
    }
}

/// What is decided of an actor before it is made.
pub(super) struct Plan {
    name: Option<Arc<str>>,
    policy: Option<Box<Policy>>,
    signals: u32,
}

/// An actor that was just made, and whoever had its name before it, if it was refused for that.
pub(super) struct Made {
    pub(super) cell: Arc<dyn AnyCell>,
    pub(super) holder: Option<Arc<dyn AnyCell>>,
}

/// Whether an actor was refused when it was made, and so never stood in the tree.
pub(super) fn is_stillborn(cell: &Arc<dyn AnyCell>) -> bool {
    cell.core().parent.child(cell.id()).is_none()
        && cell.core().exit().is_some_and(|exit| exit.secondary.is_empty() && never_stood(&exit.reason))
}

fn never_stood(reason: &ExitReason) -> bool {
    matches!(
        reason,
        ExitReason::StartFailed(
            StartFailure::Stopping | StartFailure::NameTaken(_) | StartFailure::InvalidName { .. } | StartFailure::AlreadyPresent
        )
    )
}

/// Why a start did not even begin.
pub(super) fn start_failure(reason: ExitReason) -> StartFailure {
    match reason {
        ExitReason::StartFailed(failure) => failure,
        ExitReason::Panicked { message, location } => StartFailure::Panicked { message, location },
        _ => StartFailure::Killed,
    }
}

/// Makes actors of one type, whatever that is.
pub(super) trait Make: Send + Sync {
    fn policy(&self) -> &'static Policy;
    /// Makes an actor. An error is a panic of the user's function.
    fn create(&self, family: &Arc<Family>, plan: Plan, enroll: Enroll<'_>) -> Result<Made, ExitReason>;
    /// Begins the next incarnation of one that is down; says whether it did.
    fn revive(&self, cell: &Arc<dyn AnyCell>) -> Result<bool, ExitReason>;
}

struct Maker<A, F> {
    make: F,
    made: PhantomData<fn() -> A>,
    policy: &'static Policy,
}

impl<A: Actor, F: ChildFn<A> + Send + Sync> Make for Maker<A, F> {
    fn policy(&self) -> &'static Policy {
        self.policy
    }

    fn create(&self, family: &Arc<Family>, plan: Plan, enroll: Enroll<'_>) -> Result<Made, ExitReason> {
        let actor = panic::guard(|| self.make.make())?;
        let builder = Builder::new(family.clone(), actor).supervised(plan.name, plan.signals, plan.policy);
        let (actor, holder) = builder.create(Some(enroll));
        Ok(Made { cell: actor.any(), holder })
    }

    fn revive(&self, cell: &Arc<dyn AnyCell>) -> Result<bool, ExitReason> {
        match Cell::of(cell.clone()) {
            Some(cell) => revive::<A>(&cell, || self.make.make()),
            None => Ok(false),
        }
    }
}
