//! How long a supervisor waits before it restarts a child, and what happens meanwhile (S10.4).

use std::time::Duration;

use actors_core::{ActorRef, Backoff, ChildState, ExitReason, Overflow, Policy, Strategy, Supervisor};
use tests::lived::{Add, End, Life, Lived, Note, Plan, Stage, Start};
use tests::{eventually, promptly};
use tokio::time::Instant;

use crate::cast::{Heard, Witness};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Supervises `plan` with these waits and no limit.
async fn supervise(stage: &Stage, plan: &Plan, backoff: Backoff) -> ActorRef<Supervisor> {
    stage.supervise(Supervisor::new().unlimited_restarts().child(plan.spec().backoff(backoff))).await
}

/// Fails a worker, and measures how long it takes until it answers again, in milliseconds.
async fn wait_after_failure(worker: &ActorRef<Lived>) -> u128 {
    let failed = Instant::now();
    worker.tell(End::Panic).await.expect("it takes messages");
    worker.ask(Life).await.expect("it is restarted");
    failed.elapsed().as_millis()
}

// ===== BKO-1 =====

#[tokio::test(start_paused = true)]
async fn bko_1_the_waits_double_up_to_their_limit() {
    let stage = Stage::new();
    let plan = stage.plan("a");
    supervise(&stage, &plan, Backoff::exponential(secs(5), secs(30)).no_jitter()).await;
    let worker = stage.worker("a");
    for (failures, wait) in (1..).zip([5, 10, 20, 30, 30]) {
        worker.tell(End::Panic).await.unwrap();
        tokio::time::sleep(secs(wait) - ms(100)).await;
        assert_eq!(plan.lives(), failures, "100 ms before {wait} s are over");
        tokio::time::sleep(ms(200)).await;
        assert_eq!(plan.lives(), failures + 1, "100 ms after {wait} s");
    }
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn bko_1_a_start_that_fails_is_waited_for_in_the_same_way() {
    for start in [Start::Fails, Start::Panics] {
        let stage = Stage::new();
        let plan = stage.plan("a").starts(move |life| if (1..5).contains(&life) { start.clone() } else { Start::Ready });
        supervise(&stage, &plan, Backoff::exponential(secs(5), secs(30)).no_jitter()).await;
        stage.worker("a").tell(End::Panic).await.unwrap();
        for (failures, wait) in (1..).zip([5, 10, 20, 30, 30]) {
            tokio::time::sleep(secs(wait) - ms(100)).await;
            assert_eq!(plan.lives(), failures, "100 ms before {wait} s are over");
            tokio::time::sleep(ms(100)).await;
            eventually("it is tried again", || plan.lives() == failures + 1).await;
        }
        assert_eq!(stage.worker("a").ask(Life).await.unwrap(), 5);
        stage.system.shutdown().await;
    }
}

// ===== BKO-2 =====

#[tokio::test(start_paused = true)]
async fn bko_2_after_many_restarts_there_is_one_instance() {
    let stage = Stage::new();
    let plan = stage.plan("a").notes_drop();
    let sup = supervise(&stage, &plan, Backoff::exponential(ms(200), secs(60)).no_jitter()).await;
    let worker = stage.worker("a");
    for wait in [200, 400, 800, 1600] {
        let waited = wait_after_failure(&worker).await;
        assert!((wait..wait + 5).contains(&waited), "{waited} instead of {wait}");
    }
    let gone = (0..4).map(|life| stage.journal.count(&format!("gone a{life}"))).sum::<usize>();
    assert_eq!((plan.lives(), gone, sup.supervised_children().len(), stage.system.actors()), (5, 4, 1, 2));
    assert_eq!(worker.ask(Add).await.unwrap(), 1);
    stage.system.shutdown().await;
}

// ===== BKO-3 =====

#[tokio::test(start_paused = true)]
async fn bko_3_after_a_healthy_time_the_wait_is_the_shortest_again() {
    let stage = Stage::new();
    supervise(&stage, &stage.plan("a"), Backoff::exponential(secs(1), secs(60)).no_jitter().reset_after(ms(100))).await;
    let worker = stage.worker("a");
    let mut waits = Vec::new();
    for healthy in [0, 0, 99, 150, 0, 101] {
        tokio::time::sleep(ms(healthy)).await;
        waits.push(wait_after_failure(&worker).await / 1000);
    }
    assert_eq!(waits, [1, 2, 4, 1, 2, 1]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn bko_3_the_waits_of_two_levels_do_not_disturb_each_other() {
    let stage = Stage::new();
    let backoff = |min, reset| Backoff::exponential(min, secs(60)).no_jitter().reset_after(reset);
    let inner = stage.plan("a").spec().backoff(backoff(secs(1), ms(100)));
    let middle = actors_core::ChildSpec::new("sup", move || Supervisor::new().restarts(2, secs(3600)).child(inner.clone()));
    let middle = middle.backoff(backoff(secs(10), secs(100)));
    stage.system.actor(Supervisor::new().unlimited_restarts().child(middle)).name("top").start().await.unwrap();
    let worker = || stage.system.lookup::<Lived>("/top/sup/a").expect("it is there");
    for outer in [10, 20] {
        assert_eq!(wait_after_failure(&worker()).await / 1000, 1, "of a new child, the first");
        assert_eq!(wait_after_failure(&worker()).await / 1000, 2);
        let failed = Instant::now();
        worker().tell(End::Panic).await.unwrap();
        tokio::time::sleep(secs(outer) - ms(100)).await;
        assert!(stage.system.lookup::<Lived>("/top/sup/a").is_none());
        eventually("it is back", || stage.system.lookup::<Lived>("/top/sup/a").is_some()).await;
        assert_eq!(failed.elapsed().as_secs(), outer);
        worker().ask(Add).await.expect("it is alive");
    }
    stage.system.shutdown().await;
}

// ===== BKO-4 =====

#[tokio::test(start_paused = true)]
async fn bko_4_a_limit_counts_with_a_backoff_too_and_who_watches_is_told() {
    for start in [Start::Ready, Start::Fails] {
        let stage = Stage::new();
        let plan = stage.plan("a").starts(move |life| if life == 0 { Start::Ready } else { start.clone() });
        let spec = plan.spec().backoff(Backoff::exponential(secs(1), secs(9)));
        let sup = stage.supervise(Supervisor::new().restarts(2, secs(3600)).child(spec)).await;
        let heard = Heard::default();
        let worker = stage.worker("a");
        stage.system.spawn(Witness::new(&heard)).monitor(&worker);
        for _ in 0..3 {
            let _ = worker.tell(End::Panic).await;
        }
        let reason = promptly("it gives up", sup.stopped()).await;
        assert!(matches!(reason, ExitReason::Escalated { restarts: 2, .. }), "{reason}");
        eventually("who watches is told", || heard.len() == 1).await;
        assert!(heard.only().reason.is_failure());
        assert_eq!(plan.lives(), 3);
        stage.system.shutdown().await;
    }
}

// ===== BKO-5 =====

#[tokio::test(start_paused = true)]
async fn bko_5_messages_that_come_during_the_wait_are_kept_or_refused() {
    for overflow in [Overflow::Wait, Overflow::Reject] {
        let stage = Stage::new();
        let spec = stage.plan("a").spec().mailbox(2).policy(|policy: &mut Policy| policy.overflow = overflow);
        let spec = spec.backoff(Backoff::constant(secs(1)).no_jitter());
        stage.supervise(Supervisor::new().unlimited_restarts().child(spec)).await;
        let worker = stage.worker("a");
        worker.tell(End::Panic).await.unwrap();
        tokio::time::sleep(ms(500)).await;
        let sent: Vec<_> = (0..4).map(|what| worker.try_tell(Note { what })).collect();
        assert_eq!(sent.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, false]);
        for (what, refused) in (2..).zip(sent.into_iter().skip(2)) {
            let refused = refused.unwrap_err();
            assert!(refused.is_full());
            assert_eq!(refused.into_message().what, what, "it comes back");
        }
        stage.noted("a1: 1", 1).await;
        assert_eq!(stage.journal.entries()[3..], ["a1: 0", "a1: 1"]);
        assert_eq!(stage.system.dead_letter_count(), 0);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn bko_5_what_is_dropped_during_the_wait_is_a_dead_letter() {
    for (overflow, kept) in [(Overflow::DropNewest, ["a1: 0", "a1: 1"]), (Overflow::DropOldest, ["a1: 2", "a1: 3"])] {
        let stage = Stage::new();
        let spec = stage.plan("a").spec().mailbox(2).policy(|policy: &mut Policy| policy.overflow = overflow);
        let spec = spec.backoff(Backoff::constant(secs(1)).no_jitter());
        stage.supervise(Supervisor::new().unlimited_restarts().child(spec)).await;
        let worker = stage.worker("a");
        worker.tell(End::Panic).await.unwrap();
        tokio::time::sleep(ms(500)).await;
        for what in 0..4 {
            worker.try_tell(Note { what }).expect("one is dropped instead");
        }
        stage.noted(kept[1], 1).await;
        assert_eq!(stage.journal.entries()[3..], kept);
        assert_eq!(stage.system.dead_letter_count(), 2);
        stage.system.shutdown().await;
    }
}

// ===== beside the scenarios =====

#[tokio::test(start_paused = true)]
async fn under_one_for_one_each_child_waits_on_its_own_and_a_group_waits_together() {
    let stage = Stage::new();
    let slow = stage.spec("a").backoff(Backoff::constant(secs(10)).no_jitter());
    let sup = stage.supervise(Supervisor::new().unlimited_restarts().child(slow).child(stage.spec("b"))).await;
    stage.worker("a").tell(End::Panic).await.unwrap();
    assert!(wait_after_failure(&stage.worker("b")).await < 100, "it does not wait for its sibling");
    assert_eq!(sup.supervised_children()[0].state, ChildState::Restarting);

    let stage = Stage::new();
    let slow = stage.spec("a").backoff(Backoff::constant(secs(10)).no_jitter());
    let sup = Supervisor::new().strategy(Strategy::OneForAll).unlimited_restarts().child(stage.spec("b")).child(slow);
    stage.supervise(sup).await;
    stage.worker("a").tell(End::Panic).await.unwrap();
    tokio::time::sleep(ms(9_900)).await;
    assert_eq!(stage.journal.entries()[2..], ["stop a0", "stop b0"], "stopped at once, started later");
    stage.noted("start a1", 1).await;
    assert_eq!(stage.journal.entries()[4..], ["start b1", "start a1"]);
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_the_wait_by_no_more_than_its_share() {
    let stage = Stage::new();
    supervise(&stage, &stage.plan("a"), Backoff::constant(secs(10)).jitter(0.5)).await;
    let worker = stage.worker("a");
    let mut waits = Vec::new();
    for _ in 0..30 {
        waits.push(wait_after_failure(&worker).await);
    }
    assert!(waits.iter().all(|wait| (5_000..10_005).contains(wait)), "{waits:?}");
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 10, "they differ: {waits:?}");
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_children_of_a_dynamic_supervisor_wait_before_each_restart() {
    let stage = Stage::new();
    let plan = stage.plan("a");
    let children = Supervisor::dynamic(|plan: Plan| plan.make()).permanent().backoff(Backoff::constant(secs(5)).no_jitter());
    let children = stage.system.start(children).await.expect("it starts");
    let child = children.start_child(plan.clone()).await.expect("it starts");

    child.tell(End::Panic).await.unwrap();
    tokio::time::sleep(secs(5) - ms(100)).await;
    assert_eq!(plan.lives(), 1);
    tokio::time::sleep(ms(200)).await;

    assert_eq!(plan.lives(), 2);
    stage.system.shutdown().await;
}
