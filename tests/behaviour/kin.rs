//! A family, each of whom has a child up to a depth, and waits for others as it is told.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::Receiver;
use std::task::Poll;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, DeadlockError, Strategy, Supervisor, messages};
use tests::{Broken, Gate, Journal, eventually, promptly};
use tokio::time::Instant;

/// One of a family, in which each has a child up to a depth. Writes down what becomes of its waits.
#[derive(Actor)]
pub struct Kin {
    journal: Journal,
    depth: u32,
    /// Whom it asks when it ends.
    farewell: Option<ActorRef<Kin>>,
}

impl Kin {
    pub fn new(journal: &Journal, depth: u32) -> Self {
        Kin { journal: journal.clone(), depth, farewell: None }
    }

    fn note(&self, asked: &Result<u64, AskError<Life>>) {
        self.journal.note(match asked {
            Ok(life) => format!("life {life}"),
            Err(AskError::WouldDeadlock(deadlock)) => path_of(deadlock),
            Err(error) => error.to_string(),
        });
    }
}

fn path_of<M>(deadlock: &DeadlockError<M>) -> String {
    let cycle: Vec<_> = deadlock.cycle().iter().map(ToString::to_string).collect();
    cycle.join(" > ")
}

#[messages]
impl Kin {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(depth) = self.depth.checked_sub(1) {
            // It does nothing wrong, unless this one is asked to end meanwhile.
            let _ = ctx.actor(Kin::new(&self.journal, depth)).name("below").start().await;
        }
    }

    /// Makes one more child.
    #[message]
    pub fn adopt(&mut self, name: &'static str, ctx: &mut Context<Self>) {
        ctx.actor(Kin::new(&self.journal, 0)).name(name).spawn();
    }

    #[message]
    pub async fn fall(&mut self, gate: Gate) {
        gate.pass().await;
        panic!("fallen");
    }

    #[message]
    pub async fn stand(&mut self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    pub fn life(&mut self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }

    #[message]
    pub async fn call(&mut self, other: ActorRef<Kin>) {
        self.note(&other.ask(Life).await);
    }

    /// Asks as long as there are answers, and it is not to end.
    #[message]
    pub async fn call_on(&mut self, other: ActorRef<Kin>, ctx: &mut Context<Self>) {
        while !ctx.is_stopping() && other.ask(Life).await.is_ok() {}
    }

    #[message]
    pub fn trip(&mut self) -> Result<(), Broken> {
        Err(Broken("tripped"))
    }

    /// Asks when the gate opens, and answers when `other` has.
    #[message]
    pub async fn call_for(&mut self, gate: Gate, other: ActorRef<Kin>, ctx: &mut Context<Self>) -> u64 {
        gate.pass().await;
        self.note(&other.ask(Life).await);
        ctx.incarnation()
    }

    /// Blocks its thread for as long as it is held, then asks, and writes down whether it is told at once.
    #[message]
    pub async fn call_late(&mut self, held: Receiver<()>, other: ActorRef<Kin>) {
        assert!(held.recv().is_err());
        drop(held);
        let mut ask = other.ask(Life);
        let told = poll_fn(|cx| Poll::Ready(Pin::new(&mut ask).poll(cx).is_ready())).await;
        self.journal.note(if told { "told" } else { "waits" });
    }

    #[message]
    pub async fn call_through(&mut self, between: ActorRef<Kin>, gate: Gate, other: ActorRef<Kin>) {
        match between.ask(CallFor { gate, other }).await {
            Ok(_) => self.journal.note("told"),
            Err(AskError::WouldDeadlock(deadlock)) => self.journal.note(path_of(&deadlock)),
            Err(error) => self.journal.note(error.to_string()),
        }
    }

    #[message]
    pub async fn push(&mut self, other: ActorRef<Kin>) {
        let told = other.tell(Rest).await;
        self.journal.note(told.map_or_else(|refused| format!("{:?}", refused.reason()), |()| "told".to_owned()));
    }

    #[message]
    pub fn rest(&mut self) {}

    #[message]
    pub async fn hang(&mut self) {
        pending().await
    }

    #[message]
    pub fn say_farewell_to(&mut self, other: ActorRef<Kin>) {
        self.farewell = Some(other);
    }

    #[stopped]
    async fn stopped(&mut self) {
        if let Some(other) = self.farewell.take() {
            let asked = other.ask(Life).await;
            self.note(&asked);
            if asked.err().and_then(AskError::into_message).is_some() {
                self.journal.note("not sent");
            }
        }
    }
}

pub struct Stage {
    pub system: ActorSystem,
    pub journal: Journal,
}

impl Stage {
    /// A supervisor of permanent children, by their names and how deep their families are.
    pub async fn new(strategy: Strategy, children: &[(&str, u32)]) -> Stage {
        Self::with(strategy, children, |spec| spec).await
    }

    pub async fn with(strategy: Strategy, children: &[(&str, u32)], change: fn(ChildSpec) -> ChildSpec) -> Stage {
        let stage = Stage { system: ActorSystem::new("kin"), journal: Journal::new() };
        let specs = children.iter().map(|&(name, depth)| {
            let journal = stage.journal.clone();
            change(ChildSpec::new(name, move || Kin::new(&journal, depth)).permanent())
        });
        let supervisor = Supervisor::new().strategy(strategy).unlimited_restarts().children(specs);
        stage.system.actor(supervisor).name("sup").start().await.expect("it starts");
        stage
    }

    pub fn supervisor(&self) -> ActorRef<Supervisor> {
        self.system.lookup("/sup").expect("it is there")
    }

    pub fn find(&self, path: &str) -> ActorRef<Kin> {
        self.system.lookup(&format!("/sup/{path}")).expect("it is there")
    }

    /// Has `path` fall when the gate opens.
    pub async fn fells(&self, path: &str) -> (ActorRef<Kin>, Gate) {
        let (kin, gate) = (self.find(path), Gate::new());
        kin.tell(Fall { gate: gate.clone() }).await.expect("it is open");
        gate.reached().await;
        (kin, gate)
    }

    pub async fn is_restarted_at_once(&self, kin: &ActorRef<Kin>) {
        let began = Instant::now();
        assert_eq!(promptly("the next life", kin.ask(Life)).await.expect("it answers"), 1);
        assert_eq!(began.elapsed(), Duration::ZERO, "nobody was waited for");
    }
}

pub fn open() -> Gate {
    let gate = Gate::new();
    gate.open_wide();
    gate
}

pub async fn has_queued(kin: &ActorRef<Kin>, messages: u64) {
    eventually("it is asked", || kin.queued() == messages).await;
}
