//! Dead letters as messages, to actors that listen to them (S12.6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors_core::{Actor, ActorSystem, DeadLetter, Overflow, messages};
use tests::{Gate, Journal, promptly};

use crate::cast::settle;
use crate::subscriber::{Note, Word, slow};

/// Listens to dead letters, as slowly as its gate has it.
#[derive(Actor)]
struct Undertaker {
    journal: Journal,
    gate: Gate,
}

#[messages]
impl Undertaker {
    #[handle]
    async fn bury(&self, letter: Arc<DeadLetter>) {
        self.gate.pass().await;
        self.journal.note(letter.message_type());
    }
}

/// Has two messages in its queue and dies of it.
async fn lose_two(system: &ActorSystem) {
    let (lost, _, _gate) = slow(system, 8, Overflow::Wait).await;
    lost.tell(Word("lost")).await.unwrap();
    lost.tell(Note(1)).await.unwrap();
    lost.kill();
    promptly("it ends", lost.stopped()).await;
}

#[tokio::test(start_paused = true)]
async fn pub_5_a_dead_letter_listener_that_stops_does_not_get_its_own_left_overs() {
    let (system, journal, gate) = (ActorSystem::new("topics"), Journal::new(), Gate::new());
    let undertaker = system.spawn(Undertaker { journal: journal.clone(), gate: gate.clone() });
    let (letters, mut others) = (system.dead_letter_topic(), system.dead_letters());
    letters.subscribe(&undertaker);
    lose_two(&system).await;
    gate.reached().await;
    lose_two(&system).await;

    undertaker.stop();
    gate.open_wide();
    promptly("it ends", undertaker.stopped()).await;
    settle().await;

    assert_eq!(journal.entries(), ["Word"], "what it had in hand");
    assert_eq!(letters.subscriber_count(), 0);
    assert_eq!(system.dead_letter_count(), 4 + 3, "the letters it left are counted");
    let told: Vec<_> = std::iter::from_fn(|| others.try_recv()).map(|letter| letter.message_type()).collect();
    assert_eq!(told, ["Word", "Note", "Word", "Note"], "and nobody is told of them");
    assert!(promptly("the system settles", system.shutdown()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn pub_5_listeners_that_cannot_keep_up_beget_no_letters_without_end() {
    for overflow in [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest] {
        let (system, journal, gate) = (ActorSystem::new("topics"), Journal::new(), Gate::new());
        for _ in 0..2 {
            let listener = Undertaker { journal: journal.clone(), gate: gate.clone() };
            system.dead_letter_topic().subscribe(&system.actor(listener).mailbox(1).overflow(overflow).spawn());
        }

        for _ in 0..10 {
            lose_two(&system).await;
        }
        gate.open_wide();
        settle().await;

        assert!(system.dead_letter_count() >= 20, "{overflow:?}");
        assert!(system.dead_letter_count() <= 60, "{overflow:?}: {}", system.dead_letter_count());
        assert!(!journal.is_empty());
        assert!(promptly("the system settles", system.shutdown()).await.is_clean());
    }
}

#[tokio::test]
async fn who_reads_letters_of_its_own_making_lets_others_run() {
    let system = ActorSystem::new("letters");
    let (full, _, _gate) = slow(&system, 1, Overflow::DropNewest).await;
    full.try_tell(Note(0)).expect("there is room");
    let mut letters = system.dead_letters();
    full.try_tell(Note(1)).expect("it gives way");
    let others = Arc::new(AtomicBool::new(false));
    tokio::spawn({
        let others = others.clone();
        async move { others.store(true, Ordering::Relaxed) }
    });

    let mut read = 0;
    while !others.load(Ordering::Relaxed) && read < 10_000 {
        letters.recv().await.expect("the system is there");
        full.try_tell(Note(1)).expect("it gives way");
        read += 1;
    }

    assert!(others.load(Ordering::Relaxed), "after {read} letters");
}
