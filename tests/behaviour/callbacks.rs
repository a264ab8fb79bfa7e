//! Callbacks for the end of a system: whatever becomes of one, the others run.

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Outcome, messages};
use tests::{Gate, Journal, eventually};
use tokio::time::timeout;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[derive(Actor)]
struct Idle;

#[messages]
impl Idle {
    #[message]
    fn nothing(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_breaks_when_it_is_dropped_does_not_keep_the_others_from_running() {
    for ends in [true, false] {
        let (system, journal) = (ActorSystem::new("quarry"), Journal::new());
        let noting = journal.clone();
        system.on_terminated(async move || noting.note("called")).expect("it is not over");
        let bomb = Bomb;
        system
            .on_terminated(move || async move {
                let _bomb = bomb;
                if !ends {
                    pending::<()>().await;
                }
            })
            .expect("it is not over");

        let report = timeout(Duration::from_secs(30), system.shutdown()).await.expect("it is bounded");

        assert_eq!(journal.entries(), ["called"], "{report}");
        assert!(report.failed > 0, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_hangs_leaves_the_others_half_of_the_time() {
    let (system, journal) = (ActorSystem::builder("quarry").deadline(Duration::from_secs(10)).build(), Journal::new());
    let noting = journal.clone();
    system
        .on_terminated(async move || {
            tokio::time::sleep(Duration::from_secs(4)).await;
            noting.note("called");
        })
        .expect("it is not over");
    system.on_terminated(pending::<()>).expect("it is not over");

    let report = timeout(Duration::from_secs(30), system.shutdown()).await.expect("it is bounded");

    assert_eq!(journal.entries(), ["called"], "{report}");
    assert_eq!((report.failed, report.total), (1, Duration::from_secs(9)), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_taken_at_a_start_that_failed_is_among_the_failures() {
    let system = ActorSystem::new("quarry");
    system.actor(Idle).name("a").start().await.expect("it starts");
    let error = system.actor(Idle).name("a").start().await.expect_err("the name is taken");

    let report = system.start_failed(error).await;

    assert_eq!(report.failures.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["/a"], "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sys_1_a_callback_that_hangs_is_among_the_failures_whoever_sees_so_first() {
    let shutdowns: Vec<_> = (0..40)
        .map(|_| {
            let system = ActorSystem::new("quarry");
            system.on_terminated(pending::<()>).expect("it is not over");
            tokio::spawn(async move { system.shutdown_within(Duration::from_millis(500)).await })
        })
        .collect();
    for shutdown in shutdowns {
        let report = timeout(Duration::from_secs(60), shutdown).await.expect("it is bounded").expect("it does not panic");
        assert_eq!((&report.outcome, report.failed), (&Outcome::Failed, 1), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_blocks_its_thread_is_among_the_failures_and_those_after_it_do_not_run_once_that_is_said() {
    let (system, journal) = (ActorSystem::new("quarry"), Journal::new());
    let (noting, note) = (journal.clone(), journal.drop_note("dropped"));
    system
        .on_terminated(async move || {
            noting.note("called");
            drop(note);
        })
        .expect("it is not over");
    let (lets_go, held) = mpsc::channel::<()>();
    system.on_terminated(async move || assert!(held.recv().is_err())).expect("it is not over");

    let report = system.shutdown_within(Duration::from_millis(200)).await;
    drop(lets_go);
    eventually("the others are dropped", || !journal.is_empty()).await;

    assert_eq!((&report.outcome, report.failed), (&Outcome::Failed, 1), "{report}");
    assert_eq!(journal.entries(), ["dropped"]);
}

#[tokio::test(start_paused = true)]
async fn s7_3_whoever_shuts_down_while_a_callback_waits_is_no_callback() {
    let (system, gate) = (ActorSystem::new("quarry"), Gate::new());
    let waits = gate.clone();
    system.on_terminated(async move || waits.pass().await).expect("it is not over");
    system.request_shutdown();
    gate.reached().await;
    let other = system.clone();
    let other = tokio::spawn(async move { other.shutdown().await });
    tokio::task::yield_now().await;

    gate.open();

    for report in [system.shutdown().await, other.await.expect("it does not panic")] {
        assert_eq!(report.outcome, Outcome::Clean);
    }
}

#[tokio::test(start_paused = true)]
async fn s7_3_a_callback_that_shuts_down_does_not_wait_for_itself() {
    let [system, other] = ["quarry", "mine"].map(ActorSystem::new);
    let (journal, own) = (Journal::new(), system.clone());
    let noting = journal.clone();
    system
        .on_terminated(move || async move {
            noting.note(format!("{:?}", own.shutdown().await.outcome));
            noting.note(format!("{:?}", other.shutdown().await.outcome));
        })
        .expect("it is not over");

    let began = tokio::time::Instant::now();
    let report = system.shutdown().await;

    assert!(report.is_clean() && began.elapsed() < Duration::from_secs(1), "{report}");
    assert_eq!(journal.entries(), ["WouldDeadlock { path: / }", "Clean"]);
}
