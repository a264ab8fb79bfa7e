//! The messages that nobody handles any more: when they are discarded, and what the report of a shutdown says of them (S7.8).

use std::time::Duration;

use actors_core::{Backoff, Supervisor};
use tests::Gate;
use tests::lived::{Add, End, Stage, Stop, Wait};

/// How many messages the worker `/sup/a` has discarded.
async fn discarded_of_a(stage: &Stage) -> u64 {
    for _ in 0..3 {
        stage.worker("a").tell(Add).await.unwrap();
    }
    let report = stage.system.shutdown().await;
    report.get("/sup/a").expect("it is in the report").discarded
}

#[tokio::test(start_paused = true)]
async fn s7_8_what_one_that_is_down_discards_is_in_the_report() {
    let stage = Stage::new();
    let backoff = Backoff::constant(Duration::from_secs(3_600)).no_jitter();
    stage.supervise(Supervisor::new().child(stage.spec("a").backoff(backoff))).await;
    stage.worker("a").tell(End::Fail).await.unwrap();
    stage.noted("stop a0", 1).await;

    assert_eq!(discarded_of_a(&stage).await, 3);
}

#[tokio::test(start_paused = true)]
async fn s7_8_what_one_discards_that_is_aborted_before_its_children_is_in_the_report() {
    let (stage, gate) = (Stage::new(), Gate::new());
    stage.supervise(Supervisor::new().child(stage.stuck_plan("a").spec())).await;
    stage.worker("a").tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    assert_eq!(discarded_of_a(&stage).await, 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_at_one_that_was_down_when_it_was_ended_for_good() {
    let stage = Stage::new();
    let backoff = Backoff::constant(Duration::from_secs(3_600)).no_jitter();
    let sup = stage.supervise(Supervisor::new().child(stage.spec("a").backoff(backoff))).await;
    let a = stage.worker("a");
    a.tell(End::Fail).await.unwrap();
    stage.noted("stop a0", 1).await;
    a.tell(Add).await.unwrap();
    assert_eq!(a.queued(), 1);

    sup.terminate_child("a").await.unwrap();

    assert_eq!((a.is_alive(), a.queued()), (false, 0));
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_discarded_before_the_children_stop() {
    let (stage, gate, at_the_end) = (Stage::new(), Gate::new(), Gate::new());
    let at = at_the_end.clone();
    let below = stage.plan("below").stops(move |_| Stop::At(at.clone()));
    let a = stage.system.start(stage.plan("a").children([below]).make()).await.expect("it starts");
    let mut letters = stage.system.dead_letters();
    a.tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    for _ in 0..3 {
        a.tell(Add).await.unwrap();
    }

    a.stop();
    gate.open_wide();
    at_the_end.reached().await;

    assert_eq!(std::iter::from_fn(|| letters.try_recv()).count(), 3);
    at_the_end.open_wide();
    stage.system.shutdown().await;
}
