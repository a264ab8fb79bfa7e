//! Markers in a trait are no further mistake.

use actors_core::messages;

#[messages]
trait Count {
    #[message]
    fn get(&self) -> u64;

    #[started]
    fn open(&mut self) {}
}

fn main() {}
