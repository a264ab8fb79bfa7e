//! The subscriber of the tests on topics: it writes down what it gets, unless it stands at a gate.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, Lagged, Overflow, Topic, messages};
use tests::{Gate, Journal};

/// A message whose type two topics of one name have.
#[derive(Clone, Debug, PartialEq)]
pub struct Note(pub u32);

/// Another type.
#[derive(Clone)]
pub struct Word(pub &'static str);

/// Writes down what it gets, unless it stands at a gate.
#[derive(Actor)]
pub struct Listener {
    pub journal: Journal,
}

#[messages]
impl Listener {
    #[handle]
    pub fn note(&self, Note(number): Note) {
        self.journal.note(number.to_string());
    }

    #[handle]
    pub fn word(&self, Word(word): Word) {
        self.journal.note(word);
    }

    #[handle]
    pub fn lag(&self, lagged: Lagged) {
        self.journal.note(format!("missed {} of {}", lagged.missed, lagged.topic));
    }

    #[message]
    pub async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    /// Publishes to a topic to which it subscribes, from inside a handler.
    #[message]
    pub async fn speak(&self, topic: Topic<Note>, upto: u32) -> usize {
        for number in 1..=upto {
            topic.publish(Note(number));
        }
        let published = topic.publish_and_wait(Note(upto + 1), Duration::from_secs(3_600)).await;
        published.late.len()
    }

    #[message]
    pub fn fail(&self) {
        panic!("as it was told");
    }

    #[message]
    pub fn subscribe_to(&self, name: &'static str, ctx: &mut Context<Self>) {
        ctx.topic::<Note>(name).subscribe(ctx.actor_ref());
    }
}

pub fn listener(system: &ActorSystem) -> (ActorRef<Listener>, Journal) {
    let journal = Journal::new();
    (system.spawn(Listener { journal: journal.clone() }), journal)
}

/// A subscriber of "news" with so much room, whose handler is held up, and the gate that it stands at.
pub async fn slow(system: &ActorSystem, room: u32, overflow: Overflow) -> (ActorRef<Listener>, Journal, Gate) {
    let (journal, gate) = (Journal::new(), Gate::new());
    let slow = system.actor(Listener { journal: journal.clone() }).mailbox(room).overflow(overflow).spawn();
    slow.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    (slow, journal, gate)
}

pub fn numbers(range: impl IntoIterator<Item = u32>) -> Vec<String> {
    range.into_iter().map(|number| number.to_string()).collect()
}
