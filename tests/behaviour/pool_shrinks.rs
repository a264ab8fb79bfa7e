//! A pool that is made smaller, and what was to go to a worker that is too many (S13.7).

use std::time::Duration;

use actors_core::{Actor, ActorPath, ActorSystem, Context, WorkerPool, messages};
use tests::{Gate, promptly};

/// Works when the gate opens.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Gated;

#[messages]
impl Gated {
    #[message]
    async fn pass(&self, gate: Gate, ctx: &mut Context<Self>) -> ActorPath {
        gate.pass().await;
        ctx.path()
    }
}

/// Two that wait for room at the worker that goes: one that tells, and one that asks.
#[tokio::test(start_paused = true)]
async fn s13_7_what_waits_for_room_at_a_worker_that_is_too_many_goes_to_another() {
    let system = ActorSystem::new("pools");
    let pool = system.actor(WorkerPool::new(2, || Gated)).name("pool").start().await.expect("it starts");
    let (workers, gate, open) = (pool.workers(), Gate::new(), Gate::new());
    open.open_wide();
    let [stays, goes] = [0, 1].map(|place| workers.all().swap_remove(place));
    let key = (0..).find(|key: &u32| workers.pick_for(key) == Some(goes.clone())).expect("it has its share");
    goes.tell(Pass { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    goes.try_tell(Pass { gate: gate.clone() }).expect("there is room for one");
    let (tells, tolds, passed) = (workers.clone(), workers.clone(), Gate::new());
    passed.open_wide();
    let told = tokio::spawn({
        let passed = passed.clone();
        async move { tells.tell_to(&key, Pass { gate: passed }).await }
    });
    let asked = tokio::spawn(async move { tolds.ask_to(&key, Pass { gate: open }).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!told.is_finished() && !asked.is_finished(), "there is no room");

    promptly("the resize", workers.resize(1)).await.expect("it shrinks");

    promptly("there is another", told).await.unwrap().expect("it is taken");
    assert_eq!(promptly("an answer", asked).await.unwrap().expect("it is answered"), stays.path());
    promptly("it is handled", passed.reached()).await;
    gate.open_wide();
    promptly("it ends", goes.stopped()).await;
    assert!(system.shutdown().await.is_clean());
}
