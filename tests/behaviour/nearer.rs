//! The time that is left to those who end: it comes nearer, and never farther (S4.7).

use std::time::Duration;

use actors_core::{ExitReason, Limit, Supervisor};
use tests::lived::{Stage, Stop};
use tests::promptly;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_shutdown_gives_no_more_time_to_one_that_was_asked_to_end_before() {
    let stage = Stage::new();
    let stuck = ["a", "b"].map(|name| stage.plan(name).stops(|_| Stop::Hangs));
    let parent = stage.plan("parent").children(stuck).spec().policy(|policy| policy.stop_limit = Limit::After(Duration::from_secs(4)));
    let sup = stage.supervise(Supervisor::new().child(parent)).await;
    let began = Instant::now();
    let terminated = tokio::spawn(async move { sup.terminate_child("parent").await });
    tokio::time::sleep(Duration::from_secs(2)).await;

    let report = stage.system.shutdown().await;

    let parent = report.get("/sup/parent").expect("it ended in the shutdown");
    assert_eq!((&parent.exit.reason, parent.limit), (&ExitReason::Shutdown, None), "its children kept to its first limit: {report}");
    assert!(began.elapsed() <= Duration::from_secs(4), "{:?}: {report}", began.elapsed());
    terminated.await.expect("it does not panic").expect("it is a child");
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_was_killed_gives_its_children_the_time_of_a_kill_only() {
    let stage = Stage::new();
    let plan = stage.stuck_plan("child");
    let parent = stage.system.actor(stage.plan("parent").children([plan]).make()).name("parent").start().await.expect("it starts");
    let began = Instant::now();

    parent.kill();

    assert_eq!(promptly("its end", parent.stopped()).await, ExitReason::Killed);
    // The hooks of those below would take half a second each.
    assert!(began.elapsed() <= Duration::from_millis(1_250), "{:?}", began.elapsed());
}
