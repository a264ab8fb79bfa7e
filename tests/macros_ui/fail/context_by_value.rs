//! The context is borrowed, once.

#![allow(unused)]
use actors_core::{Actor, ActorRef, Context, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self, ctx: Context<Self>) {}

    #[message]
    fn twice(&self, ctx: &Context<Self>, other: &mut Context<Self>) {}

    #[started]
    fn open(&self, ctx: Context<Self>) {}
}

// Those who send the message are not complained about too.
async fn send(counter: ActorRef<Counter>) {
    counter.ask(Get).await.unwrap();
}

fn main() {}
