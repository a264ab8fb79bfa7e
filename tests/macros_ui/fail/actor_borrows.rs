//! An actor lives as long as its parent says, not as long as a borrow.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter<'a> {
    name: &'a str,
}

#[messages]
impl<'a> Counter<'a> {
    #[message]
    fn get(&self) {}
}

fn main() {}
