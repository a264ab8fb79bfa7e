//! Actors whose end is the end of the system, and that never begin.

use actors_core::{Actor, ActorSystem, Outcome, messages};
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
