//! Handlers, hooks and parameters that exist in some builds only.

#![deny(warnings)]
#![expect(clippy::non_minimal_cfg, reason = "`all()` stands for what is true in this build")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Hooks, Protocol, messages};

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

/// All of its messages are for other builds. Of its hooks two are of one kind.
#[derive(Actor)]
struct Listener {
    opened: Arc<AtomicU8>,
}

#[messages]
impl Listener {
    #[cfg(all())]
    #[started]
    fn open(&mut self) {
        self.opened.store(1, Ordering::Relaxed);
    }

    #[cfg(any())]
    #[started]
    async fn open(&mut self) {
        Nowhere::open().await;
    }

    #[cfg(any())]
    #[message]
    fn port(&self) -> u16 {}
}

#[tokio::test]
async fn an_actor_may_have_no_message_in_this_build_and_one_hook_of_two() {
    let system = ActorSystem::new("cfg");
    let opened = Arc::default();
    let listener = system.start(Listener { opened: Arc::clone(&opened) }).await.unwrap();
    assert_eq!((opened.load(Ordering::Relaxed), <Listener as Protocol>::MESSAGES.len()), (1, 0));
    listener.stop();
    assert!(system.shutdown().await.is_clean());
}

/// Ticks, whichever of the hooks is there: here it is none.
#[derive(Actor)]
struct Clock {
    ticks: u8,
}

#[messages]
impl Clock {
    #[cfg(any())]
    #[started]
    fn wind(&mut self) {}

    #[cfg(not(all()))]
    #[started]
    fn wind_up(&mut self) {}

    #[tick(every = "1s")]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[message]
    fn ticks(&self) -> u8 {
        self.ticks
    }
}

#[tokio::test(start_paused = true)]
async fn ticks_begin_where_each_of_the_hooks_is_for_another_build() {
    let system = ActorSystem::new("cfg");
    let clock = system.spawn(Clock { ticks: 0 });
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(clock.ask(Ticks).await.unwrap(), 2);
    assert!(system.shutdown().await.is_clean());
}
