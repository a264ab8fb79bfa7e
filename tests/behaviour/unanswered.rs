//! Asks without an answer, because nobody is there, or not any more: each kind of failure is told apart.

use std::pin::pin;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, AskError, DeadReason, ExitReason, InFlight, Overflow, Refusal, ReplyTo, messages};
use tests::{Broken, Gate, is_pending, on_1_2_and_8_workers, promptly};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clerk::{Clerk, Crash, Double, Entry, Hold, Ledger, Toil, busy_clerk};

// ===== limits are inherited =====

const MS: fn(u64) -> Duration = Duration::from_millis;

// ===== nobody there =====

#[tokio::test(start_paused = true)]
async fn ask_3_ask_to_a_dead_actor_fails_at_once_and_an_unknown_name_has_none_to_ask() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();
    clerk.stop();
    clerk.stopped().await;
    let began = Instant::now();

    let refused = clerk.ask(Double { n: 5 }).within(Duration::from_secs(5)).await.unwrap_err();

    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(refused.is_not_running() && !refused.is_timeout(), "{refused:?}");
    assert_eq!(refused.to_string(), "/clerk did not take `Double`: it is not running");
    assert_eq!(refused.into_message(), Some(Double { n: 5 }));
    assert!(system.lookup::<Clerk>("/nobody").is_none(), "a name that nobody has gives no reference to ask");
    assert!(system.lookup::<Clerk>("/clerk").is_none());
}

#[tokio::test(start_paused = true)]
async fn ask_3_ask_to_an_actor_that_dies_meanwhile_fails_at_once() {
    let system = ActorSystem::new("test");
    let (clerk, _gate) = busy_clerk(&system).await;
    let mut asking = pin!(clerk.ask(Double { n: 5 }).within(Duration::from_secs(5)));
    assert!(is_pending(asking.as_mut()).await);

    clerk.kill();

    let began = Instant::now();
    let lost = asking.await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(100));
    assert!(lost.is_not_running(), "{lost:?}");
}

// ===== crashes =====

#[tokio::test(start_paused = true)]
async fn ask_4_a_handler_that_panics_is_a_crash_to_its_asker() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();

    let crashed = promptly("the news", clerk.ask(Crash)).await.unwrap_err();

    let AskError::Crashed { path, message_type, reason } = crashed else { panic!("{crashed}") };
    assert_eq!((path.to_string(), message_type), ("/clerk".into(), "Crash"));
    assert!(matches!(&reason, ExitReason::Panicked { message, .. } if **message == *"dropped the ledger"), "{reason}");
    assert_eq!(clerk.stopped().await, reason, "the asker and the waiter learn the same");
    // Nobody supervises it, so there is no incarnation that could answer.
    assert!(clerk.ask(Double { n: 1 }).await.unwrap_err().is_not_running());
}

#[tokio::test(start_paused = true)]
async fn ask_4_a_handler_that_fails_for_good_leaves_its_asker_without_a_reply() {
    let system = ActorSystem::new("test");
    let ledger = system.spawn(Ledger { sum: 0 });

    let unanswered = promptly("the news", ledger.ask_with(Entry::Spoil)).await.unwrap_err();

    assert!(matches!(unanswered, AskError::NoReply { .. }), "{unanswered:?}");
    let reason = ledger.stopped().await;
    assert_eq!(reason.error().and_then(|error| error.downcast_ref()), Some(&Broken("spoiled")));
}

#[tokio::test(start_paused = true)]
async fn ask_4_asks_queued_behind_a_crash_are_lost_with_their_message() {
    let system = ActorSystem::new("test");
    let (clerk, gate) = busy_clerk(&system).await;
    clerk.tell(Crash).await.unwrap();
    let mut behind = pin!(clerk.ask(Double { n: 5 }));
    assert!(is_pending(behind.as_mut()).await);

    gate.open();

    let lost = promptly("the news", behind).await.unwrap_err();
    assert!(matches!(lost, AskError::Lost(_)) && lost.to_string() == "/clerk ended before it handled `Double`", "{lost}");
    assert_eq!(lost.into_message(), Some(Double { n: 5 }));
}

