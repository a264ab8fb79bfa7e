//! The mailbox: order, backpressure, what a full one does, and what becomes of it at a stop.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, DeadReason, Overflow, Refusal, ReplyTo, TellError, messages};
use tests::{DropNote, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

/// Notes each message when it begins and when it is done; some wait at a gate, some take their time.
#[derive(Actor)]
struct Worker {
    journal: Journal,
}

#[messages]
impl Worker {
    #[message]
    async fn hold(&mut self, gate: Gate) {
        gate.pass().await;
        self.journal.note("held");
    }

    #[message(derive(Debug, PartialEq))]
    fn record(&mut self, n: u32) {
        self.journal.note(n.to_string());
    }

    #[message]
    async fn toil(&mut self, n: u32, takes: Duration) {
        self.journal.note(format!("begins {n}"));
        tokio::task::yield_now().await;
        tokio::time::sleep(takes).await;
        tokio::task::yield_now().await;
        self.journal.note(format!("ends {n}"));
    }

    #[message]
    async fn record_to_self(&mut self, n: u32, ctx: &mut Context<Self>) -> Option<TellError<Record>> {
        ctx.actor_ref().tell(Record { n }).await.err()
    }

    #[message]
    async fn sign_off(&mut self, gate: Gate, ctx: &mut Context<Self>) -> Option<TellError<Record>> {
        gate.pass().await;
        ctx.actor_ref().tell(Record { n: 99 }).await.err()
    }

    #[stopped]
    fn stopped(&mut self) {
        self.journal.note("stopped");
    }
}

/// A worker with room for `capacity` messages, and one message in hand until `gate` opens.
async fn busy_worker(system: &ActorSystem, capacity: u32, overflow: Overflow, journal: &Journal) -> (ActorRef<Worker>, Gate) {
    let gate = Gate::new();
    let worker = system.actor(Worker { journal: journal.clone() }).name("worker").mailbox(capacity).overflow(overflow).spawn();
    worker.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    (worker, gate)
}

fn fill(worker: &ActorRef<Worker>, numbers: impl IntoIterator<Item = u32>) {
    for n in numbers {
        worker.try_tell(Record { n }).expect("there is room");
    }
}

async fn is_pending<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    tokio::time::timeout(Duration::from_secs(1), future).await.is_err()
}

// ===== nothing lost, one at a time, in order =====

#[test]
fn mbx_1_many_producers_lose_nothing() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..50 {
            let (system, journal) = (ActorSystem::new("test"), Journal::new());
            // A small mailbox, so that the senders wait for room as well.
            let worker = system.actor(Worker { journal: journal.clone() }).mailbox(8).spawn();
            let runtime = tokio::runtime::Handle::current();
            let senders: Vec<_> = (0..10)
                .map(|sender| {
                    let (worker, runtime) = (worker.clone(), runtime.clone());
                    std::thread::spawn(move || {
                        for n in 0..20 {
                            runtime.block_on(worker.tell(Record { n: sender * 100 + n })).unwrap();
                        }
                    })
                })
                .collect();
            tokio::task::spawn_blocking(move || senders.into_iter().for_each(|sender| sender.join().unwrap())).await.unwrap();
            worker.drain();
            promptly("the drain", worker.stopped()).await;

            let handled: Vec<u32> = journal.entries().iter().filter_map(|entry| entry.parse().ok()).collect();
            assert_eq!(handled.len(), 200, "none lost, none twice");
            for sender in 0..10 {
                let own: Vec<_> = handled.iter().copied().filter(|n| n / 100 == sender).collect();
                assert_eq!(own, (0..20).map(|n| sender * 100 + n).collect::<Vec<_>>(), "S4.1: in the order of each sender");
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn mbx_2_one_message_at_a_time() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let worker = system.spawn(Worker { journal: journal.clone() });

    worker.tell(Toil { n: 1, takes: Duration::from_secs(1) }).await.unwrap();
    worker.tell(Toil { n: 2, takes: Duration::ZERO }).await.unwrap();
    worker.drain();

    promptly("the drain", worker.stopped()).await;
    assert_eq!(journal.entries(), ["begins 1", "ends 1", "begins 2", "ends 2", "stopped"]);
}

#[test]
fn mbx_2_handlers_of_one_actor_never_run_at_the_same_time() {
    /// Counts how many of its handlers run.
    #[derive(Actor)]
    struct Lonely {
        inside: Arc<AtomicUsize>,
    }

    #[messages]
    impl Lonely {
        #[message]
        async fn enter(&mut self) -> usize {
            let others = self.inside.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.inside.fetch_sub(1, Ordering::SeqCst);
            others
        }
    }

    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("test");
        let lonely = system.spawn(Lonely { inside: Arc::default() });
        let askers: Vec<_> = (0..200)
            .map(|_| {
                let lonely = lonely.clone();
                tokio::spawn(async move { lonely.ask(Enter).await.unwrap() })
            })
            .collect();
        for asker in askers {
            assert_eq!(promptly("an answer", asker).await.unwrap(), 0);
        }
    });
}

// ===== stopping =====

