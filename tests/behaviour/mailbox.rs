//! The mailbox: nothing is lost, one message at a time, in order, and what becomes of them at a stop.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Overflow, Refusal, ReplyTo, messages};
use tests::{Gate, Journal, eventually, is_pending, on_1_2_and_8_workers, promptly};

use crate::worker::{Hold, Record, SignOff, Toil, Worker, busy_worker, fill};

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

// ===== how much room there is =====

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
