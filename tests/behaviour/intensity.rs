//! How many restarts are too many, over which time, and what happens then (S10.3).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actors_core::{ActorRef, Backoff, ChildSpec, DeadReason, ExitReason, Policy, Strategy, Supervisor};
use tests::lived::{End, Life, Note, Plan, Stage, Start, Stop};
use tests::promptly;

use crate::cast::{Heard, Witness, settle};

const HOUR: Duration = Duration::from_secs(3600);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Fails a worker, and waits until it runs again.
async fn fail(stage: &Stage, name: &str) {
    let worker = stage.worker(name);
    worker.tell(End::Panic).await.expect("it takes messages");
    worker.ask(Life).await.expect("it is restarted");
}

/// Fails a worker, and returns what becomes of its supervisor.
async fn fail_for_good(stage: &Stage, sup: &ActorRef<Supervisor>, name: &str) -> ExitReason {
    stage.worker(name).tell(End::Panic).await.expect("it takes messages");
    promptly("the supervisor gives up", sup.stopped()).await
}

fn escalated(path: &str, restarts: u32, period: Duration) -> impl Fn(&ExitReason) -> bool {
    move |reason| matches!(reason, ExitReason::Escalated { child, restarts: r, period: p } if *child == *path && (*r, *p) == (restarts, period))
}

// ===== INT-1 =====

#[tokio::test(start_paused = true)]
async fn int_1_one_restart_too_many_stops_the_other_children_and_then_the_supervisor() {
    let stage = Stage::new();
    let plan = stage.plan("b");
    let sup = Supervisor::new().restarts(2, HOUR).children([stage.spec("a"), plan.spec(), stage.spec("c")]);
    let sup = stage.supervise(sup).await;
    let heard = Heard::default();
    stage.system.spawn(Witness::new(&heard)).monitor(&sup);
    let (b, c) = (stage.worker("b"), stage.worker("c"));

    fail(&stage, "b").await;
    fail(&stage, "b").await;
    let reason = fail_for_good(&stage, &sup, "b").await;
    settle().await;

    assert!(escalated("/sup/b", 2, HOUR)(&reason), "{reason}");
    assert_eq!(heard.only().reason, reason, "who watches sees it too");
    assert_eq!(plan.lives(), 3);
    assert_eq!(stage.journal.entries()[7..], ["stop b2", "stop c0", "stop a0"]);
    assert!(matches!(b.stopped().await, ExitReason::Panicked { .. }), "its own failure");
    assert_eq!(c.stopped().await, ExitReason::Shutdown);
    assert!(!stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn int_1_a_supervisor_that_gives_up_is_a_failed_child_of_its_own_supervisor() {
    for transient in [false, true] {
        let stage = Stage::new();
        let spec = stage.spec("a");
        let middle = ChildSpec::new("sup", move || Supervisor::new().restarts(0, HOUR).child(spec.clone()));
        let middle = if transient { middle.transient() } else { middle };
        let top = stage.system.actor(Supervisor::new().restarts(1, HOUR).child(middle)).name("top").start().await.unwrap();
        let find = || stage.system.lookup::<tests::lived::Lived>("/top/sup/a");

        find().unwrap().tell(End::Fail).await.unwrap();
        stage.noted("start a1", 1).await;
        assert!(top.is_alive(), "an escalation is abnormal (S5.2): also a transient supervisor is restarted");
        find().unwrap().tell(End::Fail).await.unwrap();
        let reason = promptly("it goes on upward", top.stopped()).await;
        assert!(escalated("/top/sup", 1, HOUR)(&reason), "{reason}");
        stage.system.shutdown().await;
    }
}

// ===== INT-2 =====

#[tokio::test(start_paused = true)]
async fn int_2_with_a_limit_of_zero_the_first_failure_is_the_last_and_the_queue_is_accounted_for() {
    let stage = Stage::new();
    let plan = stage.plan("a");
    let sup = stage.supervise(Supervisor::new().restarts(0, HOUR).child(plan.spec())).await;
    let (worker, mut letters) = (stage.worker("a"), stage.system.dead_letters());
    worker.try_tell(End::Panic).unwrap();
    worker.try_tell(Note { what: 1 }).unwrap();
    let lost = worker.ask(Life).await.unwrap_err();

    let reason = promptly("it gives up", sup.stopped()).await;

    assert!(escalated("/sup/a", 0, HOUR)(&reason), "{reason}");
    assert_eq!((plan.lives(), stage.journal.entries()), (1, vec!["start a0".into(), "stop a0".into()]));
    assert!(lost.is_not_running() || matches!(lost, actors_core::AskError::Lost(_)), "{lost}");
    let letter = letters.recv().await.expect("the message that waited");
    assert_eq!((letter.message_type(), letter.reason()), ("Note", DeadReason::Failed));
    stage.system.shutdown().await;
}

// ===== INT-3 =====

#[tokio::test(start_paused = true)]
async fn int_3_the_period_is_a_sliding_window() {
    let stage = Stage::new();
    stage.supervise(Supervisor::new().restarts(1, ms(1000)).child(stage.spec("a"))).await;
    for _ in 0..4 {
        fail(&stage, "a").await;
        tokio::time::sleep(ms(2100)).await;
    }

    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().restarts(2, ms(500)).child(stage.spec("a"))).await;
    for _ in 0..2 {
        fail(&stage, "a").await;
        fail(&stage, "a").await;
        tokio::time::sleep(ms(550)).await;
    }
    fail(&stage, "a").await;
    fail(&stage, "a").await;
    let reason = fail_for_good(&stage, &sup, "a").await;
    assert!(escalated("/sup/a", 2, ms(500))(&reason), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn int_3_the_edge_of_the_window_belongs_to_it() {
    for (wait, survives) in [(999, false), (1000, false), (1002, true)] {
        let stage = Stage::new();
        let sup = stage.supervise(Supervisor::new().restarts(1, ms(1000)).child(stage.spec("a"))).await;
        fail(&stage, "a").await;
        tokio::time::sleep(ms(wait)).await;
        stage.worker("a").tell(End::Panic).await.unwrap();
        tokio::time::sleep(ms(1)).await;
        assert_eq!(sup.is_alive(), survives, "{wait}");
        stage.system.shutdown().await;
    }
}

// ===== INT-4 =====

#[tokio::test(start_paused = true)]
async fn int_4_all_children_of_a_supervisor_count_together() {
    for last in ["a", "b"] {
        let stage = Stage::new();
        let sup = stage.supervise(Supervisor::new().restarts(2, HOUR).children(stage.specs(["a", "b"]))).await;
        fail(&stage, "a").await;
        fail(&stage, "b").await;
        let reason = fail_for_good(&stage, &sup, last).await;
        assert!(escalated(&format!("/sup/{last}"), 2, HOUR)(&reason), "{reason}");
        stage.system.shutdown().await;
    }
}

// ===== INT-5 =====

#[tokio::test(start_paused = true)]
async fn int_5_without_a_limit_there_is_none_and_by_default_there_is() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().unlimited_restarts().child(stage.spec("a"))).await;
    for life in 1..=100 {
        stage.worker("a").tell(End::Panic).await.unwrap();
        assert_eq!(stage.worker("a").ask(Life).await.unwrap(), life);
    }
    assert!(sup.is_alive());

    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(stage.spec("a"))).await;
    fail(&stage, "a").await;
    let reason = fail_for_good(&stage, &sup, "a").await;
    assert!(escalated("/sup/a", Policy::DEFAULT.restarts, Policy::DEFAULT.within)(&reason), "{reason}");
    assert_eq!((Policy::DEFAULT.restarts, Policy::DEFAULT.within), (1, Duration::from_secs(5)));
}

