//! Ticks that take or return what they cannot.

#![allow(unused)]
use actors_core::{Actor, Context, ReplyTo, messages};

#[derive(Actor)]
struct Clock;

#[messages]
impl Clock {
    #[tick(every = "1s")]
    fn brings_something(&mut self, n: u64) {}

    #[tick(every = "1s")]
    fn answers(&mut self, reply: ReplyTo<u64>) {}

    #[tick(every = "1s")]
    fn returns(&mut self) -> u64 {
        1
    }

    #[tick(every = "1s")]
    fn takes_it_all(self) {}

    #[tick(every = "1s")]
    fn by_value(&mut self, ctx: Context<Self>) {}

    #[message]
    fn get(&self) {}
}

fn main() {}
