//! What a restart leaves alone (the reference, the name, links, monitors, the queue), and what comes before a restart: a stop (S7.5).

use std::time::Duration;

use actors_core::{
    AbortedBy, ActorRef, AskError, Backoff, ChildSpec, ChildState, ExitReason, Exited, StartFailure, Strategy, Supervisor, Tie,
};
use tests::lived::{Add, End, Life, Lived, Note, Stage, Start, Stop, Wait};
use tests::{Gate, eventually, promptly};
use tokio::time::Instant;

use crate::cast::{Heard, Witness, settle};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn restarts(restarts: u32) -> Supervisor {
    Supervisor::new().restarts(restarts, WEEK)
}

/// Fails a worker and waits until it runs again.
async fn fail(worker: &ActorRef<Lived>) {
    let life = worker.incarnation();
    worker.tell(End::Panic).await.expect("it takes messages");
    eventually("it runs again", || worker.incarnation() > life && worker.has_started()).await;
}

// ===== ASK-4 =====

#[tokio::test(start_paused = true)]
async fn ask_4_the_next_ask_is_answered_by_the_next_life() {
    for end in [End::Panic, End::Fail] {
        let stage = Stage::new();
        stage.supervise(restarts(1).child(stage.spec("a"))).await;
        let worker = stage.worker("a");
        let failed = promptly("it does not hang", worker.ask(end)).await.unwrap_err();
        if end == End::Panic {
            assert!(matches!(failed, AskError::Crashed { .. }), "{failed}");
            assert_eq!(worker.ask(Life).await.unwrap(), 1);
        } else {
            // Whoever asked is told of the error, and the actor lives on (S4.8).
            assert!(matches!(failed, AskError::Failed(_)), "{failed}");
            assert_eq!(worker.ask(Life).await.unwrap(), 0);
        }
        stage.system.shutdown().await;
    }
}

// ===== LNK-5 =====

