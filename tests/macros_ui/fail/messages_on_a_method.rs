//! `#[messages]` stands on the block, `#[message]` on its methods.

#![allow(unused)]
use actors_core::{Actor, messages};

struct Counter;

impl Counter {
    #[messages]
    fn get(&self) -> u64 {
        1
    }
}

fn main() {}
