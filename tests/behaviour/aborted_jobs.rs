//! A job that is aborted: a helper is dropped where it waits, and a blocking job only if it has not begun (S6.7).

use std::future::pending;
use std::sync::mpsc::channel;

use actors_core::{ActorSystem, ExitReason, JobError};
use tests::{Gate, Journal, promptly};

use crate::cast::{Peer, within};

#[tokio::test(start_paused = true)]
async fn s6_7_a_helper_that_is_aborted_is_dropped_and_its_actor_lives_on() {
    let (system, journal, gate) = (ActorSystem::new("jobs"), Journal::new(), Gate::new());
    let peer = system.spawn(Peer);
    let (note, begun) = (journal.drop_note("dropped"), gate.clone());
    let job = within(&peer, move |ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            begun.open();
            pending::<()>().await;
        })
    })
    .await;
    promptly("it has begun", gate.pass()).await;

    job.abort();
    job.abort();

    assert_eq!(promptly("its end", job).await, Err(JobError::Dropped));
    assert_eq!(journal.entries(), ["dropped"]);
    assert!(peer.is_alive());
    peer.stop();
    assert!(promptly("the actor's end", peer.stopped()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s6_7_a_job_that_is_done_keeps_its_result_whoever_aborts_it_then() {
    let (system, gate) = (ActorSystem::new("jobs"), Gate::new());
    let peer = system.spawn(Peer);
    let done = gate.clone();
    let work = async move {
        done.open();
        7
    };
    let job = within(&peer, move |ctx| ctx.spawn_task(work)).await;
    promptly("it is done", gate.pass()).await;

    job.abort();

    assert_eq!(promptly("its result", job).await, Ok(7));
    system.shutdown().await;
}

#[test]
fn s6_7_a_blocking_job_that_has_begun_goes_on_and_one_that_has_not_never_begins() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().expect("it can be built");
    runtime.block_on(async {
        let system = ActorSystem::new("jobs");
        let peer = system.spawn(Peer);
        let ((begun, begins), (go, goes)) = (channel(), channel());
        let jobs = within(&peer, move |ctx| {
            let first = ctx.spawn_blocking(move |_stop| {
                begun.send(()).expect("the test waits");
                goes.recv().expect("the test says so")
            });
            (first, ctx.spawn_blocking(|_stop| unreachable!("it was aborted")))
        });
        let (first, second): (actors_core::Job<u8>, actors_core::Job<()>) = jobs.await;
        begins.recv().expect("the first begins");

        first.abort();
        second.abort();
        go.send(7).expect("the first waits");

        assert_eq!(promptly("its result", first).await, Ok(7));
        assert_eq!(promptly("its end", second).await, Err(JobError::Dropped));
        peer.stop();
        assert!(promptly("the actor's end", peer.stopped()).await.is_clean(), "no job is waited for");
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn s6_7_what_a_job_that_has_not_begun_panics_with_as_it_is_dropped_fails_its_actor() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().expect("it can be built");
    runtime.block_on(async {
        let system = ActorSystem::new("jobs");
        let [busy, peer] = [system.spawn(Peer), system.spawn(Peer)];
        let (go, goes) = channel::<()>();
        let _first = within(&busy, move |ctx| ctx.spawn_blocking(move |_stop| goes.recv())).await;
        let bomb = Bomb;
        let job = within(&peer, move |ctx| ctx.spawn_blocking(move |_stop| drop(bomb))).await;

        job.abort();

        assert_eq!(promptly("its end", job).await, Err(JobError::Dropped));
        let reason = promptly("the actor's end", peer.stopped()).await;
        assert!(matches!(&reason, ExitReason::Panicked { message, .. } if &**message == "dropped"), "{reason}");
        drop(go);
        system.shutdown().await;
    });
}
