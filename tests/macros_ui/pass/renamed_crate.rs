//! The framework under another name, as when another crate re-exports it.

mod framework {
    pub mod actors {
        pub use actors_core::*;
    }
}

// What a path would find by mistake.
mod actors_core_is_not_here {}

use framework::actors::{Actor, ActorSystem, messages};

#[derive(Actor)]
#[actor(crate = crate::framework::actors, mailbox = 4)]
struct Counter {
    n: u64,
}

#[messages(crate = crate::framework::actors)]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) -> Result<u64, std::fmt::Error> {
        self.n += by;
        Ok(self.n)
    }

    #[started]
    fn open(&mut self) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let system = ActorSystem::new("renamed");
    assert_eq!(system.spawn(Counter { n: 0 }).ask(Add { by: 2 }).await.unwrap(), 2);
    assert!(system.shutdown().await.is_clean());
}
