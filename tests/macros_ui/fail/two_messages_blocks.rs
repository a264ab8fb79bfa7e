//! What waits in the mailbox is one type, so an actor has one `#[messages]` block.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) {}
}

#[messages]
impl Counter {
    #[message]
    fn add(&self) {}
}

fn main() {}
