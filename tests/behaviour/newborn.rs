//! The actors of the tests on starting: one that starts as it is told, its children, and a parent for it.

use std::time::Duration;

use actors_core::{Actor, ActorRef, Context, Exited, StartError, messages};
use tests::{Broken, DropNote, Gate, Journal};

/// What a start hook does, once it has made its children.
#[derive(Clone, Debug)]
pub enum Start {
    Ready,
    Wait(Gate),
    Fail,
    Panic,
    Decline,
    Hang,
    Stop,
}

/// Starts as it is told, and notes what happens to it.
#[derive(Actor)]
#[actor(start_limit = "2s")]
pub struct Newborn {
    start: Start,
    children: Vec<&'static str>,
    journal: Journal,
    _state: DropNote,
}

#[messages]
impl Newborn {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), Broken> {
        for &name in &self.children {
            ctx.actor(Leaf { name, journal: self.journal.clone() }).name(name).start().await.expect("a leaf starts");
        }
        match &self.start {
            Start::Ready => {}
            Start::Wait(gate) => gate.pass().await,
            Start::Fail => return Err(Broken("no luck")),
            Start::Panic => panic!("out of luck"),
            Start::Decline => ctx.decline(),
            Start::Hang => std::future::pending().await,
            Start::Stop => ctx.stop(),
        }
        self.journal.note("started");
        Ok(())
    }

    #[message]
    pub fn count(&mut self, n: u32) {
        self.journal.note(format!("handled {n}"));
    }

    #[message]
    pub fn leave(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }

    #[stopped]
    fn stopped(&mut self) {
        self.journal.note("stopped");
    }
}

impl Newborn {
    pub fn new(start: Start, journal: &Journal) -> Self {
        Newborn { start, children: Vec::new(), journal: journal.clone(), _state: journal.drop_note("dropped") }
    }

    pub fn with_children(start: Start, journal: &Journal) -> Self {
        Newborn { children: vec!["a", "b"], ..Newborn::new(start, journal) }
    }
}

/// A child that notes its end, for which it takes its time.
#[derive(Actor)]
pub struct Leaf {
    name: &'static str,
    journal: Journal,
}

#[messages]
impl Leaf {
    #[stopped]
    async fn stopped(&mut self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.journal.note(format!("{} stopped", self.name));
    }
}

/// Starts a child in a handler, and traps exits.
#[derive(Actor)]
pub struct Parent {
    pub journal: Journal,
}

#[messages]
impl Parent {
    #[message]
    pub async fn start_child(&mut self, start: Start, ctx: &mut Context<Self>) -> Result<ActorRef<Newborn>, StartError> {
        let child = ctx.actor(Newborn::with_children(start, &self.journal)).name("child");
        child.start().await
    }

    #[message]
    pub fn spawn_child(&mut self, ctx: &mut Context<Self>) -> ActorRef<Newborn> {
        ctx.actor(Newborn::new(Start::Ready, &self.journal)).name("child").spawn()
    }

    #[message]
    pub fn family(&self, ctx: &mut Context<Self>) -> usize {
        ctx.children().len()
    }

    /// Is told to stop while it works, and then wants children all the same.
    #[message]
    pub async fn start_too_late(&mut self, gate: Gate, ctx: &mut Context<Self>) {
        gate.pass().await;
        let refused = ctx.start(Newborn::new(Start::Ready, &self.journal)).await.expect_err("a stopping parent starts nothing");
        self.journal.note(format!("start: stopping = {}", refused.is_stopping()));
        let stillborn = ctx.actor(Newborn::new(Start::Ready, &self.journal)).name("late").spawn();
        self.journal.note(format!("spawn: alive = {}, {}", stillborn.is_alive(), stillborn.stopped().await));
    }

    #[exited]
    fn exited(&mut self, exit: Exited) {
        self.journal.note(format!("told of {}: {}", exit.path, exit.reason));
    }
}
