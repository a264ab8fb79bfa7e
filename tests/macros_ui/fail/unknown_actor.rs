//! The block's type is mistyped.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Conter {
    #[message]
    fn get(&self) -> u64 {
        1
    }
}

fn main() {}
