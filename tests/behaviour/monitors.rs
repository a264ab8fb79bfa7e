//! Monitors: one-way watches, each good for one notice (S9).
//!
//! MON-5, which speaks of restarts, is tested with them.

use std::sync::{Arc, Mutex};

use actors_core::{ActorRef, ActorSystem, ExitReason, Exited, LinkKind, MonitorRef, Overflow, StartFailure, Tie};
use tests::{Broken, Gate, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{Act, End, Explode, Fail, Heard, HeardSoFar, Peer, WaitAt, Witness, WitnessWaitsAt, settle, within};

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

// ===== MON-1 =====

#[tokio::test(start_paused = true)]
async fn mon_1_a_normal_end_is_reported_as_such() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    let monitor = witness.monitor(&target);

    target.tell(End).await.unwrap();
    settle().await;

    let exited = heard.only();
    assert_eq!((exited.id, exited.path.clone()), (target.id(), target.path()));
    assert_eq!((exited.reason.clone(), monitor_of(&exited)), (ExitReason::Normal, monitor));
}

#[tokio::test(start_paused = true)]
async fn mon_1_an_error_is_reported_as_the_type_it_was() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    witness.monitor(&target);

    target.tell(Fail { error: Broken("no disk") }).await.unwrap();
    settle().await;

    let reason = heard.only().reason;
    assert_eq!(reason.error().and_then(|error| error.downcast_ref::<Broken>()), Some(&Broken("no disk")));
}

#[tokio::test(start_paused = true)]
async fn mon_1_a_panic_is_reported_with_its_text_and_place() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    witness.monitor(&target);

    target.tell(Explode).await.unwrap();
    settle().await;

    let ExitReason::Panicked { message, location } = heard.only().reason else { panic!("it panicked") };
    assert_eq!(&*message, "exploded");
    assert!(location.is_some_and(|place| place.contains("cast.rs")));
}

#[tokio::test(start_paused = true)]
async fn mon_1_a_kill_a_fall_and_a_shutdown_are_told_apart() {
    let (system, heard, witness) = stage();
    let (killed, fallen) = (system.spawn(Peer), system.spawn(Peer));
    killed.link(&fallen);
    let parent = system.spawn(Peer);
    let child = within(&parent, |ctx| ctx.spawn(Peer)).await;
    witness.monitor(&killed);
    witness.monitor(&fallen);
    witness.monitor(&child);

    killed.kill();
    settle().await;
    parent.stop();
    settle().await;

    let reasons: Vec<_> = heard.all().into_iter().map(|exited| (exited.id, exited.reason)).collect();
    assert_eq!(reasons[0], (killed.id(), ExitReason::Killed));
    assert!(matches!(&reasons[1], (id, ExitReason::LinkDown { peer, cause })
        if *id == fallen.id() && *peer == killed.path() && **cause == ExitReason::Killed));
    assert_eq!(reasons[2], (child.id(), ExitReason::Shutdown));
    assert_eq!(reasons.len(), 3);
}

// ===== MON-2 =====

#[tokio::test(start_paused = true)]
async fn mon_2_watching_a_dead_actor_gives_one_notice_with_its_reason() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    target.tell(Fail { error: Broken("long ago") }).await.unwrap();
    target.stopped().await;

    witness.monitor(&target);
    settle().await;

    let exited = heard.only();
    assert_eq!(exited.id, target.id());
    assert_eq!(exited.reason.error().and_then(|error| error.downcast_ref()), Some(&Broken("long ago")));
}

#[tokio::test(start_paused = true)]
async fn mon_2_watching_a_name_that_is_free_gives_one_notice() {
    let (system, heard, witness) = stage();
    let target = system.actor(Peer).name("db").start().await.unwrap();
    target.stop();
    target.stopped().await;

    let (gone, never) = within(&witness, |ctx| (ctx.monitor_path("/db"), ctx.monitor_path("/never/was"))).await;
    settle().await;

    let all = heard.all();
    assert_eq!(all.iter().map(monitor_of).collect::<Vec<_>>(), [gone, never]);
    assert!(all.iter().all(|exited| exited.reason == ExitReason::NoSuchActor));
    assert_eq!((all[0].path.to_string(), all[1].path.to_string()), ("/db".into(), "/never/was".into()));
}

#[tokio::test(start_paused = true)]
async fn mon_2_watching_an_actor_that_could_not_start_gives_one_notice() {
    let (system, heard, witness) = stage();
    let holder = system.actor(Peer).name("db").start().await.unwrap();
    let refused = system.actor(Peer).name("db").spawn();

    witness.monitor(&refused);
    settle().await;

    assert_eq!(heard.only().reason, ExitReason::StartFailed(StartFailure::NameTaken(holder.path())));
}

