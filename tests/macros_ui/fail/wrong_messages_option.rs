//! The options of `#[messages]`, mistyped and misplaced.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages(boxed, crat = actors_core)]
impl Counter {
    #[message]
    fn get(&self) {}
}

fn main() {}
