//! The actor that the tests on telling tell: a listener named `ear`, which can be held up at a gate.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, DeadLetter, Overflow, Recipient, messages};
use tests::{Gate, Journal, promptly};

/// Notes what it is told; waits at its gate where a message says so.
#[derive(Actor)]
pub struct Listener {
    pub journal: Journal,
    pub gate: Gate,
}

#[derive(Debug, PartialEq)]
pub struct Note(pub String);

#[messages]
impl Listener {
    #[handle]
    pub fn on(&mut self, note: Note) {
        self.journal.note(note.0);
    }

    #[message(derive(Debug))]
    pub async fn pause(&mut self) {
        self.gate.pass().await;
    }

    #[message]
    pub fn fail(&mut self) {
        panic!("on purpose");
    }

    #[message]
    pub fn count(&self) -> usize {
        self.journal.len()
    }

    /// Tells itself `times` notes and notes how that went.
    #[message]
    pub async fn tell_myself(&mut self, times: u32, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        for n in 0..times {
            if let Err(refused) = me.tell(Note(format!("own {n}"))).await {
                self.journal.note(format!("{:?} {}", refused.reason(), refused.into_message().0));
            }
        }
    }

    #[message]
    pub async fn tell_myself_as_recipient(&mut self, ctx: &mut Context<Self>) {
        let me: Recipient<Note> = ctx.actor_ref().recipient();
        while me.try_tell(Note("own".into())).is_ok() {}
        let refused = me.tell(Note("own".into())).within(Duration::from_secs(1)).await.unwrap_err();
        self.journal.note(format!("{:?} {}", refused.reason(), refused.into_message().0));
    }

    /// Has a helper tell the actor more than it has room for.
    #[message]
    pub fn tell_from_a_helper(&mut self, times: u32, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        ctx.spawn_task(async move {
            for n in 0..times {
                me.tell(Note(format!("{n}"))).await.expect("a helper may wait");
            }
        });
    }

    /// Fills its own mailbox from a blocking job, which waits for room.
    #[message]
    pub fn tell_from_a_thread(&mut self, times: u32, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        ctx.spawn_blocking(move |_| {
            for n in 0..times {
                me.blocking_tell(Note(format!("{n}"))).expect("the actor lives");
            }
        });
    }
}

/// A listener named `ear` with room for two, which stands at its gate.
pub struct Paused {
    pub system: ActorSystem,
    pub ear: ActorRef<Listener>,
    pub journal: Journal,
    pub gate: Gate,
}

pub async fn paused(overflow: Overflow) -> Paused {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let listener = Listener { journal: journal.clone(), gate: gate.clone() };
    let ear = system.actor(listener).name("ear").mailbox(2).overflow(overflow).spawn();
    ear.tell(Pause).await.unwrap();
    promptly("the handler begins", gate.reached()).await;
    Paused { system, ear, journal, gate }
}

/// As [`paused`], and full.
pub async fn full() -> Paused {
    let paused = paused(Overflow::Wait).await;
    for text in ["a", "b"] {
        paused.ear.try_tell(note(text)).unwrap();
    }
    paused
}

pub fn listener(system: &ActorSystem, journal: &Journal) -> ActorRef<Listener> {
    system.actor(Listener { journal: journal.clone(), gate: Gate::new() }).name("ear").spawn()
}

pub fn note(text: &str) -> Note {
    Note(text.into())
}

pub fn text_of(letter: &DeadLetter) -> String {
    letter.take::<Note>().expect("a note").0
}