#[tokio::test(start_paused = true)]
async fn s9_an_actor_is_watched_by_its_path() {
    let (system, heard, witness) = stage();
    let parent = system.actor(Peer).name("app").start().await.unwrap();
    let named = within(&parent, |ctx| ctx.actor(Peer).name("db").spawn()).await;
    let anonymous = within(&parent, |ctx| ctx.spawn(Peer)).await;
    let path = anonymous.path().to_string();
    within(&witness, move |ctx| (ctx.monitor_path("/app/db"), ctx.monitor_path(&path))).await;
    settle().await;
    assert_eq!(heard.len(), 0);

    named.kill();
    named.stopped().await;
    anonymous.kill();
    settle().await;

    let ids: Vec<_> = heard.all().iter().map(|exited| exited.id).collect();
    assert_eq!(ids, [named.id(), anonymous.id()]);
}

// ===== MON-3 =====

#[tokio::test(start_paused = true)]
async fn mon_3_every_watcher_that_still_watches_gets_one_notice() {
    let system = ActorSystem::new("monitors");
    let target = system.spawn(Peer);
    let heard: Vec<_> = (0..3).map(|_| Heard::default()).collect();
    let watchers: Vec<_> = heard.iter().map(|heard| system.spawn(Witness::new(heard))).collect();
    let monitors: Vec<_> = watchers.iter().map(|watcher| watcher.monitor(&target)).collect();
    watchers[1].demonitor(monitors[1]);

    target.kill();
    settle().await;

    assert_eq!(heard.iter().map(Heard::len).collect::<Vec<_>>(), [1, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn mon_3_5_000_watchers_are_all_told() {
    let system = ActorSystem::new("monitors");
    let target = system.spawn(Peer);
    let heard = Heard::default();
    for _ in 0..5_000 {
        system.spawn(Witness::new(&heard)).monitor(&target);
    }

    target.kill();
    settle().await;

    assert_eq!(heard.len(), 5_000);
}

// ===== MON-4 =====

#[tokio::test(start_paused = true)]
async fn mon_4_several_monitors_of_one_watcher_fire_each_on_its_own() {
    let (system, heard, witness) = stage();
    let target = system.spawn(Peer);
    let monitors: Vec<_> = (0..3).map(|_| witness.monitor(&target)).collect();
    witness.demonitor(monitors[1]);
    witness.demonitor(monitors[1]);

    target.kill();
    settle().await;

    assert_eq!(heard.all().iter().map(monitor_of).collect::<Vec<_>>(), [monitors[0], monitors[2]]);
}

#[tokio::test(start_paused = true)]
async fn mon_4_cancelling_a_monitor_that_is_spent_or_of_another_is_harmless() {
    let (system, heard, witness) = stage();
    let (first, second) = (system.spawn(Peer), system.spawn(Peer));
    let other = system.spawn(Witness::default());
    let spent = witness.monitor(&first);
    let standing = witness.monitor(&second);
    first.kill();
    settle().await;
    assert_eq!(heard.len(), 1);

    witness.demonitor(spent);
    other.demonitor(standing);
    first.kill();
    second.kill();
    settle().await;

    assert_eq!(heard.all().iter().map(monitor_of).collect::<Vec<_>>(), [spent, standing]);
}

// ===== MON-6 =====

#[tokio::test(start_paused = true)]
async fn mon_6_a_watcher_without_the_hook_ignores_the_notice() {
    // The documented default (S8.1): without an `exited` hook, the notices of children and monitors are ignored.
    let (system, heard, a) = stage();
    let b = system.spawn(Peer);
    let c = within(&b, |ctx| {
        let c = ctx.spawn(Peer);
        ctx.monitor(&c);
        c
    })
    .await;
    a.monitor(&b);

    c.tell(Fail { error: Broken("c") }).await.unwrap();
    c.stopped().await;
    settle().await;

    assert!(b.is_alive());
    assert_eq!(heard.len(), 0);
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

#[test]
fn a_target_that_ends_while_it_is_being_watched_gives_exactly_one_notice() {
    on_1_2_and_8_workers(|| async {
        let (system, heard, witness) = stage();
        for turn in 1..=500 {
            let target = system.spawn(Peer);
            let watch = tokio::spawn({
                let (witness, target) = (witness.clone(), target.clone());
                async move { witness.monitor(&target) }
            });
            let kill = tokio::spawn(async move { target.kill() });
            watch.await.unwrap();
            kill.await.unwrap();
            eventually("it is told", || heard.len() >= turn).await;
            assert_eq!(heard.len(), turn);
        }
        assert_eq!(witness.ask(HeardSoFar).await.unwrap(), 500);
    });
}

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
