//! A pool whose workers have all ended for good, while it goes on (S13.1).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, PoolRef, Refusal, Supervisor, WorkerPool, messages};
use tests::{Broken, Gate, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::settle;

/// Comes back only if it is one of the first, or one of those that come later.
#[derive(Actor)]
struct Fickle {
    comes: bool,
}

#[messages]
impl Fickle {
    #[started]
    fn begin(&self, ctx: &mut Context<Self>) {
        if !self.comes {
            ctx.decline();
        }
    }

    #[message]
    async fn fail_after(&self, gate: Gate) -> Result<(), Broken> {
        gate.pass().await;
        Err(Broken("on purpose"))
    }

    #[message(derive(Clone))]
    fn check(&self) {}
}

/// Two workers, which decline when they are made again, as long as `declines` says so.
async fn pool(system: &ActorSystem) -> (PoolRef<Fickle>, Arc<AtomicU32>) {
    let to_come = Arc::new(AtomicU32::new(2));
    let left = to_come.clone();
    let make = move || Fickle { comes: left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() };
    let pool = WorkerPool::new(2, make).unlimited_restarts();
    (system.actor(pool).name("pool").start().await.unwrap().workers(), to_come)
}

/// Has all workers fail, and not come back.
async fn lose_all(workers: &PoolRef<Fickle>, gate: &Gate) {
    for worker in workers.all() {
        // Told, so that it fails of it.
        worker.tell(FailAfter { gate: gate.clone() }).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn s13_1_whoever_sends_to_a_pool_without_workers_is_told_at_once() {
    let system = ActorSystem::new("pools");
    let (workers, to_come) = pool(&system).await;
    let gate = Gate::new();
    lose_all(&workers, &gate).await;
    let waits = workers.clone();
    let waiting = tokio::spawn(async move { waits.ask(Check).await });
    settle().await;

    gate.open_wide();

    let waited = promptly("the one who waited", waiting).await.unwrap().unwrap_err();
    assert_eq!(waited.to_string(), "/pool did not take `Check`: none of its workers is running");
    assert!(waited.is_not_running() && !waited.is_timeout());
    let asked = promptly("an ask", workers.ask(Check)).await.unwrap_err();
    assert!(matches!(asked, AskError::NotDelivered(refused) if refused.reason() == Refusal::NoWorkers));
    assert_eq!(promptly("a tell", workers.tell(Check)).await.unwrap_err().reason(), Refusal::NoWorkers);
    assert_eq!(promptly("one by key", workers.tell_to("key", Check)).await.unwrap_err().reason(), Refusal::NoWorkers);
    assert_eq!(workers.try_tell(Check).unwrap_err().reason(), Refusal::NoWorkers);
    assert_eq!(promptly("a broadcast", workers.broadcast(Check)).await.len(), 0);
    assert!(workers.pool().is_alive());

    to_come.store(9, Ordering::SeqCst);
    promptly("the resize", workers.resize(2)).await.unwrap();
    promptly("an answer", workers.ask(Check)).await.unwrap();

    workers.pool().stop();
    workers.pool().stopped().await;
    assert_eq!(workers.tell(Check).await.unwrap_err().reason(), Refusal::Stopped);
    assert_eq!(workers.try_tell(Check).unwrap_err().reason(), Refusal::Stopped);
    system.shutdown().await;
}

#[test]
fn s13_1_nobody_hangs_who_asks_just_when_the_last_worker_goes() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..100 {
            let system = ActorSystem::new("pools");
            let (workers, _) = pool(&system).await;
            let gate = Gate::new();
            lose_all(&workers, &gate).await;
            let asks: Vec<_> = (0..3)
                .map(|_| {
                    let workers = workers.clone();
                    tokio::spawn(async move { workers.ask(Check).await })
                })
                .collect();
            gate.open_wide();
            for ask in asks {
                let error = promptly("an error", ask).await.unwrap().expect_err("nobody is left");
                assert!(error.is_not_running(), "{error}");
            }
            system.shutdown().await;
        }
    });
}

