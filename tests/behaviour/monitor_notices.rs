//! When the notice of a monitor comes: its place among messages and exits, and when there is none (S9).

use std::sync::{Arc, Mutex};

use actors_core::{ActorRef, ActorSystem, ExitReason, Exited, LinkKind, MonitorRef, Overflow, Tie};
use tests::{Gate, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{Act, Heard, HeardSoFar, Peer, WaitAt, Witness, WitnessWaitsAt, settle, within};

fn stage() -> (ActorSystem, Heard, ActorRef<Witness>) {
    let system = ActorSystem::new("monitors");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    (system, heard, witness)
}

/// Has the witness stand at a gate, with its hands full.
async fn busy(witness: &ActorRef<Witness>) -> Gate {
    let gate = Gate::new();
    witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    gate
}

fn monitor_of(exited: &Exited) -> MonitorRef {
    match exited.tie {
        Tie::Monitor(monitor) => monitor,
        ref other => panic!("expected a monitor, not {other:?}"),
    }
}

// ===== S9: order and silence =====

#[tokio::test(start_paused = true)]
async fn s9_a_notice_comes_after_all_that_waited_when_the_target_ended() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    witness.monitor(&target);
    let gate = busy(&witness).await;
    let ask = |witness: ActorRef<Witness>| tokio::spawn(async move { witness.ask(HeardSoFar).await.unwrap() });
    let before = ask(witness.clone());
    eventually("it is queued", || witness.queued() == 1).await;
    target.kill();
    target.stopped().await;
    let after = ask(witness.clone());
    eventually("it is queued", || witness.queued() == 2).await;

    gate.open();

    assert_eq!((before.await.unwrap(), after.await.unwrap()), (0, 1));
    assert_eq!(heard.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s9_a_notice_comes_after_all_that_the_target_had_sent() {
    let (system, heard, witness) = stage();
    let gate = busy(&witness).await;
    let target = system.spawn(Peer);
    witness.monitor(&target);
    let seen = Arc::new(Mutex::new(Vec::new()));

    for _ in 0..5 {
        let (witness, heard, seen) = (witness.clone(), heard.clone(), seen.clone());
        within(&target, move |_| {
            let look = Act::new(move |_| seen.lock().unwrap().push(heard.len()));
            assert!(witness.try_tell(look).is_ok());
        })
        .await;
    }
    target.stop();
    target.stopped().await;
    gate.open();
    settle().await;

    assert_eq!(*seen.lock().unwrap(), [0; 5], "no message of the target is handled after its end");
    assert_eq!(heard.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s9_exits_of_links_overtake_the_notice() {
    let (system, heard, witness) = stage();
    let (watched, linked) = (system.spawn(Peer), system.spawn(Peer));
    witness.monitor(&watched);
    witness.link(&linked);
    let gate = busy(&witness).await;
    let queued = tokio::spawn({
        let witness = witness.clone();
        async move { witness.ask(HeardSoFar).await.unwrap() }
    });
    eventually("it is queued", || witness.queued() == 1).await;

    watched.kill();
    watched.stopped().await;
    linked.kill();
    linked.stopped().await;
    gate.open();
    settle().await;

    assert_eq!(heard.all().iter().map(|exited| exited.id).collect::<Vec<_>>(), [linked.id(), watched.id()]);
    assert_eq!(queued.await.unwrap(), 1, "the message came between the two");
}

#[tokio::test(start_paused = true)]
async fn s9_many_notices_are_all_handled_though_no_message_comes_after_them() {
    let (system, heard, witness) = stage();
    let targets: Vec<_> = (0..20).map(|_| system.spawn(Peer)).collect();
    for target in &targets {
        witness.monitor(target);
        witness.monitor(target);
    }
    let gate = busy(&witness).await;
    for target in &targets {
        target.kill();
        target.stopped().await;
    }

    gate.open();
    settle().await;

    assert_eq!(heard.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn s9_a_notice_is_not_lost_when_the_messages_before_it_are_dropped() {
    let system = ActorSystem::new("monitors");
    let heard = Heard::default();
    let witness = system.actor(Witness::new(&heard)).mailbox(2).overflow(Overflow::DropOldest).spawn();
    let target = system.spawn(Peer);
    witness.monitor(&target);
    let gate = busy(&witness).await;
    witness.try_tell(HeardSoFar).unwrap();
    witness.try_tell(HeardSoFar).unwrap();
    target.kill();
    target.stopped().await;
    for _ in 0..10 {
        witness.try_tell(HeardSoFar).unwrap();
    }

    gate.open();
    settle().await;

    assert_eq!(heard.only().id, target.id());
}

#[tokio::test(start_paused = true)]
async fn s9_a_full_mailbox_does_not_hold_up_a_notice_for_ever() {
    let system = ActorSystem::new("monitors");
    let heard = Heard::default();
    let witness = system.actor(Witness::new(&heard)).mailbox(1).spawn();
    let target = system.spawn(Peer);
    witness.monitor(&target);
    let gate = busy(&witness).await;
    witness.try_tell(HeardSoFar).unwrap();
    assert!(witness.try_tell(HeardSoFar).is_err(), "it is full");

    target.kill();
    promptly("the target does not wait for its watcher", target.stopped()).await;
    gate.open();
    settle().await;

    assert_eq!(heard.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s9_a_monitor_cancelled_when_its_notice_already_waits_stays_silent() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    let (cancelled, standing) = (witness.monitor(&target), witness.monitor(&target));
    let gate = busy(&witness).await;
    target.kill();
    target.stopped().await;

    witness.demonitor(cancelled);
    gate.open();
    settle().await;

    assert_eq!(monitor_of(&heard.only()), standing);
}

#[tokio::test(start_paused = true)]
async fn s9_a_cancelled_monitor_of_nobody_stays_silent() {
    let (_system, heard, witness) = stage();

    within(&witness, |ctx| {
        let monitor = ctx.monitor_path("/nobody");
        ctx.demonitor(monitor);
    })
    .await;
    settle().await;

    assert_eq!(heard.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn s9_a_notice_comes_though_exits_are_not_trapped() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    within(&witness, |ctx| ctx.trap_exits(false)).await;
    witness.monitor(&target);

    target.kill();
    settle().await;

    assert_eq!(heard.len(), 1);
    assert!(witness.is_alive());
}

#[tokio::test(start_paused = true)]
async fn s9_an_unlink_leaves_the_monitor_and_a_demonitor_leaves_the_link() {
    let (system, heard, witness) = stage();
    let (watched, linked) = (system.spawn(Peer), system.spawn(Peer));
    for peer in [&watched, &linked] {
        witness.link_as(peer, LinkKind::Notify);
    }
    witness.monitor(&watched);
    let monitor = witness.monitor(&linked);
    witness.unlink(&watched);
    witness.demonitor(monitor);

    watched.kill();
    linked.kill();
    settle().await;

    assert_eq!(heard.monitors().iter().map(|exited| exited.id).collect::<Vec<_>>(), [watched.id()]);
    assert_eq!(heard.links().iter().map(|exited| exited.id).collect::<Vec<_>>(), [linked.id()]);
    assert_eq!(heard.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_watches_itself_ends_as_any_other() {
    let (_system, heard, witness) = stage();
    let monitor = witness.monitor(&witness);

    witness.kill();

    assert_eq!(promptly("it ends", witness.stopped()).await, ExitReason::Killed);
    witness.demonitor(monitor);
    assert_eq!(heard.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_has_ended_is_told_nothing() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    witness.monitor(&target);
    witness.stop();
    witness.stopped().await;
    witness.monitor(&target);

    target.kill();
    settle().await;

    assert_eq!(heard.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_notice_waits_for_the_end_and_not_for_the_stop() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    witness.monitor(&target);
    let gate = Gate::new();
    target.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    target.stop();
    settle().await;
    assert_eq!(heard.len(), 0);
    gate.open();
    settle().await;

    assert_eq!(heard.len(), 1);
}

// ===== races =====

/// The witness stands at a gate, so that no hook of it can be under way while the monitor is cancelled.
#[test]
fn s9_no_notice_comes_after_a_cancelling_that_raced_with_the_end() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("monitors");
        for turn in 0..500 {
            let heard = Heard::default();
            let witness = system.spawn(Witness::new(&heard));
            let target = system.spawn(Peer);
            let monitor = witness.monitor(&target);
            let gate = busy(&witness).await;

            target.kill();
            if turn % 2 == 0 {
                // Just when the end is published.
                while target.exit().is_none() {
                    tokio::task::yield_now().await;
                }
            }
            witness.demonitor(monitor);
            target.stopped().await;
            gate.open_wide();
            witness.ask(HeardSoFar).await.unwrap();
            tokio::task::yield_now().await;

            assert_eq!(witness.ask(HeardSoFar).await.unwrap(), 0);
        }
    });
}
