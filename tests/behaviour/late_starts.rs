//! A start that takes longer than it may is a failure, of the actor and of the run (S3.2, S7.6).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, ExitReason, StartFailure, messages};
use tests::promptly;

/// Is never ready.
#[derive(Actor)]
struct Sluggish;

#[messages]
impl Sluggish {
    #[started]
    async fn begin(&mut self) {
        std::future::pending().await
    }

    #[message]
    fn ping(&self) {}
}

#[tokio::test(start_paused = true)]
async fn s7_6_a_start_that_outran_its_limit_is_a_failure_in_the_report() {
    let system = ActorSystem::new("late");
    let sluggish = system.actor(Sluggish).name("sluggish").start_limit(Duration::from_secs(1)).spawn();

    let reason = promptly("its end", sluggish.stopped()).await;

    assert!(matches!(reason, ExitReason::StartFailed(StartFailure::TimedOut(_))) && reason.is_failure(), "{reason}");
    let report = system.shutdown().await;
    assert_eq!((report.failures.len(), report.exit_code()), (1, 1), "{report}");
}
