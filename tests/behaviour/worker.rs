//! The actor whose mailbox the tests fill: it notes its messages, and can be held up at a gate.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, Overflow, TellError, messages};
use tests::{Gate, Journal};

/// Notes each message when it begins and when it is done; some wait at a gate, some take their time.
#[derive(Actor)]
pub struct Worker {
    pub journal: Journal,
}

#[messages]
impl Worker {
    #[message]
    pub async fn hold(&mut self, gate: Gate) {
        gate.pass().await;
        self.journal.note("held");
    }

    #[message(derive(Debug, PartialEq))]
    pub fn record(&mut self, n: u32) {
        self.journal.note(n.to_string());
    }

    #[message]
    pub async fn toil(&mut self, n: u32, takes: Duration) {
        self.journal.note(format!("begins {n}"));
        tokio::task::yield_now().await;
        tokio::time::sleep(takes).await;
        tokio::task::yield_now().await;
        self.journal.note(format!("ends {n}"));
    }

    #[message]
    pub async fn record_to_self(&mut self, n: u32, ctx: &mut Context<Self>) -> Option<TellError<Record>> {
        ctx.actor_ref().tell(Record { n }).await.err()
    }

    #[message]
    pub async fn sign_off(&mut self, gate: Gate, ctx: &mut Context<Self>) -> Option<TellError<Record>> {
        gate.pass().await;
        ctx.actor_ref().tell(Record { n: 99 }).await.err()
    }

    #[stopped]
    fn stopped(&mut self) {
        self.journal.note("stopped");
    }
}

/// A worker with room for `capacity` messages, and one message in hand until `gate` opens.
pub async fn busy_worker(system: &ActorSystem, capacity: u32, overflow: Overflow, journal: &Journal) -> (ActorRef<Worker>, Gate) {
    let gate = Gate::new();
    let worker = system.actor(Worker { journal: journal.clone() }).name("worker").mailbox(capacity).overflow(overflow).spawn();
    worker.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    (worker, gate)
}

pub fn fill(worker: &ActorRef<Worker>, numbers: impl IntoIterator<Item = u32>) {
    for n in numbers {
        worker.try_tell(Record { n }).expect("there is room");
    }
}
