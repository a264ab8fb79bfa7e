//! A worker pool with a queue in a real database: SQLite, embedded.
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
use std::sync::{Arc, Mutex};

use actors_core::{ActorRef, ActorSystem, AskError, ShutdownReport, StartError};

use crate::args::Args;
use crate::check::check;
use crate::dispatcher::Dispatcher;
use crate::reporter::Reporter;
use crate::store::Store;
use crate::worker::{Clumsiness, GRIEF, Run, Worker};

#[derive(Clone)]
pub struct Pool(ActorSystem, Arc<Mutex<(usize, Vec<ActorRef<Worker>>)>>, Clumsiness, std::time::Duration);
impl Pool {
    pub async fn ask(&self, run: Run) -> Result<i64, AskError<Run>> {
        let worker = {
            let mut all = self.1.lock().unwrap();
            all.0 += 1;
            let n = all.0 % all.1.len();
            if !all.1[n].is_alive() {
                all.1[n] = self.0.spawn(Worker { work: self.3, clumsiness: self.2 });
            }
            all.1[n].clone()
        };
        worker.ask(run).await
    }
}

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
    let pool = (0..args.workers).map(|_| system.spawn(Worker { work: args.work, clumsiness })).collect();
    let pool = Pool(system.clone(), Arc::new(Mutex::new((0, pool))), clumsiness, args.work);
    let dispatcher = Dispatcher::new(store, pool, args.workers, i64::from(args.retries));
    system.actor(dispatcher).name("dispatcher").significant().start().await?;
    Ok(())
}

/// Panics are part of the show, and a page of text for each would hide it.
fn show_no_expected_panics() {
    let show = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&GRIEF) && panic.payload().downcast_ref::<String>().is_none_or(|text| text != GRIEF) {
            show(panic);
        }
    }));
}
