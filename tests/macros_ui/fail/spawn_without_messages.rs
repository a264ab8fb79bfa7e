//! The block is missing, and the actor is used.

#![allow(unused)]
use actors_core::{Actor, ActorSystem};

#[derive(Actor)]
struct Counter {
    n: u64,
}

impl Counter {
    fn add(&mut self, by: u64) {
        self.n += by;
    }
}

fn spawn(system: ActorSystem) {
    system.spawn(Counter { n: 0 });
}

fn main() {}
