//! The whole: a system of actors, from its first actor to the report on its last.

mod builder;
mod callback;
mod context;
mod plan;
mod report;
mod schedule;
mod shared;
mod shutdown;
mod signals;
mod text;
mod tree;
mod watchdog;
mod waterfall;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use self::callback::Callback;
use self::shared::{Owner, Shared};
use crate::actor::Actor;
use crate::address::cell::Cell;
use crate::address::{ActorRef, For, Protocol};
use crate::lifecycle::crash::CrashReports;
use crate::lifecycle::dead_letter::DeadLetters;
use crate::lifecycle::env::Env;
use crate::lifecycle::lookup;
use crate::runtime::{Builder, StartError, Starting};

pub use builder::SystemBuilder;
pub use callback::Terminated;
pub use plan::{PlanStep, ShutdownPlan};
pub use report::{ActorReports, Outcome, ShutdownReport, Trigger};
pub use schedule::Schedule;
pub use tree::{ActorState, Tree, TreeNode};

/// A system of actors: the root of their tree, their names, and the one place that stops them all.
///
/// Dropping the last handle without a [`shutdown`](Self::shutdown) kills the whole tree. Two systems in one process know
/// nothing of each other. Clones are handles to the same system. An actor has [`ctx.system()`](crate::Context::system), which keeps nothing alive;
/// a clone that is moved into its state is a handle like any other, and keeps the tree until it is shut down.
///
/// ```
/// use actors_core::{messages, Actor, ActorSystem, ShutdownReport};
///
/// #[derive(Actor)]
/// struct Counter { n: u64 }
///
/// #[messages]
/// impl Counter {
///     #[message] fn add(&mut self, by: u64) { self.n += by }
///     #[message] async fn get(&self) -> u64 { self.n }
/// }
///
/// #[tokio::main]
/// async fn main() -> ShutdownReport {
///     let system = ActorSystem::new("demo");
///     let counter = system.spawn(Counter { n: 0 });
///     counter.tell(Add { by: 2 }).await.unwrap();
///     assert_eq!(counter.ask(Get).await.unwrap(), 2);
///     system.shutdown().await
/// }
/// ```
#[derive(Clone)]
pub struct ActorSystem {
    shared: Arc<Shared>,
    /// Handles that actors hold do not keep the system.
    _owner: Option<Arc<Owner>>,
}

