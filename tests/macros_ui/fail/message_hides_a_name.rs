//! Structs that would be named like something else.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn send(&self) {}

    #[message]
    fn drop(&mut self) {}

    #[message]
    fn counter(&self) {}

    #[message]
    fn __(&self) {}

    #[message(name = Vec)]
    fn list(&self) {}
}

fn main() {}
