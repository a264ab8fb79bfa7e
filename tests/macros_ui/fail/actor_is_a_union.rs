//! A union is no actor.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
union Counter {
    n: u8,
}

#[messages]
impl Counter {
    #[message]
    fn get(&self) {}
}

#[derive(Actor)]
union WithoutBlock {
    n: u8,
}

fn main() {}
