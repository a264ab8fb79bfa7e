//! The parent of a pool: starts the workers, keeps them running, and makes known who they are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::crew::Crew;
use super::routing::Routing;
use crate::actor::{Actor, Context, Hooks};
use crate::address::{ActorRef, Protocol, ReplyTo};
use crate::lifecycle::exit::{BoxError, ExitReason, StartFailure};
use crate::lifecycle::policy::{Children, InFlight, Limit, Policy};
use crate::lifecycle::request::{self, Mode};
use crate::runtime::StartError;
use crate::supervisor::{Child, ChildFn};

/// A pool of equal workers that survives their failures.
///
/// The workers are permanent children of the pool, named `worker-0`, `worker-1` and so on. One that fails is restarted
/// with the same mailbox: what waited for it is handled by its next incarnation. Only the message in hand is lost to
/// whoever told it, and an ask gets [`AskError::Crashed`](crate::AskError::Crashed). If there are more failures than
/// [`restarts`](Self::restarts) allows, the pool ends.
///
/// Messages do not go through the pool itself: [`workers`](ActorRef::workers) gives a [`PoolRef`](crate::PoolRef), which sends
/// each straight to the worker that it picks.
///
/// ```
/// use std::time::Duration;
/// use actors_core::{messages, Actor, ActorSystem, Routing, StartError, WorkerPool};
///
/// #[derive(Actor)]
/// struct Resizer { quality: u8 }
///
/// #[messages]
/// impl Resizer {
///     #[message]
///     async fn shrink(&mut self, image: Vec<u8>) -> Vec<u8> {
///         image.into_iter().filter(|byte| byte % 2 == 0).take(self.quality.into()).collect()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
/// let system = ActorSystem::new("images");
/// let pool = WorkerPool::new(4, || Resizer { quality: 2 })
///     .route_by(Routing::LeastLoaded)
///     .restarts(10, Duration::from_secs(60))
///     .each(|worker| worker.mailbox(16));
/// let pool = system.actor(pool).name("resizers").start().await?;
///
/// let resizers = pool.workers();
/// assert_eq!(resizers.ask(Shrink { image: vec![1, 2, 3, 4, 5, 6] }).await.unwrap(), [2, 4]);
/// resizers.tell_to("one client", Shrink { image: vec![] }).await.unwrap();    // all of a client's go to one worker
/// resizers.resize(8).await?;
/// # system.shutdown().await; Ok(()) }
/// ```
pub struct WorkerPool<W: Actor> {
    size: usize,
    make: Arc<dyn Fn() -> W + Send + Sync>,
    each: Option<SetUp<W>>,
    routing: Routing,
    restarts: u32,
    within: Duration,
    workers: Vec<ActorRef<W>>,
    /// Those that finish what they have. Their names are taken until they have ended.
    leaving: Vec<ActorRef<W>>,
}

/// Sets a worker up before it is made.
type SetUp<W> = Box<dyn Fn(Child<W>) -> Child<W> + Send>;

impl<W: Actor> WorkerPool<W> {
    /// Describes a pool of so many workers; zero counts as one. `make` makes a worker, once for each incarnation.
    pub fn new(workers: usize, make: impl ChildFn<W> + Send + Sync + 'static) -> Self {
        WorkerPool {
            size: workers.max(1),
            make: Arc::new(move || make.make()),
            each: None,
            routing: Routing::default(),
            restarts: Policy::DEFAULT.restarts,
            within: Policy::DEFAULT.within,
            workers: Vec::new(),
            leaving: Vec::new(),
        }
    }

