//! A mailbox that 64 tasks flood: what each overflow policy makes of it, to the last message.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors_core::{Actor, ActorRef, ActorSystem, Overflow, messages};
use tests::{Gate, eventually, on_1_2_and_8_workers, promptly};

const SENDERS: u64 = 64;
const EACH: u64 = 250;
const SENT: u64 = SENDERS * EACH;
const CAPACITY: u32 = 16;

/// Of all messages of one flood.
#[derive(Clone, Default)]
struct Counts {
    alive: Arc<AtomicU64>,
    most_alive: Arc<AtomicU64>,
    longest: Arc<AtomicU64>,
    accepted: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

/// Counts the message that holds it, until that is gone.
struct Alive(Counts);

impl Alive {
    fn new(counts: &Counts) -> Self {
        let alive = counts.alive.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most_alive.fetch_max(alive, Ordering::SeqCst);
        Alive(counts.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Takes what comes, after it has passed a gate.
#[derive(Actor, Default)]
struct Sink {
    last: BTreeMap<u64, u64>,
    handled: u64,
    disorder: Vec<(u64, u64)>,
}

#[messages]
impl Sink {
    #[message]
    async fn wait(&mut self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    async fn take(&mut self, sender: u64, number: u64, alive: Alive) {
        self.handled += 1;
        if self.last.insert(sender, number).is_some_and(|last| last >= number) {
            self.disorder.push((sender, number));
        }
        drop(alive);
        if number % 8 == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// How many it has handled, and which came before their turn.
    #[message]
    fn taken(&self) -> (u64, Vec<(u64, u64)>) {
        (self.handled, self.disorder.clone())
    }
}

/// What came of a flood.
struct Flood {
    accepted: u64,
    refused: u64,
    handled: u64,
    dead_letters: u64,
}

/// Sends from 64 tasks at once, half of it while nothing is handled, if that does not have to wait.
async fn flood(overflow: Overflow) -> Flood {
    let (system, gate, counts) = (ActorSystem::new("flood"), Gate::new(), Counts::default());
    let sink = system.actor(Sink::default()).mailbox(CAPACITY).overflow(overflow).spawn();
    sink.tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let senders: Vec<_> = (0..SENDERS).map(|sender| tokio::spawn(send(sink.clone(), sender, counts.clone()))).collect();
    eventually("it overflows", || {
        let sent = counts.accepted.load(Ordering::SeqCst) + counts.refused.load(Ordering::SeqCst);
        match overflow {
            Overflow::Wait => sent == u64::from(CAPACITY),
            _ => sent >= SENT / 2,
        }
    })
    .await;
    gate.open();
    for sender in senders {
        promptly("all is sent", sender).await.unwrap();
    }

    let (handled, disorder) = answer(&sink).await;
    assert_eq!(disorder, [], "each sender's order is kept");
    let longest = counts.longest.load(Ordering::SeqCst);
    assert!(longest <= u64::from(CAPACITY), "{longest} waited in a mailbox for {CAPACITY}");
    // In the mailbox, in the hands of the senders, and in hand.
    let (bound, most) = (u64::from(CAPACITY) + SENDERS + 1, counts.most_alive.load(Ordering::SeqCst));
    assert!(most <= bound, "{most} messages were alive at the same time, and {bound} can be");
    assert_eq!(counts.alive.load(Ordering::SeqCst), 0, "none is kept");
    let dead_letters = system.dead_letter_count();
    assert!(system.shutdown().await.is_clean());
    assert_eq!(system.dead_letter_count(), dead_letters, "nothing was left in the mailbox");
    let [accepted, refused] = [&counts.accepted, &counts.refused].map(|count| count.load(Ordering::SeqCst));
    Flood { accepted, refused, handled, dead_letters }
}

async fn send(sink: ActorRef<Sink>, sender: u64, counts: Counts) {
    for number in 0..EACH {
        let sent = sink.tell(Take { sender, number, alive: Alive::new(&counts) }).await;
        let count = match sent {
            Ok(()) => &counts.accepted,
            Err(error) => {
                assert!(error.is_full(), "{error}");
                &counts.refused
            }
        };
        count.fetch_add(1, Ordering::SeqCst);
        counts.longest.fetch_max(sink.queued(), Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

/// Asks until it is not refused: an ask is a message like others. A mailbox that drops might drop it, but nobody else sends.
async fn answer(sink: &ActorRef<Sink>) -> (u64, Vec<(u64, u64)>) {
    eventually("the mailbox is empty", || sink.queued() == 0).await;
    promptly("its answer", sink.ask(Taken)).await.unwrap()
}

#[test]
fn a_flood_that_waits_is_handled_to_the_last_message() {
    on_1_2_and_8_workers(|| async {
        let Flood { accepted, refused, handled, dead_letters } = flood(Overflow::Wait).await;
        assert_eq!((accepted, refused, handled, dead_letters), (SENT, 0, SENT, 0));
    });
}

#[test]
fn of_a_flood_that_is_rejected_each_sender_has_back_what_is_not_handled() {
    on_1_2_and_8_workers(|| async {
        let Flood { accepted, refused, handled, dead_letters } = flood(Overflow::Reject).await;
        assert_eq!((accepted + refused, handled, dead_letters), (SENT, accepted, 0));
        assert!(refused >= SENT / 2 - u64::from(CAPACITY), "{refused} were refused");
    });
}

#[test]
fn of_a_flood_whose_newest_are_dropped_each_is_handled_or_a_dead_letter() {
    on_1_2_and_8_workers(|| drops(Overflow::DropNewest));
}

#[test]
fn of_a_flood_whose_oldest_are_dropped_each_is_handled_or_a_dead_letter() {
    on_1_2_and_8_workers(|| drops(Overflow::DropOldest));
}

async fn drops(overflow: Overflow) {
    let Flood { accepted, refused, handled, dead_letters } = flood(overflow).await;
    assert_eq!((accepted, refused, handled + dead_letters), (SENT, 0, SENT));
    assert!(dead_letters >= SENT / 2 - u64::from(CAPACITY), "{dead_letters} were dropped");
}
