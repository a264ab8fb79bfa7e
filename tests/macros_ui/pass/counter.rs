//! The first actor of everybody.

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

    #[message]
    async fn get(&self) -> u64 {
        self.n
    }
}

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("demo");
    let counter = system.spawn(Counter { n: 0 });
    counter.tell(Add { by: 2 }).await.unwrap();
    assert_eq!(counter.ask(Get).await.unwrap(), 2);
    assert!(system.shutdown().await.is_clean());
}
