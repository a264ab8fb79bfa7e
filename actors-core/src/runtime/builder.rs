//! Making actors: below the system or below another actor, at once or awaited until they are ready.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::starting::Starting;
use super::{fault, task};
use crate::actor::{Actor, Context, Hooks};
use crate::address::cell::Cell;
use crate::address::{ActorRef, For, Protocol};
use crate::lifecycle::cell::{AnyCell, Core, Family};
use crate::lifecycle::conclude::stillborn;
use crate::lifecycle::exit::{ExitReason, Failure, StartFailure};
use crate::lifecycle::panic;
use crate::lifecycle::path::{ActorPath, name_fault};
use crate::lifecycle::policy::{Children, InFlight, Limit, OnStop, Policy};
use crate::lifecycle::request;
use crate::lifecycle::restart;
use crate::lifecycle::signal::Signals;
use crate::mailbox::{Capacity, Overflow};
use crate::telemetry;

/// An actor about to be made, from [`ActorSystem::actor`](crate::ActorSystem::actor) or
/// [`Context::actor`](crate::Context::actor). What is not said here is as its `#[actor(...)]` says.
///
/// ```
/// # use actors_core::{messages, Actor, ActorSystem};
/// # #[derive(Actor)] struct Db;
/// # #[messages] impl Db { #[message] fn ping(&self) {} }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), actors_core::StartError> {
/// # let system = ActorSystem::new("demo");
/// let db = system.actor(Db).name("db").mailbox(16).start().await?;
/// assert_eq!(db.path(), "/db");
/// assert_eq!(system.lookup::<Db>("/db"), Some(db));
/// # system.shutdown().await; Ok(()) }
/// ```
#[must_use = "an actor is made by `spawn` or `start`"]
pub struct Builder<A: Actor> {
    family: Arc<Family>,
    actor: A,
    name: Option<Arc<str>>,
    /// How many messages may wait, if that is said apart: whoever says no more needs no policy of his own.
    capacity: Option<Capacity>,
    policy: Option<Box<Policy>>,
    /// What is decided of it from the beginning.
    signals: u32,
}

impl<A: Actor> Builder<A> {
    pub(crate) fn new(family: Arc<Family>, actor: A) -> Self {
        Builder { family, actor, name: None, capacity: None, policy: None, signals: 0 }
    }

