//! The actors on which futures are dropped.

use actors_core::{Actor, ActorRef, Context, messages};
use tests::{Gate, Journal};

use crate::harness::{Life, World, settle};

/// Writes down what it handles, and waits at its gate where a message says so.
#[derive(Actor)]
pub(crate) struct Desk {
    journal: Journal,
    gate: Gate,
    _life: Life,
}

#[messages]
impl Desk {
    /// Waits at the gate.
    #[message]
    pub(crate) async fn hold(&mut self) {
        self.gate.pass().await;
    }

    #[message(derive(Clone))]
    pub(crate) fn note(&mut self, text: &'static str, life: Life) {
        self.journal.note(text);
        drop(life);
    }

    /// Writes down, waits at the gate, and answers.
    #[message(derive(Clone))]
    pub(crate) async fn answer(&mut self, text: &'static str, life: Life) -> Life {
        self.journal.note(text);
        self.gate.pass().await;
        life
    }

    #[message(derive(Clone))]
    pub(crate) fn crash(&mut self, life: Life) {
        drop(life);
        panic!("as it was told");
    }

    #[message]
    pub(crate) fn ping(&mut self, life: Life) {
        drop(life);
    }

    #[stopped]
    fn clean_up(&mut self, _ctx: &mut Context<Self>) {
        self.journal.note("stopped");
    }
}

impl Desk {
    pub(crate) fn new(world: &World) -> (Desk, Journal, Gate) {
        let (journal, gate) = (Journal::new(), Gate::new());
        (Desk::at(&journal, &gate, &world.life), journal, gate)
    }

    pub(crate) fn at(journal: &Journal, gate: &Gate, life: &Life) -> Desk {
        Desk { journal: journal.clone(), gate: gate.clone(), _life: life.clone() }
    }
}

/// Starts slowly, with a child of its own, and writes down that it has started.
#[derive(Actor)]
pub(crate) struct Slow {
    journal: Journal,
    gate: Gate,
    life: Life,
}

#[messages]
impl Slow {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Desk::at(&self.journal, &self.gate, &self.life)).name("below").spawn();
        self.gate.pass().await;
        self.journal.note("started");
    }

    #[message]
    pub(crate) fn wake(&mut self) -> bool {
        true
    }
}

impl Slow {
    pub(crate) fn new(gate: &Gate, journal: &Journal, life: &Life) -> Slow {
        Slow { journal: journal.clone(), gate: gate.clone(), life: life.clone() }
    }
}

/// A desk that is busy and has no room left.
pub(crate) struct Busy {
    pub(crate) desk: ActorRef<Desk>,
    pub(crate) journal: Journal,
    pub(crate) gate: Gate,
    pub(crate) life: Life,
}

/// A desk that holds at its gate, with one message before it: its mailbox is full.
pub(crate) async fn busy(world: &World) -> Busy {
    let (desk, journal, gate) = Desk::new(world);
    let life = world.life.clone();
    let desk = world.system.actor(desk).mailbox(1).spawn();
    desk.tell(Hold).await.expect("there is room");
    gate.reached().await;
    desk.try_tell(Note { text: "before", life: life.clone() }).expect("there is room");
    settle().await;
    Busy { desk, journal, gate, life }
}

/// Has somebody else wait behind whoever waits for room at `desk`.
pub(crate) fn wait_behind(desk: &ActorRef<Desk>, life: &Life) {
    let (desk, note) = (desk.clone(), Note { text: "behind", life: life.clone() });
    tokio::spawn(async move { desk.tell(note).await });
}
