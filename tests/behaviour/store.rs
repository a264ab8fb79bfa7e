//! The actor of the tests on the stash: it puts aside what comes while it is shut.

use std::time::Duration;

use actors_core::{Actor, ActorRef, AskError, Context, ReplyTo, StashFull, messages};
use tests::{Gate, Journal};

/// Puts aside what comes while it is shut.
#[derive(Actor)]
#[actor(stash = 3)]
pub struct Store {
    journal: Journal,
    open: bool,
    /// Puts `Put` messages aside again, even when it is open.
    stubborn: bool,
    gate: Option<Gate>,
    kept: Vec<ReplyTo<u32>>,
}

impl Store {
    pub fn new(journal: &Journal) -> Self {
        Store { journal: journal.clone(), open: false, stubborn: false, gate: None, kept: Vec::new() }
    }
}

#[messages]
impl Store {
    #[message(derive(Debug))]
    pub fn put(&mut self, n: u32, ctx: &mut Context<Self>) -> Result<(), StashFull<Put>> {
        if !self.open || self.stubborn {
            self.journal.note(format!("aside {n}"));
            return ctx.stash(Put { n });
        }
        self.journal.note(n.to_string());
        Ok(())
    }

    /// Is put aside while the store is shut; passes the gate, if there is one, before it answers.
    #[message(derive(Debug, Clone))]
    pub async fn fetch(&mut self, n: u32, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        if !self.open {
            self.journal.note(format!("aside {n}"));
            if let Err(full) = ctx.stash_ask(Fetch { n }, reply) {
                let (Fetch { n }, reply) = full.into_message();
                reply.send(n + 1_000);
            }
            return;
        }
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        self.journal.note(n.to_string());
        reply.send(n);
    }

    /// Is put aside while the store is shut, and never answered when it is open.
    #[message]
    pub fn keep(&mut self, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        if self.open {
            self.kept.push(reply);
        } else {
            ctx.stash_ask(Keep, reply).expect("there is room");
        }
    }

    /// Releases what is put aside, puts one more aside, and stops.
    #[message]
    pub fn release_and_stop(&mut self, last: u32, ctx: &mut Context<Self>) -> Result<(), StashFull<Put>> {
        ctx.unstash_all();
        ctx.stop();
        ctx.stash(Put { n: last })
    }

    #[message]
    pub fn note(&mut self, text: &'static str) {
        self.journal.note(text);
    }

    #[message(control)]
    pub fn hurry(&mut self) {
        self.journal.note("!");
    }

    #[message]
    pub fn open(&mut self, ctx: &mut Context<Self>) -> usize {
        self.open = true;
        ctx.unstash_all();
        ctx.stash_len()
    }

    #[message]
    pub fn release(&mut self, ctx: &mut Context<Self>) {
        ctx.unstash_all();
    }

    #[message(control)]
    pub fn release_now(&mut self, ctx: &mut Context<Self>) {
        ctx.unstash_all();
    }

    #[message]
    pub fn set(&mut self, open: bool, stubborn: bool, gate: Option<Gate>) {
        (self.open, self.stubborn, self.gate) = (open, stubborn, gate);
    }

    #[message]
    pub fn held(&self, ctx: &Context<Self>) -> usize {
        ctx.stash_len()
    }

    #[message]
    pub async fn hold(&mut self, gate: Gate) {
        gate.pass().await;
    }

    /// Fetches from another, and says whether that would have been waiting for itself.
    #[message]
    pub async fn fetch_from(&mut self, other: ActorRef<Store>) -> Option<bool> {
        match other.ask(Fetch { n: 1 }).within(Duration::from_secs(5)).await {
            Ok(_) => None,
            Err(error) => Some(matches!(error, AskError::WouldDeadlock(_))),
        }
    }

    /// Answers after it has fetched from another; is put aside while the store is shut.
    #[message]
    pub async fn fetch_back(&mut self, from: ActorRef<Store>, reply: ReplyTo<Option<bool>>, ctx: &mut Context<Self>) {
        if !self.open {
            self.journal.note("aside");
            ctx.stash_ask(FetchBack { from }, reply).expect("there is room");
            return;
        }
        reply.send(self.fetch_from(from).await);
    }

    #[message]
    pub async fn keep_with(&mut self, other: ActorRef<Store>) {
        other.ask(Keep).await.expect_err("it is never answered");
    }

    #[message]
    pub async fn visit(&mut self, other: ActorRef<Store>, ctx: &mut Context<Self>) -> Option<bool> {
        other.ask(FetchBack { from: ctx.actor_ref().clone() }).await.expect("it is answered")
    }

    #[message]
    pub fn fail(&mut self) -> Result<(), String> {
        Err("broken".to_owned())
    }

    #[message]
    pub fn panic(&mut self) {
        std::panic::resume_unwind(Box::new("broken"));
    }
}

pub fn numbers(journal: &Journal) -> Vec<String> {
    journal.entries().into_iter().filter(|entry| !entry.starts_with("aside")).collect()
}
