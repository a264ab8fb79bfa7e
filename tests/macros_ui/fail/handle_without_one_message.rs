//! `#[handle]` takes one message of the author's own.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[handle]
    fn none(&self) {}

    #[handle]
    fn many(&self, a: u8, b: u16) {}

    #[handle]
    unsafe fn careless(&self, a: u32) {}
}

fn main() {}
