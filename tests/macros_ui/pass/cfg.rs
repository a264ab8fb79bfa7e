//! Handlers, hooks and parameters that exist in some builds only.

#![deny(warnings)]
#![expect(clippy::non_minimal_cfg, reason = "`all()` stands for what is true in this build")]

use actors_core::{Actor, ActorSystem, Hooks, messages};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[cfg(any())]
    #[message]
    fn never(&self, nowhere: Nowhere) -> Nowhere {}

    #[message]
    #[cfg(all())]
    fn size(&self) -> u64 {
        self.n
    }

    #[cfg(any())]
    #[message]
    fn size(&self) -> String {
        String::new()
    }

    #[message]
    fn add(&mut self, #[cfg(all())] by: u64, #[cfg(any())] times: Nowhere) {
        self.n += by;
    }

    #[cfg(any())]
    #[started]
    fn open(&mut self) {}

    #[cfg(all())]
    #[stopped]
    fn close(&mut self) {}
}

#[tokio::test]
async fn runs() {
    assert_eq!(<Counter as Actor>::HOOKS, Hooks { started: false, exited: false, stopped: true });
    let system = ActorSystem::new("cfg");
    let counter = system.spawn(Counter { n: 0 });
    counter.tell(Add { by: 3 }).await.unwrap();
    assert_eq!(counter.ask(Size).await.unwrap(), 3);
    assert!(system.shutdown().await.is_clean());
}
