//! A message is made whole, and answered as its handler says.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) -> u64 {
        self.n += by;
        self.n
    }
}

async fn add(counter: ActorRef<Counter>) -> String {
    counter.tell(Add {}).await.unwrap();
    counter.ask(Add { by: 1 }).await.unwrap()
}

fn main() {}
