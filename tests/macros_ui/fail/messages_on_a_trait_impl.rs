//! `#[messages]` belongs on the actor's own impl block.

#![allow(unused)]
use actors_core::messages;

trait Get {
    fn get(&self);
}

struct Counter;

#[messages]
impl Get for Counter {
    #[message]
    fn get(&self) {}
}

fn main() {}
