//! Telling: what is accepted, what is refused and comes back, what waits for room, and what becomes a dead letter.

use std::task::Poll;
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, AskError, Context, DeadLetter, DeadReason, ExitReason, OnStop, Overflow, Recipient, Refusal, TellError,
    messages,
};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

/// Notes what it is told; waits at its gate where a message says so.
#[derive(Actor)]
struct Listener {
    journal: Journal,
    gate: Gate,
}

#[derive(Debug, PartialEq)]
struct Note(String);

#[messages]
impl Listener {
    #[handle]
    fn on(&mut self, note: Note) {
        self.journal.note(note.0);
    }

    #[message(derive(Debug))]
    async fn pause(&mut self) {
        self.gate.pass().await;
    }

    #[message]
    fn fail(&mut self) {
        panic!("on purpose");
    }

    #[message]
    fn count(&self) -> usize {
        self.journal.len()
    }

    /// Tells itself `times` notes and notes how that went.
    #[message]
    async fn tell_myself(&mut self, times: u32, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        for n in 0..times {
            if let Err(refused) = me.tell(Note(format!("own {n}"))).await {
                self.journal.note(format!("{:?} {}", refused.reason(), refused.into_message().0));
            }
        }
    }

    #[message]
    async fn tell_myself_as_recipient(&mut self, ctx: &mut Context<Self>) {
        let me: Recipient<Note> = ctx.actor_ref().recipient();
        while me.try_tell(Note("own".into())).is_ok() {}
        let refused = me.tell(Note("own".into())).within(Duration::from_secs(1)).await.unwrap_err();
        self.journal.note(format!("{:?} {}", refused.reason(), refused.into_message().0));
    }

    /// Has a helper tell the actor more than it has room for.
    #[message]
    fn tell_from_a_helper(&mut self, times: u32, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        ctx.spawn_task(async move {
            for n in 0..times {
                me.tell(Note(format!("{n}"))).await.expect("a helper may wait");
            }
        });
    }

    /// Fills its own mailbox from a blocking job, which waits for room.
    #[message]
    fn tell_from_a_thread(&mut self, times: u32, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        ctx.spawn_blocking(move |_| {
            for n in 0..times {
                me.blocking_tell(Note(format!("{n}"))).expect("the actor lives");
            }
        });
    }
}

/// A listener named `ear` with room for two, which stands at its gate.
struct Paused {
    system: ActorSystem,
    ear: ActorRef<Listener>,
    journal: Journal,
    gate: Gate,
}

async fn paused(overflow: Overflow) -> Paused {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let listener = Listener { journal: journal.clone(), gate: gate.clone() };
    let ear = system.actor(listener).name("ear").mailbox(2).overflow(overflow).spawn();
    ear.tell(Pause).await.unwrap();
    promptly("the handler begins", gate.reached()).await;
    Paused { system, ear, journal, gate }
}

/// As [`paused`], and full.
async fn full() -> Paused {
    let paused = paused(Overflow::Wait).await;
    for text in ["a", "b"] {
        paused.ear.try_tell(note(text)).unwrap();
    }
    paused
}

fn listener(system: &ActorSystem, journal: &Journal) -> ActorRef<Listener> {
    system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).name("ear").spawn()
}

fn note(text: &str) -> Note {
    Note(text.into())
}

/// Polls once.
async fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

fn text_of(letter: &DeadLetter) -> String {
    letter.take::<Note>().expect("a note").0
}

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