#[tokio::test(start_paused = true)]
async fn a_handler_cut_short_is_a_crash_to_its_asker() {
    for cut in ["kill", "stop"] {
        let system = ActorSystem::new("test");
        let clerk = system.actor(Clerk::default()).in_flight(InFlight::Cancel).spawn();
        let gate = Gate::new();
        let mut asking = pin!(clerk.ask(Hold { gate: gate.clone() }));
        assert!(is_pending(asking.as_mut()).await);

        if cut == "kill" {
            clerk.kill()
        } else {
            clerk.stop()
        }

        let crashed = promptly("the news", asking).await.unwrap_err();
        assert!(matches!(crashed, AskError::Crashed { .. }), "after {cut}: {crashed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ask_5_queued_asks_are_bounced_when_the_actor_is_killed() {
    let system = ActorSystem::new("test");
    let mut letters = system.dead_letters();
    let (clerk, _gate) = busy_clerk(&system).await;
    clerk.tell(Double { n: 1 }).await.unwrap();
    let mut asking = pin!(clerk.ask(Double { n: 2 }));
    assert!(is_pending(asking.as_mut()).await);

    clerk.kill();

    let lost = promptly("the news", asking).await.unwrap_err();
    assert!(matches!(lost, AskError::Lost(_)) && lost.is_not_running(), "{lost:?}");
    assert_eq!(lost.into_message(), Some(Double { n: 2 }));
    clerk.stopped().await;
    let letter = letters.try_recv().expect("the plain message is a dead letter");
    assert_eq!((letter.reason(), letter.take()), (DeadReason::Killed, Some(Double { n: 1 })));
    assert!(letters.try_recv().is_none(), "and the ask is not");
}

#[test]
fn ask_5_no_ask_hangs_when_its_actor_is_killed_at_any_moment() {
    on_1_2_and_8_workers(|| async {
        for round in 0..50 {
            let system = ActorSystem::new("test");
            let clerk = system.actor(Clerk::default()).mailbox(4).spawn();
            let mut asks = JoinSet::new();
            for n in 0..16 {
                let clerk = clerk.clone();
                asks.spawn(async move { clerk.ask(Double { n }).await.map_err(|lost| (n, lost)) });
            }
            for _ in 0..round % 8 {
                tokio::task::yield_now().await;
            }
            clerk.kill();
            while let Some(outcome) = promptly("every ask ends", asks.join_next()).await {
                let Err((n, lost)) = outcome.unwrap() else { continue };
                assert!(lost.is_not_running(), "{lost:?}");
                assert_eq!(lost.into_message(), Some(Double { n }), "with its message");
            }
            assert_eq!(system.dead_letter_count(), 0);
        }
    });
}

// ===== the kinds of failure, side by side =====

#[tokio::test(start_paused = true)]
async fn the_kinds_of_failure_answer_the_same_questions_differently() {
    let system = ActorSystem::new("test");
    let limit = Duration::from_millis(10);
    let full = system.actor(Clerk::default()).mailbox(1).spawn();
    let gate = Gate::new();
    full.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    full.tell(Double { n: 0 }).await.unwrap();
    let gone = system.spawn(Clerk::default());
    gone.stop();
    gone.stopped().await;
    let clerk = system.spawn(Clerk::default());

    // (not running, timed out, message back)
    let questions = |error: AskError<Double>| (error.is_not_running(), error.is_timeout(), error.into_message().is_some());
    assert_eq!(questions(full.ask(Double { n: 1 }).within(limit).await.unwrap_err()), (false, true, true), "no room in time");
    assert_eq!(questions(gone.ask(Double { n: 1 }).await.unwrap_err()), (true, false, true), "gone");
    let in_handler = clerk.ask(Toil { takes: MS(100) }).within(limit).await.unwrap_err();
    assert_eq!((in_handler.is_not_running(), in_handler.is_timeout()), (false, true), "in the handler");
    assert_eq!(questions(clerk.ask(Double { n: 1 }).within(limit).await.unwrap_err()), (false, true, false), "in the queue");
    let crashed = clerk.ask(Crash).await.unwrap_err();
    assert_eq!((crashed.is_not_running(), crashed.is_timeout(), crashed.path() == Some(&clerk.path())), (false, false, true), "crashed");
    let AskError::NotDelivered(refused) = clerk.ask(Double { n: 1 }).await.unwrap_err() else { panic!("it has crashed") };
    assert_eq!(refused.reason(), Refusal::Stopped);
}

/// Never waits, and never answers.
#[derive(Actor)]
struct Forgetful;

#[messages]
impl Forgetful {
    #[message]
    fn forget(&self, reply: ReplyTo<u32>) {
        drop(reply);
    }
}

#[tokio::test(start_paused = true)]
async fn s4_6_a_reply_that_is_dropped_is_not_taken_for_one_of_a_message_that_was_lost_before() {
    let system = ActorSystem::new("test");
    let forgetful = system.actor(Forgetful).mailbox(1).overflow(Overflow::DropOldest).spawn();

    let (lost, forgotten) = tokio::join!(forgetful.ask(Forget), forgetful.ask(Forget));

    assert!(matches!(lost, Err(AskError::Lost(_))), "{lost:?}");
    assert!(matches!(forgotten, Err(AskError::NoReply { .. })), "{forgotten:?}");
}
