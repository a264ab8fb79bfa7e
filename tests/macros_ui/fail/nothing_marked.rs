//! A block without a marked method makes no messages.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    fn get(&self) {}
}

fn main() {}