// ===== the clock of the supervisor =====

/// Supervises `plan` with one restart a second, fails it once a life, and says whether it was immortal.
async fn is_immortal(stage: &Stage, spec: ChildSpec, siblings: impl IntoIterator<Item = ChildSpec>) -> bool {
    let sup = Supervisor::new().strategy(Strategy::OneForAll).restarts(3, ms(1000)).child(spec).children(siblings);
    let sup = stage.supervise(sup).await;
    for _ in 0..20 {
        if !sup.is_alive() {
            return false;
        }
        let worker = stage.worker("a");
        let _ = worker.tell(End::Panic).await;
        let _ = worker.ask(Life).await;
    }
    true
}

#[tokio::test(start_paused = true)]
async fn who_stops_starts_or_waits_slowly_is_not_immortal() {
    let second = |plan: Plan| plan.stops(|_| Stop::Takes(ms(1100)));
    let late = |life| if life == 0 { Start::Ready } else { Start::Takes(ms(1100)) };
    let nobody = || None::<ChildSpec>;

    let stage = Stage::new();
    assert!(!is_immortal(&stage, second(stage.plan("a")).spec(), nobody()).await, "its hook takes longer than the period");
    let stage = Stage::new();
    assert!(!is_immortal(&stage, stage.plan("a").starts(late).spec(), nobody()).await, "it starts slowly");
    let stage = Stage::new();
    let waits = stage.spec("a").backoff(Backoff::constant(ms(1100)).no_jitter());
    assert!(!is_immortal(&stage, waits, nobody()).await, "its backoff is longer than the period");
    let stage = Stage::new();
    let slow = second(stage.plan("b")).spec();
    assert!(!is_immortal(&stage, stage.spec("a"), [slow]).await, "its sibling stops slowly");
}

