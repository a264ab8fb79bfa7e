//! The actor has no handler for what it is sent.

#![allow(unused)]
use actors_core::{Actor, ActorRef, Recipient, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> u64 {
        1
    }
}

struct Reset;

async fn reset(counter: ActorRef<Counter>) {
    counter.tell(Reset).await.unwrap();
    counter.ask(Reset).await.unwrap();
    let _: Recipient<Reset> = counter.recipient();
}

fn main() {}
