//! The end of one actor: one path for every cause, and the same order (S6).

use std::time::Duration;

use actors_core::{ActorRef, ActorSystem, ExitReason};
use tests::{Broken, on_1_2_and_8_workers, promptly};

use crate::cast::{Peer, settle, within};
use crate::subject::{
    BreakDown, Burst, Fault, Faults, GONE, GONE_WITH_A_BROKEN_HOOK, Leave, Stage, Stand, Subject, Trap, clean, error_of, panic_of, stage,
};

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.stop();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_drain_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.drain();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_from_within_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Leave).await.unwrap();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_that_finds_a_handler_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Stand).await.unwrap();
    stage.gate.reached().await;
    stage.subject.stop();
    settle().await;
    assert!(stage.journal.is_empty(), "the handler in hand finishes first");
    stage.gate.open();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_an_error_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(BreakDown).await.unwrap();
    let exit = stage.ends(&GONE).await;
    assert_eq!((error_of(&exit.reason), exit.secondary.len()), (Broken("handler"), 0));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_panic_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Burst).await.unwrap();
    let exit = stage.ends(&GONE).await;
    assert_eq!((panic_of(&exit.reason).as_str(), exit.secondary.len()), ("handler", 0));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_of_an_idle_actor_ends_it_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.kill();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_in_a_handler_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Stand).await.unwrap();
    stage.gate.reached().await;
    stage.subject.kill();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_in_the_exited_hook_ends_an_actor_in_order() {
    let stage = stage(Faults { exited: Some(Fault::Hangs), ..Faults::default() }).await;
    link_to_the_dead(&stage).await;
    stage.gate.reached().await;
    stage.subject.kill();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_in_the_stop_hook_ends_an_actor_in_order() {
    let stage = stage(Faults { stopped: Some(Fault::Hangs), ..Faults::default() }).await;
    stage.subject.stop();
    stage.gate.reached().await;
    stage.subject.kill();
    let began = tokio::time::Instant::now();
    assert_eq!(stage.ends(&GONE_WITH_A_BROKEN_HOOK).await, clean(ExitReason::Killed));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500) && took < Duration::from_millis(600), "the kill leaves it 500 ms: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_hook_that_outruns_its_limit_does_not_hold_up_the_end() {
    let stage = stage(Faults { stopped: Some(Fault::Hangs), ..Faults::default() }).await;
    stage.subject.stop();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!(exit.reason, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_link_down_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.ask(Trap { on: false }).await.unwrap();
    link_to_the_dead(&stage).await;
    let exit = stage.ends(&GONE).await;
    assert!(matches!(exit.reason, ExitReason::LinkDown { cause, .. } if *cause == ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_an_exited_hook_that_fails_ends_an_actor_in_order() {
    let stage = stage(Faults { exited: Some(Fault::Fails), ..Faults::default() }).await;
    link_to_the_dead(&stage).await;
    let exit = stage.ends(&GONE).await;
    assert_eq!(error_of(&exit.reason), Broken("exited"));
}

#[tokio::test(start_paused = true)]
async fn s6_1_an_exited_hook_that_panics_ends_an_actor_in_order() {
    let stage = stage(Faults { exited: Some(Fault::Panics), ..Faults::default() }).await;
    link_to_the_dead(&stage).await;
    let exit = stage.ends(&GONE).await;
    assert_eq!(panic_of(&exit.reason), "exited");
}

#[tokio::test(start_paused = true)]
async fn s6_2_a_destructor_that_panics_changes_nothing_in_the_order() {
    let stage = stage(Faults { destructor: true, ..Faults::default() }).await;
    stage.subject.stop();
    let exit = stage.ends(&GONE).await;
    assert_eq!(panic_of(&exit.reason), "destructor");
}

async fn link_to_the_dead(stage: &Stage) {
    let dead = stage.system.spawn(Peer);
    dead.kill();
    dead.stopped().await;
    stage.subject.link(&dead);
}

#[test]
fn s6_1_the_order_holds_for_all_who_are_told_on_1_2_and_8_workers() {
    type Way = fn(&ActorRef<Subject>);
    on_1_2_and_8_workers(|| async {
        let ways: [Way; 5] = [
            |subject| subject.stop(),
            |subject| subject.drain(),
            |subject| subject.kill(),
            |subject| subject.try_tell(Burst).unwrap(),
            |subject| subject.try_tell(BreakDown).unwrap(),
        ];
        for turn in 0..100 {
            let stage = stage(Faults::default()).await;
            ways[turn % ways.len()](&stage.subject);
            stage.ends(&GONE).await;
        }
    });
}

#[test]
fn s6_3_stops_drains_and_kills_from_many_threads_end_an_actor_once() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..50 {
            let stage = stage(Faults::default()).await;
            let enders: Vec<_> = (0..9)
                .map(|number| {
                    let subject = stage.subject.clone();
                    tokio::spawn(async move {
                        match number % 3 {
                            0 => subject.stop(),
                            1 => subject.drain(),
                            _ => subject.kill(),
                        }
                        subject.stopped().await
                    })
                })
                .collect();
            let mut reasons = Vec::new();
            for ender in enders {
                reasons.push(ender.await.unwrap());
            }
            let exit = stage.ends(&GONE).await;
            assert!(reasons.iter().all(|reason| *reason == exit.reason), "{reasons:?}");
            assert!(matches!(exit.reason, ExitReason::Normal | ExitReason::Killed));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn s6_3_asking_a_dead_actor_to_end_changes_nothing() {
    let stage = stage(Faults::default()).await;
    let subject = stage.subject.clone();
    subject.stop();
    let exit = stage.ends(&GONE).await;

    subject.kill();
    subject.drain();
    subject.stop();

    assert_eq!((subject.stopped().await, subject.exit()), (ExitReason::Normal, Some(exit)));
}

#[tokio::test(start_paused = true)]
async fn s6_4_the_stop_signal_is_seen_by_all_who_look_at_it() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);
    let (signal, token) = within(&peer, |ctx| (ctx.stop_signal(), ctx.stop_token())).await;
    let waiting = tokio::spawn({
        let signal = signal.clone();
        async move { signal.stopping().await }
    });
    tokio::task::yield_now().await;
    assert!(!signal.is_stopping() && !token.is_cancelled() && !waiting.is_finished());

    peer.stop();

    promptly("who waits is woken", waiting).await.unwrap();
    assert!(signal.is_stopping() && token.is_cancelled());
    assert!(signal.unless_stopping(async { "always ready" }).await.is_err(), "the signal is looked at first");
    assert!(signal.token().is_cancelled(), "also when asked for afterwards");
}
