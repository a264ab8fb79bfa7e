//! A type that is not in scope is one mistake, told once.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn add(&self, by: Nowhere) -> u64 {
        1
    }
}

fn main() {}
