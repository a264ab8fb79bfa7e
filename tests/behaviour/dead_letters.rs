//! Dead letters: what was accepted and not handled, why, and who is told of it (S4.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, DeadReason, ExitReason, Overflow, messages};
use tests::{DropNote, Gate, Journal, on_1_2_and_8_workers, promptly};

use crate::ear::{Count, Fail, Listener, Note, Pause, Paused, full, listener, note, paused, text_of};

#[tokio::test(start_paused = true)]
async fn what_a_stop_discards_becomes_dead_letters_in_order() {
    let Paused { system, ear, gate, .. } = full().await;
    let mut letters = system.dead_letters();
    ear.stop();
    gate.open();
    promptly("the end", ear.stopped()).await;
    for text in ["a", "b"] {
        let letter = promptly("a dead letter", letters.recv()).await.unwrap();
        assert_eq!((*letter.path() == "/ear", letter.message_type(), letter.reason()), (true, "Note", DeadReason::Stopped));
        assert_eq!(format!("{letter:?}"), "DeadLetter(Note to /ear: Stopped)");
        assert_eq!(text_of(&letter), text);
    }
    assert!(letters.try_recv().is_none());
    assert_eq!((system.dead_letter_count(), letters.missed()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_says_why_its_message_was_not_handled() {
    type End = fn(&ActorRef<Listener>);
    let ends: [(DeadReason, End); 3] = [
        (DeadReason::Stopped, |ear| ear.stop()),
        (DeadReason::Killed, |ear| ear.kill()),
        (DeadReason::Failed, |_| ()), // its message does it
    ];
    for (reason, end) in ends {
        let Paused { system, ear, gate, .. } = paused(Overflow::Wait).await;
        let mut letters = system.dead_letters();
        if reason == DeadReason::Failed {
            ear.try_tell(Fail).unwrap();
        }
        ear.try_tell(note("a")).unwrap();
        end(&ear);
        gate.open();
        promptly("the end", ear.stopped()).await;
        let letter = letters.try_recv().expect("a dead letter");
        assert_eq!((letter.reason(), text_of(&letter)), (reason, "a".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn messages_to_an_actor_that_did_not_start_become_dead_letters() {
    #[derive(Actor)]
    struct Unwilling(Gate);
    #[messages]
    impl Unwilling {
        #[started]
        async fn decline(&mut self, ctx: &mut Context<Self>) {
            self.0.pass().await;
            ctx.decline();
        }
        #[handle]
        fn on(&mut self, _note: Note) {}
    }
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let mut letters = system.dead_letters();
    let unwilling = system.spawn(Unwilling(gate.clone()));
    unwilling.tell(note("a")).await.unwrap();
    gate.open();
    let letter = promptly("a dead letter", letters.recv()).await.unwrap();
    assert_eq!((letter.reason(), text_of(&letter)), (DeadReason::NotStarted, "a".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_message_of_a_dead_letter_can_be_taken_once_as_what_it_is() {
    let Paused { system, ear, gate, .. } = full().await;
    let (mut mine, mut others) = (system.dead_letters(), system.dead_letters());
    ear.stop();
    gate.open();
    promptly("the end", ear.stopped()).await;
    let (mine, others) = (mine.try_recv().unwrap(), others.try_recv().unwrap());
    assert!(mine.take::<String>().is_none(), "it is no `String`, and stays");
    assert_eq!(mine.take::<Note>(), Some(note("a")));
    assert_eq!(others.take::<Note>(), None, "somebody else was faster");
    assert_eq!(others.message_type(), "Note");
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_misses_the_oldest_letters_and_knows_how_many() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut letters = system.dead_letters();
    let ear = system.actor(Listener { journal, gate: Gate::new() }).unbounded().spawn();
    ear.tell(Pause).await.unwrap();
    for n in 0..1_500 {
        ear.try_tell(Note(n.to_string())).unwrap();
    }
    ear.kill();
    promptly("the end", ear.stopped()).await;
    // The pause too, unless it had begun.
    let all = system.dead_letter_count();
    let first = letters.try_recv().unwrap();
    assert_eq!(letters.missed(), all - 1_024);
    assert_eq!(text_of(&first), (1_500 - 1_024).to_string());
}

#[tokio::test(start_paused = true)]
async fn the_letters_that_a_slow_subscriber_misses_are_dropped() {
    let (system, journal, taken) = (ActorSystem::new("test"), Journal::new(), Arc::new(AtomicUsize::new(0)));
    let letters = system.dead_letters();
    let porter = system.actor(Porter { taken }).unbounded().spawn();
    for _ in 0..1_500 {
        porter.try_tell(Parcel { _content: journal.drop_note("parcel") }).unwrap();
    }

    porter.kill();
    promptly("the end", porter.stopped()).await;

    // One may have been in hand.
    let dropped = u64::try_from(journal.len()).unwrap();
    assert!((letters.missed()..=letters.missed() + 1).contains(&dropped), "{dropped} of {}", letters.missed());
    assert!(letters.missed() >= 1_500 - 1_024 - 1);
}

// On a clock that goes: the thread that watches a shutdown lets go of the system in its own time.
#[tokio::test]
async fn a_subscription_ends_when_the_system_is_gone() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut letters = system.dead_letters();
    let ear = listener(&system, &journal);
    assert_eq!(system.shutdown().await.dead_letters, 0);
    drop((system, ear));
    assert!(promptly("the end of the subscription", letters.recv()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn asks_and_dead_subscribers_leave_no_dead_letters_behind() {
    let Paused { system, ear, gate, .. } = paused(Overflow::Wait).await;
    drop(system.dead_letters());
    let asker = ear.clone();
    let asked = tokio::spawn(async move { asker.ask(Count).await });
    tokio::task::yield_now().await;
    ear.try_tell(note("a")).unwrap();
    ear.stop();
    gate.open();
    assert!(matches!(promptly("the answer", asked).await.unwrap(), Err(AskError::Lost(_))));
    assert_eq!(ear.stopped().await, ExitReason::Normal);
    assert_eq!(system.dead_letter_count(), 1, "the tell alone");
}

/// A message with a destructor to be watched.
struct Parcel {
    _content: DropNote,
}

/// Counts the parcels it takes.
#[derive(Actor)]
struct Porter {
    taken: Arc<AtomicUsize>,
}

#[messages]
impl Porter {
    #[handle]
    async fn on(&mut self, parcel: Parcel) {
        tokio::task::yield_now().await;
        self.taken.fetch_add(1, Ordering::SeqCst);
        drop(parcel);
    }
}

#[test]
fn an_accepted_message_is_handled_or_a_dead_letter_and_never_vanishes() {
    on_1_2_and_8_workers(|| async {
        for round in 0..100_u32 {
            let (system, journal, taken) = (ActorSystem::new("test"), Journal::new(), Arc::new(AtomicUsize::new(0)));
            let porter = system.actor(Porter { taken: taken.clone() }).mailbox(4).spawn();
            let sender = {
                let (porter, journal) = (porter.clone(), journal.clone());
                tokio::spawn(async move {
                    let mut accepted = 0;
                    while porter.tell(Parcel { _content: journal.drop_note("parcel") }).await.is_ok() {
                        accepted += 1;
                    }
                    accepted
                })
            };
            for _ in 0..round % 10 {
                tokio::task::yield_now().await;
            }
            match round % 3 {
                0 => porter.stop(),
                1 => porter.kill(),
                _ => porter.drain(),
            }
            promptly("the end", porter.stopped()).await;

            let accepted: usize = promptly("the last refusal", sender).await.unwrap();
            assert_eq!(journal.len(), accepted + 1, "each was dropped once, the refused one too");
            let dead = usize::try_from(system.dead_letter_count()).unwrap();
            match round % 3 {
                0 => assert_eq!(taken.load(Ordering::SeqCst) + dead, accepted, "stopped"),
                // A kill may have cut one short in its handler.
                1 => assert!((0..=1).contains(&(accepted - dead - taken.load(Ordering::SeqCst))), "killed"),
                _ => assert_eq!((taken.load(Ordering::SeqCst), dead), (accepted, 0), "drained"),
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_not_kept_for_one_who_reads_no_more() {
    let Paused { system, ear, gate, .. } = full().await;
    let mut letters = system.dead_letters();
    drop(system.dead_letters());
    ear.stop();
    gate.open();
    promptly("the end", ear.stopped()).await;

    let letter = letters.try_recv().expect("a dead letter");

    assert_eq!(Arc::strong_count(&letter), 1, "nobody else has it");
}
