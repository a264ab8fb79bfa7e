//! The actors of the soak: trees of every strategy and restart type, idlers, a pool, and what is outside the trees.

use std::time::Duration;

use actors_core::{
    ActorRef, ActorSystem, ChildSpec, DynamicSupervisor, Overflow, PoolRef, Restart, Routing, StartError, Strategy, Supervisor, WorkerPool,
};
use fastrand::Rng;

use crate::worker::Worker;

/// How many workers each supervisor has.
const WORKERS: usize = 8;
/// How many actors there are that mostly do nothing.
const IDLERS: usize = 2_000;

pub struct Fleet {
    pub system: ActorSystem,
    pub supervisors: Vec<(&'static str, ActorRef<Supervisor>)>,
    pub crowd: ActorRef<DynamicSupervisor<(), Worker>>,
    pub pool: PoolRef<Worker>,
    idlers: Vec<ActorRef<Worker>>,
    /// Those who read what is published: a system of their own, since the dead letters of topics are counted apart.
    pub news: ActorSystem,
}

impl Fleet {
    pub async fn start(system: ActorSystem) -> Result<Self, StartError> {
        let mut supervisors = Vec::new();
        for (name, strategy) in
            [("one-for-one", Strategy::OneForOne), ("one-for-all", Strategy::OneForAll), ("rest-for-one", Strategy::RestForOne)]
        {
            let supervisor = Supervisor::new().strategy(strategy).unlimited_restarts().children((0..WORKERS).map(spec));
            supervisors.push((name, system.actor(supervisor).name(name).start().await?));
        }
        // Its one child gives up now and then, and is restarted with all below it.
        let frail = || Supervisor::new().restarts(3, Duration::from_secs(1)).children((0..WORKERS).map(spec));
        let top = Supervisor::new().unlimited_restarts().child(ChildSpec::new("frail", frail));
        system.actor(top).name("top").start().await?;

        let crowd = Supervisor::dynamic(|()| Worker::new()).transient().unlimited_restarts();
        let crowd = system.actor(crowd).name("crowd").start().await?;
        let pool = WorkerPool::new(4, Worker::new).route_by(Routing::LeastLoaded).unlimited_restarts();
        let pool = system.actor(pool).name("pool").start().await?.workers();
        let idlers = (0..IDLERS).map(|_| system.spawn(Worker::new())).collect();
        let news = ActorSystem::builder("news").progress(false).linger(Duration::from_millis(20)).build();
        let readers = (0..WORKERS).map(|number| ChildSpec::new(format!("w{number}"), Worker::new));
        news.actor(Supervisor::new().unlimited_restarts().children(readers)).name("readers").start().await?;
        Ok(Fleet { system, supervisors, crowd, pool, idlers, news })
    }

    /// A worker of some supervisor, if it is there.
    pub fn worker(&self, random: &mut Rng) -> Option<ActorRef<Worker>> {
        let number = random.usize(0..WORKERS);
        let path = match random.usize(0..=self.supervisors.len()) {
            place if place < self.supervisors.len() => format!("/{}/w{number}", self.supervisors[place].0),
            _ => format!("/top/frail/w{number}"),
        };
        self.system.lookup(&path)
    }

    /// One of those who may read what is published.
    pub fn reader(&self, random: &mut Rng) -> Option<ActorRef<Worker>> {
        self.news.lookup(&format!("/readers/w{}", random.usize(0..WORKERS)))
    }

    pub fn idler(&self, random: &mut Rng) -> &ActorRef<Worker> {
        &self.idlers[random.usize(0..self.idlers.len())]
    }

    /// One of the supervisors, and the name and number of a child that it has or could have.
    pub fn child(&self, random: &mut Rng) -> (&ActorRef<Supervisor>, String, usize) {
        let number = random.usize(0..WORKERS);
        let (_, supervisor) = &self.supervisors[random.usize(0..self.supervisors.len())];
        (supervisor, format!("w{number}"), number)
    }
}

/// The worker of this number: restart types and overflow policies take turns.
pub fn spec(number: usize) -> ChildSpec {
    let restart = [Restart::Permanent, Restart::Transient, Restart::Temporary][number % 3];
    let overflow = [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest][number % 4];
    ChildSpec::new(format!("w{number}"), Worker::new).restart(restart).policy(|policy| {
        policy.overflow = overflow;
        // One of them is cut short when it takes too long.
        policy.handler_limit = (number == 7).then_some(Duration::from_millis(3));
    })
}
