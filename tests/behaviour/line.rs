//! The line of those who wait for room: what was granted to one of them is nobody else's.

use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, Refusal, messages};
use tests::{Gate, Journal, promptly};
use tokio::task::yield_now;

/// Notes what it is told. Told to push in, it tells itself twice, at once.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Noter {
    journal: Journal,
}

#[messages]
impl Noter {
    #[message]
    async fn wait(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    async fn push_in(&self, ctx: &mut Context<Self>) {
        for n in [8, 9] {
            let refused = ctx.actor_ref().try_tell(Note { n }).err();
            self.journal.note(format!("{:?}", refused.map(|refused| refused.reason())));
        }
    }

    #[message]
    async fn note(&self, n: u32) {
        self.journal.note(n.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn s4_5_room_that_was_granted_goes_to_nobody_who_comes_before_it_is_used() {
    let (system, gate, journal) = (ActorSystem::new("line"), Gate::new(), Journal::new());
    let noter = system.spawn(Noter { journal: journal.clone() });
    noter.tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    noter.try_tell(PushIn).unwrap();
    let waiting = tokio::spawn({
        let noter = noter.clone();
        async move { noter.tell(Note { n: 1 }).await }
    });
    yield_now().await;

    // It takes the next message, which makes room for the one that waits, and tells itself before that one has run.
    gate.open();

    promptly("its turn", waiting).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let full = format!("{:?}", Some(Refusal::Full));
    assert_eq!(journal.entries(), [full.as_str(), full.as_str(), "1"]);
    system.shutdown().await;
}
