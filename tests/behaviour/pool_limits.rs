//! The limit of an ask to a pool: all of it together, whatever it waits for (S13.4).

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, AskError, Context, PoolRef, WorkerPool, messages};
use tests::{Broken, Gate, Journal, promptly};
use tokio::time::Instant;

#[derive(Actor)]
struct Worker;

#[messages]
impl Worker {
    #[message]
    async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s13_4_an_ask_with_a_limit_waits_no_longer_for_a_worker_that_hangs() {
    let system = ActorSystem::new("pools");
    let pool = system.actor(WorkerPool::new(1, || Worker)).name("pool").start().await.unwrap();
    let (workers, gate, began) = (pool.workers(), Gate::new(), Instant::now());

    let hung = promptly("its limit", workers.ask_within(Duration::from_secs(1), WaitAt { gate: gate.clone() })).await;
    let queued = promptly("its limit", workers.ask_within(Duration::from_secs(1), WaitAt { gate: gate.clone() })).await;

    assert!(matches!(hung, Err(AskError::TimedOutInHandler { .. })), "{hung:?}");
    assert!(matches!(queued, Err(AskError::TimedOutInQueue { .. })), "{queued:?}");
    assert_eq!(began.elapsed().as_secs(), 2);
    gate.open_wide();
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s13_7_a_pool_is_never_made_smaller_than_one() {
    let system = ActorSystem::new("pools");
    let pool = system.actor(WorkerPool::new(2, || Worker)).name("pool").start().await.unwrap();
    let (workers, gate) = (pool.workers(), Gate::new());
    gate.open_wide();

    promptly("the resize", workers.resize(0)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;

    promptly("an answer", workers.ask_within(Duration::from_secs(5), WaitAt { gate })).await.unwrap();
    system.shutdown().await;
}

/// Takes its time to begin, and refuses what it is asked.
#[derive(Actor)]
struct Reluctant {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Reluctant {
    #[started]
    async fn begin(&mut self) {
        self.gate.pass().await;
    }

    #[message(derive(Clone))]
    fn refuse(&self) -> Result<(), Broken> {
        self.journal.note("asked");
        Err(Broken("no"))
    }
}

#[tokio::test(start_paused = true)]
async fn s13_4_an_error_is_an_answer_and_nobody_is_asked_again() {
    let (system, gate, journal) = (ActorSystem::new("pools"), Gate::new(), Journal::new());
    gate.open_wide();
    let (held, noted) = (gate.clone(), journal.clone());
    let make = move || Reluctant { gate: held.clone(), journal: noted.clone() };
    let pool = system.actor(WorkerPool::new(2, make)).start().await.unwrap();

    let refused = promptly("an answer", pool.workers().ask_with_retries(3, Refuse)).await;

    assert!(matches!(refused, Err(AskError::Failed(Broken("no")))), "{refused:?}");
    assert_eq!(journal.len(), 1);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s13_6_whoever_asks_before_the_pool_begins_has_a_worker_as_soon_as_there_is_one() {
    let (system, gate, journal) = (ActorSystem::new("pools"), Gate::new(), Journal::new());
    gate.open_wide();
    let (held, noted) = (gate.clone(), journal.clone());
    let pool = system.actor(WorkerPool::new(1, move || Reluctant { gate: held.clone(), journal: noted.clone() })).spawn();

    let refused = promptly("an answer", pool.workers().ask(Refuse)).await;

    assert!(matches!(refused, Err(AskError::Failed(_))), "{refused:?}");
    system.shutdown().await;
}

/// Asks a pool in its handler.
#[derive(Actor)]
struct Asker {
    workers: PoolRef<Reluctant>,
    journal: Journal,
}

#[messages]
impl Asker {
    #[message]
    async fn ask_on(&self) {
        if matches!(self.workers.ask(Refuse).await, Err(AskError::NotDelivered(_))) {
            self.journal.note("not delivered");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s4_6_an_ask_in_a_handler_waits_for_workers_no_longer_than_its_own_request_may_take() {
    let (system, gate, journal) = (ActorSystem::new("pools"), Gate::new(), Journal::new());
    let (held, noted) = (gate.clone(), journal.clone());
    let pool = system.actor(WorkerPool::new(1, move || Reluctant { gate: held.clone(), journal: noted.clone() })).spawn();
    let asker = system.spawn(Asker { workers: pool.workers(), journal: journal.clone() });

    let outer = asker.ask(AskOn).within(Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_millis(1)).await;

    assert!(matches!(outer, Err(AskError::TimedOutInHandler { .. })), "{outer:?}");
    assert_eq!(journal.entries(), ["not delivered"]);
    gate.open_wide();
    system.shutdown().await;
}

/// Declines to begin its second life, and fails as it is told.
#[derive(Actor)]
struct Fickle {
    life: u32,
}

#[messages]
impl Fickle {
    #[started]
    fn begin(&self, ctx: &mut Context<Self>) {
        if self.life == 1 {
            ctx.decline();
        }
    }

    #[message]
    fn fail_once(&self) -> Result<(), Broken> {
        Err(Broken("once"))
    }

    #[message]
    fn which_life(&self) -> u32 {
        self.life
    }
}

/// Makes workers whose lives are numbered from `first`.
fn fickle(first: u32) -> impl Fn() -> Fickle + Send + Sync + 'static {
    let lives = AtomicU32::new(first);
    move || Fickle { life: lives.fetch_add(1, Ordering::SeqCst) }
}

#[tokio::test(start_paused = true)]
async fn s13_4_a_worker_is_permanent_whatever_else_it_is_set_up_as() {
    let system = ActorSystem::new("pools");
    let pool = WorkerPool::new(1, fickle(5)).each(|worker| worker.temporary());
    let workers = system.actor(pool).name("pool").start().await.unwrap().workers();

    workers.tell(FailOnce).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!(promptly("an answer", workers.ask(WhichLife)).await.unwrap(), 6);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s13_7_a_resize_replaces_workers_that_declined_to_come_back() {
    let system = ActorSystem::new("pools");
    let workers = system.actor(WorkerPool::new(1, fickle(0))).name("pool").start().await.unwrap().workers();
    workers.tell(FailOnce).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(workers.all().len(), 0);

    promptly("the resize", workers.resize(1)).await.unwrap();

    assert_eq!(promptly("an answer", workers.ask(WhichLife)).await.unwrap(), 2);
    assert_eq!(workers.all()[0].path().to_string(), "/pool/worker-0");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s13_7_workers_that_started_before_one_that_did_not_get_their_share() {
    let system = ActorSystem::new("pools");
    let lives = Mutex::new(vec![1, 6, 5]);
    let make = move || Fickle { life: lives.lock().expect("nobody panics there").pop().expect("three are made") };
    let workers = system.actor(WorkerPool::new(1, make)).start().await.unwrap().workers();

    let refused = promptly("the resize", workers.resize(4)).await;

    assert!(refused.is_err());
    let answers = [promptly("one", workers.ask(WhichLife)).await.unwrap(), promptly("the other", workers.ask(WhichLife)).await.unwrap()];
    assert_eq!(answers, [5, 6]);
    system.shutdown().await;
}

/// Has a pool grow in its handler.
#[derive(Actor)]
struct Grower {
    workers: PoolRef<Reluctant>,
    journal: Journal,
}

#[messages]
impl Grower {
    #[message]
    async fn grow(&self) {
        let refused = self.workers.resize(2).await.expect_err("there is no time");
        self.journal.note(format!("{} {:?}", refused.is_stopping(), refused.failure()));
    }
}

#[tokio::test(start_paused = true)]
async fn s13_7_a_resize_that_takes_too_long_is_not_told_that_the_pool_is_stopping() {
    let (system, gate, journal) = (ActorSystem::new("pools"), Gate::new(), Journal::new());
    gate.open();
    let (held, noted) = (gate.clone(), journal.clone());
    let pool = system.actor(WorkerPool::new(1, move || Reluctant { gate: held.clone(), journal: noted.clone() })).start().await.unwrap();
    let grower = system.spawn(Grower { workers: pool.workers(), journal: journal.clone() });

    let outer = grower.ask(Grow).within(Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_millis(1)).await;

    assert!(matches!(outer, Err(AskError::TimedOutInHandler { .. })), "{outer:?}");
    assert_eq!(journal.entries(), ["false Unanswered"]);
    gate.open_wide();
    system.shutdown().await;
}
