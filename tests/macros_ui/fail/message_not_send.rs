//! A message travels between threads.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: Rc<u8>) {}

    #[message]
    fn get(&self) -> u8 {
        1
    }
}

fn main() {}
