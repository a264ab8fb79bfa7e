//! Restart types, and what a restart does to the actor itself: its hooks, its state, its queue (S2.4, S6.6, S10.1).

use std::time::Duration;

use actors_core::{ActorRef, ChildInfo, ChildState, DeadReason, ExitReason, Restart, StartFailure, Strategy, Supervisor};
use tests::lived::{Add, End, Life, Lived, Note, Stage, Start, Stop, Wait, names};
use tests::{Gate, on_1_2_and_8_workers, promptly};

use crate::cast::settle;

/// Ends a worker, and waits until this is settled.
async fn end(worker: &ActorRef<Lived>, how: End) {
    worker.tell(how).await.expect("it takes messages");
    settle().await;
}

fn only(sup: &ActorRef<Supervisor>) -> ChildInfo {
    let mut children = sup.supervised_children();
    assert_eq!(children.len(), 1, "{children:?}");
    children.remove(0)
}

/// A supervisor that never gives up.
fn patient() -> Supervisor {
    Supervisor::new().unlimited_restarts()
}

// ===== RST-1 =====

#[tokio::test(start_paused = true)]
async fn rst_1_a_permanent_child_is_restarted_however_it_ends() {
    for how in End::ALL {
        let stage = Stage::new();
        let sup = stage.supervise(patient().child(stage.spec("a"))).await;
        let worker = stage.worker("a");
        end(&worker, how).await;
        assert_eq!(worker.ask(Life).await.unwrap(), 1, "{how:?}");
        assert_eq!((worker.incarnation(), worker.is_alive()), (1, true));
        let child = only(&sup);
        assert_eq!((child.state, child.restarts, child.exit), (ChildState::Running, 1, None));
        assert!(stage.system.shutdown().await.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn rst_1_a_permanent_child_that_somebody_else_stops_is_restarted() {
    let ways: [fn(&ActorRef<Lived>); 3] = [ActorRef::stop, ActorRef::drain, ActorRef::kill];
    for stop in ways {
        let stage = Stage::new();
        stage.supervise(patient().child(stage.spec("a"))).await;
        let worker = stage.worker("a");
        stop(&worker);
        settle().await;
        assert_eq!(worker.ask(Life).await.unwrap(), 1, "only its supervisor ends it for good");
        stage.system.shutdown().await;
    }
}

// ===== RST-2 =====

#[tokio::test(start_paused = true)]
async fn rst_2_a_transient_child_that_ends_cleanly_is_not_restarted_and_can_be_by_hand() {
    for how in End::CLEAN {
        let stage = Stage::new();
        let sup = stage.supervise(patient().child(stage.spec("a").transient())).await;
        let worker = stage.worker("a");
        end(&worker, how).await;
        assert!(worker.stopped().await.is_clean());
        let child = only(&sup);
        assert_eq!((child.state, child.restart), (ChildState::NotRunning, Restart::Transient), "{how:?}");
        assert!(child.exit.is_some_and(|reason| reason.is_clean()));
        assert_eq!(stage.journal.entries(), ["start a0", "stop a0"]);

        sup.restart_child("a").await.unwrap();
        assert_eq!(stage.worker("a").ask(Life).await.unwrap(), 1);
        assert_ne!(stage.worker("a").id(), worker.id(), "it is a new actor");
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn rst_2_a_transient_child_that_fails_is_restarted() {
    for how in End::ABNORMAL {
        let stage = Stage::new();
        stage.supervise(patient().child(stage.spec("a").transient())).await;
        let worker = stage.worker("a");
        end(&worker, how).await;
        assert_eq!(worker.ask(Life).await.unwrap(), 1, "{how:?}");
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn rst_2_a_clean_stop_of_a_transient_child_is_final_also_if_its_hook_fails() {
    for stop in [Stop::Fails, Stop::Panics] {
        let stage = Stage::new();
        let plan = stage.plan("a").stops(move |_| stop.clone());
        let sup = stage.supervise(patient().child(plan.spec().transient())).await;
        let worker = stage.worker("a");
        end(&worker, End::Stop).await;
        assert!(worker.stopped().await.is_failure());
        assert_eq!((plan.lives(), only(&sup).state), (1, ChildState::NotRunning));
        stage.system.shutdown().await;
    }
}

// ===== RST-3 =====

#[tokio::test(start_paused = true)]
async fn rst_3_a_temporary_child_is_never_restarted_and_is_forgotten() {
    for how in End::ALL {
        let stage = Stage::new();
        let plan = stage.plan("a");
        let sup = stage.supervise(Supervisor::new().child(plan.spec().temporary())).await;
        let worker = stage.worker("a");
        end(&worker, how).await;
        assert!(!worker.is_alive(), "{how:?}");
        assert_eq!(sup.count_children().specs, 0);
        sup.add_child(plan.spec().temporary()).await.expect("its name is free");
        assert_eq!(plan.lives(), 2);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn rst_3_of_those_that_are_terminated_only_temporary_ones_are_forgotten() {
    let stage = Stage::new();
    let specs = [stage.spec("p"), stage.spec("t").transient(), stage.spec("x").temporary()];
    let sup = stage.supervise(Supervisor::new().children(specs)).await;
    for name in ["p", "t", "x"] {
        sup.terminate_child(name).await.unwrap();
        assert!(stage.find(name).is_none());
    }
    assert_eq!(names(&sup.supervised_children()), ["p", "t"]);
    sup.add_child(stage.spec("x").temporary()).await.expect("its name is free");
    stage.system.shutdown().await;
}

// ===== RST-4 =====

#[tokio::test(start_paused = true)]
async fn rst_4_a_restart_gives_fresh_state_and_runs_the_hooks_in_order() {
    for how in End::ALL {
        let stage = Stage::new();
        let sup = stage.supervise(Supervisor::new().restarts(3, Duration::from_secs(3600)).child(stage.spec("a"))).await;
        let worker = stage.worker("a");
        for _ in 0..4 {
            assert_eq!(worker.ask(Add).await.unwrap(), 1);
            worker.tell(how).await.unwrap();
        }
        promptly("its supervisor gives up", sup.stopped()).await;
        settle().await;
        let lives = ["start a0", "stop a0", "start a1", "stop a1", "start a2", "stop a2", "start a3", "stop a3"];
        assert_eq!(stage.journal.entries(), lives, "{how:?}");
        stage.system.shutdown().await;
    }
}

// ===== RST-5 =====

#[test]
fn rst_5_the_queue_is_handled_by_the_next_life_in_order_and_the_crash_is_not_repeated() {
    on_1_2_and_8_workers(|| async {
        let stage = Stage::new();
        let plan = stage.plan("a").children([stage.plan("child")]);
        stage.supervise(patient().child(plan.spec())).await;
        let worker = stage.worker("a");
        for life in 1..=50 {
            worker.try_tell(if life % 2 == 0 { End::Panic } else { End::Stop }).unwrap();
            worker.try_tell(Note { what: 0 }).unwrap();
            worker.try_tell(Note { what: 1 }).unwrap();
            assert_eq!(worker.ask(Life).await.unwrap(), life);
            let noted: Vec<_> = stage.journal.entries().into_iter().filter(|entry| entry.contains(':')).collect();
            assert_eq!(noted[noted.len() - 2..], [format!("a{life}: 0"), format!("a{life}: 1")]);
            assert_eq!(noted.len() as u32, 2 * life);
        }
        assert_eq!(stage.system.dead_letter_count(), 0);
        stage.system.shutdown().await;
    });
}

#[tokio::test(start_paused = true)]
async fn rst_5_the_queue_waits_for_children_that_stop_slowly() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll] {
        let stage = Stage::new();
        let slow = stage.plan("slow").stops(|_| Stop::Takes(Duration::from_secs(3)));
        let sup = patient().strategy(strategy).children([stage.plan("a").children([slow]).spec(), stage.spec("b")]);
        stage.supervise(sup).await;
        let (a, b) = (stage.worker("a"), stage.worker("b"));
        let noted = |name: &str| stage.journal.entries().into_iter().filter(|entry| entry.starts_with(name)).collect::<Vec<_>>();
        for life in 1..=50 {
            let gate = Gate::new();
            b.tell(Wait { gate: gate.clone() }).await.unwrap();
            gate.reached().await;

            a.tell(End::Panic).await.unwrap();
            for what in 0..10 {
                a.tell(Note { what }).await.unwrap();
                b.tell(Note { what }).await.unwrap();
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            gate.open();

            // Behind all that waits.
            assert_eq!(a.ask(Life).await.unwrap(), life);
            b.ask(Life).await.unwrap();
            assert_eq!(noted(&format!("a{life}: ")), (0..10).map(|what| format!("a{life}: {what}")).collect::<Vec<_>>());
            assert_eq!(noted("b").len(), 10 * life as usize);
        }
        assert_eq!(stage.system.dead_letter_count(), 0, "{strategy:?}");
        stage.system.shutdown().await;
    }
}

// ===== RST-6 =====

#[tokio::test(start_paused = true)]
async fn rst_6_a_child_that_leaves_in_its_first_start_follows_its_restart_type() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let stage = Stage::new();
        let plan = stage.plan("a").starts(|life| if life == 0 { Start::Leaves } else { Start::Ready });
        let sup = stage.supervise(Supervisor::new().child(plan.spec().restart(restart))).await;
        settle().await;
        let expected = match restart {
            Restart::Permanent => (2, vec![ChildState::Running]),
            Restart::Transient => (1, vec![ChildState::NotRunning]),
            Restart::Temporary => (1, vec![]),
        };
        let states: Vec<_> = sup.supervised_children().iter().map(|child| child.state).collect();
        assert_eq!((plan.lives(), states), expected, "{restart:?}");
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn rst_6_a_child_that_leaves_in_its_second_start_follows_its_restart_type() {
    for restart in [Restart::Permanent, Restart::Transient] {
        let stage = Stage::new();
        let plan = stage.plan("a").starts(|life| if life == 1 { Start::Leaves } else { Start::Ready });
        let sup = stage.supervise(patient().child(plan.spec().restart(restart))).await;
        let worker = stage.worker("a");
        end(&worker, End::Panic).await;
        let again = restart == Restart::Permanent;
        assert_eq!((plan.lives(), worker.is_alive()), if again { (3, true) } else { (2, false) });
        assert_eq!(only(&sup).state, if again { ChildState::Running } else { ChildState::NotRunning });
        if !again {
            assert_eq!(promptly("whoever waits is told", worker.stopped()).await, ExitReason::Normal);
        }
        stage.system.shutdown().await;
    }
}

// ===== declining =====

#[tokio::test(start_paused = true)]
async fn lif_3_a_child_that_declines_is_listed_as_not_running_and_its_sibling_runs() {
    let stage = Stage::new();
    let declines = stage.plan("a").starts(|_| Start::Declines);
    let sup = stage.supervise(Supervisor::new().children([declines.spec(), stage.spec("b")])).await;
    settle().await;
    let states: Vec<_> = sup.supervised_children().iter().map(|child| child.state).collect();
    assert_eq!(states, [ChildState::NotRunning, ChildState::Running]);
    assert_eq!((declines.lives(), sup.is_alive()), (1, true), "to decline is no failure");
    assert_eq!(stage.worker("b").ask(Add).await.unwrap(), 1);
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_declines_to_be_restarted_does_not_run_any_more_and_its_queue_is_accounted_for() {
    let stage = Stage::new();
    let plan = stage.plan("a").starts(|life| if life == 1 { Start::Declines } else { Start::Ready });
    let sup = stage.supervise(Supervisor::new().child(plan.spec())).await;
    let (worker, mut letters) = (stage.worker("a"), stage.system.dead_letters());
    worker.try_tell(End::Panic).unwrap();
    worker.try_tell(Note { what: 7 }).unwrap();
    assert_eq!(promptly("its end", worker.stopped()).await, ExitReason::StartFailed(StartFailure::Declined));
    assert_eq!(only(&sup).state, ChildState::NotRunning);
    let letter = letters.recv().await.expect("there is one");
    assert_eq!((letter.reason(), letter.message_type()), (DeadReason::NotStarted, "Note"));
    sup.restart_child("a").await.expect("its spec is still there");
    stage.system.shutdown().await;
}