    /// Gives it a name, unique among its siblings, by which [`lookup`](crate::ActorSystem::lookup) finds it. `/` and `#`
    /// are not allowed.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Some(Arc::from(name.as_ref()));
        self
    }

    /// Lets at most this many messages wait, but always one.
    pub fn mailbox(mut self, capacity: u32) -> Self {
        self.capacity = Some(Capacity::Bounded(capacity));
        self
    }

    /// Lets any number of messages wait.
    pub fn unbounded(mut self) -> Self {
        self.capacity = Some(Capacity::Unbounded);
        self
    }

    /// Sets what a full mailbox does.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.own_policy().overflow = overflow;
        self
    }

    /// Lets it put at most this many messages aside with [`stash`](Context::stash).
    pub fn stash(mut self, capacity: u32) -> Self {
        self.own_policy().stash = capacity;
        self
    }

    /// Sets what a stop does with the messages that wait.
    pub fn on_stop(mut self, on_stop: OnStop) -> Self {
        self.own_policy().on_stop = on_stop;
        self
    }

    /// Sets what a stop does with the handler in hand.
    pub fn in_flight(mut self, in_flight: InFlight) -> Self {
        self.own_policy().in_flight = in_flight;
        self
    }

    /// Sets how long it may take to stop when its parent, or its peer group, stops it.
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.own_policy().stop_limit = Limit::After(limit);
        self
    }

    /// Lets it take as long to stop as the deadline above it allows.
    pub fn unlimited_stop(mut self) -> Self {
        self.own_policy().stop_limit = Limit::Unlimited;
        self
    }

    /// Sets how long its `started` hook may take.
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.own_policy().start_limit = Limit::After(limit);
        self
    }

    /// Sets how long a handler of it may take. One that takes longer is dropped, and the actor fails.
    pub fn handler_limit(mut self, limit: Duration) -> Self {
        self.own_policy().handler_limit = Some(limit);
        self
    }

    /// Sets how long its `stopped` hook may take.
    pub fn hook_limit(mut self, limit: Duration) -> Self {
        self.own_policy().hook_limit = Limit::After(limit);
        self
    }

    /// Sets the limit of asks that name none.
    pub fn ask_limit(mut self, limit: Duration) -> Self {
        self.own_policy().ask_limit = Some(limit);
        self
    }

    /// Sets the order in which its children stop.
    pub fn children(mut self, children: Children) -> Self {
        self.own_policy().children = children;
        self
    }

    /// Changes its policy, which is its `#[actor(...)]` to begin with: for what no other method here sets.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Limit};
    /// # #[derive(Actor)] struct Site;
    /// # #[messages] impl Site { #[message] fn ping(&self) {} }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("demo");
    /// system.actor(Site).policy(|policy| (policy.restarts, policy.start_limit) = (5, Limit::Unlimited)).spawn();
    /// # system.shutdown().await; }
    /// ```
    pub fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        if let Some(capacity) = self.capacity.take() {
            self.own_policy().mailbox = capacity;
        }
        change(self.own_policy());
        self
    }

    /// Makes its end the end of the system: when it has ended, for whatever reason, the system shuts down in order.
    pub fn significant(mut self) -> Self {
        self.signals |= Signals::SIGNIFICANT;
        self
    }

    /// Makes it one that its parent supervises, with these signals set.
    pub(crate) fn supervised(mut self, name: Option<Arc<str>>, signals: u32, policy: Option<Box<Policy>>) -> Self {
        self.name = name;
        self.signals |= Signals::SUPERVISED | signals;
        self.policy = policy;
        self
    }

    fn own_policy(&mut self) -> &mut Policy {
        self.policy.get_or_insert_with(|| Box::new(A::POLICY.clone()))
    }

    /// Makes the actor and returns at once. Messages sent from now on are handled once it has started.
    ///
    /// If it cannot be made, because its parent is stopping or its name is taken, the reference is to an actor that has
    /// ended already; [`stopped`](ActorRef::stopped) says why.
    pub fn spawn(self) -> ActorRef<A> {
        self.create(None).0
    }

    /// Makes the actor and waits until its `started` hook has succeeded.
    ///
    /// # Errors
    /// [`StartError`] says what went wrong; then nothing is left of the actor, its children or its name.
    ///
    /// # Cancel safety
    /// A future that is dropped before it has returned kills what it has begun to start: nothing is left behind.
    pub async fn start(self) -> Result<ActorRef<A>, StartError> {
        let (actor, holder) = self.create(None);
        ready(&actor.any(), holder).await?;
        Ok(actor)
    }

    /// Makes the actor. `enroll` sees it before anybody else does, and may refuse it; it is called once at most. If the actor was
    /// refused for its name, whoever has the name is returned too.
    pub(crate) fn create(self, enroll: Option<Enroll<'_>>) -> (ActorRef<A>, Option<Arc<dyn AnyCell>>) {
        let Builder { family, actor, name, capacity, policy, signals } = self;
        let effective = policy.as_deref().unwrap_or(const { &A::POLICY });
        let (capacity, overflow) = (capacity.unwrap_or(effective.mailbox), effective.overflow);
        let core = Core::new(family.env.next_id(), name, family, policy, signals);
        let cell = Arc::new(Cell::new(core, actor, capacity, overflow, const { &task::kind() }));
        let any: Arc<dyn AnyCell> = cell.clone();
        (ActorRef::new(cell), enter(&any, A::HOOKS, enroll))
    }
}

/// What sees an actor before anybody else does, and may refuse it.
pub(crate) type Enroll<'a> = &'a mut dyn FnMut(&Arc<dyn AnyCell>) -> bool;

/// Has an actor that was just made enter the tree. If it was refused for its name, whoever has the name is returned.
#[inline]
fn enter(any: &Arc<dyn AnyCell>, hooks: Hooks, enroll: Option<Enroll<'_>>) -> Option<Arc<dyn AnyCell>> {
    panic::note_locations();
    let core = any.core();
    let (family, env) = (&core.parent, &core.parent.env);
    let first = first_signals(hooks, any);
    core.signals.set(first);
    let has_to_start = first & Signals::STARTED == 0;

    let claimed = match core.name() {
        None => Ok(()),
        Some(name) => match name_fault(name) {
            Some(fault) => Err((StartFailure::InvalidName { name: name.clone(), fault }, None)),
            None => {
                let claimed = family.names.claim(family.owner_id, name.clone(), any.clone());
                claimed.map_err(|holder| (StartFailure::NameTaken(holder.path()), Some(holder)))
            }
        },
    };
    let (failure, holder) = match claimed {
        Err(refused) => refused,
        Ok(()) => {
            let note = || {
                if !has_to_start {
                    env.kit.started(any);
                }
                if core.name().is_some() {
                    core.signals.set(Signals::KNOWN);
                }
            };
            if enroll.is_none_or(|enroll| enroll(any)) && family.admit(any, note) {
                env.born();
                if has_to_start {
                    any.clone().call();
                } else {
                    telemetry::started(any);
                }
                return None;
            }
            if let Some(name) = core.name() {
                family.names.release(family.owner_id, name, |named| named.id() == core.id);
            }
            (StartFailure::Stopping, None)
        }
    };
    // What waits for an actor that never was is refused, and its state goes at once.
    if let Err(panicked) = env.within(|| panic::catch(&mut || any.drop_state())) {
        telemetry::refused(&any.path(), &StartFailure::Failed(Failure::new(panicked.to_string().into())));
    }
    telemetry::refused(&any.path(), &failure);
    stillborn(any, failure);
    holder
}

