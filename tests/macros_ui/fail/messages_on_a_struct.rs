//! `#[messages]` belongs on the impl block.

#![allow(unused)]
use actors_core::{Actor, messages};

#[messages]
#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
fn add() {}

#[messages]
mod counters {
    #[message]
    fn get() {}
}

#[derive(Actor)]
#[messages]
enum Switch {
    On,
    Off,
}

fn main() {}
