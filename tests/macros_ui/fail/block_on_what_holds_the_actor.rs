//! The block stands on the actor, and on nothing that holds or borrows one.

#![allow(unused)]
use std::sync::{Arc, Mutex};

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Arc<Mutex<Counter>> {
    #[message]
    fn add(&mut self, by: u64) {
        self.n += by;
    }
}

#[derive(Actor)]
struct Sum {
    n: u64,
}

#[messages]
impl &mut Sum {
    #[message]
    fn get(&self) -> u64 {
        self.n
    }
}

fn main() {}
