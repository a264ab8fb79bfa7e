//! Strategies: whom the failure of a child takes along, in which order, and what stands while it is repaired (S10.2).

use std::time::Duration;

use actors_core::{AbortedBy, ActorRef, ActorSystem, ChildCounts, ChildSpec, ChildState, ExitReason, Strategy, Supervisor};
use tests::lived::{Add, End, Life, Lived, Stage, Start, Stop, Wait, names};
use tests::{Gate, eventually, promptly};

use crate::cast::settle;

/// The lives of the workers `names`.
async fn lives<const N: usize>(stage: &Stage, names: [&str; N]) -> [u32; N] {
    let mut lives = [0; N];
    for (life, name) in lives.iter_mut().zip(names) {
        *life = stage.worker(name).ask(Life).await.expect("it answers");
    }
    lives
}

/// What is noted from the `from`th entry on.
fn since(stage: &Stage, from: usize) -> Vec<String> {
    stage.journal.entries().split_off(from)
}

// ===== STR-1 =====

#[tokio::test(start_paused = true)]
async fn str_1_under_one_for_one_only_the_one_that_failed_is_restarted() {
    for end in End::ALL {
        let stage = Stage::new();
        stage.supervise(Supervisor::new().children(stage.specs(["a", "b", "c"]))).await;
        let ids = ["b", "c"].map(|name| stage.worker(name).id());
        stage.worker("b").ask(Add).await.unwrap();

        stage.worker("a").tell(end).await.unwrap();
        stage.noted("start a1", 1).await;

        assert_eq!(lives(&stage, ["a", "b", "c"]).await, [1, 0, 0], "{end:?}");
        assert_eq!(stage.worker("b").ask(Add).await.unwrap(), 2, "its state is as it was");
        assert_eq!(["b", "c"].map(|name| stage.worker(name).id()), ids);
        assert_eq!(stage.journal.len(), 5, "{:?}", stage.journal);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn references_to_those_who_are_taken_along_stay_good_whatever_their_restart_type() {
    let stage = Stage::new();
    let specs = [stage.spec("a").permanent(), stage.spec("b").transient(), stage.spec("c").permanent()];
    stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children(specs)).await;
    let taken_along = ["b", "c"].map(|name| stage.worker(name));

    stage.worker("a").tell(End::Fail).await.unwrap();
    stage.noted("start c1", 1).await;

    for worker in taken_along {
        assert_eq!(worker.ask(Life).await.unwrap(), 1, "S2.4: {worker:?}");
    }
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn str_1_under_one_for_all_all_are_new_and_none_of_the_old_lives_is_left() {
    for end in End::ALL {
        let stage = Stage::new();
        let specs = ["a", "b", "c"].map(|name| stage.plan(name).notes_drop().spec());
        stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children(specs)).await;

        stage.worker("a").tell(end).await.unwrap();
        stage.noted("start c1", 1).await;

        let expected = ["stop a0", "gone a0", "stop c0", "gone c0", "stop b0", "gone b0", "start a1", "start b1", "start c1"];
        assert_eq!(since(&stage, 3), expected, "{end:?}");
        assert_eq!(lives(&stage, ["a", "b", "c"]).await, [1, 1, 1]);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn str_1_one_for_all_with_a_single_child_restarts_it() {
    let stage = Stage::new();
    stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).child(stage.spec("a"))).await;
    stage.worker("a").tell(End::Panic).await.unwrap();
    assert_eq!(lives(&stage, ["a"]).await, [1]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn str_1_failures_of_two_children_at_the_same_time_are_each_repaired() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let stage = Stage::new();
        let sup = Supervisor::new().strategy(strategy).restarts(2, Duration::from_secs(3600)).children(stage.specs(["a", "b", "c"]));
        let sup = stage.supervise(sup).await;

        stage.worker("a").try_tell(End::Panic).unwrap();
        stage.worker("b").try_tell(End::Fail).unwrap();
        settle().await;

        let [a, b, c] = lives(&stage, ["a", "b", "c"]).await;
        assert_eq!((a, b), (1, 1), "{strategy:?}");
        assert_eq!(c, u32::from(strategy != Strategy::OneForOne));
        assert!(sup.supervised_children().iter().all(|child| child.state == ChildState::Running));
        assert!(stage.system.shutdown().await.is_clean());
    }
}

// ===== STR-2 =====

#[tokio::test(start_paused = true)]
async fn str_2_under_rest_for_one_those_started_later_are_restarted_too() {
    for (failed, expected) in [("a", [1, 1, 1]), ("b", [0, 1, 1]), ("c", [0, 0, 1])] {
        let stage = Stage::new();
        stage.supervise(Supervisor::new().strategy(Strategy::RestForOne).children(stage.specs(["a", "b", "c"]))).await;

        stage.worker(failed).tell(End::Panic).await.unwrap();
        stage.noted("start c1", 1).await;

        assert_eq!(lives(&stage, ["a", "b", "c"]).await, expected, "{failed} failed");
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn str_2_the_rest_stops_in_reverse_order_and_starts_in_order() {
    let stage = Stage::new();
    stage.supervise(Supervisor::new().strategy(Strategy::RestForOne).children(stage.specs(["a", "b", "c", "d"]))).await;
    stage.worker("b").tell(End::Fail).await.unwrap();
    stage.noted("start d1", 1).await;
    assert_eq!(since(&stage, 4), ["stop b0", "stop d0", "stop c0", "start b1", "start c1", "start d1"]);
    stage.system.shutdown().await;
}

// ===== a repair, step by step =====

#[tokio::test(start_paused = true)]
async fn in_a_repair_one_stops_after_the_other_and_one_starts_after_the_other() {
    let stage = Stage::new();
    let (stops, starts) = (Gate::new(), Gate::new());
    let (stop, start) = (stops.clone(), starts.clone());
    let c = stage.plan("c").stops(move |_| Stop::At(stop.clone()));
    let b = stage.plan("b").starts(move |life| if life == 0 { Start::Ready } else { Start::At(start.clone()) });
    let sup = Supervisor::new().strategy(Strategy::OneForAll).children([stage.spec("a"), b.spec(), c.spec()]);
    stage.supervise(sup).await;

    stage.worker("a").tell(End::Panic).await.unwrap();
    stops.reached().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(since(&stage, 3), ["stop a0"], "b stops once c has stopped");
    stops.open_wide();
    starts.reached().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(since(&stage, 4), ["stop c0", "stop b0", "start a1"], "c starts once b has started");
    starts.open_wide();
    stage.noted("start c1", 1).await;
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_life_begins_when_the_state_and_the_children_of_the_old_one_are_gone() {
    let stage = Stage::new();
    let child = stage.plan("child").notes_drop().stops(|_| Stop::Takes(Duration::from_secs(2)));
    let parent = stage.plan("parent").notes_drop().children([child]);
    stage.supervise(Supervisor::new().child(parent.spec())).await;

    stage.worker("parent").tell(End::Panic).await.unwrap();
    stage.noted("start parent1", 1).await;

    let expected = ["stop child0", "gone child0", "stop parent0", "gone parent0", "start child1", "start parent1"];
    assert_eq!(since(&stage, 2), expected, "S10.5");
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_counts_once_and_a_bystander_that_fails_as_it_stops_does_not_count() {
    let stage = Stage::new();
    let b = stage.plan("b").stops(|_| Stop::Panics);
    let sup = Supervisor::new().strategy(Strategy::OneForAll).restarts(1, Duration::from_secs(3600));
    let sup = stage.supervise(sup.children([stage.spec("a"), b.spec(), stage.spec("c")])).await;

    stage.worker("c").tell(End::Fail).await.unwrap();
    stage.noted("start c1", 1).await;
    settle().await;

    assert_eq!(lives(&stage, ["a", "b", "c"]).await, [1, 1, 1]);
    assert!(sup.is_alive(), "S10.3");
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_counts_once_though_a_bystander_fails_before_it_is_stopped() {
    let (stage, stops) = (Stage::new(), Gate::new());
    let stop = stops.clone();
    let c = stage.plan("c").stops(move |_| Stop::At(stop.clone()));
    let sup = Supervisor::new().strategy(Strategy::OneForAll).restarts(1, Duration::from_secs(3600));
    let sup = stage.supervise(sup.children([stage.spec("a"), stage.spec("b"), c.spec()])).await;

    stage.worker("a").tell(End::Fail).await.unwrap();
    stops.reached().await;
    stage.worker("b").tell(End::Fail).await.unwrap();
    stage.noted("stop b0", 1).await;
    stops.open_wide();
    settle().await;

    assert!(sup.is_alive(), "S10.3");
    assert_eq!(lives(&stage, ["a", "b", "c"]).await, [1, 1, 1]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_bystander_that_does_not_start_again_begins_the_repair_anew() {
    let stage = Stage::new();
    let b = stage.plan("b").starts(|life| if life == 1 { Start::Fails } else { Start::Ready });
    let sup = Supervisor::new().strategy(Strategy::OneForAll).restarts(2, Duration::from_secs(3600));
    stage.supervise(sup.children([stage.spec("a"), b.spec(), stage.spec("c")])).await;

    stage.worker("c").tell(End::Fail).await.unwrap();
    stage.noted("start c1", 1).await;

    let expected = ["stop c0", "stop b0", "stop a0", "start a1", "stop a1", "start a2", "start b2", "start c1"];
    assert_eq!(since(&stage, 3), expected);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn temporary_bystanders_are_stopped_and_forgotten() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let stage = Stage::new();
        let specs = [stage.spec("a"), stage.spec("t").temporary(), stage.spec("b")];
        let sup = stage.supervise(Supervisor::new().strategy(strategy).children(specs)).await;
        let temporary = stage.worker("t");

        stage.worker("a").tell(End::Panic).await.unwrap();
        stage.noted("start b1", 1).await;

        assert_eq!(since(&stage, 3), ["stop a0", "stop b0", "stop t0", "start a1", "start b1"]);
        assert_eq!(temporary.stopped().await, ExitReason::Shutdown);
        assert_eq!(names(&sup.supervised_children()), ["a", "b"], "S10.2");
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_also_restarts_transient_children_also_those_that_had_ended() {
    let stage = Stage::new();
    let specs = [stage.spec("a"), stage.spec("runs").transient(), stage.spec("ended").transient()];
    let sup = stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children(specs)).await;
    stage.worker("ended").tell(End::Stop).await.unwrap();
    eventually("it has ended", || stage.find("ended").is_none()).await;

    stage.worker("a").tell(End::Panic).await.unwrap();
    stage.noted("start ended1", 1).await;

    assert_eq!(lives(&stage, ["a", "runs", "ended"]).await, [1, 1, 1], "S10.2");
    assert_eq!(names(&sup.supervised_children()), ["a", "runs", "ended"]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_transient_bystander_stays_the_same_actor_and_may_be_done_in_its_next_life() {
    let stage = Stage::new();
    let specs = [stage.spec("a"), stage.spec("b").transient()];
    stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children(specs)).await;
    let bystander = stage.worker("b");

    stage.worker("a").tell(End::Panic).await.unwrap();
    stage.noted("start b1", 1).await;
    assert_eq!(bystander.ask(Life).await.unwrap(), 1, "references to it are good");
    bystander.tell(End::Stop).await.unwrap();

    assert_eq!(promptly("it is done", bystander.stopped()).await, ExitReason::Normal);
    settle().await;
    assert_eq!((stage.find("b"), stage.journal.count("start b2")), (None, 0));
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_bystander_that_has_to_be_aborted_is_replaced_by_a_new_actor_under_its_name() {
    let stage = Stage::new();
    let b = stage.stuck_plan("b").spec().stop_limit(Duration::from_secs(1));
    let sup = stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children([stage.spec("a"), b, stage.spec("c")])).await;
    let old = stage.worker("b");
    old.tell(Wait { gate: Gate::new() }).await.unwrap();

    stage.worker("a").tell(End::Panic).await.unwrap();
    stage.noted("start c1", 1).await;

    assert_eq!(promptly("its end", old.stopped()).await, ExitReason::Aborted { by: AbortedBy::Deadline });
    assert_ne!(stage.worker("b").id(), old.id());
    assert_eq!(lives(&stage, ["a", "b", "c"]).await, [1, 1, 1]);
    assert_eq!(names(&sup.supervised_children()), ["a", "b", "c"]);
    assert_eq!(stage.journal.count("stop b0"), 0, "its hook was cut off");
    stage.system.shutdown().await;
    let last = ["stop c1", "stop lowest1", "stop below1", "stop b1", "stop a1"];
    assert_eq!(since(&stage, stage.journal.len() - 5), last, "the order is that of the list");
}

// ===== STR-5 =====

fn counts(system: &ActorSystem, path: &str) -> (usize, usize, usize, usize) {
    let ChildCounts { specs, active, supervisors, workers, .. } = supervisor(system, path).count_children();
    (specs, active, supervisors, workers)
}

fn supervisor(system: &ActorSystem, path: &str) -> ActorRef<Supervisor> {
    system.lookup(path).unwrap_or_else(|| panic!("{path} is not there"))
}

#[tokio::test(start_paused = true)]
async fn str_5_a_tree_heals_level_by_level() {
    let stage = Stage::new();
    let system = &stage.system;
    let [a, b] = stage.specs(["a", "b"]);
    let east = ChildSpec::new("east", move || Supervisor::new().child(a.clone()));
    let west = ChildSpec::new("west", move || Supervisor::new().child(b.clone()));
    stage.supervise(Supervisor::new().restarts(2, Duration::from_secs(3600)).child(east).child(west)).await;
    supervisor(system, "/sup/west").add_child(stage.spec("late")).await.unwrap();
    assert_eq!(counts(system, "/sup"), (2, 2, 2, 0));
    assert_eq!(counts(system, "/sup/west"), (2, 2, 0, 2));

    // A worker fails: only that one is replaced.
    let worker = |name: &str| system.lookup::<Lived>(name).expect("it is there");
    worker("/sup/west/late").tell(End::Panic).await.unwrap();
    assert_eq!(worker("/sup/west/late").ask(Life).await.unwrap(), 1);
    assert_eq!(counts(system, "/sup/west"), (2, 2, 0, 2));
    assert_eq!(worker("/sup/west/b").ask(Life).await.unwrap(), 0);

    // The supervisor gives up: its own restarts it, with what was in its list.
    let west = supervisor(system, "/sup/west");
    worker("/sup/west/b").tell(End::Panic).await.unwrap();
    stage.noted("start b1", 1).await;
    assert_eq!((west.incarnation(), west.is_alive()), (1, true));
    assert_eq!(counts(system, "/sup/west"), (1, 1, 0, 1));
    assert_eq!(counts(system, "/sup"), (2, 2, 2, 0));
    assert!(system.lookup::<Lived>("/sup/west/late").is_none());
    assert_eq!(stage.journal.count("stop late1"), 1);
    assert_eq!(worker("/sup/east/a").ask(Life).await.unwrap(), 0);
    stage.system.shutdown().await;
}
