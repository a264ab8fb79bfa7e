//! A waker that panics, of whoever waits: the others who wait are woken, and nothing else comes of it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use actors_core::{Actor, ActorRef, ActorSystem, ExitReason, messages};
use tests::{Gate, promptly};

struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

/// Polls `future` with a waker that panics.
fn poll_broken<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::new(Broken))))
}

#[derive(Actor)]
#[actor(mailbox = 1)]
struct Door;

#[messages]
impl Door {
    #[message]
    async fn hold(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    fn knock(&self) {}
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_an_end_are_told_of_it() {
    let system = ActorSystem::new("wakers");
    let door = system.start(Door).await.expect("it starts");
    let (mut broken, sound) = (pin!(door.stopped()), door.stopped());
    assert!(poll_broken(broken.as_mut()).is_pending());
    let sound = tokio::spawn(sound);
    tokio::task::yield_now().await;

    door.stop();

    assert_eq!(promptly("the end", sound).await.expect("it does not panic"), ExitReason::Normal);
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_the_end_of_a_system_are_told_of_it() {
    let system = ActorSystem::new("wakers");
    let door = system.start(Door).await.expect("it starts");
    let mut broken = pin!(system.terminated());
    assert!(poll_broken(broken.as_mut()).is_pending());

    let report = promptly("the report", system.shutdown()).await;

    assert!(report.is_clean(), "{report}");
    assert!(!door.is_alive());
}

/// A door with one message in hand, at the gate, and no room for another.
async fn full() -> (ActorSystem, ActorRef<Door>, Gate) {
    let (system, gate) = (ActorSystem::new("wakers"), Gate::new());
    let door = system.start(Door).await.expect("it starts");
    door.tell(Hold { gate: gate.clone() }).await.expect("it is open");
    gate.reached().await;
    door.tell(Knock).await.expect("there is room for one");
    (system, door, gate)
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_room_get_it_and_the_receiver_lives_on() {
    let (system, door, gate) = full().await;
    let mut broken = Box::pin(async { door.tell(Knock).await });
    assert!(poll_broken(broken.as_mut()).is_pending());
    let sound = tokio::spawn({
        let door = door.clone();
        async move { door.tell(Knock).await.is_ok() }
    });
    tokio::task::yield_now().await;

    gate.open();
    tokio::task::yield_now().await;
    // It was granted room, which it gives back.
    drop(broken);

    assert!(promptly("there is room", sound).await.expect("it does not panic"));
    let report = promptly("the report", system.shutdown()).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_room_are_told_that_there_will_be_none() {
    let (_system, door, gate) = full().await;
    let mut broken = Box::pin(async { door.tell(Knock).await });
    assert!(poll_broken(broken.as_mut()).is_pending());
    let sound = tokio::spawn({
        let door = door.clone();
        async move { door.tell(Knock).await.is_err() }
    });
    tokio::task::yield_now().await;

    door.stop();
    gate.open_wide();

    assert!(promptly("it is refused", sound).await.expect("it does not panic"));
    assert_eq!(promptly("its end", door.stopped()).await, ExitReason::Normal);
}
