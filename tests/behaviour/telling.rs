//! Telling: what is accepted, what is refused and comes back, and what an actor may tell itself.

use std::time::Duration;

use actors_core::{Actor, ActorSystem, Overflow, Recipient, Refusal, TellError, messages};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

use crate::ear::{
    Count, Listener, Note, Pause, Paused, TellFromAHelper, TellFromAThread, TellMyself, TellMyselfAsRecipient, full, listener, note, paused,
};

// ===== what is accepted =====

#[tokio::test(start_paused = true)]
async fn a_tell_returns_before_its_message_is_handled() {
    let Paused { system: _system, ear, journal, gate, .. } = paused(Overflow::Wait).await;
    promptly("the tell", ear.tell(note("later"))).await.unwrap();
    assert_eq!((journal.len(), ear.queued()), (0, 1));
    gate.open();
    eventually("it is handled", || journal.entries() == ["later"]).await;
    assert_eq!(ear.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tell_that_is_never_polled_sends_nothing() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = listener(&system, &journal);
    drop(ear.tell(note("never")));
    assert_eq!(ear.ask(Count).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn tell_and_try_tell_and_a_recipient_keep_the_order_of_one_sender() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = listener(&system, &journal);
    let narrow: Recipient<Note> = ear.recipient();
    for n in 0..40 {
        let note = Note(n.to_string());
        match n % 4 {
            0 => ear.tell(note).await.unwrap(),
            1 => ear.try_tell(note).unwrap(),
            2 => narrow.tell(note).await.unwrap(),
            _ => narrow.try_tell(note).unwrap(),
        }
    }
    assert_eq!(ear.ask(Count).await.unwrap(), 40);
    assert_eq!(journal.entries(), (0..40).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn the_order_of_each_sender_is_kept_through_a_small_mailbox_on_any_number_of_workers() {
    const SENDERS: usize = 8;
    const EACH: usize = 200;
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let ear = system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).mailbox(3).spawn();
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
        assert_eq!(promptly("the count", ear.ask(Count)).await.unwrap(), SENDERS * EACH);
        let entries = journal.entries();
        for sender in 0..SENDERS {
            let of_sender: Vec<_> = entries.iter().filter(|entry| entry.starts_with(&format!("{sender} "))).collect();
            assert_eq!(of_sender, (0..EACH).map(|n| format!("{sender} {n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        }
    });
}

#[tokio::test(start_paused = true)]
async fn an_unbounded_mailbox_never_makes_a_sender_wait() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: gate.clone() }).unbounded().spawn();
    ear.tell(Pause).await.unwrap();
    for n in 0..10_000 {
        ear.try_tell(Note(n.to_string())).unwrap();
    }
    gate.open();
    assert_eq!(promptly("all are handled", ear.ask(Count)).await.unwrap(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn recipients_of_one_message_reach_actors_of_any_type() {
    #[derive(Actor)]
    struct Other(Journal);
    #[messages]
    impl Other {
        #[handle]
        fn on(&mut self, note: Note) {
            self.0.note(format!("other {}", note.0));
        }
    }
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let other = system.actor(Other(journal.clone())).name("other").spawn();
    let recipients: Vec<Recipient<Note>> = vec![listener(&system, &journal).recipient(), other.recipient()];
    for recipient in &recipients {
        assert!(recipient.is_alive());
        recipient.clone().tell(note("hello")).await.unwrap();
    }
    eventually("both are handled", || journal.len() == 2).await;
    let mut entries = journal.entries();
    entries.sort();
    assert_eq!(entries, ["hello", "other hello"]);
    assert_eq!(recipients.iter().map(|recipient| recipient.path().to_string()).collect::<Vec<_>>(), ["/ear", "/other"]);
    other.stop();
    assert!(!recipients[1].is_alive());
}

// ===== what is refused =====

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_refuses_a_try_tell_and_gives_the_message_back() {
    let Paused { system: _system, ear, journal, gate, .. } = full().await;
    let narrow: Recipient<Note> = ear.recipient();
    for refused in [ear.try_tell(note("c")), narrow.try_tell(note("c"))] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.reason(), refused.is_full(), refused.is_not_running()), (Refusal::Full, true, false));
        assert_eq!(*refused.path(), "/ear");
        assert_eq!(refused.message_type(), "Note");
        assert_eq!(refused.to_string(), "/ear did not take `Note`: its mailbox is full");
        assert_eq!(refused.into_message(), note("c"));
    }
    gate.open();
    eventually("what was accepted is handled", || journal.entries() == ["a", "b"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_can_be_passed_between_threads_and_boxed_whatever_the_message_is() {
    fn check<E: std::error::Error + Send + Sync + 'static>() {}
    // A `Cell` is `Send` and not `Sync`.
    check::<TellError<std::cell::Cell<u8>>>();
}

#[tokio::test(start_paused = true)]
async fn every_way_to_send_is_refused_from_the_moment_of_the_stop() {
    let Paused { system: _system, ear, gate, .. } = paused(Overflow::Wait).await;
    let narrow: Recipient<Note> = ear.recipient();
    ear.stop();
    let blocking = {
        let ear = ear.clone();
        tokio::task::spawn_blocking(move || ear.blocking_tell(note("c"))).await.unwrap()
    };
    let refusals = [
        ear.tell(note("c")).await,
        ear.tell(note("c")).within(Duration::from_secs(1)).await,
        ear.try_tell(note("c")),
        narrow.tell(note("c")).await,
        narrow.try_tell(note("c")),
        blocking,
    ];
    for refused in refusals {
        let refused = refused.unwrap_err();
        assert_eq!((refused.reason(), refused.is_not_running(), refused.is_full()), (Refusal::Stopping, true, false));
        assert_eq!(refused.to_string(), "/ear did not take `Note`: it is stopping");
        assert_eq!(refused.into_message(), note("c"));
    }
    gate.open();
    promptly("the end", ear.stopped()).await;
    let refused = ear.tell(note("c")).await.unwrap_err();
    assert_eq!((refused.reason(), refused.is_not_running()), (Refusal::Stopped, true));
    assert_eq!(refused.to_string(), "/ear did not take `Note`: it is not running");
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_is_no_dead_letter() {
    let Paused { system, ear, gate, .. } = full().await;
    ear.try_tell(note("c")).unwrap_err();
    gate.open_wide();
    ear.drain();
    promptly("the end", ear.stopped()).await;
    ear.tell(note("d")).await.unwrap_err();
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tell_within_a_limit_gives_the_message_back_when_it_passes() {
    let Paused { system: _system, ear, journal, gate, .. } = full().await;
    let began = Instant::now();
    let refused = ear.tell(note("c")).within(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_millis(50));
    assert_eq!((refused.reason(), refused.is_full(), refused.is_not_running()), (Refusal::TimedOut, false, false));
    assert_eq!(refused.to_string(), "/ear did not take `Note`: there was no room in its mailbox in time");
    assert_eq!(refused.into_message(), note("c"));
    gate.open();
    assert_eq!(promptly("the count", ear.ask(Count)).await.unwrap(), 2);
    assert_eq!(journal.entries(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_tell_within_a_limit_goes_through_when_there_is_room_in_time() {
    let Paused { system: _system, ear, journal, gate, .. } = full().await;
    let narrow: Recipient<Note> = ear.recipient();
    let open = async {
        tokio::time::sleep(Duration::from_millis(49)).await;
        gate.open();
    };
    let limit = Duration::from_millis(50);
    let (first, second, ()) = tokio::join!(ear.tell(note("c")).within(limit), narrow.tell(note("d")).within(limit), open);
    assert!(first.is_ok() && second.is_ok());
    eventually("all are handled", || journal.entries() == ["a", "b", "c", "d"]).await;
}

// ===== telling oneself =====

#[tokio::test(start_paused = true)]
async fn an_actor_can_tell_itself_while_there_is_room() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).mailbox(4).spawn();
    ear.tell(TellMyself { times: 4 }).await.unwrap();
    eventually("all are handled", || journal.entries() == ["own 0", "own 1", "own 2", "own 3"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_tell_that_would_wait_for_its_own_actor_comes_back() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).mailbox(2).spawn();
    ear.tell(TellMyself { times: 3 }).await.unwrap();
    eventually("all are handled", || journal.len() == 3).await;
    assert_eq!(journal.entries(), ["WouldDeadlock own 2", "own 0", "own 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_tell_to_oneself_as_a_recipient_comes_back_at_once_as_well() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).mailbox(1).spawn();
    let began = Instant::now();
    ear.ask(TellMyselfAsRecipient).await.unwrap();
    assert_eq!(journal.entries()[0], "WouldDeadlock own");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_helper_may_wait_for_room_in_the_mailbox_of_its_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).mailbox(1).spawn();
    ear.tell(TellFromAHelper { times: 20 }).await.unwrap();
    eventually("all are handled", || journal.len() == 20).await;
    assert_eq!(journal.entries(), (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(ear.is_alive());
}

#[tokio::test]
async fn a_blocking_job_may_wait_for_room_in_the_mailbox_of_its_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).mailbox(1).spawn();
    ear.tell(TellFromAThread { times: 20 }).await.unwrap();
    eventually("all are handled", || journal.len() == 20).await;
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_stops_cannot_tell_itself_either() {
    let Paused { system: _system, ear, journal, gate, .. } = paused(Overflow::Wait).await;
    ear.try_tell(TellMyself { times: 1 }).unwrap();
    ear.drain();
    gate.open();
    promptly("the end", ear.stopped()).await;
    assert_eq!(journal.entries(), ["Stopping own 0"]);
}
