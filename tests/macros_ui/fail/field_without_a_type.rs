//! A parameter becomes a field, and a field has a type that can be named.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Speaker;

#[messages]
impl Speaker {
    #[message]
    fn say(&self, text: impl Into<String>, loudness: u8) {}

    #[message]
    fn list(&self, list: Vec<_>) {}
}

fn main() {}