#[tokio::test(start_paused = true)]
async fn mbx_3_graceful_stop_drains_the_queue_in_order() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 16, Overflow::Wait, &journal).await;
    fill(&worker, 0..3);

    worker.drain();
    assert!(is_pending(pin!(worker.stopped())).await);
    assert!(journal.is_empty());
    gate.open();

    promptly("the drain", worker.stopped()).await;
    assert_eq!(journal.entries(), ["held", "0", "1", "2", "stopped"]);
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn mbx_4_stop_overtakes_the_queue() {
    // The policy, S6: a stop discards the queue unless the actor's policy is to drain; MBX-3 has the drain.
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let worker = system.spawn(Worker { journal: journal.clone() });
    for n in 0..10 {
        worker.tell(Toil { n, takes: Duration::from_millis(100) }).await.unwrap();
    }
    eventually("the first begins", || journal.len() == 1).await;

    worker.stop();

    promptly("the end", worker.stopped()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(journal.entries(), ["begins 0", "ends 0", "stopped"]);
    assert_eq!(system.dead_letter_count(), 9);
}

/// Keeps the duty to answer, to be passed on.
#[derive(Actor)]
struct Keeper {
    kept: Option<ReplyTo<()>>,
}

#[messages]
impl Keeper {
    #[message]
    fn keep(&mut self, reply: ReplyTo<()>) {
        self.kept = Some(reply);
    }

    #[message]
    fn hand_over(&mut self) -> Option<ReplyTo<()>> {
        self.kept.take()
    }
}

/// Tries every form of send, and returns why each was refused; each must give its message back.
async fn refusals(worker: &ActorRef<Worker>, system: &ActorSystem) -> Vec<Refusal> {
    let recipient = worker.recipient::<Record>();
    let blocking = worker.clone();
    let keeper = system.spawn(Keeper { kept: None });
    let (_asked, reply) = tokio::join!(keeper.ask(Keep).within(Duration::from_millis(1)), async {
        tokio::task::yield_now().await;
        keeper.ask(HandOver).await.unwrap().expect("it was asked first")
    });
    let forwarded = worker.forward(Record { n: 6 }, reply).unwrap_err();
    let asked = worker.ask(Record { n: 7 }).await.unwrap_err();
    let AskError::NotDelivered(asked) = asked else { panic!("{asked}") };

    let mut reasons = vec![forwarded.reason()];
    let (message, reply) = forwarded.into_message();
    assert_eq!((message.n, reply.is_asked()), (6, true), "the right to answer comes back too");
    let told = [
        worker.tell(Record { n: 7 }).await,
        worker.try_tell(Record { n: 7 }),
        worker.tell(Record { n: 7 }).within(Duration::from_secs(9)).await,
        tokio::task::spawn_blocking(move || blocking.blocking_tell(Record { n: 7 })).await.unwrap(),
        recipient.tell(Record { n: 7 }).await,
        recipient.try_tell(Record { n: 7 }),
        Err(asked),
    ];
    for refused in told {
        let refused = refused.unwrap_err();
        assert!(refused.is_not_running() && *refused.path() == "/worker", "{refused}");
        reasons.push(refused.reason());
        assert_eq!(refused.into_message().n, 7, "the message comes back");
    }
    assert!(!worker.is_alive() && !recipient.is_alive());
    reasons
}

#[tokio::test(start_paused = true)]
async fn mbx_5_sends_are_refused_from_the_moment_a_graceful_stop_is_requested() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 16, Overflow::Wait, &journal).await;

    worker.drain();
    let while_draining = refusals(&worker, &system).await;
    gate.open();
    promptly("the drain", worker.stopped()).await;
    let after = refusals(&worker, &system).await;

    assert_eq!(while_draining, [Refusal::Stopping; 8]);
    assert_eq!(after, [Refusal::Stopped; 8]);
    assert_eq!(journal.entries(), ["held", "stopped"], "nothing was let in");
}

#[tokio::test(start_paused = true)]
async fn mbx_5_a_graceful_stop_releases_those_who_wait_for_room() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (worker, gate) = busy_worker(&system, 1, Overflow::Wait, &journal).await;
    fill(&worker, [0]);
    let mut waiting_tell = pin!(worker.tell(Record { n: 1 }));
    let mut waiting_ask = pin!(worker.ask(Record { n: 2 }));
    assert!(is_pending(waiting_tell.as_mut()).await && is_pending(waiting_ask.as_mut()).await);

    worker.drain();

    let told = promptly("the refusal of the tell", waiting_tell).await.unwrap_err();
    let asked = promptly("the refusal of the ask", waiting_ask).await.unwrap_err();
    assert_eq!((told.reason(), told.into_message().n), (Refusal::Stopping, 1));
    assert!(asked.is_not_running());
    assert_eq!(asked.into_message().map(|message| message.n), Some(2));
    gate.open();
    worker.stopped().await;
    assert_eq!(journal.entries(), ["held", "0", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_stopping_refuses_its_own_messages_too() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let worker = system.spawn(Worker { journal: journal.clone() });
    let (refused, ()) = tokio::join!(worker.ask(SignOff { gate: gate.clone() }), async {
        gate.reached().await;
        worker.drain();
        gate.open();
    });

    let refused = refused.expect("S4.9: an answer still reaches whoever asked before").expect("its own message is refused");
    assert_eq!((refused.reason(), refused.into_message().n), (Refusal::Stopping, 99));
}

// ===== a full mailbox =====

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

#[tokio::test(start_paused = true)]
async fn an_unbounded_mailbox_never_makes_a_sender_wait() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let worker = system.actor(Worker { journal: journal.clone() }).unbounded().spawn();
    worker.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    fill(&worker, 0..10_000);

    assert_eq!(worker.queued(), 10_000);
    gate.open();
    worker.drain();
    worker.stopped().await;
    assert_eq!(journal.len(), 10_002);
}

#[tokio::test(start_paused = true)]
async fn the_default_capacity_is_256() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let worker = system.spawn(Worker { journal });
    worker.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    fill(&worker, 0..256);

    assert!(worker.try_tell(Record { n: 256 }).unwrap_err().is_full());
}

// ===== the other overflow policies =====

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

// ===== nothing vanishes =====

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
