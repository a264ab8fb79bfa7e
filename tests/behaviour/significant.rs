//! Actors whose end is the end of the system, and that never begin.

use actors_core::{Actor, ActorSystem, Context, Outcome, StartFailure, messages};
use tests::{Broken, promptly};

#[derive(Actor)]
struct NeverReady;

#[messages]
impl NeverReady {
    #[started]
    fn begin(&mut self) -> Result<(), Broken> {
        Err(Broken("the port is taken"))
    }

    #[message]
    fn ping(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_significant_actor_that_does_not_start_is_a_failed_start() {
    let system = ActorSystem::new("test");

    system.actor(NeverReady).name("listener").significant().spawn();
    let report = promptly("the shutdown that follows", system.terminated()).await;

    assert_eq!(report.outcome, Outcome::StartFailed);
    assert_eq!(report.exit_code(), 2);
}

/// Has nothing to do here.
#[derive(Actor)]
struct NotNeeded;

#[messages]
impl NotNeeded {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.decline();
    }

    #[message]
    fn wait(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_significant_actor_that_declines_to_start_is_not_missed() {
    let system = ActorSystem::new("test");

    let declined = system.actor(NotNeeded).name("listener").significant().start().await.unwrap_err();

    assert!(matches!(declined.failure(), StartFailure::Declined), "{declined}");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(system.shutdown().await.outcome, Outcome::Clean);
}
