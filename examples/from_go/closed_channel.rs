//! One closed channel that stops equal workers.
//!
//! ```go
//! done := make(chan struct{})
//! for range 8 {
//!     wg.Add(1)
//!     go func() {
//!         defer wg.Done()
//!         for { select { case <-done: return; case job := <-jobs: work(job) } }
//!     }()
//! }
//! close(done)   // exactly once, by exactly one
//! wg.Wait()
//! ```
//!
//! Here the workers are children of a pool, and stopping the pool stops them, all at the same time. It may be stopped by
//! anybody, any number of times.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actors_core::{Actor, ActorRef, ActorSystem, Context, messages};
use tokio::time::sleep;

const WORKERS: usize = 8;

#[derive(Actor)]
#[actor(children = "side_by_side")]
struct Pool {
    workers: Vec<ActorRef<Worker>>,
    closed: Arc<AtomicUsize>,
}

#[messages]
impl Pool {
    #[started]
    fn hire(&mut self, ctx: &mut Context<Self>) {
        self.workers = (0..WORKERS).map(|_| ctx.spawn(Worker { closed: self.closed.clone() })).collect();
    }

    #[message]
    async fn submit(&mut self, job: usize) {
        // Waits while that worker has too much to do; a worker that has ended gives the job back.
        self.workers[job % WORKERS].tell(Work).await.expect("the workers live as long as the pool");
    }
}

#[derive(Actor)]
struct Worker {
    closed: Arc<AtomicUsize>,
}

#[messages]
impl Worker {
    #[message]
    async fn work(&mut self, ctx: &mut Context<Self>) {
        // select { case <-done: return; case ... }
        let _ = ctx.unless_stopping(sleep(Duration::from_secs(3_600))).await;
    }

    #[stopped]
    async fn close(&mut self) {
        sleep(Duration::from_millis(50)).await; // hands back what it had borrowed
        self.closed.fetch_add(1, Ordering::Relaxed);
    }
}

pub async fn run(system: &ActorSystem) {
    let (closed, lost) = (Arc::new(AtomicUsize::new(0)), system.dead_letter_count());
    let pool = system.start(Pool { workers: Vec::new(), closed: closed.clone() }).await.unwrap();
    for job in 0..5 * WORKERS {
        pool.ask(Submit { job }).await.unwrap();
    }

    let began = Instant::now();
    pool.stop(); // close(done)
    let reason = pool.stopped().await; // wg.Wait()
    assert_eq!(closed.load(Ordering::Relaxed), WORKERS);
    println!("   the pool has ended ({reason}), and so have its {WORKERS} workers, side by side, in {:?}", began.elapsed());
    let lost = system.dead_letter_count() - lost;
    assert!(lost >= 4 * WORKERS as u64);
    println!("   {lost} jobs had not been begun: they are dead letters, and can be subscribed to");
}
