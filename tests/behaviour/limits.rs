//! What a limit leaves to those below the actor that hit it.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, ExitReason, HookOutcome, LimitHit, Outcome, messages};
use tokio::time::sleep;

#[derive(Actor)]
#[actor(stop_limit = "1s")]
struct Stuck;

#[messages]
impl Stuck {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Tidy).name("tidy").spawn();
    }

    #[message]
    async fn hang(&mut self) {
        pending().await
    }
}

#[derive(Actor)]
struct Tidy;

#[messages]
impl Tidy {
    #[message]
    fn ping(&self) {}

    #[stopped]
    async fn tidy_up(&mut self) {
        sleep(Duration::from_millis(100)).await;
    }
}

/// S6.2: after a kill, a hook has up to 500 ms.
#[tokio::test(start_paused = true)]
async fn children_of_an_actor_killed_at_its_limit_still_have_time_for_their_hooks() {
    let system = ActorSystem::new("test");
    let stuck = system.actor(Stuck).name("stuck").start().await.unwrap();
    stuck.tell(Hang).await.unwrap();

    let report = system.shutdown().await;

    assert_eq!(report.get("/stuck").unwrap().limit, Some(LimitHit::Stop));
    let tidy = report.get("/stuck/tidy").unwrap();
    assert_eq!(tidy.exit.reason, ExitReason::Killed);
    assert_eq!((tidy.hook_outcome, tidy.limit), (HookOutcome::Ran, None));
    assert_eq!(report.outcome, Outcome::Aborted);
}
