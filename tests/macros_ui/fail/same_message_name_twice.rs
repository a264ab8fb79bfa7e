//! The message structs of two actors in one module meet under one name.

#![allow(unused)]
use actors_core::{Actor, messages};

struct Reset;

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> u64 {
        1
    }

    #[message]
    fn reset(&mut self) {}
}

#[derive(Actor)]
struct Gauge;

#[messages]
impl Gauge {
    #[message]
    fn get(&self) -> f64 {
        1.0
    }
}

fn main() {}
