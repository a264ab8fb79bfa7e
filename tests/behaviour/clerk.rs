//! The actors whom the tests on asking ask: a clerk who answers in every way there is, and a ledger written by hand.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, Context, Protocol, ReplyTo, messages};
use tests::{Broken, Gate, Journal};
use tokio::time::Instant;

/// Answers in every way there is.
#[derive(Actor, Default)]
pub struct Clerk {
    pub kept: Vec<ReplyTo<u32>>,
    pub journal: Journal,
}

#[messages]
impl Clerk {
    #[message(derive(Clone, Debug, PartialEq))]
    pub fn double(&mut self, n: u32) -> u32 {
        self.journal.note(format!("double {n}"));
        n * 2
    }

    #[message]
    pub async fn hold(&mut self, gate: Gate) -> u32 {
        gate.pass().await;
        0
    }

    #[message]
    pub async fn toil(&mut self, takes: Duration) -> u32 {
        tokio::time::sleep(takes).await;
        self.journal.note("toiled");
        1
    }

    /// Answered by `release`.
    #[message]
    pub fn keep(&mut self, reply: ReplyTo<u32>) {
        self.kept.push(reply);
    }

    #[message]
    pub fn release(&mut self) {
        self.kept.drain(..).for_each(|reply| reply.send(7));
    }

    #[message]
    pub fn keeps_for_nobody(&self) -> Vec<bool> {
        self.kept.iter().map(ReplyTo::is_closed).collect()
    }

    /// Answered from another task, after a while.
    #[message]
    pub fn later(&mut self, after: Duration, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        ctx.spawn_task(async move {
            tokio::time::sleep(after).await;
            reply.send(8);
        });
    }

    #[message]
    pub fn refuse(&mut self, reason: &'static str) -> Result<u32, Broken> {
        Err(Broken(reason))
    }

    #[message]
    pub fn refuse_later(&mut self, reply: ReplyTo<u32, Broken>) {
        self.journal.note(format!("asked: {}", reply.is_asked()));
        if let Err(unheard) = reply.fail(Broken("not today")) {
            self.journal.note(format!("nobody asked: {unheard}"));
        }
    }

    #[message]
    pub async fn crash(&mut self) -> u32 {
        tokio::task::yield_now().await;
        panic!("dropped the ledger");
    }

    #[message]
    pub fn forget(&mut self, reply: ReplyTo<u32>) {
        drop(reply);
    }

    #[message]
    pub fn deadline(&mut self, reply: ReplyTo<Option<Duration>>) {
        let left = reply.deadline().map(|deadline| deadline - Instant::now());
        reply.send(left);
    }
}

/// A clerk with a message in hand until the gate opens.
pub async fn busy_clerk(system: &ActorSystem) -> (ActorRef<Clerk>, Gate) {
    let (clerk, gate) = (system.actor(Clerk::default()).name("clerk").spawn(), Gate::new());
    clerk.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    (clerk, gate)
}

/// An actor without macros. An entry that cannot be booked is fatal.
pub struct Ledger {
    pub sum: u32,
}

pub enum Entry {
    Add(u32),
    Sum(ReplyTo<u32>),
    Spoil(ReplyTo<u32>),
}

impl Protocol for Ledger {
    type Msg = Entry;
}

impl Actor for Ledger {
    async fn handle(&mut self, entry: Entry, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match entry {
            Entry::Add(n) => self.sum += n,
            Entry::Sum(reply) => reply.send(self.sum),
            Entry::Spoil(_unanswered) => return Err(Broken("spoiled").into()),
        }
        Ok(())
    }
}