// ===== waiting for room =====

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_makes_a_tell_wait_until_a_message_is_taken() {
    let Paused { system: _system, ear, journal, gate, .. } = full().await;
    let mut waiting = ear.tell(note("c"));
    assert!(once(&mut waiting).await.is_pending());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(once(&mut waiting).await.is_pending());
    gate.open();
    promptly("there is room", waiting).await.unwrap();
    eventually("all are handled", || journal.entries() == ["a", "b", "c"]).await;
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_in_the_order_in_which_they_came() {
    let Paused { system: _system, ear, journal, gate, .. } = full().await;
    let senders: Vec<_> = (0..20)
        .map(|n| {
            let ear = ear.clone();
            async move { ear.tell(Note(n.to_string())).await.unwrap() }
        })
        .collect();
    let mut tasks = Vec::new();
    for sender in senders {
        tasks.push(tokio::spawn(sender));
        tokio::task::yield_now().await;
    }
    gate.open();
    for task in tasks {
        promptly("the sender", task).await.unwrap();
    }
    let mut expected = vec!["a".to_owned(), "b".to_owned()];
    expected.extend((0..20).map(|n| n.to_string()));
    eventually("all are handled", || journal.entries() == expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake_those_who_wait() {
    let Paused { system: _system, ear, journal, gate, .. } = full().await;
    let mut waiting = [ear.tell(note("c")), ear.tell(note("d"))];
    for tell in &mut waiting {
        assert!(once(tell).await.is_pending());
    }
    gate.open();
    eventually("the room was given away", || journal.entries() == ["a", "b"]).await;
    // Both places belong to those who waited, though they have not used them yet.
    assert!(ear.try_tell(note("newcomer")).unwrap_err().is_full());
    for tell in waiting {
        promptly("its turn", tell).await.unwrap();
    }
    eventually("all are handled", || journal.entries() == ["a", "b", "c", "d"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_pending_tell_that_is_dropped_has_sent_nothing_and_leaves_the_line() {
    let Paused { system: _system, ear, journal, gate, .. } = full().await;
    let (mut first, mut second) = (ear.tell(note("first")), ear.tell(note("second")));
    assert!(once(&mut first).await.is_pending() && once(&mut second).await.is_pending());
    drop(first);
    gate.open();
    promptly("its turn", second).await.unwrap();
    eventually("all are handled", || journal.entries() == ["a", "b", "second"]).await;
}

#[tokio::test(start_paused = true)]
async fn room_that_was_granted_to_a_tell_that_is_dropped_goes_to_the_next() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: gate.clone() }).mailbox(1).spawn();
    ear.tell(Pause).await.unwrap();
    promptly("the handler begins", gate.reached()).await;
    ear.try_tell(note("a")).unwrap();
    let (mut first, mut second) = (ear.tell(note("first")), ear.tell(note("second")));
    assert!(once(&mut first).await.is_pending() && once(&mut second).await.is_pending());
    gate.open();
    // Room for one: it is granted to the first, which never uses it.
    eventually("a is handled", || journal.entries() == ["a"]).await;
    assert!(once(&mut second).await.is_pending());
    drop(first);
    promptly("its turn", second).await.unwrap();
    eventually("all are handled", || journal.entries() == ["a", "second"]).await;
    promptly("the mailbox has all its room again", ear.tell(note("b"))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_gives_those_who_wait_their_messages_back() {
    for drain in [false, true] {
        let Paused { system: _system, ear, gate, journal, .. } = full().await;
        let waiting = ear.clone();
        let task = tokio::spawn(async move { waiting.tell(note("c")).await });
        tokio::task::yield_now().await;
        if drain {
            ear.drain()
        } else {
            ear.stop()
        }
        let refused = promptly("the refusal", task).await.unwrap().unwrap_err();
        assert_eq!((refused.reason(), refused.into_message()), (Refusal::Stopping, note("c")));
        gate.open();
        promptly("the end", ear.stopped()).await;
        assert_eq!(journal.entries(), if drain { vec!["a", "b"] } else { vec![] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_gives_those_who_wait_their_messages_back() {
    let Paused { system: _system, ear, .. } = full().await;
    let mut waiting: Vec<_> = (0..3).map(|n| ear.tell(Note(n.to_string()))).collect();
    for tell in &mut waiting {
        assert!(once(tell).await.is_pending());
    }
    ear.kill();
    for (n, tell) in waiting.into_iter().enumerate() {
        let refused = promptly("the refusal", tell).await.unwrap_err();
        assert!(refused.is_not_running());
        assert_eq!(refused.into_message(), Note(n.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_what_waited_for_room_has_come_back_or_is_a_dead_letter() {
    let Paused { system, ear, gate, .. } = paused(Overflow::Wait).await;
    ear.try_tell(Fail).unwrap();
    ear.try_tell(note("b")).unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|n| {
            let ear = ear.clone();
            tokio::spawn(async move { ear.tell(Note(n.to_string())).await })
        })
        .collect();
    tokio::task::yield_now().await;
    gate.open();
    let mut accepted = 0;
    for task in waiting {
        match promptly("the tell", task).await.unwrap() {
            Ok(()) => accepted += 1,
            Err(refused) => assert!(refused.is_not_running()),
        }
    }
    promptly("the end", ear.stopped()).await;
    assert_eq!(system.dead_letter_count(), 1 + accepted);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_tell_waits_for_room_on_its_own_thread() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let ear = system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).mailbox(1).spawn();
    let sender = ear.clone();
    let sending = tokio::task::spawn_blocking(move || {
        for n in 0..50 {
            sender.blocking_tell(Note(n.to_string())).unwrap();
        }
    });
    sending.await.unwrap();
    assert_eq!(ear.ask(Count).await.unwrap(), 50);
    assert_eq!(journal.entries(), (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "within a runtime")]
async fn a_blocking_tell_panics_on_a_thread_that_runs_async_code() {
    let system = ActorSystem::new("test");
    let _ = listener(&system, &Journal::new()).blocking_tell(note("a"));
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

// ===== overflow =====

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

// ===== dead letters =====

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
