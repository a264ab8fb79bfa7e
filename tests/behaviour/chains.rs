//! One end that brings the next, and so on: in order, and without a deep stack.

use actors_core::{Actor, ActorRef, ActorSystem, ExitReason, messages};
use tests::promptly;

/// Its destructor stops the next.
#[derive(Actor)]
struct Domino {
    next: Option<ActorRef<Domino>>,
}

#[messages]
impl Domino {
    #[message]
    fn stand(&self) {}
}

impl Drop for Domino {
    fn drop(&mut self) {
        if let Some(next) = &self.next {
            next.stop();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_10_000_states_each_of_which_stops_the_next_when_it_is_dropped_needs_no_deep_stack() {
    let system = ActorSystem::new("dominoes");
    let last = system.spawn(Domino { next: None });
    let mut first = last.clone();
    for _ in 1..10_000 {
        first = system.spawn(Domino { next: Some(first) });
    }

    first.stop();

    assert_eq!(promptly("the last falls", last.stopped()).await, ExitReason::Normal);
    assert_eq!(system.actors(), 0);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn others_get_their_turn_while_ten_thousand_at_rest_end() {
    let system = ActorSystem::new("crowd");
    for _ in 0..10_000 {
        system.spawn(Domino { next: None });
    }

    let ending = tokio::spawn(async move { system.shutdown().await });
    let mut turns = 0;
    while !ending.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }

    assert!(turns > 50, "{turns}");
    assert_eq!(ending.await.expect("it does not panic").actors.len(), 10_000);
}
