//! What makes the type an actor is missing.

#![allow(unused)]
use actors_core::{ActorSystem, messages};

struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) {}
}

fn spawn(system: ActorSystem) {
    system.spawn(Counter);
}

fn main() {}
