//! A reply travels between threads.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> Rc<u8> {
        Rc::new(1)
    }
}

fn main() {}
