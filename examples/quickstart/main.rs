//! The smallest whole program: one actor, told something, asked something, and shut down.
//!
//! Watch the end: `main` returns the report of the shutdown, which prints itself and is the exit code.

use actors_core::{Actor, ActorSystem, ShutdownReport, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) {
        self.n += by
    }

    #[message]
    async fn get(&self) -> u64 {
        self.n
    }
}

#[tokio::main]
async fn main() -> ShutdownReport {
    // Termination: prints itself, is the exit code
    let system = ActorSystem::new("demo");
    let counter = system.spawn(Counter { n: 0 });
    counter.tell(Add { by: 2 }).await.unwrap(); // waits only while the mailbox is full
    assert_eq!(counter.ask(Get).await.unwrap(), 2); // .within(Duration) sets a limit
    system.shutdown().await
}
