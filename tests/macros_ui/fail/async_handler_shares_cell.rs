//! `async` with `&self` shares the state with whatever thread goes on.

#![allow(unused)]
use std::cell::Cell;

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter {
    n: Cell<u8>,
}

#[messages]
impl Counter {
    #[message]
    async fn get(&self) -> u8 {
        std::future::ready(()).await;
        self.n.get()
    }
}

fn main() {}
