//! The limit of an ask to a pool: all of it together, whatever it waits for (S13.4).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, AskError, WorkerPool, messages};
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
