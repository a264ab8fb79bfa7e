//! The stop signal, as handlers, helpers and jobs see it (S6.4).

use std::future::pending;

use actors_core::{ActorRef, ActorSystem, ExitReason, Stopping};
use tests::{Journal, promptly};
use tokio_util::sync::CancellationToken;

use crate::owner::{Order, Owner, have, owner};

#[tokio::test(start_paused = true)]
async fn a_handler_can_await_the_stop_of_its_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    owner.tell(Order::WaitForStop).await.unwrap();
    tokio::task::yield_now().await;
    assert!(journal.is_empty());
    owner.stop();
    assert_eq!(promptly("the end", owner.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["the handler saw the stop", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn unless_stopping_gets_the_signal_through_work_that_is_always_ready() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let stopper = owner.clone();
    let spinning = owner.ask_with(|reply| Order::Spin { reply });
    let stop = async {
        tokio::task::yield_now().await;
        stopper.stop();
    };
    let (outcome, ()) = tokio::join!(promptly("the handler ends", spinning), stop);
    assert_eq!(outcome.unwrap(), Stopping);
}

#[tokio::test(start_paused = true)]
async fn unless_stopping_does_not_poll_its_work_once_the_signal_is_there() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (signals, signal) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(signals.send(ctx.stop_signal()))).await;
    let signal = signal.await.unwrap();

    assert_eq!(signal.unless_stopping(async { journal.note("before") }).await, Ok(()));
    owner.stop();
    assert_eq!(signal.unless_stopping(async { journal.note("after") }).await, Err(Stopping));
    promptly("the end", owner.stopped()).await;
    assert_eq!(signal.unless_stopping(async { journal.note("after the end") }).await, Err(Stopping));
    assert_eq!(journal.entries(), ["before", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn unless_stopping_drops_its_work_when_the_signal_comes() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (signals, signal) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(signals.send(ctx.stop_signal()))).await;
    let note = journal.drop_note("work dropped");
    let work = signal.await.unwrap().unless_stopping(async move {
        let _note = note;
        pending::<()>().await;
    });
    let task = tokio::spawn(work);
    tokio::task::yield_now().await;
    owner.stop();
    assert_eq!(promptly("the work ends", task).await.unwrap(), Err(Stopping));
    assert_eq!(journal.count("work dropped"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_signal_is_raised_for_every_way_to_end() {
    type End = fn(&ActorSystem, &ActorRef<Owner>);
    let ends: [(&str, End); 5] = [
        ("stop", |_, owner| owner.stop()),
        ("drain", |_, owner| owner.drain()),
        ("kill", |_, owner| owner.kill()),
        ("panic", |_, owner| owner.try_tell(Order::Do(Box::new(|_, _| panic!("on purpose")))).unwrap()),
        ("shutdown", |system, _| system.request_shutdown()),
    ];
    for (what, end) in ends {
        let system = ActorSystem::new("test");
        let owner = owner(&system, &Journal::new());
        let (signals, signal) = tokio::sync::oneshot::channel();
        have(&owner, |_, ctx| drop(signals.send((ctx.is_stopping(), ctx.stop_signal(), ctx.stop_token())))).await;
        let (before, signal, token) = signal.await.unwrap();
        assert!(!before && !signal.is_stopping() && !token.is_cancelled(), "{what}");
        let (awaited, cancelled) = (tokio::spawn(signal.stopping()), tokio::spawn(token.clone().cancelled_owned()));
        end(&system, &owner);
        promptly(what, awaited).await.unwrap();
        promptly(what, cancelled).await.unwrap();
        assert!(signal.is_stopping() && token.is_cancelled(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_token_of_the_signal_stops_neither_the_actor_nor_other_holders() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let (tokens, token) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(tokens.send((ctx.stop_token(), ctx.stop_token())))).await;
    let (mine, others): (CancellationToken, CancellationToken) = token.await.unwrap();
    mine.cancel();
    have(&owner, |_, ctx| assert!(!ctx.is_stopping())).await;
    assert!(owner.is_alive() && !others.is_cancelled());
    owner.stop();
    assert!(others.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_token_of_an_actor_that_stops_or_has_ended_is_cancelled_already() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let (signals, signal) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(signals.send(ctx.stop_signal()))).await;
    let signal = signal.await.unwrap();
    owner.stop();
    assert!(signal.token().is_cancelled(), "while it stops");
    promptly("the end", owner.stopped()).await;
    assert!(signal.token().is_cancelled(), "after its end");
    promptly("the signal", signal.stopping()).await;
}
