//! A waker that owns what waits itself, as those of some executors do: it goes where no lock is held.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, messages};
use tests::Gate;

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
