//! What is done in a blocking job of an actor is done by that actor.

use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, JobError, Outcome, messages};
use tests::promptly;

#[derive(Actor)]
struct Clerk;

#[messages]
impl Clerk {
    #[message]
    async fn shut_all_down(&self, ctx: &mut Context<Self>) -> Result<Outcome, JobError> {
        let (system, runtime) = (ctx.system(), tokio::runtime::Handle::current());
        ctx.spawn_blocking(move |_stop| runtime.block_on(system.shutdown()).outcome).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_that_a_job_awaits_would_wait_for_the_job() {
    let system = ActorSystem::builder("office").deadline(Duration::from_secs(3)).progress(false).build();
    let clerk = system.actor(Clerk).name("clerk").start().await.expect("it starts");

    let outcome = promptly("the answer", clerk.ask(ShutAllDown)).await.expect("it answers");

    assert_eq!(outcome, Outcome::WouldDeadlock { path: clerk.path() });
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}
