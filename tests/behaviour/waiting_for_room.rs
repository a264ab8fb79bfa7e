//! A full mailbox: it refuses, or makes its senders wait in a line, which they may leave (S4.5).

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actors_core::{ActorSystem, AskError, Overflow, Refusal};
use tests::{Gate, Journal, eventually, is_pending, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

use crate::ear::{Count, Fail, Listener, Note, Pause, Paused, full, listener, note, paused};
use crate::worker::{Hold, Record, RecordToSelf, Worker, busy_worker, fill};

/// Polls once.
async fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

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

#[tokio::test(start_paused = true)]
async fn mbx_6_full_mailbox_refuses_waits_or_times_out_and_loses_nothing() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 3, Overflow::Wait, &journal).await;
    fill(&worker, 0..3);

    let full = worker.try_tell(Record { n: 100 }).unwrap_err();
    assert!(full.is_full());
    assert_eq!(full.into_message(), Record { n: 100 });

    let began = Instant::now();
    let late = worker.tell(Record { n: 101 }).within(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!((late.reason(), began.elapsed().as_millis() / 10), (Refusal::TimedOut, 5));
    assert_eq!(late.into_message(), Record { n: 101 });

    let mut waiting = pin!(worker.tell(Record { n: 3 }));
    assert!(is_pending(waiting.as_mut()).await);
    gate.open();
    promptly("room", waiting).await.unwrap();

    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "0", "1", "2", "3", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn mbx_6_a_waiting_send_completes_as_soon_as_one_message_has_been_taken() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, first) = busy_worker(&system, 2, Overflow::Wait, &journal).await;
    let second = Gate::new();
    worker.try_tell(Hold { gate: second.clone() }).unwrap();
    fill(&worker, [0]);
    let mut waiting = pin!(worker.tell(Record { n: 1 }));
    assert!(is_pending(waiting.as_mut()).await);

    first.open();

    second.reached().await;
    promptly("room, though the second is still in hand", waiting).await.unwrap();
    assert_eq!(worker.queued(), 2);
    second.open();
    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "held", "0", "1", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn mbx_6_an_ask_that_finds_no_room_in_time_was_not_delivered() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 1, Overflow::Wait, &journal).await;
    fill(&worker, [0]);

    let late = worker.ask(Record { n: 1 }).within(Duration::from_millis(50)).await.unwrap_err();

    assert!(late.is_timeout() && !late.is_not_running());
    let AskError::NotDelivered(refused) = late else { panic!("{late}") };
    assert_eq!((refused.reason(), refused.into_message().n), (Refusal::TimedOut, 1));
    gate.open();
    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "0", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_room_are_served_in_the_order_in_which_they_came() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 1, Overflow::Wait, &journal).await;
    fill(&worker, [0]);
    let waiting: Vec<_> = (1..=5)
        .map(|n| {
            let worker = worker.clone();
            tokio::spawn(async move { worker.tell(Record { n }).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1)).await;

    gate.open();
    for sender in waiting {
        promptly("its turn", sender).await.unwrap().unwrap();
    }

    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "0", "1", "2", "3", "4", "5", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn a_send_dropped_while_it_waits_has_sent_nothing_and_leaves_the_line() {
    for sent_by_ask in [false, true] {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let (worker, gate) = busy_worker(&system, 1, Overflow::Wait, &journal).await;
        fill(&worker, [0]);
        {
            let mut tell = pin!(worker.tell(Record { n: 1 }));
            let mut ask = pin!(worker.ask(Record { n: 2 }));
            let pending = if sent_by_ask { is_pending(ask.as_mut()).await } else { is_pending(tell.as_mut()).await };
            assert!(pending);
        }
        let mut behind = pin!(worker.tell(Record { n: 3 }));
        assert!(is_pending(behind.as_mut()).await);

        gate.open();

        promptly("the place of the one that left", behind).await.unwrap();
        worker.drain();
        worker.stopped().await;
        assert_eq!(journal.entries(), ["held", "0", "3", "stopped"], "by ask: {sent_by_ask}");
    }
}

#[tokio::test(start_paused = true)]
async fn room_granted_to_a_send_that_is_dropped_goes_to_the_next() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, first) = busy_worker(&system, 1, Overflow::Wait, &journal).await;
    let second = Gate::new();
    worker.try_tell(Hold { gate: second.clone() }).unwrap();
    let mut granted = Box::pin(worker.tell(Record { n: 1 }));
    let mut next = pin!(worker.tell(Record { n: 2 }));
    assert!(is_pending(granted.as_mut()).await && is_pending(next.as_mut()).await);

    first.open();
    second.reached().await;
    assert!(worker.try_tell(Record { n: 100 }).unwrap_err().is_full(), "a newcomer never overtakes the line");
    drop(granted);

    promptly("the room that was left", next).await.unwrap();
    second.open();
    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "held", "2", "stopped"]);
}

#[test]
fn senders_that_come_and_go_lose_neither_messages_nor_room() {
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let worker = system.actor(Worker { journal: journal.clone() }).mailbox(2).spawn();
        let senders: Vec<_> = (0..8_u32)
            .map(|sender| {
                let worker = worker.clone();
                tokio::spawn(async move {
                    let mut accepted = 0;
                    for n in 0..200 {
                        let tell = worker.tell(Record { n });
                        let patience = async {
                            for _ in 0..(n + sender) % 4 {
                                tokio::task::yield_now().await;
                            }
                        };
                        tokio::select! {
                            biased;
                            sent = tell => accepted += usize::from(sent.is_ok()),
                            () = patience => {}
                        }
                    }
                    accepted
                })
            })
            .collect();
        let mut accepted = 0;
        for sender in senders {
            accepted += promptly("all sent", sender).await.unwrap();
        }

        promptly("room for one more", worker.ask(Record { n: 1_000 })).await.unwrap();

        assert_eq!(journal.len(), accepted + 1, "what was accepted was handled, and nothing else");
    });
}

#[tokio::test(start_paused = true)]
async fn a_tell_to_oneself_that_would_wait_for_room_is_refused() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 2, Overflow::Wait, &journal).await;
    let mut asking = pin!(worker.ask(RecordToSelf { n: 5 }));
    assert!(is_pending(asking.as_mut()).await);
    fill(&worker, [0]);
    let (refused, filler) = tokio::join!(asking, async {
        gate.open();
        worker.tell(Record { n: 1 }).await
    });
    filler.unwrap();

    let refused = refused.unwrap().expect("two wait already");
    assert_eq!((refused.reason(), refused.into_message().n), (Refusal::WouldDeadlock, 5));
    let taken = worker.ask(RecordToSelf { n: 6 }).await.unwrap();
    assert!(taken.is_none(), "with room there is nothing to wait for");
}
