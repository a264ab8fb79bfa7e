//! A handler only borrows the actor, which lives on after the message.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[message]
    fn take(self) -> u64 {
        self.n
    }

    #[message]
    fn unpack(self: Box<Self>) {}

    #[stopped]
    fn close(mut self) {}
}

fn main() {}
