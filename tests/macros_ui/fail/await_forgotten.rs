//! The outcome of what has not been awaited.

use actors_core::{Actor, ActorSystem, messages};

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

async fn count(system: ActorSystem) -> u64 {
    let counter = system.start(Counter { n: 0 });
    counter.tell(Add { by: 1 }).await.unwrap();
    let counter = system.start(Counter { n: 0 }).unwrap();
    counter.tell(Add { by: 1 }).unwrap();
    counter.ask(Add { by: 1 }).expect("it is there")
}

fn main() {}
