//! A pool that is stopped while it waits for workers: it only waits, and a stop does not (S7.5).

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ExitReason, StartFailure, WorkerPool, messages};
use tests::promptly;
use tokio::time::Instant;

/// Takes its time to begin.
#[derive(Actor)]
struct Slow;

#[messages]
impl Slow {
    #[started]
    async fn begin(&mut self) {
        tokio::time::sleep(Duration::from_secs(40)).await;
    }

    #[message]
    fn work(&self) {}
}

/// A pool that has begun to start its first worker.
async fn starting(system: &ActorSystem) -> ActorRef<WorkerPool<Slow>> {
    let pool = system.actor(WorkerPool::new(1, || Slow)).name("pool").spawn();
    tokio::time::sleep(Duration::from_secs(1)).await;
    pool
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_starts_holds_up_no_shutdown() {
    let system = ActorSystem::new("pools");
    let pool = starting(&system).await;

    let report = system.shutdown().await;

    assert!(report.is_clean() && report.total < Duration::from_secs(1), "{report}");
    assert!(pool.workers().ask(Work).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_starts_can_be_stopped() {
    let system = ActorSystem::new("pools");
    let pool = starting(&system).await;
    let began = Instant::now();

    pool.stop();
    promptly("its end", pool.stopped()).await;

    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_grows_can_be_stopped_and_whoever_waits_for_it_is_told() {
    let system = ActorSystem::new("pools");
    let pool = system.actor(WorkerPool::new(1, || Slow)).name("pool").start().await.expect("it starts");
    let workers = pool.workers();
    let resized = tokio::spawn(async move { workers.resize(2).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();

    pool.stop();
    let reason = promptly("its end", pool.stopped()).await;
    let refused = promptly("it is told", resized).await.unwrap().unwrap_err();

    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((reason, refused.failure()), (ExitReason::Normal, &StartFailure::Stopping));
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s13_6_whoever_waits_for_a_worker_no_longer_leaves_nothing() {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let system = ActorSystem::new("pools");
    let workers = starting(&system).await.workers();
    let nobody = Arc::new(Nobody);
    {
        let waker = Waker::from(nobody.clone());
        let mut told = Box::pin(workers.tell(Work));
        assert!(told.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }

    assert_eq!(Arc::strong_count(&nobody), 1);
    system.shutdown().await;
}
