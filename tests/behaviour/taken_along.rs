//! A child that a sibling's failure has taken along, and that somebody ends for good meanwhile (S10.1, S10.2).

use std::pin::pin;
use std::time::Duration;

use actors_core::{ActorRef, Backoff, ExitReason, Strategy, Supervisor};
use tests::lived::{End, Lived, Stage, Stop};
use tests::{Gate, eventually, is_pending, promptly};
use tokio::time::sleep;

const WAIT: Duration = Duration::from_secs(60);

/// A supervisor of `a`, which waits before it is restarted, and of `b`, which is transient; and `b`.
async fn two(stage: &Stage, b: tests::lived::Plan) -> ActorRef<Lived> {
    let a = stage.spec("a").backoff(Backoff::constant(WAIT).no_jitter());
    stage.supervise(Supervisor::new().restarts(5, WAIT).strategy(Strategy::OneForAll).child(a).child(b.spec().transient())).await;
    stage.worker("b")
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_ends_it_for_good_while_it_is_down() {
    let stage = Stage::new();
    let b = two(&stage, stage.plan("b")).await;
    stage.worker("a").tell(End::Fail).await.expect("it is open");
    stage.noted("stop b0", 1).await;
    sleep(Duration::from_secs(1)).await;

    b.stop();

    assert_eq!(promptly("its end", b.stopped()).await, ExitReason::Normal);
    sleep(2 * WAIT).await;
    assert_eq!((stage.journal.count("start a1"), stage.journal.count("start b1")), (1, 0), "{:?}", stage.journal);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_ends_it_for_good_while_it_is_stopping() {
    let (stage, gate) = (Stage::new(), Gate::new());
    let at = gate.clone();
    let b = two(&stage, stage.plan("b").stops(move |_| Stop::At(at.clone()))).await;
    stage.worker("a").tell(End::Fail).await.expect("it is open");
    gate.reached().await;

    b.stop();
    gate.open_wide();

    assert!(promptly("its end", b.stopped()).await.is_clean());
    sleep(2 * WAIT).await;
    assert_eq!((stage.journal.count("start a1"), stage.journal.count("start b1")), (1, 0), "{:?}", stage.journal);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_stop_it_comes_back() {
    let stage = Stage::new();
    let b = two(&stage, stage.plan("b")).await;
    stage.worker("a").tell(End::Fail).await.expect("it is open");
    stage.noted("stop b0", 1).await;

    // A kill is no clean stop.
    b.kill();
    stage.noted("start b1", 0).await;
    sleep(WAIT).await;

    eventually("it runs again", || b.has_started() && b.incarnation() == 1).await;
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_terminated_while_it_is_stopping_is_waited_for() {
    let (stage, gate) = (Stage::new(), Gate::new());
    let at = gate.clone();
    let (a, b) = (stage.spec("a"), stage.plan("b").stops(move |_| Stop::At(at.clone())).spec());
    let sup = stage.supervise(Supervisor::new().restarts(5, WAIT).strategy(Strategy::OneForAll).child(a).child(b)).await;
    stage.worker("a").tell(End::Fail).await.expect("it is open");
    gate.reached().await;

    let mut terminated = pin!(sup.terminate_child("b"));
    assert!(is_pending(terminated.as_mut()).await);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.journal.count("start a1"), 0, "b is still there: {:?}", stage.journal);
    gate.open_wide();

    promptly("its end", terminated).await.expect("it is there");
    stage.noted("start a1", 1).await;
    sleep(2 * WAIT).await;
    assert_eq!(stage.journal.count("start b1"), 0, "{:?}", stage.journal);
    assert!(stage.system.shutdown().await.is_clean());
}
