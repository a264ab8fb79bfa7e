//! What the actor does is missing.

#![allow(unused)]
use actors_core::{Actor, ActorSystem};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[derive(Actor)]
struct Cache<V> {
    value: V,
}

// A generic actor is complained about where it is used.
fn spawn(system: ActorSystem) {
    system.spawn(Cache { value: 1 });
}

fn main() {}
