//! What a full mailbox does with one message more: the policies that make nobody wait (S4.5).

use std::pin::pin;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, AskError, DeadReason, OnStop, Overflow, Refusal, messages};
use tests::{Gate, Journal, eventually, is_pending, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

use crate::ear::{Count, Listener, Note, Paused, note, paused, text_of};
use crate::worker::{Record, busy_worker, fill};

#[tokio::test(start_paused = true)]
async fn reject_gives_the_newest_message_back_at_once() {
    let Paused { system, ear, journal, gate } = paused(Overflow::Reject).await;
    for text in ["a", "b"] {
        ear.tell(note(text)).await.unwrap();
    }
    let began = Instant::now();
    for refused in [ear.tell(note("c")).await, ear.tell(note("c")).within(Duration::from_secs(1)).await, ear.try_tell(note("c"))] {
        assert_eq!(refused.unwrap_err().reason(), Refusal::Full);
    }
    assert!(matches!(ear.ask(Count).await, Err(AskError::NotDelivered(refused)) if refused.is_full()));
    assert_eq!(began.elapsed(), Duration::ZERO);
    gate.open();
    eventually("the others are handled", || journal.entries() == ["a", "b"]).await;
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn drop_newest_accepts_the_message_and_makes_a_dead_letter_of_it() {
    let Paused { system, ear, journal, gate } = paused(Overflow::DropNewest).await;
    let mut letters = system.dead_letters();
    for text in ["a", "b", "c"] {
        ear.tell(note(text)).await.unwrap();
    }
    ear.try_tell(note("d")).unwrap();
    gate.open();
    eventually("the others are handled", || journal.entries() == ["a", "b"]).await;
    let dropped: Vec<_> = std::iter::from_fn(|| letters.try_recv()).collect();
    assert_eq!(dropped.iter().map(|letter| letter.reason()).collect::<Vec<_>>(), [DeadReason::Newest; 2]);
    assert_eq!(dropped.iter().map(|letter| text_of(letter)).collect::<Vec<_>>(), ["c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn drop_oldest_makes_room_by_a_dead_letter_of_what_waited_longest() {
    let Paused { system, ear, journal, gate } = paused(Overflow::DropOldest).await;
    let mut letters = system.dead_letters();
    for text in ["a", "b", "c", "d"] {
        ear.tell(note(text)).await.unwrap();
    }
    ear.try_tell(note("e")).unwrap();
    assert_eq!(ear.queued(), 2);
    gate.open();
    eventually("the others are handled", || journal.entries() == ["d", "e"]).await;
    let dropped: Vec<_> = std::iter::from_fn(|| letters.try_recv()).collect();
    assert_eq!(dropped.iter().map(|letter| letter.reason()).collect::<Vec<_>>(), [DeadReason::Oldest; 3]);
    assert_eq!(dropped.iter().map(|letter| text_of(letter)).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(ear.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_had_to_make_room_fails_at_its_caller_and_is_no_dead_letter() {
    let Paused { system, ear, gate, .. } = paused(Overflow::DropOldest).await;
    let asker = ear.clone();
    let asked = tokio::spawn(async move { asker.ask(Count).await });
    tokio::task::yield_now().await;
    ear.tell(note("a")).await.unwrap();
    ear.tell(note("b")).await.unwrap();
    let error = promptly("the answer", asked).await.unwrap().unwrap_err();
    assert!(matches!(error, AskError::Lost(_)), "{error}");
    assert_eq!(system.dead_letter_count(), 0);
    gate.open();
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_type_is_what_its_derive_says_and_the_builder_may_change_it() {
    #[derive(Actor)]
    #[actor(mailbox = 1, overflow = "drop_newest")]
    struct Small(Gate);
    #[messages]
    impl Small {
        #[message]
        async fn hold(&mut self) {
            self.0.pass().await;
        }
        #[handle]
        fn on(&mut self, _note: Note) {}
    }
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let dropping = system.spawn(Small(gate.clone()));
    let rejecting = system.actor(Small(gate.clone())).overflow(Overflow::Reject).spawn();
    for small in [&dropping, &rejecting] {
        small.tell(Hold).await.unwrap();
        promptly("the handler begins", gate.reached()).await;
        small.tell(note("a")).await.unwrap();
    }
    dropping.tell(note("b")).await.unwrap();
    assert_eq!(system.dead_letter_count(), 1);
    assert!(rejecting.tell(note("b")).await.unwrap_err().is_full());
    gate.open_wide();
}

#[test]
fn no_message_is_lost_or_doubled_by_drop_oldest_on_any_number_of_workers() {
    const SENDERS: usize = 4;
    const EACH: usize = 500;
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let listener = Listener { journal: journal.clone(), gate: Gate::new() };
        let ear = system.actor(listener).mailbox(4).overflow(Overflow::DropOldest).on_stop(OnStop::Drain).spawn();
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let ear = ear.clone();
                tokio::spawn(async move {
                    for n in 0..EACH {
                        ear.tell(Note(format!("{sender} {n}"))).await.unwrap();
                    }
                })
            })
            .collect();
        for sender in senders {
            promptly("the sender", sender).await.unwrap();
        }
        ear.stop();
        promptly("the end", ear.stopped()).await;
        let mut handled = journal.entries();
        assert_eq!(handled.len() as u64 + system.dead_letter_count(), (SENDERS * EACH) as u64);
        handled.sort();
        handled.dedup();
        assert_eq!(handled.len(), journal.len());
    });
}

#[tokio::test(start_paused = true)]
async fn overflow_reject_gives_the_new_message_back_at_once() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 2, Overflow::Reject, &journal).await;
    fill(&worker, 0..2);
    let began = Instant::now();

    let told = worker.tell(Record { n: 2 }).await.unwrap_err();
    let asked = worker.ask(Record { n: 3 }).await.unwrap_err();

    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!((told.reason(), told.into_message().n), (Refusal::Full, 2));
    assert_eq!(asked.into_message().map(|message| message.n), Some(3));
    gate.open();
    worker.drain();
    worker.stopped().await;
    assert_eq!((journal.entries(), system.dead_letter_count()), (vec!["held".into(), "0".into(), "1".into(), "stopped".into()], 0));
}

#[tokio::test(start_paused = true)]
async fn overflow_drop_newest_makes_a_dead_letter_of_the_new_message() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut letters = system.dead_letters();
    let (worker, gate) = busy_worker(&system, 2, Overflow::DropNewest, &journal).await;
    fill(&worker, 0..2);

    worker.tell(Record { n: 2 }).await.expect("it is accepted");
    let lost = worker.ask(Record { n: 3 }).await.unwrap_err();

    let letter = letters.try_recv().expect("the tell is a dead letter");
    assert_eq!((letter.reason(), letter.path().to_string(), letter.message_type()), (DeadReason::Newest, "/worker".into(), "Record"));
    assert_eq!(letter.take::<Record>(), Some(Record { n: 2 }));
    assert!(matches!(lost, AskError::Lost(_)), "{lost}");
    assert_eq!(lost.into_message(), Some(Record { n: 3 }));
    gate.open();
    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "0", "1", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn overflow_drop_oldest_makes_a_dead_letter_of_what_has_waited_longest() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut letters = system.dead_letters();
    let (worker, gate) = busy_worker(&system, 2, Overflow::DropOldest, &journal).await;
    let mut oldest = pin!(worker.ask(Record { n: 0 }));
    assert!(is_pending(oldest.as_mut()).await);
    fill(&worker, 1..4);

    let lost = promptly("the news that it had to make room", oldest).await.unwrap_err();

    assert!(matches!(lost, AskError::Lost(_)), "{lost}");
    let letter = letters.try_recv().expect("the tell is a dead letter");
    assert_eq!((letter.reason(), letter.take::<Record>()), (DeadReason::Oldest, Some(Record { n: 1 })));
    gate.open();
    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "2", "3", "stopped"]);
}