impl ActorSystem {
    /// Creates a system with the defaults; see [`builder`](Self::builder).
    ///
    /// # Panics
    /// Panics outside a tokio runtime, and where panics abort the process.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self::builder(name).build()
    }

    /// Begins to create a system.
    pub fn builder(name: impl AsRef<str>) -> SystemBuilder {
        SystemBuilder::new(name.as_ref())
    }

    /// Returns the name of the system.
    pub fn name(&self) -> &str {
        &self.shared.env.name
    }

    // ===== actors =====

    /// Makes an actor at the top of the tree and returns at once; see [`Builder::spawn`].
    // `Actor` includes `Protocol`; where both are said, the compiler complains once of what is neither.
    pub fn spawn<A: Protocol + Actor>(&self, actor: A) -> For<A, ActorRef<A>> {
        self.actor(actor).spawn()
    }

    /// Makes an actor at the top of the tree and waits until it is ready; see [`Builder::start`].
    ///
    /// # Errors
    /// [`StartError`] says what went wrong; then nothing is left of the actor.
    ///
    /// # Cancel safety
    /// As for [`Builder::start`].
    pub fn start<A: Protocol + Actor>(&self, actor: A) -> Starting<'_, For<A, ActorRef<A>>> {
        Starting::new(async move { self.actor(actor).start().await })
    }

    /// Begins to make an actor, to be named or set up before it is spawned or started.
    pub fn actor<A: Protocol + Actor>(&self, actor: A) -> For<A, Builder<A>> {
        Builder::new(self.shared.root.clone(), actor)
    }

    /// Finds an actor by its path, if it is an `A`: `system.lookup::<Db>("/app/db")`.
    pub fn lookup<A: Protocol>(&self, path: &str) -> Option<ActorRef<A>> {
        let found = lookup::find(&self.shared.root, path)?;
        Cell::of(found).map(ActorRef::new)
    }

    /// Returns how many actors there are.
    pub fn actors(&self) -> usize {
        self.shared.env.alive()
    }

    // ===== the end =====

    /// Stops every actor in order, within the deadline of the system, and reports what happened.
    ///
    /// Children stop before their parents, and siblings in reverse start order. Concurrent calls share one shutdown and
    /// one report. Inside an actor of this system, or one of its [callbacks](Self::on_terminated), it stops nothing and returns at once with
    /// [`Outcome::WouldDeadlock`]; [`request_shutdown`](Self::request_shutdown) is for that place.
    ///
    /// # Cancel safety
    /// Once it was polled, the shutdown goes on though the future be dropped.
    pub async fn shutdown(&self) -> ShutdownReport {
        shutdown::shut_down(&self.shared, None).await
    }

    /// Stops every actor in order as [`shutdown`](Self::shutdown) does, within `deadline`.
    ///
    /// If a shutdown runs already, its deadline can only come nearer by this.
    ///
    /// # Cancel safety
    /// As for [`shutdown`](Self::shutdown).
    pub async fn shutdown_within(&self, deadline: Duration) -> ShutdownReport {
        shutdown::shut_down(&self.shared, Some(deadline)).await
    }

    /// Begins a shutdown and returns at once. The one way to do so from inside an actor.
    pub fn request_shutdown(&self) {
        shutdown::begin(&self.shared, Trigger::Request, None);
    }

    /// Shuts down after a start has failed, and reports that as the outcome: exit code 2. Inside an actor of this system it
    /// stops and reports nothing, as [`shutdown`](Self::shutdown) does there.
    ///
    /// # Cancel safety
    /// As for [`shutdown`](Self::shutdown). Before it was polled, nothing is reported.
    pub async fn start_failed(&self, error: StartError) -> ShutdownReport {
        if shutdown::caller(&self.shared).is_none() {
            self.shared.note_start_failure(&error);
        }
        shutdown::shut_down(&self.shared, None).await
    }

    /// Waits for the shutdown that somebody else begins, and returns its report. Inside an actor it holds that shutdown up until
    /// the actor's limit, inside a callback for as long as that may take; [`Context::stopping`](crate::Context::stopping) is for that place.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn terminated(&self) -> ShutdownReport {
        self.shared.done().await
    }

    /// Tells whether a shutdown has begun.
    pub fn is_shutting_down(&self) -> bool {
        self.shared.has_begun()
    }

    /// Serves until SIGINT or SIGTERM comes, or something else begins a shutdown; then shuts down in order.
    ///
    /// A second signal kills what is left, with a second's grace; a third ends the process at once with code 128 + its
    /// number. A system that handles signals owns the process: if some actor does not react at all, the process is ended
    /// after the report, with code 4, though its workers be blocked. A signal after the report ends the process too, as long as there is a
    /// handle to the system. Once the last is gone, nothing answers signals, unless another system does: the process no longer ends by
    /// itself from what has once been handled. It is not for the inside of an actor: see [`terminated`](Self::terminated).
    ///
    /// # Panics
    /// Panics if the listeners cannot be installed.
    ///
    /// # Cancel safety
    /// Dropped once it was polled, the listeners stay: the next signal begins a shutdown.
    pub async fn run_until_signal(&self) -> ShutdownReport {
        signals::listen(&self.shared);
        self.shared.done().await
    }

    /// Runs `callback` when all actors have ended, before the report. Callbacks run one after the other, the last
    /// registered first, within the deadline of the shutdown.
    ///
    /// One that panics, or takes too long, is among the failures of the report, under the path `/`. None runs once the report is
    /// known, nor if the system is dropped without a shutdown. A callback that holds a handle to the system keeps the last one from
    /// being dropped: then only a shutdown ends the actors.
    ///
    /// # Errors
    /// [`Terminated`] if the system has shut down.
    pub fn on_terminated<F, Fut>(&self, callback: F) -> Result<(), Terminated>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.shared.add_callback(<dyn Callback>::boxed(callback))
    }

    /// Asks those who accept new work to accept no more, while all that runs goes on:
    /// [`Context::quiescing`](crate::Context::quiescing). A shutdown does so by itself.
    pub fn quiesce(&self) {
        self.shared.env.quiesce();
    }

    // ===== looking =====

    /// Returns what a shutdown would do, and how long it could take, without stopping anything.
    pub fn shutdown_plan(&self) -> ShutdownPlan {
        plan::plan(&self.shared.root, self.shared.deadline)
    }

    /// Returns a snapshot of the living tree.
    pub fn tree(&self) -> Tree {
        tree::snapshot(&self.shared.root)
    }

    /// Subscribes to the messages that are accepted and never handled.
    pub fn dead_letters(&self) -> DeadLetters {
        self.shared.env.dead_letters.subscribe()
    }

    /// Subscribes to the reports of actors that fail, restarted or not.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use actors_core::{messages, Actor, ActorSystem, ChildSpec, StartError, Supervisor};
    /// # #[derive(Actor)] struct Db;
    /// # #[messages] impl Db { #[message] fn query(&self) { panic!("disk full") } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
    /// let system = ActorSystem::new("demo");
    /// let mut crashes = system.crash_reports();
    /// let data = Supervisor::new().restarts(5, Duration::from_secs(30)).child(ChildSpec::new("db", || Db));
    /// system.actor(data).name("data").start().await?;
    /// system.lookup::<Db>("/data/db").unwrap().tell(Query).await.unwrap();
    ///
    /// let crash = crashes.recv().await.unwrap();
    /// assert_eq!(crash.path, "/data/db");
    /// assert_eq!(crash.handling.as_deref(), Some("Query"));
    /// assert_eq!(crash.decision.to_string(), "restart 1 of 5 in 30s");
    /// # system.shutdown().await; Ok(()) }
    /// ```
    pub fn crash_reports(&self) -> CrashReports {
        CrashReports::new(self.shared.env.crashes.subscribe())
    }

    /// Returns how many messages were accepted and never handled.
    pub fn dead_letter_count(&self) -> u64 {
        self.shared.env.dead_letters.count()
    }
}

impl ActorSystem {
    /// What all actors of the system share, for the floors above.
    pub(crate) fn env(&self) -> &Arc<Env> {
        &self.shared.env
    }
}

impl fmt::Debug for ActorSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorSystem").field("name", &self.name()).field("actors", &self.actors()).finish_non_exhaustive()
    }
}
