//! A handler runs on the actor's state, and this one cannot reach it.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[message]
    fn add(by: u64) {}

    #[message]
    fn reset(this: &mut Self) {}

    #[message]
    fn get(&self) -> u64 {
        self.n
    }
}

// Those who send the broken message are not complained about too.
async fn count(counter: ActorRef<Counter>) -> u64 {
    counter.tell(Add { by: 1 }).await.unwrap();
    counter.ask(Get).await.unwrap()
}

fn main() {}
