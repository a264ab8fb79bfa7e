//! A variant is no type, and so no message.

#![allow(unused)]
use actors_core::{Actor, messages};

enum Change {
    Add,
    Take,
}

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[handle]
    fn add(&mut self, change: Change::Add) {}

    #[message]
    fn apply(&mut self, change: Change) {}
}

fn main() {}
