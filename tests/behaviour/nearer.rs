//! The time that is left to those who end: it comes nearer, and never farther (S4.7).

use std::time::Duration;

use actors_core::{ExitReason, Limit, ShutdownReport, Supervisor};
use tests::lived::{Stage, Stop};
use tests::promptly;
use tokio::task::JoinHandle;
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

/// Starts an actor that needs 40 s to stop.
async fn slow(stage: &Stage) {
    let db = stage.plan("db").stops(|_| Stop::Takes(Duration::from_secs(40))).make();
    stage.system.actor(db).name("db").hook_limit(Duration::from_secs(50)).unlimited_stop().start().await.expect("it starts");
}

/// Begins a shutdown within a minute.
fn a_minute(stage: &Stage) -> JoinHandle<ShutdownReport> {
    let system = stage.system.clone();
    tokio::spawn(async move { system.shutdown_within(Duration::from_secs(60)).await })
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_significant_actor_takes_nothing_of_the_time_that_a_shutdown_was_given() {
    let stage = Stage::new();
    slow(&stage).await;
    let front = stage.system.actor(stage.plan("front").make()).name("front").significant().start().await.expect("it starts");
    let report = a_minute(&stage).await.expect("it does not panic");
    assert!(!front.is_alive() && report.is_clean() && report.total.as_secs() == 40, "{report}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_for_a_shutdown_without_a_limit_takes_nothing_of_its_time() {
    let stage = Stage::new();
    slow(&stage).await;
    let shutdown = a_minute(&stage);
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.system.request_shutdown();
    let again = stage.system.shutdown().await;
    let report = shutdown.await.expect("it does not panic");
    assert!(report.is_clean() && report.total.as_secs() == 40, "{report}");
    assert_eq!(again.total, report.total);
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_for_a_shutdown_with_a_limit_brings_its_deadline_nearer() {
    let stage = Stage::new();
    slow(&stage).await;
    let shutdown = a_minute(&stage);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let again = stage.system.shutdown_within(Duration::from_secs(10)).await;
    let report = shutdown.await.expect("it does not panic");
    assert!(!report.is_clean() && report.total <= Duration::from_secs(11), "{report}");
    assert_eq!(again.total, report.total);
}
