//! `#[actor(...)]` is read by the derive.

#![allow(unused)]
use actors_core::{Actor, messages};

#[actor(mailbox = 5)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) {}
}

fn main() {}
