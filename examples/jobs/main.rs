//! A worker pool whose queue is a table in a real database, SQLite: each job is completed exactly once, whatever happens.
//!
//! ```text
//! cargo run --release --example jobs                  # fills jobs.db with 1,000 jobs, and does them
//! cargo run --release --example jobs -- --jobs 20000 --panic-rate 0.1
//! cargo run --release --example jobs -- --check       # what is in jobs.db?
//! ```
//!
//! Interrupt it when you like, by Ctrl-C, SIGTERM or SIGKILL, and start it again: it goes on. Watch the workers panic over
//! every twentieth job, the report of each shutdown, and the figures that add up in the end.
//!
//! # The tree, in the order in which it starts
//!
//! ```text
//! /store                      has the database open; each step is one transaction, on a thread that may block
//! /reporter                   says how far it is
//! /workers                    the pool: restarts a worker that has panicked
//! /workers/worker-0           does one job at a time
//! /dispatcher                 leases jobs; ends when there is nothing left to do, and the system with it
//! /dispatcher/Attempt#21      sees one job through, from a worker to the database
//! ```
//!
//! # What is promised
//!
//! *Each job has exactly one committed completion.* The work itself is done at least once: a worker that panics after the
//! work and before the commit, or a process that is killed there, has it done again. Only the database can tell done from
//! not done, so it is the database that decides:
//!
//! - A job is leased, with a number: that of the attempt. It is completed in one transaction, which checks that the job is
//!   still leased under this number, notes the result, and marks it done. A completion under an old number changes nothing.
//! - A worker that panics costs its job this attempt. The job waits a little longer each time, and has failed for good when
//!   it has cost too many. The pool gives the worker a new life, and loses nothing of what waits for it.
//! - A shutdown stops in reverse order of starting. The dispatcher goes first: it leases nothing more, what is in hand is seen
//!   through, what was leased and not begun goes back. Then go the workers, then the reporter with its last word, and the
//!   store closes the database.
//! - What dies without a word leaves its leases behind. The next start puts them back: nobody can hold one then. One
//!   process at a time is meant to use a database. Two would take each other's leases, and cost work, but no job.
//!
//! Work whose effects leave the database needs the same care at the other end, such as a key for each job under which a
//! second time is recognised.

mod args;
mod attempt;
mod check;
mod dispatcher;
mod job;
mod queue;
mod reporter;
mod store;
mod worker;

use std::process::{ExitCode, Termination as _};

use actors_core::{ActorSystem, Routing, ShutdownReport, StartError, WorkerPool};

use crate::args::Args;
use crate::check::check;
use crate::dispatcher::Dispatcher;
use crate::reporter::Reporter;
use crate::store::Store;
use crate::worker::{Clumsiness, GRIEF, Worker};

fn main() -> ExitCode {
    let args = Args::from_env();
    if args.check {
        return check(&args.db);
    }
    show_no_expected_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(run(args)).report()
}

async fn run(args: Args) -> ShutdownReport {
    let system = ActorSystem::builder("jobs").handle_signals().build();
    match start(&system, args).await {
        Ok(()) => system.run_until_signal().await,
        Err(error) => system.start_failed(error).await,
    }
}

/// Starts what hands out last, so that it stops first.
async fn start(system: &ActorSystem, args: Args) -> Result<(), StartError> {
    let store = Store::new(args.db, i64::from(args.jobs));
    let store = system.actor(store).name("store").significant().start().await?;
    system.actor(Reporter { store: store.clone() }).name("reporter").start().await?;
    let clumsiness = Clumsiness { rate: args.panic_rate, seed: args.seed };
    // Not the panics of all workers are limited here, but those over each job, in the database.
    let workers =
        WorkerPool::new(args.workers, move || Worker { work: args.work, clumsiness }).route_by(Routing::LeastLoaded).unlimited_restarts();
    let workers = system.actor(workers).name("workers").start().await?.workers();
    let dispatcher = Dispatcher::new(store, workers, args.workers, i64::from(args.retries));
    system.actor(dispatcher).name("dispatcher").significant().start().await?;
    Ok(())
}

/// Panics of workers are part of the show, and a page of text for each would hide it.
fn show_no_expected_panics() {
    let show = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&GRIEF) {
            show(panic);
        }
    }));
}