#[tokio::test(start_paused = true)]
async fn the_period_is_that_of_the_supervisors_own_running() {
    let stage = Stage::new();
    let spec = stage.spec("a").backoff(Backoff::constant(ms(5000)).no_jitter());
    let sup = stage.supervise(Supervisor::new().restarts(1, ms(1000)).child(spec)).await;
    fail(&stage, "a").await;
    // 5 s were spent in the wait, and do not count.
    tokio::time::sleep(ms(900)).await;
    let reason = fail_for_good(&stage, &sup, "a").await;
    assert!(escalated("/sup/a", 1, ms(1000))(&reason), "{reason}");

    let stage = Stage::new();
    let spec = stage.spec("a").backoff(Backoff::constant(ms(5000)).no_jitter());
    stage.supervise(Supervisor::new().restarts(1, ms(1000)).child(spec)).await;
    fail(&stage, "a").await;
    tokio::time::sleep(ms(1100)).await;
    fail(&stage, "a").await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_again_counts_as_a_restart_each_time() {
    let stage = Stage::new();
    let plan = stage.plan("a").starts(|life| if life == 0 { Start::Ready } else { Start::Fails });
    let sup = stage.supervise(Supervisor::new().restarts(3, HOUR).child(plan.spec())).await;
    let reason = fail_for_good(&stage, &sup, "a").await;
    assert!(escalated("/sup/a", 3, HOUR)(&reason), "{reason}");
    assert_eq!(plan.lives(), 4, "S10.3");
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_cannot_be_made_counts_each_time_too() {
    let (stage, made) = (Stage::new(), Arc::new(AtomicU32::new(0)));
    let (plan, count) = (stage.plan("a"), made.clone());
    let spec = ChildSpec::new("a", move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) == 0, "no other");
        plan.make()
    });
    let sup = stage.supervise(Supervisor::new().restarts(2, HOUR).child(spec)).await;
    let reason = fail_for_good(&stage, &sup, "a").await;
    assert!(escalated("/sup/a", 2, HOUR)(&reason), "{reason}");
    assert_eq!(made.load(Ordering::SeqCst), 3, "S10.3");
    assert_eq!(stage.system.actors(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_supervisor_allows_as_many_as_it_says_within_as_long() {
    let stage = Stage::new();
    let sup = Supervisor::dynamic(|plan: Plan| plan.make()).permanent().restarts(2, HOUR);
    let sup = stage.system.actor(sup).name("sup").start().await.expect("it starts");
    let children = [sup.start_child(stage.plan("a")).await, sup.start_child(stage.plan("b")).await].map(|child| child.expect("it starts"));
    for child in children.iter().chain(&children[..1]) {
        child.tell(End::Panic).await.expect("it takes messages");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let reason = promptly("it gives up", sup.stopped()).await;
    assert!(escalated(&children[0].path().to_string(), 2, HOUR)(&reason), "{reason}");

    let sup = stage.system.start(Supervisor::dynamic(|plan: Plan| plan.make()).permanent().unlimited_restarts()).await.expect("it starts");
    let child = sup.start_child(stage.plan("c")).await.expect("it starts");
    for _ in 0..10 {
        child.tell(End::Panic).await.expect("it takes messages");
    }
    child.ask(Life).await.expect("it is restarted");
    assert_eq!(child.incarnation(), 10);
}

// ===== a supervisor that waits for its own child =====

/// Asks a child in its handler, while that child uses up the restarts.
#[derive(actors_core::Actor)]
#[actor(restarts = 1, within = "60s")]
struct Asks {
    plan: Plan,
}

#[actors_core::messages]
impl Asks {
    #[message]
    async fn make_it_fail(&self, ctx: &mut actors_core::Context<Self>) -> bool {
        let child = ctx
            .child("a", {
                let plan = self.plan.clone();
                move || plan.make()
            })
            .start()
            .await
            .expect("it starts");
        child.tell(End::Panic).await.expect("it takes messages");
        child.tell(End::Panic).await.expect("it takes messages");
        child.ask(Life).await.is_err()
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_for_a_child_is_told_when_its_own_actor_gives_up() {
    let stage = Stage::new();
    let asks = stage.system.actor(Asks { plan: stage.plan("a") }).name("sup").start().await.unwrap();
    assert!(promptly("the ask inside returns", asks.ask(MakeItFail)).await.unwrap());
    let reason = promptly("it gives up", asks.stopped()).await;
    assert!(escalated("/sup/a", 1, Duration::from_secs(60))(&reason), "S10.7: {reason}");
    stage.system.shutdown().await;
}
