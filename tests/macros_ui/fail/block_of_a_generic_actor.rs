//! The block of a generic actor names its parameters.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Store<T> {
    values: Vec<T>,
}

#[messages]
impl Store {
    #[message]
    fn len(&self) -> usize {
        self.values.len()
    }
}

fn main() {}
