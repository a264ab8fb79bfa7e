//! Worker pools in the simulation: the worker, how jobs are sent, and how a pool is made, resized and ended.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actors_core::{
    Accepts, Actor, ActorSystem, BoxError, ChildSpec, Context, PoolRef, Protocol, ReplyTo, Supervisor, Unhandled, WorkerPool,
};
use tests::Broken;

use crate::anyone::{Numbered, asked, told};
use crate::journal::{Note, Number, Sent, Who};
use crate::program::{Fate, JobHow, Pool, Way};
use crate::world::{Token, World};

/// What a pool works on.
#[derive(Clone)]
pub struct Job {
    pub number: Number,
    fate: Fate,
    /// How often it was begun, of all clones.
    begun: Arc<AtomicU32>,
    _token: Token,
}

impl Numbered for Job {
    fn number(&self) -> Number {
        self.number
    }
}

/// One worker of a pool.
pub struct Worker {
    world: Arc<World>,
    _token: Token,
}

/// What waits in the mailbox of a worker.
pub struct Task(Job, ReplyTo<Number, Broken>);

impl Protocol for Worker {
    type Msg = Task;

    fn deadline(Task(_, reply): &Task) -> Option<tokio::time::Instant> {
        reply.deadline()
    }

    fn unhandled(Task(job, reply): Task) -> Unhandled {
        reply.unhandled(Box::new(job))
    }
}

impl Accepts<Job> for Worker {
    type Reply = Number;
    type Error = Broken;

    fn accept(job: Job, reply: ReplyTo<Number, Broken>) -> Task {
        Task(job, reply)
    }
}

impl Actor for Worker {
    fn handle(&mut self, Task(job, reply): Task, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send {
        // At once: a job that is in hand is handled, whatever comes of it.
        let who = Who { id: ctx.id(), life: ctx.incarnation() };
        self.world.works();
        self.world.note(Note::JobTook { who, job: job.number });
        async move {
            let world = self.world.clone();
            world.sway().await;
            match job.fate {
                Fate::Done => reply.send(job.number),
                Fate::Takes(time) => {
                    world.pass(time).await;
                    reply.send(job.number);
                }
                Fate::Fails => {
                    drop(reply);
                    return Err(Broken("simulated: worker").into());
                }
                Fate::Panics(times) => {
                    let is_over = job.begun.fetch_add(1, Ordering::SeqCst) >= times;
                    assert!(is_over, "simulated: worker");
                    reply.send(job.number);
                }
                // Where nobody asked, it comes back, and is the concern of nobody.
                Fate::Refuses => drop(reply.fail(Broken("simulated: answer"))),
            }
            Ok(())
        }
    }
}

/// Makes the pool of the program, if it has one.
pub async fn make(world: &Arc<World>, system: &ActorSystem) {
    let Some(plan) = world.program.pool.clone() else { return };
    let timed = world.has_time;
    let describe = {
        let world = world.clone();
        move || describe(&world, &plan, timed)
    };
    let pool = if world.program.pool.as_ref().is_some_and(|pool| pool.kept) {
        let keeper = Supervisor::new().restarts(3, Duration::from_secs(3_600)).child(ChildSpec::new("pool", describe).permanent());
        drop(system.actor(keeper).name("keeper").start().await);
        system.lookup::<WorkerPool<Worker>>("/keeper/pool")
    } else {
        Some(system.actor(describe()).name("pool").spawn())
    };
    if let Some(pool) = pool {
        world.have_pool(pool.workers());
    }
}

fn describe(world: &Arc<World>, plan: &Pool, timed: bool) -> WorkerPool<Worker> {
    let (maker, bad_starts) = (world.clone(), plan.bad_starts.clone());
    let make = move || {
        let nth = maker.count_making(usize::MAX);
        assert!(!bad_starts.contains(&nth), "simulated: worker");
        Worker { world: maker.clone(), _token: maker.token() }
    };
    let (capacity, rejects) = (plan.capacity, plan.rejects);
    WorkerPool::new(plan.workers, make).route_by(plan.routing).restarts(plan.restarts, Duration::from_secs(3_600)).each(move |worker| {
        let worker = if let Some(capacity) = capacity { worker.mailbox(capacity) } else { worker };
        worker.policy(|policy| {
            if rejects {
                policy.overflow = actors_core::Overflow::Reject;
            }
            if !timed {
                policy.stop_limit = actors_core::Limit::After(Duration::from_millis(500));
            }
        })
    })
}

/// Sends a job, and notes what becomes of it.
pub async fn send(world: &Arc<World>, by: u8, how: JobHow, key: Option<u8>, fate: Fate) {
    let Some(pool) = world.pool() else { return };
    let number = world.number();
    world.note(Note::SendsJob { by, job: number, how, key });
    let job = Job { number, fate, begun: Arc::default(), _token: world.token() };
    let results = results(world, &pool, number, how, key, job).await;
    world.note(Note::JobSent { job: number, results });
}

async fn results(world: &World, pool: &PoolRef<Worker>, number: Number, how: JobHow, key: Option<u8>, job: Job) -> Vec<Sent> {
    let result = match (how, key) {
        (JobHow::Tell, None) => told(number, pool.tell(job).await),
        (JobHow::Tell, Some(key)) => told(number, pool.tell_to(&key, job).await),
        (JobHow::TryTell, _) => told(number, pool.try_tell(job)),
        (JobHow::Ask, None) => asked(number, pool.ask(job).await),
        (JobHow::Ask, Some(key)) => asked(number, pool.ask_to(&key, job).await),
        (JobHow::AskWithin(limit), _) => asked(number, pool.ask_within(world.limit(limit), job).await),
        (JobHow::Retry(retries), _) => asked(number, pool.ask_with_retries(retries, job).await),
        (JobHow::Broadcast, _) => {
            return pool.broadcast(job).await.into_iter().map(|result| told(number, result)).collect();
        }
    };
    vec![result]
}

/// Sets how many workers there are.
pub async fn resize(world: &World, workers: usize) {
    let Some(pool) = world.pool() else { return };
    let done = pool.resize(workers).await.is_ok();
    world.note(Note::Resized { workers, done });
}

/// Asks the pool to end.
pub fn end(world: &World, way: Way) {
    let Some(pool) = world.pool() else { return };
    world.note(Note::AsksPool(way));
    match way {
        Way::Stop => pool.pool().stop(),
        Way::Drain => pool.pool().drain(),
        Way::Kill => pool.pool().kill(),
    }
}

/// Asks one of its workers to end.
pub fn end_worker(world: &World, place: usize, way: Way) {
    let Some(worker) = world.pool().and_then(|pool| pool.all().into_iter().nth(place)) else { return };
    match way {
        Way::Stop => worker.stop(),
        Way::Drain => worker.drain(),
        Way::Kill => worker.kill(),
    }
}
