//! A runtime that goes: what becomes of its actors, and of those who wait for them (S6.5).

use std::sync::Arc;
use std::time::Duration;

use actors_core::{AbortedBy, ActorSystem, AskError, Backoff, Context, Exit, ExitReason};
use tests::tree::{Branch, Habit};
use tests::{Gate, Journal, eventually, promptly};
use tokio::runtime::{Builder, Runtime};

use crate::cast::{Act, Explode, Peer, Ping, WaitAt, within};
use crate::subject::{Faults, Stage, Stand, Subject, clean, stage};

// ===== one actor =====

/// Runs a subject on a runtime of its own, drops that runtime once `until` says so, and returns what is left.
fn on_a_runtime_that_goes(prepare: impl AsyncFnOnce(&Stage)) -> (Exit, Journal, Arc<ActorSystem>) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stage = runtime.block_on(async {
        let stage = stage(Faults::default()).await;
        prepare(&stage).await;
        stage
    });
    runtime.shutdown_timeout(Duration::from_secs(10));

    let outside: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    outside.block_on(promptly("the end is known on another runtime", stage.subject.stopped()));
    (stage.subject.exit().expect("it has ended"), stage.journal, stage.system)
}

#[test]
fn s6_5_a_runtime_that_is_dropped_ends_an_idle_actor() {
    let (exit, journal, system) = on_a_runtime_that_goes(async |_| ());

    // By its parent's end, if that came first, or by its own.
    assert!(matches!(exit.reason, ExitReason::Killed | ExitReason::Aborted { .. }), "{exit:?}");
    assert_eq!((journal.count("state dropped"), journal.count("child gone"), journal.count("hook begins")), (1, 1, 0));
    assert!(system.lookup::<Subject>("/parent/subject").is_none());
    assert_eq!(system.actors(), 0);
}

#[test]
fn s6_5_a_runtime_that_is_dropped_ends_an_actor_in_its_handler() {
    let (exit, journal, system) = on_a_runtime_that_goes(async |stage| {
        stage.subject.tell(Stand).await.unwrap();
        stage.gate.reached().await;
    });

    assert!(matches!(exit.reason, ExitReason::Killed | ExitReason::Aborted { .. }), "{exit:?}");
    assert_eq!((journal.count("state dropped"), journal.count("child gone"), journal.count("hook begins")), (1, 1, 0));
    assert!(system.lookup::<Subject>("/parent/subject").is_none());
}

#[test]
fn s6_5_an_actor_at_the_top_is_aborted_by_the_runtime() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_system, peer) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        let peer = system.spawn(Peer);
        let gate = Gate::new();
        peer.tell(WaitAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        (system, peer)
    });

    drop(runtime);

    assert_eq!(peer.exit(), Some(clean(ExitReason::Aborted { by: AbortedBy::Runtime })));
}

#[test]
fn s6_5_the_end_of_a_parent_is_published_after_those_of_its_children() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_system, family) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        let mut family = vec![system.spawn(Peer)];
        for depth in 0..50 {
            let child = within(&family[depth], |ctx| ctx.spawn(Peer)).await;
            family.push(child);
        }
        (system, family)
    });
    let order = Journal::new();
    let waiters: Vec<_> = family.iter().map(|actor| (actor.path().depth(), actor.stopped())).collect();
    let watch = std::thread::spawn({
        let (order, family) = (order.clone(), family.clone());
        move || {
            // A parent that has ended has no child that has not.
            while family[0].exit().is_none() {
                std::thread::yield_now();
            }
            order.note(if family.iter().all(|actor| actor.exit().is_some()) { "in order" } else { "out of order" });
        }
    });

    drop(runtime);

    watch.join().unwrap();
    assert_eq!(order.entries(), ["in order"]);
    let outside = Builder::new_current_thread().enable_all().build().unwrap();
    for (depth, stopped) in waiters {
        assert!(!outside.block_on(promptly("it ends", stopped)).is_clean(), "at depth {depth}");
    }
}

#[test]
fn s6_5_an_actor_whose_runtime_has_gone_can_still_be_stopped() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (system, peer) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        // It has had nothing to do so far, and so it has no task.
        let peer = system.actor(Peer).name("peer").spawn();
        (system, peer)
    });
    drop(runtime);

    peer.stop();

    let outside = Builder::new_current_thread().enable_all().build().unwrap();
    outside.block_on(promptly("it ends", peer.stopped()));
    assert!(system.lookup::<Peer>("/peer").is_none());
}

// ===== a whole system =====

#[test]
fn s6_5_a_dropped_runtime_ends_its_actors_and_their_shutdown_is_told_promptly() {
    let (mine, theirs) = (runtime(), runtime());
    let began = std::time::Instant::now();
    let system = ActorSystem::builder("wood").runtime(theirs.handle().clone()).build();
    let journal = Journal::new();
    let top = theirs.block_on(Branch::new("a", Habit::HangsInHandler).under(2).grow(&system, &journal));
    drop(theirs);
    let reason = mine.block_on(promptly("its end", top.stopped()));
    assert_eq!(reason, ExitReason::Aborted { by: actors_core::AbortedBy::Runtime });
    assert_eq!(journal.count("1 stopping"), 0, "nothing can be awaited any more");
    mine.block_on(promptly("the shutdown", system.shutdown()));
    assert_eq!(system.actors(), 0);
    assert!(began.elapsed() < Duration::from_secs(10), "it does not take the deadline");
}

