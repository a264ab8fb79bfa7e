//! An actor travels between threads.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, ActorSystem, messages};

#[derive(Actor)]
struct Counter {
    n: Rc<u8>,
}

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> u8 {
        *self.n
    }

    #[message]
    async fn add(&mut self, by: u8) {}

    #[stopped]
    async fn close(&mut self) {}
}

// Who makes and sends to it has done nothing wrong.
async fn count(system: ActorSystem) {
    let counter = system.spawn(Counter { n: Rc::new(0) });
    counter.tell(Add { by: 1 }).await.unwrap();
}

fn main() {}