/// Between the end of the last worker and the next life of the pool there is no moment in which it goes on without workers.
#[test]
fn s13_5_whoever_asks_a_pool_that_gives_up_is_answered_by_its_next_life() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("pools");
        let make = || WorkerPool::new(1, || Fickle { comes: true }).restarts(0, Duration::from_secs(1));
        system.actor(Supervisor::new().unlimited_restarts().child(ChildSpec::new("pool", make))).name("sup").start().await.unwrap();
        let pool: ActorRef<WorkerPool<Fickle>> = system.lookup("/sup/pool").expect("it is there");
        let workers = pool.workers();
        let open = Gate::new();
        open.open_wide();
        for life in 1..=100 {
            let _ = workers.tell(FailAfter { gate: open.clone() }).await;
            for _ in 0..3 {
                promptly("the next life", workers.ask(Check)).await.expect("it answers");
            }
            eventually("the next life", || pool.incarnation() == life).await;
        }
        system.shutdown().await;
    });
}

/// Of two, the first has declined to come back, and the last is the one that goes.
#[tokio::test(start_paused = true)]
async fn s13_7_a_resize_to_fewer_replaces_those_who_stay_and_have_ended() {
    let system = ActorSystem::new("pools");
    let (workers, to_come) = pool(&system).await;
    let (first, gate) = (workers.all().remove(0), Gate::new());
    gate.open_wide();
    first.tell(FailAfter { gate }).await.unwrap();
    promptly("its end", first.stopped()).await;

    to_come.store(1, Ordering::SeqCst);
    promptly("the resize", workers.resize(1)).await.unwrap();

    promptly("an answer", workers.ask(Check)).await.unwrap();
    assert_eq!(workers.all().iter().map(|worker| worker.path().to_string()).collect::<Vec<_>>(), ["/pool/worker-0"]);
    system.shutdown().await;
}

/// What a life of a worker comes to.
#[derive(Clone, Copy)]
enum Life {
    Serves,
    Declines,
    /// Declines, and has a child that takes its time to stop.
    DeclinesSlowly,
}

#[derive(Actor)]
struct Worker {
    life: Life,
}

#[derive(Actor)]
struct Slow;

#[messages]
impl Slow {
    #[stopped]
    async fn end(&mut self) {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

#[messages]
impl Worker {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        match self.life {
            Life::Serves => {}
            Life::Declines => ctx.decline(),
            Life::DeclinesSlowly => {
                ctx.spawn(Slow);
                ctx.decline();
            }
        }
    }

    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("on purpose"))
    }

    #[message]
    fn serve(&self) {}
}

#[tokio::test(start_paused = true)]
async fn s13_7_whoever_waits_for_the_last_to_end_is_served_as_soon_as_a_resize_brings_another() {
    use Life::{Declines, DeclinesSlowly, Serves};
    let system = ActorSystem::new("pools");
    let lives = Mutex::new([Serves, Serves, Declines, DeclinesSlowly, Serves].into_iter());
    let make = move || Worker { life: lives.lock().expect("nobody panics there").next().expect("five are made") };
    let pool = system.actor(WorkerPool::new(2, make).unlimited_restarts()).name("pool").start().await.unwrap();
    let (workers, all) = (pool.workers(), pool.workers().all());
    all[0].tell(Fail).await.unwrap();
    promptly("its end", all[0].stopped()).await;
    all[1].tell(Fail).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asks = workers.clone();
    let asked = tokio::spawn(async move { asks.ask(Serve).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!asked.is_finished(), "one has not quite ended");

    promptly("the resize", workers.resize(1)).await.unwrap();

    promptly("an answer", asked).await.unwrap().expect("there is a new one");
    assert_eq!(all[1].exit(), None);
    system.shutdown().await;
}
