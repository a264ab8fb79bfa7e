//! A method is one thing to the actor.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    #[started]
    fn get(&self) {}

    #[started]
    #[stopped]
    fn both(&self) {}

    #[message]
    const START: u8 = 1;
}

fn main() {}
