//! A shutdown beside starts: a stop beats a start, and nobody slips through (S7.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, BoxError, ChildSpec, Context, ExitReason, HookOutcome, Outcome, Protocol, StartFailure, Supervisor,
    messages,
};
use tests::tree::{Branch, Habit};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::Peer;

// ===== stop beats start =====

#[tokio::test(start_paused = true)]
async fn s7_5_a_child_that_becomes_ready_too_late_is_stopped_before_its_parent_ends() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    Branch::new("late", Habit::StartsWithin(Duration::from_secs(2))).below([Branch::good("never")]).under(1).grow(&system, &journal).await;
    let report = system.shutdown().await;
    assert_eq!(report.order(), ["/1/late", "/1"], "a stop that has come lets nothing more start");
    assert_eq!(journal.entries(), ["1 started", "late started", "late stopping", "late stopped", "1 stopping", "1 stopped"]);
    assert!(report.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_5_who_starts_a_child_while_it_stops_is_refused() {
    let gate = Gate::new();
    let system = ActorSystem::new("house");
    let parent = system.spawn(Nursery { gate: gate.clone() });
    let born = tokio::spawn(born_outcome(parent.clone()));
    gate.reached().await;
    parent.stop();
    gate.open_wide();
    let (started, spawned, reason) = promptly("the answer", born).await.expect("it does not panic");
    assert!(started && !spawned, "`start` says that it is stopping, `spawn` gives a dead reference");
    assert_eq!(reason, ExitReason::StartFailed(StartFailure::Stopping));
    assert_eq!(parent.stopped().await, ExitReason::Normal);
    assert_eq!(system.actors(), 0);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s7_6_a_start_that_failed_since_its_parent_was_stopping_is_the_outcome_of_a_shutdown_that_follows() {
    let system = ActorSystem::new("house");
    let sup = system.start(Supervisor::new()).await.expect("it starts");
    sup.stop();
    promptly("it ends", sup.stopped()).await;
    let error = sup.add_child(ChildSpec::new("late", Peer::default)).await.expect_err("it has ended");
    assert!(error.is_stopping());

    assert_eq!(system.start_failed(error).await.outcome, Outcome::StartFailed);
}

/// Starts children when it should not.
#[derive(Actor)]
struct Nursery {
    gate: Gate,
}

#[messages]
impl Nursery {
    /// Whether `start` was refused, whether what `spawn` gave is alive, and why not.
    #[message]
    async fn bear(&mut self, ctx: &mut Context<Self>) -> (bool, bool, ExitReason) {
        self.gate.pass().await;
        let refused = ctx.start(Peer).await.is_err_and(|error| error.is_stopping());
        let child = ctx.spawn(Peer);
        (refused, child.is_alive(), child.stopped().await)
    }
}

async fn born_outcome(parent: ActorRef<Nursery>) -> (bool, bool, ExitReason) {
    parent.ask(Bear).await.expect("the handler in hand finishes")
}

/// How many each thread of a storm starts before the shutdown has begun. All of them are stopped one after the other.
const STORM: usize = 50;

fn is_refused(actor: &ActorRef<Mayfly>) -> bool {
    actor.exit().is_some_and(|exit| exit.reason == ExitReason::StartFailed(StartFailure::Stopping))
}

#[test]
fn s3_4_from_the_moment_at_which_a_shutdown_is_asked_for_nothing_is_started_at_the_top() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("wood");
        system.spawn(Peer);
        system.request_shutdown();
        assert_eq!(system.spawn(Peer).exit().map(|exit| exit.reason), Some(ExitReason::StartFailed(StartFailure::Stopping)));
        assert_eq!(promptly("the shutdown", system.shutdown()).await.actors.len(), 1);
    });
}

#[test]
fn s7_5_nobody_slips_through_a_shutdown_amid_a_storm_of_starts() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..20 {
            let system = ActorSystem::new("storm");
            let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let storms: Vec<_> = (0..4)
                .map(|_| {
                    let (system, begun, ended) = (system.clone(), begun.clone(), ended.clone());
                    std::thread::spawn(move || {
                        let mut born = Vec::new();
                        while born.last().is_none_or(|last| !is_refused(last)) {
                            born.push(system.spawn(Mayfly { begun: begun.clone(), ended: ended.clone() }));
                            while born.len() >= STORM && !system.is_shutting_down() {
                                std::thread::yield_now();
                            }
                        }
                        born
                    })
                })
                .collect();
            eventually("the storm has begun", || begun.load(Ordering::Relaxed) > STORM / 2).await;
            let report = promptly("the shutdown", system.shutdown()).await;
            let (begun, ended) = (begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed));
            assert_eq!((begun, system.actors()), (ended, 0), "whoever began has ended when the report is there");
            assert_eq!(report.outcome, Outcome::Clean);
            for born in storms.into_iter().flat_map(|storm| storm.join().expect("it does not panic")) {
                let reason = promptly("its end", born.stopped()).await;
                assert!(is_refused(&born) || reason == ExitReason::Shutdown, "{reason}");
            }
        }
    });
}

struct Mayfly {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Protocol for Mayfly {
    type Msg = ();
}

impl Actor for Mayfly {
    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        ctx.spawn(Peer);
        Ok(())
    }

    async fn handle(&mut self, (): (), _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        Ok(())
    }

    async fn stopped(&mut self, _reason: &ExitReason, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

// ===== right after the creation =====

#[tokio::test(start_paused = true)]
async fn sys_4_a_shutdown_right_after_creation_completes() {
    let nothing = ActorSystem::new("nothing").shutdown().await;
    assert_eq!((nothing.total, nothing.actors.len(), nothing.is_clean()), (Duration::ZERO, 0, true));

    let system = ActorSystem::new("wood");
    let begun = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let actor = system.spawn(Mayfly { begun: begun.clone(), ended: ended.clone() });
    let report = system.shutdown().await;
    assert_eq!(begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed), "a stop hook runs only if the start hook had run");
    assert_eq!(actor.stopped().await, ExitReason::Shutdown);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn sys_4_a_stop_hook_runs_only_if_the_start_hook_had_run() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..200 {
            let system = ActorSystem::new("wood");
            let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            system.spawn(Mayfly { begun: begun.clone(), ended: ended.clone() });
            let report = promptly("the shutdown", system.shutdown()).await;
            assert_eq!(begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed));
            let mayfly = report.actors.last().expect("one at least");
            let ran = begun.load(Ordering::Relaxed) == 1;
            assert_eq!(mayfly.hook_outcome, if ran { HookOutcome::Ran } else { HookOutcome::Skipped });
        }
    });
}
