//! A handler is given the context of its own actor.

#![allow(unused)]
use actors_core::{Actor, Context, messages};

#[derive(Actor)]
struct Counter;

#[derive(Actor)]
struct Other;

#[messages]
impl Other {
    #[message]
    fn ping(&self) {}
}

#[messages]
impl Counter {
    #[message]
    fn get(&self, ctx: &mut Context<Other>) {}

    #[started]
    async fn open(&mut self, ctx: &Context<Other>) {}

    // No actor at all; and what is done with it is not complained of.
    #[message]
    async fn add(&mut self, ctx: &mut Context<u64>) {
        ctx.actor_ref().tell(Get).await.unwrap();
    }

    #[message]
    fn of_whom(&mut self, ctx: &mut Context) {
        ctx.stop();
    }

    #[message]
    fn of_any(&mut self, ctx: &Context<_>) {}

    #[message]
    fn boxed(&self, ctx: Box<Context<Self>>) {}

    #[message]
    fn maybe(&self, ctx: Option<&mut Context<Counter>>) {}
}

fn main() {}
