//! What is no Rust the compiler refuses before the macro is asked, and in its own words; the macro says no more than where it stopped
//! reading, and nothing is said of the block that it could not read.

#![allow(unused)]
use actors_core::{Actor, Context, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[message]
    fn add(ctx: &mut Context<Self>, &mut self, by: u64) {}
}

fn main() {}
