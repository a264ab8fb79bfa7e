//! Monitors: one-way watches, each good for one notice (S9).
//!
//! MON-5, which speaks of restarts, is tested with them.

use actors_core::{ActorRef, ActorSystem, ExitReason, Exited, MonitorRef, StartFailure, Tie};
use tests::{Broken, eventually, on_1_2_and_8_workers};

use crate::cast::{End, Explode, Fail, Heard, HeardSoFar, Peer, Witness, settle, within};

fn stage() -> (ActorSystem, Heard, ActorRef<Witness>) {
    let system = ActorSystem::new("monitors");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    (system, heard, witness)
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

#[tokio::test(start_paused = true)]
async fn s9_one_deep_in_the_tree_watches_by_a_path_from_its_top() {
    let (system, heard) = (ActorSystem::new("monitors"), Heard::default());
    let (app, target) = (system.spawn(Peer), system.actor(Peer).name("db").spawn());
    let below = heard.clone();
    let watcher = within(&app, move |ctx| ctx.spawn(Witness::new(&below))).await;
    within(&watcher, |ctx| ctx.monitor_path("/db")).await;

    target.kill();
    settle().await;

    assert_eq!((heard.only().id, heard.only().reason), (target.id(), ExitReason::Killed));
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
