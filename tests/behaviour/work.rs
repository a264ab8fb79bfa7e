//! Helper tasks and blocking jobs: they count as the actor's own (S6.7).

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use actors_core::{ActorSystem, ExitReason, HookOutcome, JobError, LimitHit, Outcome};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::owner::{Order, Owner, Work, have, owner};

/// Waits until `condition` holds, without a clock: a paused one stands while a blocking job runs.
async fn soon(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("did not come about: {what}");
}

/// Lets all others run until they wait.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

// ===== helper tasks =====

#[tokio::test(start_paused = true)]
async fn a_job_yields_what_its_work_returned() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let (results, result) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| {
        let _ = results.send((ctx.spawn_task(async { 7 }), ctx.spawn_blocking(|_| 8)));
    })
    .await;
    let (helper, job) = result.await.unwrap();
    assert_eq!((helper.await, job.await), (Ok(7), Ok(8)));
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn an_actor_handles_messages_while_its_helpers_run() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| drop(ctx.spawn_task(pending::<()>()))).await;
    have(&owner, |_, _| ()).await;
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_actor_drops_its_helpers_before_its_hook() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("helper dropped");
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    })
    .await;
    owner.stop();
    assert_eq!(promptly("the end", owner.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["helper dropped", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn helpers_that_never_ran_are_dropped_too() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let notes: Vec<_> = (0..100).map(|_| journal.drop_note("helper dropped")).collect();
    have(&owner, move |_, ctx| {
        for note in notes {
            ctx.spawn_task(async move {
                let _note = note;
                pending::<()>().await;
            });
        }
        ctx.stop();
    })
    .await;
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.count("helper dropped"), 100);
    assert_eq!(journal.entries().last().unwrap(), "hook");
}

#[tokio::test(start_paused = true)]
async fn helpers_run_until_the_children_have_stopped() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (helper, childs) = (journal.drop_note("helper dropped"), journal.clone());
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = helper;
            pending::<()>().await;
        });
        ctx.spawn(Owner { journal: childs, ..Owner::default() });
    })
    .await;
    owner.stop();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["hook", "helper dropped", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_kill_drops_the_helpers_as_well() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("helper dropped");
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    })
    .await;
    owner.kill();
    assert_eq!(promptly("the end", owner.stopped()).await, ExitReason::Killed);
    assert_eq!(journal.entries(), ["helper dropped", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_actor_ends_first_says_that_it_was_dropped() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (jobs, job) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(jobs.send(ctx.spawn_task(pending::<()>())))).await;
    owner.stop();
    let error = promptly("the job", job.await.unwrap()).await.unwrap_err();
    assert_eq!(error, JobError::Dropped);
    assert_eq!(error.to_string(), "the work was dropped before it was done");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_job_does_not_end_its_work() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let owner = owner(&system, &journal);
    let (noted, passed) = (journal.clone(), gate.clone());
    have(&owner, move |_, ctx| {
        drop(ctx.spawn_task(async move {
            passed.pass().await;
            noted.note("done");
        }));
    })
    .await;
    promptly("the helper begins", gate.reached()).await;
    gate.open();
    eventually("the helper is done", || journal.count("done") == 1).await;
    assert!(owner.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_helper_begun_in_the_stopped_hook_does_not_outlive_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let note = journal.drop_note("helper dropped");
    let on_stopped: Work = Box::new(move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    });
    let owner = system.start(Owner { journal: journal.clone(), on_stopped: Some(on_stopped), ..Owner::default() }).await.unwrap();
    owner.stop();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["hook", "helper dropped"]);
}

#[test]
fn no_helper_outlives_its_actor_on_any_number_of_workers() {
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let owner = owner(&system, &journal);
        let notes: Vec<_> = (0..50).map(|_| journal.drop_note("helper dropped")).collect();
        have(&owner, move |_, ctx| {
            for note in notes {
                ctx.spawn_task(async move {
                    let _note = note;
                    loop {
                        tokio::task::yield_now().await;
                    }
                });
            }
        })
        .await;
        owner.stop();
        promptly("the end", owner.stopped()).await;
        assert_eq!(journal.count("helper dropped"), 50);
    });
}

// ===== blocking jobs =====

#[tokio::test(start_paused = true)]
async fn the_end_of_an_actor_waits_for_its_blocking_jobs() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (noted, (go, wait)) = (journal.clone(), mpsc::channel::<()>());
    have(&owner, move |_, ctx| {
        ctx.spawn_blocking(move |_| {
            let _ = wait.recv();
            noted.note("job done");
        });
    })
    .await;
    owner.stop();
    settle().await;
    assert!(owner.exit().is_none() && journal.is_empty(), "the job has not ended");
    go.send(()).unwrap();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["job done", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_job_sees_the_stop_of_its_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (began, begun) = mpsc::channel();
    let noted = journal.clone();
    have(&owner, move |_, ctx| {
        ctx.spawn_blocking(move |stop| {
            noted.note(format!("stopping: {}", stop.is_stopping()));
            began.send(()).unwrap();
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
            noted.note(format!("stopping: {}", stop.is_stopping()));
        });
    })
    .await;
    begun.recv().unwrap();
    let report = system.shutdown().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(journal.entries(), ["stopping: false", "stopping: true", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_job_begun_in_the_stopped_hook_is_waited_for() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (noted, (go, wait)) = (journal.clone(), mpsc::channel::<()>());
    let on_stopped: Work = Box::new(move |_, ctx| {
        ctx.spawn_blocking(move |_| {
            let _ = wait.recv();
            noted.note("job done");
        });
    });
    let owner = system.start(Owner { journal: journal.clone(), on_stopped: Some(on_stopped), ..Owner::default() }).await.unwrap();
    owner.stop();
    soon("the hook has run", || journal.count("hook") == 1).await;
    settle().await;
    assert!(owner.exit().is_none(), "the job has not ended");
    go.send(()).unwrap();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["hook", "job done"]);
}

#[test]
fn a_blocking_job_that_goes_on_beyond_the_limit_is_counted_in_the_report() {
    // A paused clock stands while a blocking job runs, so this one's goes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let report = runtime.block_on(async {
        let system = ActorSystem::builder("test").progress(false).build();
        let owner = owner(&system, &Journal::new());
        have(&owner, move |_, ctx| {
            ctx.spawn_blocking(move |_| wait.recv());
        })
        .await;
        system.shutdown_within(Duration::from_millis(200)).await
    });
    drop(go);
    let of_owner = report.get("/owner").unwrap();
    assert_eq!((of_owner.leaked_blocking, report.leaked_blocking), (1, 1));
    assert_eq!(report.outcome, Outcome::Unresponsive);
    assert!(matches!(of_owner.limit, Some(LimitHit::Stop | LimitHit::Kill | LimitHit::Abort)), "{report}");
}

// ===== limits =====

#[tokio::test(start_paused = true)]
async fn a_stop_hook_is_not_cut_short_by_work_that_ends_late() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| {
        ctx.spawn_blocking(|stop| {
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
        });
    })
    .await;
    let report = system.shutdown().await;
    let of_owner = report.get("/owner").unwrap();
    assert_eq!((of_owner.hook_outcome, of_owner.limit), (HookOutcome::Ran, None));
    assert_eq!(journal.entries(), ["hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_handler_does_not_keep_helpers_beyond_the_limit() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("helper dropped");
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    })
    .await;
    owner.tell(Order::Hang).await.unwrap();
    let report = system.shutdown().await;
    assert_eq!(report.get("/owner").unwrap().limit, Some(LimitHit::Stop));
    assert_eq!(journal.entries(), ["helper dropped", "hook"]);
}
