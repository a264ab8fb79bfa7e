//! What is no actor cannot be spawned, and that is said once.

#![allow(unused)]
use actors_core::{Actor, ActorSystem, Context, messages};

struct Counter {
    n: u64,
}

#[derive(Actor)]
struct Parent;

#[messages]
impl Parent {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(Counter { n: 0 });
    }
}

fn spawn(system: ActorSystem) {
    system.spawn(Counter { n: 0 });
}

fn main() {}
