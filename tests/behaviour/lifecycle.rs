//! How actors begin: starting, failing to start, and the order of the hooks.

use std::pin::pin;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, DeadReason, ExitReason, StartFailure, messages};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

use crate::newborn::{Count, Family, Leaf, Leave, Newborn, Parent, SpawnChild, Start, StartChild, StartTooLate};

/// The ways in which a start hook does not succeed.
const FRUITLESS: [Start; 4] = [Start::Fail, Start::Panic, Start::Decline, Start::Hang];

/// Tells whether `failure` is what becomes of `start`.
fn comes_of(start: &Start, failure: &StartFailure) -> bool {
    match (start, failure) {
        (Start::Fail, StartFailure::Failed(error)) => error.downcast_ref() == Some(&Broken("no luck")),
        (Start::Panic, StartFailure::Panicked { message, .. }) => **message == *"out of luck",
        (Start::Hang, StartFailure::TimedOut(limit)) => *limit == Duration::from_secs(2),
        (Start::Decline, StartFailure::Declined) => true,
        _ => false,
    }
}

// ===== waiting for the start =====

#[tokio::test(start_paused = true)]
async fn lif_1_start_call_waits_for_the_start_hook() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let mut start = pin!(system.start(Newborn::new(Start::Wait(gate.clone()), &journal)));

    let early = tokio::time::timeout(Duration::from_secs(1), start.as_mut()).await;
    assert!(early.is_err(), "the hook still waits, and so does the caller");
    assert!(journal.is_empty());

    gate.open();
    let actor = promptly("the start", start).await.unwrap();
    assert_eq!(journal.entries(), ["started"]);
    actor.ask(Count { n: 1 }).await.unwrap();
    assert_eq!(journal.entries(), ["started", "handled 1"]);
}

#[tokio::test(start_paused = true)]
async fn lif_1_start_call_of_a_linked_child_waits_for_the_start_hook() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let parent = system.spawn(Parent { journal: journal.clone() });
    let mut start = pin!(parent.ask(StartChild { start: Start::Wait(gate.clone()) }));

    assert!(tokio::time::timeout(Duration::from_secs(1), start.as_mut()).await.is_err());
    gate.open();
    let child = promptly("the start", start).await.unwrap();
    parent.link(&child);
    child.ask(Count { n: 1 }).await.unwrap();
    assert_eq!(journal.entries(), ["started", "handled 1"]);
}

#[tokio::test(start_paused = true)]
async fn spawn_returns_before_the_start_hook_has_run() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());

    let actor = system.spawn(Newborn::new(Start::Wait(gate.clone()), &journal));

    gate.reached().await;
    assert!(actor.is_alive() && !actor.has_started());
    gate.open();
    eventually("the start", || actor.has_started()).await;
}

// ===== failing to start =====

#[tokio::test(start_paused = true)]
async fn lif_2_error_or_panic_in_the_start_hook_comes_back_from_every_form_of_start() {
    for start in FRUITLESS {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let parent = system.spawn(Parent { journal: journal.clone() });

        let from_system = system.start(Newborn::new(start.clone(), &journal)).await.unwrap_err();
        assert!(comes_of(&start, from_system.failure()), "start on the system: {from_system}");
        let from_builder = system.actor(Newborn::new(start.clone(), &journal)).name("x").start().await.unwrap_err();
        assert!(comes_of(&start, from_builder.failure()) && *from_builder.path() == "/x", "start of the builder: {from_builder}");
        let from_parent = parent.ask(StartChild { start: start.clone() }).await.unwrap_err().into_failure().unwrap();
        assert!(comes_of(&start, from_parent.failure()), "start of a child: {from_parent}");
        let spawned = system.spawn(Newborn::new(start.clone(), &journal));
        let ExitReason::StartFailed(failure) = promptly("its end", spawned.stopped()).await else { panic!("it has started") };
        assert!(comes_of(&start, &failure), "spawn: {failure}");
        assert_eq!(system.actors(), 1, "only the parent is left");
    }
}

