//! A message has one handler.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> u8 {
        1
    }

    #[message(name = Get)]
    fn fetch(&self) {}

    #[handle]
    fn on(&self, bytes: Vec<u8>) {}

    #[handle]
    fn again(&self, bytes: Vec<u8>) {}
}

fn main() {}
