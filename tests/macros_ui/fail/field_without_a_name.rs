//! A parameter becomes a field, and a field has one name.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Map;

#[messages]
impl Map {
    #[message]
    fn put(&mut self, (key, value): (u8, u8)) {}

    #[message]
    fn skip(&mut self, _: u8) {}
}

fn main() {}
