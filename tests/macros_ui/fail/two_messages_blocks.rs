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

// One of a generic actor, without anything new in it.
#[derive(Actor)]
struct Cache<T>(T);

#[messages]
impl<T> Cache<T> {
    #[message]
    fn look_up(&self, place: T) {}
}

#[messages(open)]
impl<T> Cache<T> {}

fn main() {}
