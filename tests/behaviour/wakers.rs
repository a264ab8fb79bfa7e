//! Wakers of anybody's making. One that panics: the others who wait are woken, and nothing else comes of it. One that owns what waits
//! itself, as those of some executors do: it goes where no lock is held.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ExitReason, messages};
use tests::{Gate, promptly};

struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

/// Polls `future` with a waker that panics.
fn poll_broken<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
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

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Owns a future, which goes with it.
struct Owner {
    _waiting: Mutex<Option<Waiting>>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// What wakes by an owner of `waiting`, which waits already.
fn owning(mut waiting: Waiting) -> Waker {
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    Waker::from(Arc::new(Owner { _waiting: Mutex::new(Some(waiting)) }))
}

type Wait = fn(ActorSystem, ActorRef<Door>) -> Waiting;

const WAITS: &[(&str, Wait)] = &[
    ("the end", |_, door| Box::pin(async move { drop(door.stopped().await) })),
    ("the end of the system", |system, _| Box::pin(async move { drop(system.terminated().await) })),
    ("room", |_, door| Box::pin(async move { drop(door.tell(Knock).await) })),
    ("room for a request", |_, door| Box::pin(async move { drop(door.ask(Knock).await) })),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_with_the_waker_of_one_who_waits_may_have_waited_for_the_same() {
    for (what, wait) in WAITS {
        for polled_anew in [true, false] {
            let (system, gate) = (ActorSystem::new("wakers"), Gate::new());
            let door = system.start(Door).await.expect("it starts");
            door.tell(Hold { gate: gate.clone() }).await.expect("it is open");
            gate.reached().await;
            door.tell(Knock).await.expect("there is room for one");
            let mut waiting = wait(system.clone(), door.clone());
            let mine = owning(wait(system.clone(), door.clone()));
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&mine)).is_pending());
            // The one that stands there is the last.
            drop(mine);

            // On a thread of its own, which would hang if a lock were held.
            let gone = std::thread::spawn(move || {
                if polled_anew {
                    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                }
                drop(waiting);
            });

            for _ in 0..5_000 {
                if gone.is_finished() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(gone.is_finished(), "hangs: {what}, polled anew: {polled_anew}");
            gone.join().expect("it does not panic");
            gate.open_wide();
            system.shutdown().await;
        }
    }
}
