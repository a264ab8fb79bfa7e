//! A message travels between threads. What is inside of a type only the compiler knows.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, messages};

struct Held(Rc<u8>);

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: Held) {}

    #[message]
    fn get(&self) -> u8 {
        1
    }
}

#[derive(Actor)]
struct Shelf;

#[messages]
impl Shelf {
    #[handle]
    fn hold(&mut self, held: Held) {}
}

fn main() {}