#[tokio::test(start_paused = true)]
async fn lif_2_the_error_of_the_start_hook_can_be_had_back_as_what_it_was() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());

    let error = system.start(Newborn::new(Start::Fail, &journal)).await.unwrap_err();

    assert_eq!(error.error().and_then(|error| error.downcast_ref()), Some(&Broken("no luck")));
    let panicked = system.start(Newborn::new(Start::Panic, &journal)).await.unwrap_err();
    let StartFailure::Panicked { location: Some(location), .. } = panicked.failure() else { panic!("{panicked}") };
    assert!(location.contains("newborn.rs"), "{location}");
}

#[test]
fn lif_2_nobody_who_waits_hangs_when_the_start_fails() {
    on_1_2_and_8_workers(|| async {
        for round in 0..50 {
            let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
            let actor = system.spawn(Newborn::new(if round % 2 == 0 { Start::Fail } else { Start::Panic }, &journal));
            let waiters: Vec<_> = (0..8)
                .map(|n| {
                    let (actor, gate) = (actor.clone(), gate.clone());
                    tokio::spawn(async move {
                        gate.pass().await;
                        if n % 2 == 0 { actor.stopped().await.is_failure() } else { actor.ask(Count { n: 1 }).await.is_err() }
                    })
                })
                .collect();
            gate.open_wide();
            for waiter in waiters {
                assert!(promptly("the news", waiter).await.unwrap());
            }
            assert_eq!(system.actors(), 0);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn lif_3_an_actor_may_decline_to_start() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let parent = system.spawn(Parent { journal: journal.clone() });
    let alone = system.start(Newborn::new(Start::Decline, &journal)).await.unwrap_err();
    assert!(alone.is_declined());

    // Permanent children, and a list that shows one as not running, come with S10: here a sibling runs beside it.
    let child = parent.ask(StartChild { start: Start::Decline }).await.unwrap_err().into_failure();
    assert!(child.unwrap().is_declined());
    let sibling = parent.ask(SpawnChild).await.unwrap();
    sibling.ask(Count { n: 1 }).await.unwrap();

    assert_eq!(parent.ask(Family).await.unwrap(), 1, "only the sibling is a child");
    assert!(!journal.entries().iter().any(|entry| entry.starts_with("told")), "to decline is no failure: {:?}", journal.entries());
    let report = system.shutdown().await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn lif_3_links_hear_nothing_of_an_actor_that_declines() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let peer = system.spawn(Parent { journal: journal.clone() });
    let late = Decliner { gate: gate.clone() };
    let declining = system.spawn(late);
    gate.reached().await;
    peer.link(&declining);

    gate.open();

    assert_eq!(declining.stopped().await, ExitReason::StartFailed(StartFailure::Declined));
    peer.ask(Family).await.unwrap();
    assert!(journal.is_empty(), "{:?}", journal.entries());
}

/// Declines once its gate opens.
#[derive(Actor)]
struct Decliner {
    gate: Gate,
}

#[messages]
impl Decliner {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) {
        self.gate.pass().await;
        ctx.decline();
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_does_not_succeed_leaves_nothing_when_the_caller_hears_of_it() {
    for start in FRUITLESS {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());

        let error = system.actor(Newborn::with_children(start.clone(), &journal)).name("x").start().await.unwrap_err();

        // S3.2, and not a turn later: nothing is awaited between the error and this.
        assert!(comes_of(&start, error.failure()), "{error}");
        assert_eq!(journal.entries().iter().filter(|entry| *entry != "started").collect::<Vec<_>>(), ["b stopped", "a stopped", "dropped"]);
        assert_eq!(system.actors(), 0, "after {start:?}");
        assert!(system.lookup::<Newborn>("/x").is_none() && system.lookup::<Leaf>("/x/a").is_none());
        let second = system.actor(Newborn::new(Start::Ready, &journal)).name("x").spawn();
        assert!(second.is_alive(), "the name is free after {start:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_does_not_succeed_makes_dead_letters_of_what_was_accepted() {
    for start in FRUITLESS {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let mut letters = system.dead_letters();
        let actor = system.spawn(Newborn::with_children(start.clone(), &journal));
        actor.tell(Count { n: 7 }).await.unwrap();

        let lost = actor.ask(Count { n: 8 }).await.unwrap_err();

        assert_eq!(lost.into_message().map(|message| message.n), Some(8), "the ask fails at its caller, after {start:?}");
        actor.stopped().await;
        let letter = letters.try_recv().expect("the tell is a dead letter");
        assert_eq!((letter.reason(), letter.take::<Count>().map(|message| message.n)), (DeadReason::NotStarted, Some(7)));
        assert!(letters.try_recv().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_hook_is_given_up_at_its_limit_and_not_before() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let began = Instant::now();

    let error = system.actor(Newborn::new(Start::Hang, &journal)).start_limit(Duration::from_secs(3)).start().await.unwrap_err();

    assert_eq!(error.failure(), &StartFailure::TimedOut(Duration::from_secs(3)));
    let took = began.elapsed();
    assert!((3_000..3_100).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_actor_killed_while_it_starts_is_a_start_that_was_killed() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let start = system.actor(Newborn::with_children(Start::Wait(gate.clone()), &journal)).name("x").start();
    let killer = async {
        gate.reached().await;
        system.lookup::<Newborn>("/x").expect("it is there while it starts").kill();
    };

    let (error, ()) = tokio::join!(start, killer);

    assert_eq!(error.unwrap_err().failure(), &StartFailure::Killed);
    assert_eq!(journal.entries(), ["b stopped", "a stopped", "dropped"], "without its own hook, for it never started");
}

// ===== below a parent that is stopping =====

#[tokio::test(start_paused = true)]
async fn a_parent_that_is_stopping_starts_nothing() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let parent = system.spawn(Parent { journal: journal.clone() });
    parent.tell(StartTooLate { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    parent.stop();
    gate.open();

    assert!(promptly("the end", parent.stopped()).await.is_clean());
    let entries = journal.entries();
    assert_eq!(entries, ["dropped", "start: stopping = true", "dropped", "spawn: alive = false, start failed: its parent is stopping"]);
}

#[tokio::test(start_paused = true)]
async fn a_system_that_has_shut_down_starts_nothing() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    system.shutdown().await;

    let refused = system.start(Newborn::new(Start::Ready, &journal)).await.unwrap_err();
    let stillborn = system.actor(Newborn::new(Start::Ready, &journal)).name("x").spawn();

    assert!(refused.is_stopping());
    assert!(!stillborn.is_alive());
    assert_eq!(stillborn.stopped().await, ExitReason::StartFailed(StartFailure::Stopping));
    assert_eq!(journal.entries(), ["dropped", "dropped"], "no hook ran, and the states are gone");
    assert!(system.lookup::<Newborn>("/x").is_none());
}

// ===== messages during the start =====

#[tokio::test(start_paused = true)]
async fn lif_5_messages_sent_during_a_slow_start_are_kept() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let actor = system.spawn(Newborn::new(Start::Wait(gate.clone()), &journal));
    gate.reached().await;
    for n in 0..10 {
        actor.tell(Count { n }).await.unwrap();
    }

    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(journal.is_empty(), "nothing is handled before the hook has finished");
    gate.open();

    actor.ask(Count { n: 10 }).await.unwrap();
    let expected: Vec<_> = std::iter::once("started".to_owned()).chain((0..=10).map(|n| format!("handled {n}"))).collect();
    assert_eq!(journal.entries(), expected);
}

// ===== the order of the hooks =====

#[tokio::test(start_paused = true)]
async fn lif_6_stop_hook_runs_once_after_the_childrens_when_a_handler_stops_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let parent = system.start(Newborn::with_children(Start::Ready, &journal)).await.unwrap();

    parent.tell(Leave).await.unwrap();

    assert_eq!(promptly("its end", parent.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["started", "b stopped", "a stopped", "stopped", "dropped"]);
}

#[tokio::test(start_paused = true)]
async fn lif_6_stop_hook_runs_once_after_the_childrens_when_the_start_hook_stops_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let parent = system.spawn(Newborn::with_children(Start::Stop, &journal));

    assert_eq!(promptly("its end", parent.stopped()).await, ExitReason::Normal);

    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(journal.entries(), ["started", "b stopped", "a stopped", "stopped", "dropped"]);
}