#[tokio::test(start_paused = true)]
async fn lnk_5_a_link_outlives_restarts_and_fires_once_at_the_final_end() {
    let stage = Stage::new();
    stage.supervise(restarts(2).child(stage.spec("a"))).await;
    let (worker, heard) = (stage.worker("a"), Heard::default());
    let outside = stage.system.spawn(Witness::new(&heard));
    outside.link(&worker);

    fail(&worker).await;
    fail(&worker).await;
    settle().await;
    assert_eq!(heard.len(), 0, "a restart is no end");
    worker.tell(End::Panic).await.unwrap();
    settle().await;

    let Exited { id, reason, .. } = heard.only();
    assert_eq!(id, worker.id());
    assert!(matches!(reason, ExitReason::Panicked { .. }), "{reason}");
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn lnk_5_the_links_of_the_supervisor_and_of_its_other_children_are_left_alone() {
    let stage = Stage::new();
    let sup = stage.supervise(restarts(1).children(stage.specs(["a", "b"]))).await;
    let heard = Heard::default();
    let outside = stage.system.spawn(Witness::new(&heard));
    sup.link(&outside);
    stage.worker("b").link(&outside);
    stage.worker("a").link(&stage.worker("b"));

    fail(&stage.worker("a")).await;
    settle().await;
    assert_eq!(heard.len(), 0);
    assert_eq!(stage.worker("b").ask(Life).await.unwrap(), 0);

    sup.stop();
    settle().await;
    assert_eq!(heard.links().len(), 2, "they still work: {:?}", heard.all());
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_falls_takes_the_life_it_is_linked_to_along_and_the_next_one_begins() {
    let stage = Stage::new();
    stage.supervise(restarts(1).child(stage.spec("a"))).await;
    let worker = stage.worker("a");
    let peer = stage.system.spawn(stage.plan("peer").make());
    worker.link(&peer);
    peer.tell(End::Fail).await.unwrap();
    settle().await;
    assert_eq!(worker.ask(Life).await.unwrap(), 1);
    stage.system.shutdown().await;
}

// ===== MON-5 =====

#[tokio::test(start_paused = true)]
async fn mon_5_a_restart_is_not_a_termination() {
    let stage = Stage::new();
    stage.supervise(restarts(2).child(stage.spec("a"))).await;
    let (worker, heard) = (stage.worker("a"), Heard::default());
    let watcher = stage.system.spawn(Witness::new(&heard));
    let monitor = watcher.monitor(&worker);
    for life in 1..=2 {
        fail(&worker).await;
        assert_eq!(worker.ask(Life).await.unwrap(), life);
        settle().await;
        assert_eq!(heard.len(), 0, "S2.4");
    }
    worker.tell(End::Panic).await.unwrap();
    settle().await;
    let exited = heard.only();
    assert!(matches!(exited.tie, Tie::Monitor(it) if it == monitor));
    assert!(matches!(exited.reason, ExitReason::Panicked { .. }));
    stage.system.shutdown().await;
}

// ===== PAN-4 =====

#[tokio::test(start_paused = true)]
async fn pan_4_a_panic_in_the_old_hook_and_one_while_the_new_one_is_made_cost_no_more_than_restarts() {
    let stage = Stage::new();
    let plan = stage.plan("a").stops(|life| if life == 0 { Stop::Panics } else { Stop::AtOnce });
    let made = plan.clone();
    let spec = ChildSpec::new("a", move || {
        let lived = made.make();
        assert!(made.lives() != 2, "cannot be made");
        lived
    });
    let sup = stage.supervise(restarts(3).child(spec)).await;
    let mut crashes = stage.system.crash_reports();
    let worker = stage.worker("a");

    worker.tell(End::Panic).await.unwrap();

    assert_eq!(promptly("the third answers", worker.ask(Life)).await.unwrap(), 2);
    assert_eq!((plan.lives(), sup.is_alive()), (3, true));
    let first = crashes.recv().await.expect("a report");
    assert!(matches!(first.reason, ExitReason::Panicked { .. }), "{first:?}");
    assert_eq!(first.secondary.len(), 1, "the hook's panic is reported too");
    let second = crashes.recv().await.expect("a report");
    assert!(matches!(second.reason, ExitReason::StartFailed(StartFailure::Panicked { .. })), "{second:?}");
    stage.system.shutdown().await;
}

// ===== REG-4 =====

#[tokio::test(start_paused = true)]
async fn reg_4_a_restarted_actor_keeps_its_name() {
    let stage = Stage::new();
    let sup = stage.supervise(restarts(3).child(stage.spec("a"))).await;
    let ends: [fn(&ActorRef<Lived>); 3] =
        [ActorRef::kill, |worker| worker.try_tell(End::Stop).unwrap(), |worker| worker.try_tell(End::Panic).unwrap()];
    for (life, end) in (1..).zip(ends) {
        let worker = stage.worker("a");
        end(&worker);
        assert_eq!(stage.find("a"), Some(worker), "also while it is down");
        let found = promptly("within 200 ms", stage.worker("a").ask(Life).within(Duration::from_millis(200))).await;
        assert_eq!(found.unwrap(), life);
    }
    sup.terminate_child("a").await.unwrap();
    assert_eq!(stage.find("a"), None);
    sup.restart_child("a").await.unwrap();
    assert_eq!(stage.worker("a").ask(Life).await.unwrap(), 4);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_not_free_while_its_holder_is_down() {
    let stage = Stage::new();
    let spec = stage.spec("a").backoff(Backoff::constant(Duration::from_secs(9)));
    let sup = stage.supervise(restarts(3).child(spec)).await;
    let worker = stage.worker("a");
    worker.tell(End::Panic).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(sup.supervised_children()[0].state, ChildState::Restarting);
    let refused = sup.add_child(stage.spec("a")).await.unwrap_err();
    assert_eq!(refused.holder::<Lived>(), Some(worker));
    stage.system.shutdown().await;
}

// ===== S7.5: a stop comes before a restart =====

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_a_backoff_short() {
    let stage = Stage::new();
    let plan = stage.plan("a");
    let sup = stage.supervise(restarts(3).child(plan.spec().backoff(Backoff::constant(WEEK))).child(stage.spec("b"))).await;
    let (worker, asked) = (stage.worker("a"), stage.worker("a"));
    worker.tell(End::Panic).await.unwrap();
    worker.tell(Note { what: 1 }).await.unwrap();
    let waits = tokio::spawn(async move { asked.ask(Add).await });
    tokio::time::sleep(Duration::from_secs(1)).await;

    let before = Instant::now();
    let report = stage.system.shutdown().await;

    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
    assert_eq!((plan.lives(), stage.journal.count("stop b0")), (1, 1));
    assert_eq!(sup.stopped().await, ExitReason::Shutdown, "nothing escalates");
    let exit = worker.exit().expect("it has ended");
    assert_eq!(exit.reason, ExitReason::Shutdown);
    assert!(matches!(exit.secondary[..], [ExitReason::Panicked { .. }]), "{exit:?}");
    assert!(promptly("no ask hangs", waits).await.unwrap().is_err());
    assert_eq!(stage.system.dead_letter_count(), 1, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_ready_too_late_is_stopped_before_its_supervisor_ends() {
    let stage = Stage::new();
    let gate = Gate::new();
    let start = gate.clone();
    let plan = stage.plan("a").starts(move |life| if life == 0 { Start::Ready } else { Start::At(start.clone()) });
    let sup = stage.supervise(restarts(3).child(plan.spec()).child(stage.spec("b"))).await;
    stage.worker("a").tell(End::Panic).await.unwrap();
    gate.reached().await;
    let worker = stage.worker("a");

    sup.stop();
    stage.noted("stop b0", 1).await;
    gate.open_wide();

    assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Normal);
    assert_eq!(worker.exit().map(|exit| exit.reason), Some(ExitReason::Shutdown));
    assert_eq!(stage.journal.entries()[2..], ["stop a0", "stop b0", "start a1", "stop a1"]);
    assert_eq!((plan.lives(), stage.system.actors()), (2, 0));
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_while_its_supervisor_stops_is_not_restarted_and_nothing_escalates() {
    let stage = Stage::new();
    let slow = stage.plan("c").stops(|_| Stop::Takes(Duration::from_secs(2)));
    let (a, b) = (stage.plan("a"), stage.plan("b").stops(|_| Stop::Panics));
    let sup = stage.supervise(restarts(0).children([a.spec(), b.spec(), slow.spec()])).await;
    let worker = stage.worker("a");
    sup.stop();
    tokio::time::sleep(Duration::from_secs(1)).await;
    worker.tell(End::Panic).await.expect("its turn has not come");

    assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Normal);
    assert!(worker.exit().is_some());
    assert_eq!((a.lives(), b.lives()), (1, 1));
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_amid_a_repair_of_a_group_stops_who_runs_and_starts_nobody() {
    for at_start in [false, true] {
        let stage = Stage::new();
        let gate = Gate::new();
        let (starts, stops) = (gate.clone(), gate.clone());
        let b = stage.plan("b").starts(move |life| if at_start && life == 1 { Start::At(starts.clone()) } else { Start::Ready });
        let b = b.stops(move |life| if !at_start && life == 0 { Stop::At(stops.clone()) } else { Stop::AtOnce });
        let specs = [stage.spec("a"), b.spec(), stage.spec("c"), stage.spec("d")];
        let sup = stage.supervise(restarts(3).strategy(Strategy::OneForAll).children(specs)).await;
        stage.worker("c").tell(End::Panic).await.unwrap();
        gate.reached().await;
        let from = stage.journal.len();
        sup.stop();
        settle().await;
        gate.open_wide();
        assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Normal);
        // Whoever stands at the gate has run out of time by then.
        assert_eq!(stage.journal.entries()[from..], [if at_start { "stop a1" } else { "stop a0" }]);
        assert_eq!(stage.system.actors(), 0);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_at_any_moment_of_a_restart_ends_everything_once() {
    for moment in 0..60 {
        let stage = Stage::new();
        let took = |_| Start::Takes(Duration::from_millis(7));
        let stop = |_| Stop::Takes(Duration::from_millis(5));
        let specs = ["a", "b", "c"].map(|name| stage.plan(name).starts(took).stops(stop).notes_drop().spec());
        let backoff = Backoff::constant(Duration::from_millis(6)).no_jitter();
        let sup = restarts(3).strategy(Strategy::OneForAll).children(specs.map(|spec| spec.backoff(backoff)));
        let sup = stage.supervise(sup).await;
        stage.worker("b").try_tell(End::Panic).unwrap();
        tokio::time::sleep(Duration::from_millis(moment)).await;

        assert!(!stage.system.shutdown().await.to_string().is_empty());

        assert_eq!(sup.stopped().await, ExitReason::Shutdown, "{moment}");
        assert_eq!(stage.system.actors(), 0);
        let entries = stage.journal.entries();
        for started in entries.iter().filter_map(|entry| entry.strip_prefix("start ")) {
            assert_eq!(stage.journal.count(&format!("stop {started}")), 1, "{moment}: {entries:?}");
            assert_eq!(stage.journal.count(&format!("gone {started}")), 1, "{moment}: {entries:?}");
        }
        let stopped_at = entries.len();
        settle().await;
        assert_eq!(stage.journal.len(), stopped_at, "nothing begins afterwards");
    }
}

// ===== an end for good between two lives =====

#[tokio::test(start_paused = true)]
async fn a_clean_stop_of_one_that_is_down_ends_a_transient_child_and_leaves_a_permanent_one_alone() {
    for transient in [true, false] {
        let stage = Stage::new();
        let spec = stage.spec("a").backoff(Backoff::constant(Duration::from_secs(5)).no_jitter());
        let sup = stage.supervise(restarts(3).child(if transient { spec.transient() } else { spec })).await;
        let worker = stage.worker("a");
        worker.tell(End::Panic).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        worker.stop();
        settle().await;
        assert_eq!(worker.is_alive(), !transient, "S10.1");
        let state = sup.supervised_children()[0].state;
        assert_eq!(state, if transient { ChildState::NotRunning } else { ChildState::Running });
        assert_eq!(stage.journal.count("start a1"), usize::from(!transient));
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_actor_had_to_be_aborted_can_be_terminated_before_it_is_made_anew() {
    let stage = Stage::new();
    let stuck = stage.stuck_plan("b").spec().stop_limit(Duration::from_secs(1));
    let gate = Gate::new();
    let stop = gate.clone();
    let a = stage.plan("a").stops(move |_| Stop::At(stop.clone())).spec().unlimited_stop();
    let sup = stage.supervise(restarts(3).strategy(Strategy::OneForAll).children([a, stuck, stage.spec("c")])).await;
    let b = stage.worker("b");
    b.tell(Wait { gate: Gate::new() }).await.unwrap();
    stage.worker("c").tell(End::Panic).await.unwrap();
    gate.reached().await;
    assert_eq!(b.exit().map(|exit| exit.reason), Some(ExitReason::Aborted { by: AbortedBy::Deadline }));

    promptly("it is terminated", sup.terminate_child("b")).await.unwrap();
    gate.open_wide();
    stage.noted("start c1", 1).await;
    settle().await;
    let states: Vec<_> = sup.supervised_children().iter().map(|child| child.state).collect();
    assert_eq!(states, [ChildState::Running, ChildState::NotRunning, ChildState::Running]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_of_one_whose_handler_hangs_restarts_it() {
    let stage = Stage::new();
    stage.supervise(restarts(1).child(stage.spec("a"))).await;
    let (worker, gate) = (stage.worker("a"), Gate::new());
    worker.tell(Wait { gate: gate.clone() }).await.unwrap();
    worker.tell(Note { what: 1 }).await.unwrap();
    gate.reached().await;
    worker.kill();
    stage.noted("a1: 1", 1).await;
    assert_eq!(worker.ask(Life).await.unwrap(), 1);
    stage.system.shutdown().await;
}
