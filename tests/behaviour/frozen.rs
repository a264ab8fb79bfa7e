//! A handler that takes too long: it is dropped, and the actor is replaced.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, AskError, ChildSpec, ExitReason, HandlerTimedOut, Supervisor, messages};
use tests::promptly;
use tokio::time::Instant;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[derive(Actor)]
#[actor(handler_limit = "2s")]
struct Worker {
    handled: u32,
}

#[messages]
impl Worker {
    #[message]
    async fn freeze(&mut self) {
        pending().await
    }

    #[message]
    async fn freeze_with(&mut self, bomb: Bomb) {
        let _bomb = bomb;
        pending().await
    }

    #[message]
    async fn work(&mut self, time: Duration) -> u32 {
        tokio::time::sleep(time).await;
        self.handled += 1;
        self.handled
    }
}

#[tokio::test(start_paused = true)]
async fn blk_2_a_frozen_actor_is_replaced_with_a_fresh_state_and_what_is_queued_goes_on() {
    let system = ActorSystem::new("t");
    let mut crashes = system.crash_reports();
    let sup = Supervisor::new().child(ChildSpec::new("worker", || Worker { handled: 0 }));
    system.actor(sup).name("sup").start().await.unwrap();
    let worker = system.lookup::<Worker>("/sup/worker").unwrap();
    assert_eq!(worker.ask(Work { time: Duration::from_millis(1_999) }).await.unwrap(), 1);

    let began = Instant::now();
    let asked = async { tokio::join!(worker.ask(Freeze), worker.ask(Work { time: Duration::ZERO })) };
    let (frozen, queued) = promptly("both are answered", asked).await;

    let timed_out = HandlerTimedOut { message: "Freeze", limit: Duration::from_secs(2) };
    let Err(AskError::Crashed { reason, .. }) = frozen else { panic!("{frozen:?}") };
    assert_eq!(reason.error().and_then(|error| error.downcast_ref()), Some(&timed_out), "whoever asked reads why");
    assert_eq!(queued.unwrap(), 1, "the state is fresh");
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    let crash = crashes.recv().await.unwrap();
    let why = crash.reason.error().and_then(|error| error.downcast_ref::<HandlerTimedOut>());
    assert_eq!(why, Some(&timed_out));
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn blk_2_an_idle_actor_is_never_taken_for_a_frozen_one() {
    let system = ActorSystem::new("t");
    let worker = system.spawn(Worker { handled: 0 });
    assert_eq!(worker.ask(Work { time: Duration::from_secs(1) }).await.unwrap(), 1);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(worker.ask(Work { time: Duration::from_secs(1) }).await.unwrap(), 2);
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn what_a_frozen_handler_panics_with_when_it_is_dropped_is_kept_beside_the_reason() {
    let system = ActorSystem::new("t");
    let worker = system.spawn(Worker { handled: 0 });
    worker.tell(FreezeWith { bomb: Bomb }).await.unwrap();

    let reason = promptly("the end", worker.stopped()).await;

    assert!(reason.error().is_some_and(|error| error.downcast_ref::<HandlerTimedOut>().is_some()), "{reason}");
    let secondary = worker.exit().expect("it has ended").secondary;
    assert!(matches!(&*secondary, [ExitReason::Panicked { message, .. }] if &**message == "dropped"), "{secondary:?}");
    system.shutdown().await;
}
