//! A handler is called like a method, on the reference.

use actors_core::{Actor, ActorSystem, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) {
        self.n += by;
    }
}

async fn count(system: &ActorSystem) {
    let counter = system.spawn(Counter { n: 0 });
    counter.add(1).await;
}

fn main() {}
