//! What has no size of its own neither comes nor is returned by value: the compiler says so, once.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Log;

#[messages]
impl Log {
    #[message]
    fn bytes(&mut self, bytes: [u8]) {}

    #[message]
    fn say(&mut self, text: str) {}

    #[message]
    fn last(&self) -> str {
        todo!()
    }

    #[message]
    fn call(&mut self, f: dyn Fn()) {}

    #[handle]
    fn run(&mut self, job: dyn Send) {}
}

fn main() {}
