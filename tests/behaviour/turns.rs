//! What an actor does without a task, because nothing in it waits, it does as all others (S2.4).

use actors_core::{Actor, ActorSystem, messages};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tests::{DropNote, Journal, promptly};

/// None of its hooks and handlers waits. It has a destructor, and so ends in its turn.
#[derive(Actor)]
struct Clerk {
    journal: Journal,
    _desk: DropNote,
}

#[messages]
impl Clerk {
    #[started]
    fn begin(&mut self) {
        self.journal.note("started");
    }

    #[message]
    fn file(&self) {
        self.journal.note("filed");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_asked_to_stop_before_its_first_turn_does_not_start() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let clerk = system.spawn(Clerk { journal: journal.clone(), _desk: journal.drop_note("gone") });

    clerk.stop();
    promptly("it ends", clerk.stopped()).await;

    assert_eq!(journal.entries(), ["gone"]);
    system.shutdown().await;
}

/// Each of its messages takes the time of the machine, and counts.
#[derive(Actor)]
struct Plodder {
    handled: Arc<AtomicU32>,
}

#[messages]
impl Plodder {
    #[message]
    fn plod(&self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(20) {}
        self.handled.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn an_actor_whose_messages_take_time_lets_others_run_after_each_turn() {
    let (system, handled) = (ActorSystem::new("office"), Arc::new(AtomicU32::new(0)));
    let plodder = system.actor(Plodder { handled: handled.clone() }).unbounded().spawn();
    for _ in 0..2_000 {
        plodder.tell(Plod).await.expect("there is room");
    }

    let (mut before, mut most) = (0, 0);
    while before < 2_000 {
        tokio::task::yield_now().await;
        let now = handled.load(Ordering::Relaxed);
        (before, most) = (now, most.max(now - before));
    }

    // That a turn of 64 took long is known only after a second; and its first two may be one without a task and one with.
    assert!(most <= 4 * 64, "{most} before another ran");
    system.shutdown().await;
}
