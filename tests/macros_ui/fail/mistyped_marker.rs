//! A marker that is nearly right, or is called so elsewhere.

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

    #[on_stop]
    fn close(&mut self) {}

    #[msg]
    fn halve(&mut self) {}
}

async fn add(counter: ActorRef<Counter>) {
    counter.tell(Add { by: 1 }).await.unwrap();
}

fn main() {}