    /// Sets whom a message goes to that is sent without a key. Default: each in its turn.
    pub fn route_by(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// Allows so many restarts within a time, of all workers together. One more, and the pool ends. Default: one within 5 s.
    pub fn restarts(mut self, restarts: u32, within: Duration) -> Self {
        self.restarts = restarts;
        self.within = within;
        self
    }

    /// Allows any number of restarts, for ever.
    pub fn unlimited_restarts(mut self) -> Self {
        self.restarts = Policy::UNLIMITED;
        self
    }

    /// Sets up each worker before it is made: `pool.each(|worker| worker.mailbox(16).backoff(backoff))`. It is permanent,
    /// whatever is said there.
    pub fn each(mut self, set_up: impl Fn(Child<W>) -> Child<W> + Send + 'static) -> Self {
        self.each = Some(Box::new(set_up));
        self
    }
}

/// Asks a pool to have so many workers.
pub struct Resize {
    pub(super) workers: usize,
    pub(super) reply: ReplyTo<Result<(), StartError>>,
}

#[diagnostic::do_not_recommend]
impl<W: Actor> Protocol for WorkerPool<W> {
    type Msg = Resize;

    const MESSAGES: &'static [&'static str] = &["Resize"];
}

#[diagnostic::do_not_recommend]
impl<W: Actor> Actor for WorkerPool<W> {
    // It waits for workers only; a stop does not.
    const POLICY: Policy = Policy {
        children: Children::SideBySide,
        start_limit: Limit::Unlimited,
        stop_limit: Limit::Unlimited,
        in_flight: InFlight::Cancel,
        ..Policy::DEFAULT
    };
    const HOOKS: Hooks = Hooks { started: true, stopped: true, ..Hooks::NONE };

    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        ctx.limit_restarts(self.restarts, self.within)?;
        self.grow(ctx, self.size).await?;
        self.publish(ctx);
        Ok(())
    }

    async fn handle(&mut self, resize: Resize, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let size = resize.workers.max(1);
        if size < self.workers.len() {
            self.shrink(size);
        }
        // One that stays may have declined to come back.
        let grown = self.grow(ctx, size).await;
        self.publish(ctx);
        resize.reply.send(grown);
        Ok(())
    }

    async fn stopped(&mut self, _reason: &ExitReason, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        // Whoever sends now waits for the workers of the next incarnation, if there is one.
        self.workers.clear();
        self.publish(ctx);
        Ok(())
    }
}

impl<W: Actor> WorkerPool<W> {
    /// Starts workers until there are so many, one after the other, those anew that have declined to come back.
    async fn grow(&mut self, ctx: &mut Context<Self>, upto: usize) -> Result<(), StartError> {
        for place in 0..upto {
            match self.workers.get(place) {
                Some(worker) if worker.is_alive() => continue,
                Some(gone) => self.leaving.push(gone.clone()),
                None => {}
            }
            let name = format!("worker-{place}");
            self.vacate(ctx, &name).await?;
            let make = self.make.clone();
            let worker = ctx.child(name, move || make());
            let worker = match &self.each {
                Some(set_up) => set_up(worker),
                None => worker,
            };
            let worker = worker.permanent().start().await?;
            match self.workers.get_mut(place) {
                Some(gone) => *gone = worker,
                None => self.workers.push(worker),
            }
        }
        Ok(())
    }

    /// Waits until a worker that is leaving has freed its name.
    async fn vacate(&mut self, ctx: &Context<Self>, name: &str) -> Result<(), StartError> {
        let Some(place) = self.leaving.iter().position(|worker| worker.path().name() == name) else { return Ok(()) };
        let leaving = self.leaving.swap_remove(place);
        if ctx.unless_stopping(leaving.stopped()).await.is_err() {
            return Err(StartError::new(leaving.path(), StartFailure::Stopping, None));
        }
        // If its spec has been removed already, that is as well.
        let _ = ctx.remove_child(&leaving);
        Ok(())
    }

    /// Lets the last workers finish what they have, and end. Nobody sends them anything more from then on.
    fn shrink(&mut self, downto: usize) {
        let leaving = self.workers.split_off(downto);
        for worker in &leaving {
            request::retire(&worker.any(), ExitReason::Shutdown, Mode::Drain, None);
        }
        self.leaving.extend(leaving);
    }

    fn publish(&self, ctx: &Context<Self>) {
        Crew::of(ctx.actor_ref()).publish(self.workers.clone(), self.routing);
    }
}

impl<W: Actor> fmt::Debug for WorkerPool<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerPool").field("size", &self.size).field("routing", &self.routing).finish_non_exhaustive()
    }
}
