//! Of a marker that there is not, the options are not looked at.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

struct Reset;

#[messages]
impl Counter {
    #[handler(boxd)]
    fn reset(&mut self, reset: Reset) {}

    #[mesage(name = "Plus", clone)]
    fn add(&mut self, by: u64) {
        self.n += by;
    }
}

fn main() {}
