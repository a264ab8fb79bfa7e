//! Panics of helper tasks and blocking jobs: none is lost, whoever awaits it (S6.7).

use std::future::pending;

use actors_core::{ActorRef, ActorSystem, ExitReason, JobError, Outcome};
use tests::{Journal, eventually, promptly};

use crate::owner::{Order, Owner, have, owner};

fn panicked_with(reason: &ExitReason, text: &str) -> bool {
    panicked_in("job_panics.rs", reason, text)
}

fn panicked_in(file: &str, reason: &ExitReason, text: &str) -> bool {
    matches!(reason, ExitReason::Panicked { message, location: Some(place) } if **message == *text && place.contains(file))
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_awaited_work_is_a_job_error_and_the_actor_lives_on() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    for (blocking, text) in [(false, "helper"), (true, "job")] {
        let outcome = owner.ask_with(move |reply| Order::AwaitPanic { blocking, reply }).await.unwrap();
        let Err(JobError::Panicked(reason)) = outcome else { panic!("{outcome:?}") };
        assert!(panicked_in("owner.rs", &reason, text), "{reason}");
        assert_eq!(JobError::Panicked(reason.clone()).to_string(), format!("the work {reason}"));
    }
    assert!(owner.is_alive());
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_helper_that_nobody_awaits_fails_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| drop(ctx.spawn_task(async { panic!("nobody looks") }))).await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
    assert_eq!(journal.entries(), ["hook"]);
    assert_eq!(system.shutdown().await.outcome, Outcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_blocking_job_that_nobody_awaits_fails_the_actor() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| drop(ctx.spawn_blocking(|_| panic!("nobody looks")))).await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the destructor");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_destructor_of_work_that_is_cut_short_fails_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| {
        let bomb = Bomb;
        ctx.spawn_task(async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
    })
    .await;
    owner.stop();
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "the destructor"), "{reason}");
    assert_eq!(journal.entries(), ["hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_destructor_of_work_that_never_ran_fails_the_actor() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| {
        let bomb = Bomb;
        ctx.spawn_task(async move { drop(bomb) });
        ctx.stop();
    })
    .await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "the destructor"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_destructor_of_finished_work_counts_as_one_of_the_work() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| {
        let bomb = Bomb;
        drop(ctx.spawn_task(async move {
            let _bomb = &bomb;
        }));
    })
    .await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "the destructor"), "{reason}");
}

/// Has the owner keep a job that has panicked, and that nobody awaits.
async fn keep_one_that_panics(owner: &ActorRef<Owner>, journal: &Journal) {
    let note = journal.drop_note("panicking");
    have(owner, move |owner, ctx| {
        owner.kept.push(ctx.spawn_task(async move {
            let _note = note;
            panic!("nobody looks");
        }));
    })
    .await;
    eventually("the helper has panicked", || journal.count("panicking") == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_lost_with_a_job_that_was_kept_and_never_awaited() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    keep_one_that_panics(&owner, &journal).await;
    have(&owner, |owner, _| owner.kept.clear()).await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_lost_with_a_job_that_ends_with_the_state() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    keep_one_that_panics(&owner, &journal).await;
    owner.stop();
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_blocking_job_that_panics_while_its_actor_stops_fails_it() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| {
        ctx.spawn_blocking(|stop| {
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
            panic!("too late to go unnoticed");
        });
    })
    .await;
    owner.stop();
    // S5.1: a clean end gives way to what goes wrong in it.
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "too late to go unnoticed"), "{reason}");
    assert_eq!(owner.exit().unwrap().secondary, []);
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_panics_is_the_reason_and_the_other_is_kept_beside_it() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| {
        ctx.spawn_blocking(|stop| {
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
            panic!("second");
        });
        ctx.spawn_task(async { panic!("first") });
    })
    .await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "first"), "{reason}");
    let secondary = owner.exit().unwrap().secondary;
    assert!(matches!(&secondary[..], [other] if panicked_with(other, "second")), "{secondary:?}");
}
