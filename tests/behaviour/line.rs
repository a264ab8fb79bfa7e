//! The line of those who wait for room: what was granted to one of them is nobody else's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, Overflow, Recipient, Refusal, messages};
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

/// Notes how much it was told, without ever waiting.
#[derive(Actor)]
struct Teller {
    told: Arc<AtomicUsize>,
}

#[messages]
impl Teller {
    #[message]
    fn count(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn s4_5_who_waits_for_room_has_it_when_a_message_is_taken_and_not_when_all_are() {
    const ROOM: u32 = 2_000;
    let (system, journal, told) = (ActorSystem::new("line"), Journal::new(), Arc::new(AtomicUsize::new(0)));
    let noter = system.actor(Noter { journal: journal.clone() }).mailbox(ROOM).spawn();
    let teller = system.actor(Teller { told: told.clone() }).mailbox(ROOM).spawn();
    for n in 0..ROOM {
        noter.try_tell(Note { n }).unwrap();
        teller.try_tell(Count).unwrap();
    }

    let handled = async {
        promptly("its turn", noter.tell(Note { n: ROOM })).await.unwrap();
        journal.len()
    };
    let counted = async {
        promptly("its turn", teller.tell(Count)).await.unwrap();
        told.load(Ordering::Relaxed)
    };
    let (handled, counted) = tokio::join!(handled, counted);

    let some = 1..ROOM as usize;
    assert!(some.contains(&handled) && some.contains(&counted), "{handled} and {counted} were handled first");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s4_3_a_recipient_waits_no_more_than_its_actor_where_a_full_mailbox_refuses() {
    let (system, gate, journal) = (ActorSystem::new("line"), Gate::new(), Journal::new());
    let noter = system.actor(Noter { journal }).mailbox(1).overflow(Overflow::Reject).spawn();
    noter.tell(Wait { gate: gate.clone() }).await.unwrap();
    promptly("it waits", gate.reached()).await;
    noter.try_tell(Note { n: 1 }).unwrap();
    let recipient: Recipient<Note> = noter.recipient();

    let refused = promptly("an answer", recipient.tell(Note { n: 2 })).await.unwrap_err();

    assert_eq!(refused.reason(), Refusal::Full);
    gate.open();
    system.shutdown().await;
}
