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

    #[message]
    fn boxed(&self, ctx: Box<Context<Self>>) {}

    #[message]
    fn maybe(&self, ctx: Option<&mut Context<Counter>>) {}
}

fn main() {}
