//! What an actor does without a task, because nothing in it waits, it does as all others (S2.4).

use actors_core::{Actor, ActorSystem, messages};
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
