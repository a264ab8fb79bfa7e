//! A marker that is nearly right.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[mesage]
    fn add(&self, by: u8) {}

    #[messages]
    fn get(&self) {}

    #[handler]
    fn on(&self, bytes: Vec<u8>) {}

    #[start]
    fn open(&self) {}
}

async fn add(counter: ActorRef<Counter>) {
    counter.tell(Add { by: 1 }).await.unwrap();
}

fn main() {}