/// The signals with which every incarnation begins.
fn first_signals(hooks: Hooks, cell: &Arc<dyn AnyCell>) -> u32 {
    let traps = if hooks.exited { Signals::TRAPS } else { 0 };
    let started = if hooks.started || fault::threatens_start(cell) { 0 } else { Signals::STARTED };
    traps | started
}

/// Waits until an actor that was just made is ready. If this is dropped before, the actor is killed.
pub(crate) async fn ready(cell: &Arc<dyn AnyCell>, holder: Option<Arc<dyn AnyCell>>) -> Result<(), StartError> {
    let mut unless_ready = KillUnlessReady { cell: Some(cell.clone()), key: None };
    let outcome = poll_fn(|cx| {
        let core = cell.core();
        let mut _old = None;
        core.with_ties(|ties| {
            match &ties.exit {
                // It may have failed since, and be down, or even have been restarted.
                None if core.signals.any(Signals::STARTED) || core.incarnation() > 0 => return Poll::Ready(Ok(())),
                Some(exit) if is_start_failure(&exit.reason) || !core.signals.any(Signals::STARTED) => {
                    return Poll::Ready(Err(exit.reason.clone()));
                }
                Some(_) => return Poll::Ready(Ok(())),
                None => {}
            }
            _old = ties.add_waiter(&mut unless_ready.key, cx.waker());
            Poll::Pending
        })
    })
    .await;
    unless_ready.disarm();
    outcome.map_err(|reason| {
        let failure = match reason {
            ExitReason::StartFailed(failure) => failure,
            ExitReason::Shutdown | ExitReason::Normal => StartFailure::Stopping,
            _ => StartFailure::Killed,
        };
        StartError::new(cell.path(), failure, holder)
    })
}

/// Waits until an actor has started, or started again, or has ended. Dropping this does nothing to the actor.
pub(crate) async fn until_started(cell: &Arc<dyn AnyCell>) {
    struct Waiting<'a>(&'a Arc<dyn AnyCell>, Option<u64>);
    impl Drop for Waiting<'_> {
        fn drop(&mut self) {
            if let Some(key) = self.1 {
                self.0.core().if_tied(|ties| ties.waiters.remove(key));
            }
        }
    }
    let mut waiting = Waiting(cell, None);
    poll_fn(|cx| {
        let core = cell.core();
        if core.signals.any(Signals::STARTED) && !core.signals.any(Signals::DOWN) {
            return Poll::Ready(());
        }
        let mut _old = None;
        core.with_ties(|ties| {
            // Asked again under the lock under which waiters are taken.
            let started = core.signals.any(Signals::STARTED) && ties.down.is_none();
            if started || ties.exit.is_some() {
                return Poll::Ready(());
            }
            _old = ties.add_waiter(&mut waiting.1, cx.waker());
            Poll::Pending
        })
    })
    .await;
}

/// Begins the next incarnation of an actor that is down, with a new state. Says whether it did: not if the actor was asked
/// to end for good meanwhile.
///
/// # Errors
/// What makes the state has panicked; the actor is down as before.
pub(crate) fn revive<A: Actor>(cell: &Arc<Cell<A>>, make: impl FnOnce() -> A) -> Result<bool, ExitReason> {
    let actor = panic::guard(make)?;
    cell.put_state(actor);
    let any: Arc<dyn AnyCell> = cell.clone();
    Ok(begin_again(&any, A::HOOKS))
}

/// Begins the next incarnation of an actor that has its new state. Says whether it did.
fn begin_again(any: &Arc<dyn AnyCell>, hooks: Hooks) -> bool {
    let first = first_signals(hooks, any);
    if !restart::begin_incarnation(any, first) {
        // A panic in its destructor has nobody to be told to.
        let _ = any.env().within(|| panic::catch(&mut || any.drop_state()));
        return false;
    }
    // It is ready before anything can happen to it: told later, that could be news of an incarnation that has ended.
    let begins_at_once = first & Signals::STARTED == 0;
    if !begins_at_once {
        any.env().kit.started(any);
        telemetry::started(any);
        if let Some(overseer) = any.core().parent.overseer() {
            overseer.ready(any);
        }
    }
    // From here on whoever sends something, or asks it to end, starts its task; what has come before is looked at below.
    any.vacate();
    if begins_at_once || any.queued() > 0 || any.core().signals.any(Signals::URGENT) {
        any.clone().call();
    }
    true
}

