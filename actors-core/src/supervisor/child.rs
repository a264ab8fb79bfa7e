//! Children of any actor that supervises: made from specs, listed, terminated, restarted and removed while it runs.

use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::child_fn::ChildFn;
use super::ledger::{Key, Refused, Seen};
use super::spec::{ChildSpec, Restart};
use super::supervise::Supervision;
use super::table::{Settings, State};
use crate::actor::{Actor, Context};
use crate::address::cell::Cell;
use crate::address::{ActorRef, Protocol};
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::StartFailure;
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::{ExitReason, Policy};
use crate::runtime::{StartError, ready};

impl<A: Protocol> Context<A> {
    /// Begins to make a child that this actor supervises: `make` makes the actor anew for each incarnation.
    ///
    /// The strategy, and how many restarts are too many, are this actor's own policy: `#[actor(strategy = "rest_for_one",
    /// restarts = 5, within = "30s")]`. Beyond that it ends itself, with [`ExitReason::Escalated`]. Supervision goes on beside its
    /// handlers, so it can wait for its children.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use actors_core::{messages, Actor, ActorRef, ActorSystem, Context, StartError};
    /// #[derive(Actor)] struct Db { queries: u32 }
    /// #[messages] impl Db {
    ///     #[message] fn query(&mut self, sql: String) -> u32 {
    ///         assert!(!sql.is_empty(), "an empty query");
    ///         self.queries += 1;
    ///         self.queries
    ///     }
    /// }
    ///
    /// #[derive(Actor)] #[actor(restarts = 3, within = "10s")]
    /// struct Data { db: Option<ActorRef<Db>> }
    /// #[messages] impl Data {
    ///     #[started] async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
    ///         self.db = Some(ctx.child("db", || Db { queries: 0 }).permanent().stop_limit(Duration::from_secs(10)).start().await?);
    ///         Ok(())
    ///     }
    ///     #[message] fn database(&self) -> ActorRef<Db> { self.db.clone().expect("opened when started") }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = ActorSystem::new("demo");
    /// let data = system.start(Data { db: None }).await.unwrap();
    /// let db = data.ask(Database).await.unwrap();
    /// # system.shutdown().await; }
    /// ```
    pub fn child<B: Actor>(&self, name: impl AsRef<str>, make: impl ChildFn<B> + Send + Sync + 'static) -> Child<B> {
        Child { supervision: Supervision::of(&self.any()), spec: ChildSpec::new(name, make), made: PhantomData }
    }

    /// Makes a child from a spec and waits until it is ready. Returns its path.
    ///
    /// # Errors
    /// [`StartError`] says what went wrong; then nothing is left of the child.
    ///
    /// # Cancel safety
    /// A future that is dropped before it has returned ends what it has begun to start: nothing is left behind.
    pub async fn add_child(&self, spec: ChildSpec) -> Result<ActorPath, StartError> {
        add(&Supervision::of(&self.any()), spec).await.map(|cell| cell.path())
    }

    /// Stops a child for good and waits for its end, also one that is down or being started. Its spec stays, unless it is
    /// temporary or has no name. Harmless if it has ended already. A child that asks for its own end does not wait for it.
    ///
    /// # Errors
    /// [`ChildError::NotFound`] if this actor supervises no such child, [`ChildError::Stopping`] if it has ended itself.
    ///
    /// # Cancel safety
    /// Once it was polled, the child is stopped all the same.
    pub async fn terminate_child(&self, child: impl Into<ChildKey>) -> Result<(), ChildError> {
        terminate(&Supervision::of(&self.any()), child.into()).await
    }

    /// Starts a child again that does not run, from its spec, and waits until it is ready. It is a new actor in the old
    /// place: references to the one that ended stay dead.
    ///
    /// # Errors
    /// [`ChildError`] says why not; the spec stays.
    ///
    /// # Cancel safety
    /// Once it was polled, the child is started all the same.
    pub async fn restart_child(&self, child: impl Into<ChildKey>) -> Result<(), ChildError> {
        restart(&Supervision::of(&self.any()), child.into()).await
    }

    /// Forgets the spec of a child that does not run.
    ///
    /// # Errors
    /// [`ChildError`] says why not.
    pub fn remove_child(&self, child: impl Into<ChildKey>) -> Result<(), ChildError> {
        Ok(Supervision::of(&self.any()).remove(&child.into().0)?)
    }

    /// Returns the children that this actor supervises, in start order, those that do not run included.
    pub fn supervised_children(&self) -> Vec<ChildInfo> {
        list(&Supervision::of(&self.any()))
    }

    /// Replaces what this actor's policy says of restarts. For before its first child.
    ///
    /// # Errors
    /// A period of zero, within which no restarts can be counted.
    pub(crate) fn limit_restarts(&self, restarts: u32, within: Duration) -> Result<(), StartError> {
        let supervision = Supervision::of(&self.any());
        let settings = Settings { restarts, within, ..supervision.settings() };
        if let Some(fault) = settings.fault() {
            return Err(StartError::new(self.path(), fault, None));
        }
        supervision.configure(settings);
        Ok(())
    }

