//! What Go programmers reach for, and the few lines that do it here: one pattern a file, run in turn.
//!
//! Each file begins with the Go, then does the same. Watch what is not there: no `done` channel to thread through, no
//! `WaitGroup` to count right, no `Once` around the cleanup, and nobody left running at the end.
//!
//! Unix only, since one of them sends itself a signal. One of them panics; that is meant.

mod blocking_work;
mod cancellation_tree;
mod closed_channel;
mod reader_writer;
mod signals;
mod wait_for_all;

use actors_core::{ActorSystem, ShutdownReport};

#[tokio::main]
async fn main() -> ShutdownReport {
    let system = ActorSystem::new("from_go");

    println!("1. a cancellation tree, a timeout, a deadline");
    cancellation_tree::run(&system).await;
    println!("2. one closed channel that stops equal workers");
    closed_channel::run(&system).await;
    println!("3. waiting for all, one of which panics");
    wait_for_all::run().await;
    println!("4. blocking work that notices");
    blocking_work::run(&system).await;
    println!("5. a reader and a writer that share their fate");
    reader_writer::run(&system).await;
    println!("6. SIGTERM, with a time limit behind it");
    signals::run().await; // last: from here on signals are this system's, and nobody else hears of them

    println!("What still runs is stopped in order:");
    system.shutdown().await
}
