//! An open actor travels between threads too.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter {
    n: Rc<u8>,
}

#[messages(open)]
impl Counter {
    #[message]
    fn get(&self) -> u8 {
        *self.n
    }
}

fn main() {}