    /// Counts the children that this actor supervises.
    pub fn count_children(&self) -> ChildCounts {
        count(&Supervision::of(&self.any()))
    }
}

/// A child about to be made, from [`Context::child`]. It is permanent unless said otherwise.
#[must_use = "a child is made by `spawn` or `start`"]
pub struct Child<A: Actor> {
    supervision: Arc<Supervision>,
    spec: ChildSpec,
    made: PhantomData<fn() -> A>,
}

impl<A: Actor> Child<A> {
    /// Has it restarted whatever ends it. The default.
    pub fn permanent(self) -> Self {
        self.with(ChildSpec::permanent)
    }

    /// Has it restarted when it fails.
    pub fn transient(self) -> Self {
        self.with(ChildSpec::transient)
    }

    /// Has it never restarted, and forgotten once it has ended.
    pub fn temporary(self) -> Self {
        self.with(ChildSpec::temporary)
    }

    /// Lets its end count for the parent's `auto_shutdown`. It must not be permanent.
    pub fn significant(self) -> Self {
        self.with(ChildSpec::significant)
    }

    /// Waits before each restart.
    pub fn backoff(self, backoff: Backoff) -> Self {
        self.with(|spec| spec.backoff(backoff))
    }

    /// Sets how long it may take to stop.
    pub fn stop_limit(self, limit: Duration) -> Self {
        self.with(|spec| spec.stop_limit(limit))
    }

    /// Has it killed instead of stopped; see [`ChildSpec::stop_by_kill`].
    pub fn stop_by_kill(self) -> Self {
        self.with(ChildSpec::stop_by_kill)
    }

    /// Lets it take as long to stop as it needs, or as a deadline above allows.
    pub fn unlimited_stop(self) -> Self {
        self.with(ChildSpec::unlimited_stop)
    }

    /// Sets how long its `started` hook may take.
    pub fn start_limit(self, limit: Duration) -> Self {
        self.with(|spec| spec.start_limit(limit))
    }

    /// Sets how long a handler of it may take. One that takes longer is dropped, and the child fails.
    pub fn handler_limit(self, limit: Duration) -> Self {
        self.with(|spec| spec.handler_limit(limit))
    }

    /// Lets at most this many messages wait.
    pub fn mailbox(self, capacity: u32) -> Self {
        self.with(|spec| spec.mailbox(capacity))
    }

    /// Changes its policy, which is its `#[actor(...)]` to begin with.
    pub fn policy(self, change: impl FnOnce(&mut Policy)) -> Self {
        self.with(|spec| spec.policy(change))
    }

    /// Makes the child and returns at once. If its first start fails, that is a failure like any other: it is tried again.
    ///
    /// If it cannot be made, because the parent is stopping or its name is taken, the error says so.
    ///
    /// # Errors
    /// [`StartError`] says what went wrong.
    pub fn spawn(self) -> Result<ActorRef<A>, StartError> {
        let made = self.supervision.add(self.spec, false)?;
        Ok(typed(&made.cell))
    }

    /// Makes the child and waits until its `started` hook has succeeded.
    ///
    /// # Errors
    /// [`StartError`] says what went wrong; then nothing is left of the child or of its spec, but that of one that declined.
    ///
    /// # Cancel safety
    /// A future that is dropped before it has returned ends what it has begun to start: nothing is left behind.
    pub async fn start(self) -> Result<ActorRef<A>, StartError> {
        add(&self.supervision, self.spec).await.map(|cell| typed(&cell))
    }

    fn with(mut self, change: impl FnOnce(ChildSpec) -> ChildSpec) -> Self {
        self.spec = change(self.spec);
        self
    }
}

impl<A: Actor> fmt::Debug for Child<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

/// A reference to a child that was just made, whose type is known.
pub(super) fn typed<A: Protocol>(cell: &Arc<dyn AnyCell>) -> ActorRef<A> {
    let cell = Cell::of(cell.clone());
    ActorRef::new(cell.expect("a spec makes actors of the type it was made for"))
}

/// Which child is meant: by its name, or by a reference to it.
#[derive(Clone)]
pub struct ChildKey(pub(super) Key);

impl From<&str> for ChildKey {
    fn from(name: &str) -> Self {
        ChildKey(Key::Name(Arc::from(name)))
    }
}

impl From<&String> for ChildKey {
    fn from(name: &String) -> Self {
        ChildKey::from(name.as_str())
    }
}

impl<A: Protocol> From<&ActorRef<A>> for ChildKey {
    fn from(child: &ActorRef<A>) -> Self {
        ChildKey(Key::Cell(child.any()))
    }
}

