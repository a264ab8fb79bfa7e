//! Markers that are reserved.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Clock;

#[messages]
impl Clock {
    #[tick(every = "20s")]
    fn tick(&self) {}

    #[stream]
    fn item(&self, item: u8) {}

    #[message]
    fn get(&self) {}
}

fn main() {}
