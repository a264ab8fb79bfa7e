//! Hooks that come twice, take what no hook is given, or return what nobody reads.

#![allow(unused)]
use actors_core::{Actor, ExitReason, Exited, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[started]
    fn open(&self) {}

    #[started]
    fn open_again(&self) {}

    #[exited]
    fn on_exit(&self, exit: &Exited, more: u8) {}

    #[exited]
    fn on_other_exit(&self, exit: Exited, reason: &ExitReason) {}

    #[started]
    fn new() -> Self {
        Counter
    }

    #[stopped]
    fn close(&self, reason: ExitReason) -> u8 {
        1
    }
}

fn main() {}
