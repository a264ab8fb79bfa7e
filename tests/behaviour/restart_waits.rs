//! A restart waits for nobody who waits for the next life (S4.7, S6.6, S7.4, S10.2).

use std::sync::mpsc::channel;
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, Backoff, ChildSpec, ChildState, Context, ExitReason, StartError, Strategy, Supervisor, messages,
};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

use crate::kin::{
    Adopt, Call, CallFor, CallLate, CallOn, CallThrough, Hang, Kin, Life, Push, Rest, SayFarewellTo, Stage, Stand, Trip, has_queued, open,
};

#[tokio::test(start_paused = true)]
async fn a_child_that_asks_its_parent_does_not_hold_up_the_next_life_of_it() {
    for depth in [1, 2] {
        let stage = Stage::new(Strategy::OneForOne, &[("parent", depth)]).await;
        let (parent, gate) = stage.fells("parent").await;
        stage.find("parent/below").tell(Call { other: parent.clone() }).await.expect("it is open");
        has_queued(&parent, 1).await;

        gate.open();

        stage.is_restarted_at_once(&parent).await;
        assert_eq!(stage.journal.entries(), ["/sup/parent/below > /sup/parent > /sup/parent/below"]);
        assert!(stage.system.shutdown().await.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn one_deep_below_that_asks_the_one_who_is_restarted_does_not_hold_it_up() {
    let stage = Stage::new(Strategy::OneForOne, &[("parent", 3)]).await;
    let (parent, gate) = stage.fells("parent").await;
    let (middle, deep) = (stage.find("parent/below"), stage.find("parent/below/below"));
    deep.tell(Call { other: parent.clone() }).await.expect("it is open");
    // This one is told.
    middle.tell(CallFor { gate: open(), other: deep }).await.expect("it is open");
    has_queued(&parent, 1).await;
    gate.open();

    stage.is_restarted_at_once(&parent).await;
    assert_eq!(stage.journal.entries(), ["/sup/parent/below/below > /sup/parent > /sup/parent/below/below", "life 0"]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_an_outsider_who_asks_the_one_that_is_restarted_does_not_hold_it_up() {
    let stage = Stage::new(Strategy::OneForOne, &[("outside", 0), ("parent", 2)]).await;
    let (parent, gate) = stage.fells("parent").await;
    let between = stage.find("outside");
    stage.find("parent/below").tell(CallThrough { between, gate: open(), other: parent.clone() }).await.expect("it is open");
    has_queued(&parent, 1).await;

    gate.open();

    stage.is_restarted_at_once(&parent).await;
    eventually("both are told", || stage.journal.len() == 2).await;
    assert_eq!(
        stage.journal.entries(),
        ["/sup/parent/below > /sup/outside > /sup/parent > /sup/parent/below", "life 1"],
        "the outsider's ask waits for the next life"
    );
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_outsider_who_asks_one_that_is_being_restarted_is_answered_by_the_next_life() {
    let families = [(Strategy::OneForOne, "a/below", 1), (Strategy::OneForOne, "a/below", 2), (Strategy::OneForAll, "b", 0)];
    for (strategy, waits, depth) in families {
        let stage = Stage::new(strategy, &[("a", depth), ("b", depth)]).await;
        let between = stage.system.actor(Kin::new(&stage.journal, 0)).name("outside").start().await.expect("it starts");
        let (a, gate) = stage.fells("a").await;
        let asks = Gate::new();
        stage.find(waits).tell(CallThrough { between, gate: asks.clone(), other: a.clone() }).await.expect("it is open");
        asks.reached().await;
        gate.open();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(stage.journal.is_empty(), "nobody waits for himself so far");

        asks.open();

        stage.is_restarted_at_once(&a).await;
        eventually("both are told", || stage.journal.len() == 2).await;
        let cycle = format!("/sup/{waits} > /outside > /sup/a > /sup/{waits}");
        assert_eq!(stage.journal.entries(), [cycle, "life 1".to_owned()], "it is not the outsider who has to end");
        assert!(stage.system.shutdown().await.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_room_at_its_parent_does_not_hold_up_the_next_life_of_it() {
    for depth in [1, 2] {
        let stage = Stage::with(Strategy::OneForOne, &[("parent", depth)], |spec| spec.mailbox(1)).await;
        let (parent, gate) = stage.fells("parent").await;
        parent.tell(Rest).await.expect("there is room");
        let child = stage.find("parent/below");
        child.tell(Push { other: parent.clone() }).await.expect("it is open");
        eventually("it waits", || child.queued() == 0).await;

        gate.open();

        stage.is_restarted_at_once(&parent).await;
        assert_eq!(stage.journal.entries(), ["WouldDeadlock"]);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_others_wait_for_does_not_wait_for_room_at_the_one_who_is_restarted() {
    for (strategy, waits, asks) in [
        // The one who asks has to go first.
        (Strategy::OneForOne, "a/below", "a/second"),
        // A child waits, and its parent for it.
        (Strategy::OneForOne, "a/below/below", "a/below"),
        (Strategy::OneForAll, "b/below", "b"),
    ] {
        let stage = Stage::with(strategy, &[("a", 2), ("b", 1)], |spec| spec.mailbox(1)).await;
        stage.find("a").ask(Adopt { name: "second" }).await.expect("it answers");
        let (a, gate) = stage.fells("a").await;
        a.tell(Rest).await.expect("there is room");
        let waits = stage.find(waits);
        waits.tell(Push { other: a.clone() }).await.expect("it is open");
        eventually("it waits", || waits.queued() == 0).await;
        stage.find(asks).tell(Call { other: waits.clone() }).await.expect("it is open");
        has_queued(&waits, 1).await;

        gate.open();

        stage.is_restarted_at_once(&a).await;
        assert_eq!(stage.journal.entries(), ["WouldDeadlock", "life 0"]);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_asks_the_one_who_failed_does_not_hold_up_the_group() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        for depth in [0, 1] {
            let stage = Stage::new(strategy, &[("a", 0), ("b", depth), ("c", 0)]).await;
            let (a, gate) = stage.fells("a").await;
            stage.find("b").tell(Call { other: a.clone() }).await.expect("it is open");
            has_queued(&a, 1).await;

            gate.open();

            stage.is_restarted_at_once(&a).await;
            assert_eq!(stage.journal.entries(), ["/sup/b > /sup/a > /sup/b"]);
            assert_eq!(promptly("the next life", stage.find("b").ask(Life)).await.expect("it answers"), 1);
            stage.system.shutdown().await;
        }
    }
}

/// Of the three, the last is never restarted, and goes first.
#[tokio::test(start_paused = true)]
async fn a_sibling_that_asks_the_one_who_failed_and_is_stopped_after_another_does_not_hold_up_the_group() {
    let temporary: [fn(ChildSpec) -> ChildSpec; 2] = [
        |spec| if spec.name() == Some("c") { spec.temporary() } else { spec },
        |spec| if spec.name() == Some("a") { spec } else { spec.temporary() },
    ];
    for temporary in temporary {
        let stage = Stage::with(Strategy::OneForAll, &[("a", 0), ("b", 0), ("c", 0)], temporary).await;
        let (a, gate) = stage.fells("a").await;
        stage.find("b").tell(Call { other: a.clone() }).await.expect("it is open");
        has_queued(&a, 1).await;

        gate.open();

        stage.is_restarted_at_once(&a).await;
        assert_eq!(stage.journal.entries(), ["/sup/b > /sup/a > /sup/b"]);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_waits_for_another_who_asks_the_one_who_failed_does_not_hold_up_the_group() {
    let stage = Stage::new(Strategy::OneForAll, &[("a", 0), ("between", 1), ("b", 1)]).await;
    let (a, gate) = stage.fells("a").await;
    let between = stage.find("between");
    stage.find("b").tell(CallThrough { between, gate: open(), other: a.clone() }).await.expect("it is open");
    has_queued(&a, 1).await;

    gate.open();

    stage.is_restarted_at_once(&a).await;
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_waits_for_room_at_the_one_who_failed_does_not_hold_up_the_group() {
    let stage = Stage::with(Strategy::OneForAll, &[("a", 0), ("b", 1)], |spec| spec.mailbox(1)).await;
    let (a, gate) = stage.fells("a").await;
    a.tell(Rest).await.expect("there is room");
    let b = stage.find("b");
    b.tell(Push { other: a.clone() }).await.expect("it is open");
    eventually("it waits", || b.queued() == 0).await;

    gate.open();

    stage.is_restarted_at_once(&a).await;
    assert_eq!(stage.journal.entries(), ["WouldDeadlock"]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_and_asks_a_sibling_who_fails_meanwhile_does_not_hold_up_the_group() {
    let stage = Stage::new(Strategy::OneForAll, &[("a", 0), ("b", 0), ("c", 0)]).await;
    let (a, gate) = stage.fells("a").await;
    let (b, b_gate) = stage.fells("b").await;
    stage.find("c").tell(Call { other: b.clone() }).await.expect("it is open");
    has_queued(&b, 1).await;
    gate.open();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(stage.journal.is_empty(), "the sibling may yet answer");

    b_gate.open();

    stage.is_restarted_at_once(&a).await;
    assert_eq!(stage.journal.entries(), ["/sup/c > /sup/b > /sup/c"]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_hook_that_asks_the_sibling_who_failed_is_told_at_once() {
    let stage = Stage::new(Strategy::OneForAll, &[("a", 0), ("b", 0)]).await;
    let (a, gate) = stage.fells("a").await;
    stage.find("b").ask(SayFarewellTo { other: a.clone() }).await.expect("it answers");

    gate.open();

    stage.is_restarted_at_once(&a).await;
    assert_eq!(stage.journal.entries(), ["/sup/b > /sup/a > /sup/b", "not sent"]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_by_itself_is_answered_by_the_next_life_of_a_sibling() {
    let stage =
        Stage::with(Strategy::OneForOne, &[("a", 0), ("b", 0)], |spec| spec.backoff(Backoff::constant(Duration::from_secs(2)).no_jitter()))
            .await;
    let (a, gate) = stage.fells("a").await;
    let b = stage.find("b");
    b.tell(Call { other: a.clone() }).await.expect("it is open");
    has_queued(&a, 1).await;
    b.stop();
    gate.open();

    eventually("it is told", || stage.journal.len() == 1).await;

    assert_eq!(stage.journal.entries(), ["life 1"]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_is_answered_by_a_parent_that_goes_on() {
    let stage = Stage::new(Strategy::OneForOne, &[("parent", 1)]).await;
    let (parent, gate) = (stage.find("parent"), Gate::new());
    parent.tell(Stand { gate: gate.clone() }).await.expect("it is open");
    gate.reached().await;
    let child = stage.find("parent/below");
    child.tell(Call { other: parent.clone() }).await.expect("it is open");
    has_queued(&parent, 1).await;
    child.stop();
    gate.open();

    assert_eq!(promptly("its end", child.stopped()).await, ExitReason::Normal);
    assert_eq!(stage.journal.entries(), ["life 0"]);
    stage.system.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_did_not_react_is_not_waited_for_and_may_ask_the_next_life() {
    let stage =
        Stage::with(Strategy::OneForOne, &[("a", 1)], |spec| spec.backoff(Backoff::constant(Duration::from_secs(60)).no_jitter())).await;
    let (a, (lets_go, held)) = (stage.find("a"), channel());
    let below = stage.find("a/below");
    below.tell(CallLate { held, other: a.clone() }).await.expect("it is open");
    eventually("it blocks", || below.queued() == 0).await;
    a.kill();
    eventually("it is down", || stage.supervisor().supervised_children()[0].state == ChildState::Restarting).await;

    drop(lets_go);
    eventually("it has asked", || !stage.journal.is_empty()).await;

    assert_eq!(stage.journal.entries(), ["waits"]);
    stage.system.shutdown().await;
}

/// Whenever the ask begins: before the failure, amid it, or between the lives.
#[test]
fn nobody_who_asks_all_the_time_holds_up_a_restart() {
    for (strategy, asks) in [(Strategy::OneForOne, "parent/below"), (Strategy::OneForAll, "sibling")] {
        on_1_2_and_8_workers(|| async move {
            let stage = Stage::new(strategy, &[("parent", 2), ("sibling", 1)]).await;
            let parent = stage.find("parent");
            for life in 1..=30 {
                stage.find(asks).tell(CallOn { other: parent.clone() }).await.expect("it is open");
                parent.tell(Trip).await.expect("it is open");
                eventually("the next life", || parent.incarnation() == life).await;
                assert_eq!(promptly("the next life", parent.ask(Life)).await.expect("it answers"), life);
                eventually("the next life", || stage.find(asks).has_started()).await;
            }
            assert!(promptly("the report", stage.system.shutdown()).await.is_clean());
        });
    }
}

/// What nobody can see is a matter of time: a restart waits for one with children no longer than a shutdown would.
#[tokio::test(start_paused = true)]
async fn a_restart_does_not_wait_for_ever_for_one_with_children() {
    for (strategy, hangs, falls) in [(Strategy::OneForOne, "a/below", "a"), (Strategy::OneForAll, "b", "a")] {
        let stage = Stage::new(strategy, &[("a", 2), ("b", 1)]).await;
        let (a, gate) = stage.fells(falls).await;
        stage.find(hangs).tell(Hang).await.expect("it is open");
        tokio::task::yield_now().await;
        gate.open();

        let began = Instant::now();
        let lives = tokio::time::timeout(Duration::from_secs(3_600), a.ask(Life)).await;

        assert_eq!(lives.expect("it is restarted").expect("it answers"), 1);
        assert!(began.elapsed() >= Duration::from_secs(25) && began.elapsed() < Duration::from_secs(26), "{:?}", began.elapsed());
        stage.system.shutdown().await;
    }
}

/// Has a supervisor below it, and below that one a family.
#[derive(Actor)]
struct Nest {
    journal: Journal,
}

#[messages]
impl Nest {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        let journal = self.journal.clone();
        let kin = ChildSpec::new("kin", move || Kin::new(&journal, 1));
        ctx.actor(Supervisor::new().child(kin)).name("brood").start().await?;
        Ok(())
    }

    #[message]
    fn tear(&self) -> Result<(), Broken> {
        Err(Broken("torn"))
    }

    #[message]
    fn age(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_wait_for_ever_for_one_below_a_supervisor() {
    let (system, journal) = (ActorSystem::new("kin"), Journal::new());
    let nest = ChildSpec::new("nest", move || Nest { journal: journal.clone() });
    system.actor(Supervisor::new().child(nest)).name("sup").start().await.expect("it starts");
    let nest: ActorRef<Nest> = system.lookup("/sup/nest").expect("it is there");
    let kin: ActorRef<Kin> = system.lookup("/sup/nest/brood/kin").expect("it is there");
    kin.tell(Hang).await.expect("it is open");
    tokio::task::yield_now().await;
    nest.tell(Tear).await.expect("it is open");

    let began = Instant::now();
    let age = tokio::time::timeout(Duration::from_secs(3_600), nest.ask(Age)).await;

    assert_eq!(age.expect("it is restarted").expect("it answers"), 1);
    assert!(began.elapsed() >= Duration::from_secs(25) && began.elapsed() < Duration::from_secs(26), "{:?}", began.elapsed());
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_terminates_a_child_with_children_does_not_wait_for_ever() {
    let stage = Stage::new(Strategy::OneForOne, &[("a", 1)]).await;
    stage.find("a").tell(Hang).await.expect("it is open");
    tokio::task::yield_now().await;

    let began = Instant::now();
    let terminated = tokio::time::timeout(Duration::from_secs(3_600), stage.supervisor().terminate_child("a")).await;

    assert_eq!(terminated.expect("it ends"), Ok(()));
    assert!(began.elapsed() >= Duration::from_secs(25) && began.elapsed() < Duration::from_secs(26), "{:?}", began.elapsed());
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_waits_for_one_without_a_limit() {
    let stage = Stage::with(Strategy::OneForAll, &[("a", 0), ("b", 1)], ChildSpec::unlimited_stop).await;
    let (a, gate) = stage.fells("a").await;
    stage.find("b").tell(Hang).await.expect("it is open");
    tokio::task::yield_now().await;
    gate.open();

    let life = tokio::time::timeout(Duration::from_secs(3_600), a.ask(Life)).await;

    assert!(life.is_err(), "as was asked for");
    stage.system.shutdown().await;
}