impl fmt::Debug for ChildKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Key::Name(name) => write!(f, "ChildKey({name:?})"),
            Key::Cell(cell) => write!(f, "ChildKey({})", cell.path()),
        }
    }
}

/// Why a child could not be terminated, restarted or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// The supervisor has no such child.
    #[error("the supervisor has no such child")]
    NotFound,
    /// The child runs, or is being restarted.
    #[error("the child is running")]
    Running,
    /// The supervisor is stopping, or has stopped.
    #[error("the supervisor is stopping")]
    Stopping,
    /// The child did not start.
    #[error("the child did not start: {0}")]
    NotStarted(StartFailure),
}

impl From<Refused> for ChildError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => ChildError::NotFound,
            Refused::Running => ChildError::Running,
            Refused::Stopping => ChildError::Stopping,
        }
    }
}

/// What a supervisor knows of one child.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// Where it stands, or stood.
    pub path: ActorPath,
    /// Its id, or that of the last actor in its place.
    pub id: ActorId,
    /// What it is about.
    pub state: ChildState,
    /// Why it ended, if it does not run.
    pub exit: Option<ExitReason>,
    /// When it is restarted.
    pub restart: Restart,
    /// Whether its end counts for `auto_shutdown`.
    pub significant: bool,
    /// How often it has been restarted.
    pub restarts: u64,
    /// Whether it supervises children of its own.
    pub is_supervisor: bool,
}

/// What a supervised child is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildState {
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It failed, or is taken along by one that did, and is to run again.
    Restarting,
    /// It is being stopped for good.
    Stopping,
    /// It does not run. Only its spec is there.
    NotRunning,
}

/// How many children a supervisor has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildCounts {
    /// All, those that do not run included.
    pub specs: usize,
    /// Those that run.
    pub active: usize,
    /// Those that supervise children of their own, running or not.
    pub supervisors: usize,
    /// All others.
    pub workers: usize,
}

// ===== what contexts and ready-made supervisors share =====

pub(super) async fn add(supervision: &Arc<Supervision>, spec: ChildSpec) -> Result<Arc<dyn AnyCell>, StartError> {
    /// Notes that a start is abandoned, if it is dropped before that is over.
    struct Waits<'a>(&'a Supervision, Option<&'a Arc<dyn AnyCell>>);
    impl Drop for Waits<'_> {
        fn drop(&mut self) {
            if let Some(cell) = self.1 {
                self.0.abandon(cell);
            }
        }
    }
    let made = supervision.add(spec, true)?;
    let mut ready = pin!(ready(&made.cell, made.holder));
    // Dropped before the other, which kills the child.
    let mut waits = Waits(supervision, Some(&made.cell));
    let outcome = ready.as_mut().await;
    waits.1 = None;
    outcome?;
    Ok(made.cell.clone())
}

pub(super) async fn terminate(supervision: &Arc<Supervision>, child: ChildKey) -> Result<(), ChildError> {
    if let Some(ended) = supervision.terminate(&child.0)? {
        if supervision.is_current(&child.0) {
            // It has asked for its own end, which cannot come before this handler's.
            return Ok(());
        }
        // If nobody is left to tell, the supervisor has ended, and all its children before it.
        let _ = ended.await;
    }
    Ok(())
}

pub(super) async fn restart(supervision: &Arc<Supervision>, child: ChildKey) -> Result<(), ChildError> {
    let started = supervision.restart(&child.0)?;
    started.await.map_err(|_| ChildError::Stopping)?.map_err(|failure| match failure {
        StartFailure::Stopping => ChildError::Stopping,
        failure => ChildError::NotStarted(failure),
    })
}

pub(super) fn list(supervision: &Supervision) -> Vec<ChildInfo> {
    supervision.list().into_iter().filter_map(info).collect()
}

pub(super) fn count(supervision: &Supervision) -> ChildCounts {
    let mut counts = ChildCounts::default();
    for child in list(supervision) {
        counts.specs += 1;
        counts.active += usize::from(matches!(child.state, ChildState::Running | ChildState::Starting));
        counts.supervisors += usize::from(child.is_supervisor);
        counts.workers += usize::from(!child.is_supervisor);
    }
    counts
}

fn info(seen: Seen) -> Option<ChildInfo> {
    let cell = seen.cell?;
    let state = match seen.state {
        State::Starting => ChildState::Starting,
        State::Up => ChildState::Running,
        State::Bouncing | State::Down | State::Restarting => ChildState::Restarting,
        State::Terminating => ChildState::Stopping,
        State::Idle => ChildState::NotRunning,
    };
    Some(ChildInfo {
        name: seen.name,
        path: cell.path(),
        id: cell.id(),
        state,
        exit: cell.core().exit().map(|exit| exit.reason.clone()),
        restart: seen.restart,
        significant: seen.significant,
        restarts: seen.restarts + cell.core().incarnation(),
        is_supervisor: cell.core().family().is_some_and(|family| family.overseer().is_some()),
    })
}
