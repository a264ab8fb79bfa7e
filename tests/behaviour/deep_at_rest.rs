//! Deep trees at rest whose runtime has gone: they end without a deep stack.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use tests::promptly;
use tokio::runtime::Runtime;

const DEPTH: u32 = 10_000;

/// One link of a chain: its child is the next.
#[derive(Actor)]
struct Link {
    below: u32,
    /// It keeps a task as long as it lives.
    ticks: bool,
    last: tokio::sync::mpsc::UnboundedSender<ActorRef<Link>>,
}

#[messages]
impl Link {
    #[started]
    fn started(&mut self, ctx: &mut Context<Self>) {
        if self.ticks {
            ctx.send_every(Duration::from_secs(3_600), || Tick);
        }
        if self.below == 0 {
            self.last.send(ctx.actor_ref().clone()).expect("the test listens");
        } else {
            ctx.spawn(Link { below: self.below - 1, ticks: false, last: self.last.clone() });
        }
    }

    #[message]
    fn tick(&self) {}
}

/// A chain of actors at rest, its two ends, and the runtime on which it was made.
fn chain(ticks: bool) -> (Runtime, ActorSystem, ActorRef<Link>, ActorRef<Link>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime can be built");
    let (system, top, last) = runtime.block_on(async {
        let system = ActorSystem::builder("deep").linger(Duration::ZERO).build();
        let (last, mut lasts) = tokio::sync::mpsc::unbounded_channel();
        let top = system.spawn(Link { below: DEPTH, ticks, last });
        let last = promptly("the last link", lasts.recv()).await.expect("somebody sends it");
        tokio::time::sleep(Duration::from_secs(5)).await;
        (system, top, last)
    });
    (runtime, system, top, last)
}

/// How actors have ended, asked without a runtime.
fn ends<const N: usize>(actors: [ActorRef<Link>; N]) -> [ExitReason; N] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime can be built");
    actors.map(|actor| runtime.block_on(promptly("its end", actor.stopped())))
}

#[test]
fn a_chain_of_10_000_at_rest_whose_runtime_has_gone_ends_with_its_system() {
    let (runtime, system, top, last) = chain(false);
    drop(runtime);

    drop(system);

    assert!(ends([top, last]).iter().all(|reason| !reason.is_clean()));
}

#[test]
fn a_chain_of_10_000_at_rest_ends_when_the_task_of_the_uppermost_goes_with_its_runtime() {
    let (runtime, system, top, last) = chain(true);

    drop(runtime);

    assert!(ends([top, last]).iter().all(|reason| !reason.is_clean()));
    assert_eq!(system.actors(), 0);
}
