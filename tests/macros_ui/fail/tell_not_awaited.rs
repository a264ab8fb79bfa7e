//! Nothing is sent until it is awaited.

#![allow(unused)]
#![deny(unused_must_use)]

use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) {}
}

async fn add(counter: ActorRef<Counter>) {
    counter.tell(Add { by: 1 });
    counter.ask(Add { by: 1 });
}

fn main() {}