#[test]
fn s6_5_a_runtime_dropped_amid_a_shutdown_lets_its_waiters_go_promptly() {
    let (mine, theirs) = (runtime(), runtime());
    let began = std::time::Instant::now();
    let system = ActorSystem::builder("wood").runtime(theirs.handle().clone()).build();
    theirs.block_on(Branch::new("a", Habit::HangsInHandler).unlimited().grow(&system, &Journal::new()));
    let waiting = mine.spawn({
        let system = system.clone();
        async move { system.shutdown().await }
    });
    mine.block_on(eventually("it has begun", || system.is_shutting_down()));
    drop(theirs);
    mine.block_on(promptly("the report", waiting)).expect("it does not panic");
    assert!(began.elapsed() < Duration::from_secs(10), "it does not take the deadline");
    assert_eq!(system.actors(), 0);
}

#[test]
fn s7_8_of_two_children_with_one_name_the_report_on_a_dropped_runtime_has_both() {
    let (mine, theirs) = (runtime(), runtime());
    let system = ActorSystem::builder("wood").runtime(theirs.handle().clone()).quiesce(Duration::from_secs(10)).build();
    let first = system.actor(Peer).name("peer").spawn();
    system.request_shutdown();
    mine.block_on(async {
        // Those who end are remembered from now on, and a system that quiesces still starts what it needs.
        eventually("it has begun", || system.is_shutting_down()).await;
        first.stop();
        promptly("its end", first.stopped()).await;
    });
    let second = system.actor(Peer).name("peer").spawn();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (blocks, blocked) = std::sync::mpsc::channel();
    let block = move |_: &mut Context<Peer>| {
        blocks.send(()).expect("the test waits for it");
        // Until the report is there.
        let _ = held.recv();
    };
    mine.block_on(second.tell(Act::new(block))).expect("it is there");
    blocked.recv().expect("it has its turn");

    theirs.shutdown_background();

    let report = mine.block_on(promptly("the report", system.terminated()));
    assert_eq!(report.order(), ["/peer", "/peer"]);
    let reasons: Vec<_> = report.actors.iter().map(|actor| &actor.exit.reason).collect();
    assert_eq!(reasons, [&ExitReason::Normal, &ExitReason::Aborted { by: AbortedBy::Runtime }]);
    drop(release);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built")
}

#[test]
fn s6_5_a_child_that_is_down_when_the_runtime_goes_is_killed_as_its_siblings_are() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_system, a, b) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        let parent = system.spawn(Peer);
        let backoff = Backoff::constant(Duration::from_secs(60)).no_jitter();
        let a = within(&parent, move |ctx| ctx.child("a", || Peer).backoff(backoff).spawn()).await.unwrap();
        let b = within(&parent, |ctx| ctx.child("b", || Peer).spawn()).await.unwrap();
        let (mut crashes, gate) = (system.crash_reports(), Gate::new());
        a.tell(Explode).await.unwrap();
        promptly("it goes down", crashes.recv()).await.unwrap();
        parent.tell(WaitAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        (system, a, b)
    });

    drop(runtime);

    assert_eq!((a.exit(), b.exit()), (Some(clean(ExitReason::Killed)), Some(clean(ExitReason::Killed))));
}

#[test]
fn s6_5_a_runtime_that_goes_amid_a_shutdown_leaves_nobody_at_rest_whose_turn_has_not_come() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_system, resting) = runtime.block_on(async {
        let (system, gate) = (ActorSystem::new("endings"), Gate::new());
        let resting = system.spawn(Peer);
        let busy = system.spawn(Peer);
        busy.tell(WaitAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        system.request_shutdown();
        eventually("its turn has come", || busy.try_tell(Ping).is_err()).await;
        assert!(resting.is_alive());
        (system, resting)
    });
    drop(runtime);

    let outside = Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(outside.block_on(promptly("its end", resting.stopped())), ExitReason::Killed);
}

#[test]
fn s6_5_a_runtime_that_goes_leaves_nobody_waiting_for_an_answer_of_one_that_was_busy() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (gate, outside) = (Gate::new(), Builder::new_current_thread().enable_all().build().unwrap());
    let (system, busy) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        let busy = system.spawn(Peer);
        busy.tell(WaitAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        (system, busy)
    });
    outside.block_on(async {
        let asked = tokio::spawn({
            let busy = busy.clone();
            async move { busy.ask(Ping).await }
        });
        eventually("it waits", || busy.queued() == 1).await;
        busy.tell(Ping).await.unwrap();

        runtime.shutdown_background();

        let answer = promptly("the answer", asked).await.unwrap();
        assert!(matches!(answer, Err(AskError::Lost(_))), "{answer:?}");
        promptly("its end", busy.stopped()).await;
        assert_eq!(system.dead_letter_count(), 1);
    });
}