fn is_start_failure(reason: &ExitReason) -> bool {
    matches!(reason, ExitReason::StartFailed(_))
}

/// Kills what is being started when nobody waits for it any more.
struct KillUnlessReady {
    cell: Option<Arc<dyn AnyCell>>,
    key: Option<u64>,
}

impl KillUnlessReady {
    fn disarm(&mut self) {
        if let (Some(cell), Some(key)) = (self.cell.take(), self.key.take()) {
            cell.core().if_tied(|ties| ties.waiters.remove(key));
        }
    }
}

impl Drop for KillUnlessReady {
    fn drop(&mut self) {
        if let Some(cell) = self.cell.clone() {
            self.disarm();
            request::kill_for_good(&cell);
        }
    }
}

impl<A: Protocol> Context<A> {
    /// Makes a child and returns at once; see [`Builder::spawn`].
    // `Actor` includes `Protocol`; where both are said, the compiler complains once of what is neither.
    pub fn spawn<B: Protocol + Actor>(&self, actor: B) -> For<B, ActorRef<B>> {
        self.actor(actor).spawn()
    }

    /// Makes a child and waits until it is ready; see [`Builder::start`]. A child whose `started` hook asks the actor that waits here in
    /// a handler or hook is waited for until its start limit is over: give it what it needs when it is made.
    ///
    /// # Errors
    /// [`StartError`] says what went wrong; then nothing is left of the child.
    ///
    /// # Cancel safety
    /// As for [`Builder::start`].
    pub fn start<B: Protocol + Actor>(&self, actor: B) -> Starting<'_, For<B, ActorRef<B>>> {
        Starting::new(async move { self.actor(actor).start().await })
    }

    /// Begins to make a child, to be named or set up before it is spawned or started.
    pub fn actor<B: Protocol + Actor>(&self, actor: B) -> For<B, Builder<B>> {
        let me = self.any();
        Builder::new(me.core().family_or_begin(&me).clone(), actor)
    }
}

/// An actor did not start.
///
/// Its text is whole, with all that the error of the hook came from, and so it has no [source](Error::source):
/// [`error`](Self::error) gives that error, as the type it was.
pub struct StartError(Box<Failed>);

struct Failed {
    path: ActorPath,
    failure: StartFailure,
    holder: Option<Arc<dyn AnyCell>>,
}

impl StartError {
    pub(crate) fn new(path: ActorPath, failure: StartFailure, holder: Option<Arc<dyn AnyCell>>) -> Self {
        StartError(Box::new(Failed { path, failure, holder }))
    }

    /// Returns where the actor would have stood.
    pub fn path(&self) -> &ActorPath {
        &self.0.path
    }

    /// Returns what went wrong.
    pub fn failure(&self) -> &StartFailure {
        &self.0.failure
    }

    /// Returns the error of the `started` hook, if that is what it was.
    pub fn error(&self) -> Option<&Failure> {
        match &self.0.failure {
            StartFailure::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Tells whether the parent, or the system, was stopping.
    pub fn is_stopping(&self) -> bool {
        matches!(self.0.failure, StartFailure::Stopping)
    }

    /// Tells whether the actor declined.
    pub fn is_declined(&self) -> bool {
        matches!(self.0.failure, StartFailure::Declined)
    }

    /// Tells whether the name is in use.
    pub fn is_name_taken(&self) -> bool {
        matches!(self.0.failure, StartFailure::NameTaken(_))
    }

    /// Tells whether a child spec of this name is there already, and does not run.
    pub fn is_already_present(&self) -> bool {
        matches!(self.0.failure, StartFailure::AlreadyPresent)
    }

    /// Returns the actor that has the name, if the name was taken by an `A`.
    ///
    /// One that is just being made, on another thread, may still be refused. It is returned once it stands in the tree, a moment
    /// later: whoever has to know asks again.
    pub fn holder<A: Protocol>(&self) -> Option<ActorRef<A>> {
        let holder = self.0.holder.as_ref().filter(|holder| holder.core().signals.any(Signals::KNOWN))?;
        Cell::of(holder.clone()).map(ActorRef::new)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not start: {}", self.0.path, self.0.failure)
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StartError({self})")
    }
}

impl Error for StartError {}
