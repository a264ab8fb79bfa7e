//! An actor travels between threads.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter {
    n: Rc<u8>,
}

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> u8 {
        *self.n
    }

    #[message]
    async fn add(&mut self, by: u8) {}

    #[stopped]
    async fn close(&mut self) {}
}

fn main() {}
