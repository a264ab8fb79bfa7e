//! A marker means something in a `#[messages]` block only.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) {}
}

impl Counter {
    #[message]
    fn add(&self) {}
}

fn main() {}
