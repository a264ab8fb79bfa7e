//! Blocking work that notices.
//!
//! ```go
//! go func() {
//!     for {
//!         select {
//!         case <-ctx.Done(): return      // forget this and it runs for ever; and who waits for it?
//!         default: hash(nextBlock())
//!         }
//!     }
//! }()
//! ```
//!
//! Here the work is handed the stop signal of its actor, and the end of the actor waits for it. Work that does not look is
//! waited for until the actor's limit, and counted in the report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, messages};

#[derive(Actor)]
struct Miner {
    blocks: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

#[messages]
impl Miner {
    #[started]
    fn dig(&mut self, ctx: &mut Context<Self>) {
        let (blocks, over) = (self.blocks.clone(), self.over.clone());
        ctx.spawn_blocking(move |stop| {
            while !stop.is_stopping() {
                std::thread::sleep(Duration::from_millis(1)); // hashes one block
                blocks.fetch_add(1, Ordering::Relaxed);
            }
            over.store(true, Ordering::Relaxed);
        });
    }

    #[message]
    fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }
}

pub async fn run(system: &ActorSystem) {
    let over = Arc::new(AtomicBool::new(false));
    let miner = system.spawn(Miner { blocks: Arc::default(), over: over.clone() });
    while miner.ask(Blocks).await.unwrap() < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await; // the miner answers all the while
    }
    miner.stop();
    let reason = miner.stopped().await;
    assert!(over.load(Ordering::Relaxed), "the end of the actor has waited for its work");
    println!("   the miner has ended ({reason}), and its thread before it");
}
