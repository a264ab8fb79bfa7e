//! What a burst has taken up is given back when it is over, though the actor lives on and keeps its task.

use std::time::Duration;

use actors_core::{Actor, ActorRef, Context, Every, Exited, messages};
use allocation_counter::measure;
use futures_util::future::join_all;
use tests::Gate;

use super::{Counter, World};

const MANY: usize = 20_000;

/// More than what is left of anything that is done once, and far less than room for so many.
const LITTLE: i64 = 32 * 1024;

/// Keeps its task, since it has a timer.
#[derive(Actor, Default)]
struct Busy {
    urgent: usize,
    heard: usize,
}

#[messages]
impl Busy {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.set_interval("tick", Every::new(Duration::from_secs(3_600)), || Tick);
    }

    #[message]
    fn tick(&self) {}

    #[message]
    async fn hold(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message(control)]
    fn urge(&mut self) {
        self.urgent += 1;
    }

    #[message]
    fn note(&self) {}

    #[message]
    fn watch_often(&self, other: ActorRef<Counter>, ctx: &mut Context<Self>) {
        for _ in 0..MANY {
            ctx.monitor(&other);
        }
    }

    #[exited]
    fn hear(&mut self, _exited: Exited) {
        self.heard += 1;
    }

    #[message]
    fn heard_and_urged(&self) -> (usize, usize) {
        (self.heard, self.urgent)
    }
}

/// Takes turns.
#[derive(Actor)]
struct Plain {
    n: u64,
}

#[messages]
impl Plain {
    #[message]
    fn count(&mut self) {
        self.n += 1;
    }

    #[message]
    fn counted(&self) -> u64 {
        self.n
    }
}

/// A world with an actor that is held up.
fn held() -> (World, ActorRef<Busy>, Gate) {
    let (world, gate) = (World::new(), Gate::new());
    let busy = world.runtime.block_on(async {
        let busy = world.system.actor(Busy::default()).mailbox(1).start().await.expect("it starts");
        busy.tell(Hold { gate: gate.clone() }).await.expect("it is open");
        gate.reached().await;
        busy
    });
    (world, busy, gate)
}

#[test]
fn room_for_control_messages_is_given_back() {
    let (world, busy, gate) = held();
    let left = measure(|| {
        for _ in 0..MANY {
            busy.try_tell(Urge).expect("any number may wait");
        }
        gate.open();
        let (_, urged) = world.runtime.block_on(async { busy.ask(HeardAndUrged).await.expect("it answers") });
        assert_eq!(urged, MANY);
    });
    assert!(left.bytes_current < LITTLE, "{left:?}");
}

#[test]
fn room_for_those_who_wait_for_room_is_given_back() {
    let (world, busy, gate) = held();
    let left = measure(|| {
        world.runtime.block_on(async {
            let mut told = std::pin::pin!(join_all((0..MANY).map(|_| busy.tell(Note))));
            assert!(futures_util::poll!(&mut told).is_pending());
            gate.open();
            assert!(told.await.iter().all(Result::is_ok));
        });
    });
    assert!(left.bytes_current < LITTLE, "{left:?}");
}

#[test]
fn room_for_what_is_told_of_ends_is_given_back() {
    let (world, busy, gate) = held();
    let other = world.runtime.block_on(async { world.system.spawn(Counter { n: 0 }) });
    gate.open();
    let left = measure(|| {
        world.runtime.block_on(async {
            busy.tell(WatchOften { other: other.clone() }).await.expect("it is open");
            busy.ask(HeardAndUrged).await.expect("it answers");
            busy.tell(Hold { gate: gate.clone() }).await.expect("it is open");
            gate.reached().await;
            other.stop();
            other.stopped().await;
            gate.open();
            while busy.ask(HeardAndUrged).await.expect("it answers").0 < MANY {}
        });
    });
    assert!(left.bytes_current < LITTLE, "{left:?}");
}

#[test]
fn room_for_those_who_wait_for_their_turn_is_given_back() {
    let world = World::new();
    let plain: Vec<_> = world.runtime.block_on(async { (0..MANY).map(|_| world.system.spawn(Plain { n: 0 })).collect() });
    let tell_all = || {
        world.runtime.block_on(async {
            for actor in &plain {
                actor.try_tell(Count).expect("there is room");
            }
            for actor in &plain {
                while actor.queued() > 0 {
                    tokio::task::yield_now().await;
                }
            }
            assert_eq!(plain[0].ask(Counted).await.expect("it answers"), 1);
        });
    };
    let left = measure(tell_all);
    assert!(left.bytes_current < LITTLE, "{left:?}");
}

/// As many as a mailbox of the usual capacity holds.
const USUAL: usize = 1024;

/// An actor that keeps its task, and a way to tell it so many notes and to wait until it has run out of them.
fn told() -> (World, ActorRef<Busy>) {
    let world = World::new();
    let busy = world.runtime.block_on(async { world.system.actor(Busy::default()).unbounded().start().await.expect("it starts") });
    (world, busy)
}

async fn tell(busy: &ActorRef<Busy>, times: usize) {
    for _ in 0..times {
        busy.try_tell(Note).expect("it is open");
    }
    while busy.queued() > 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
}

#[test]
fn room_for_messages_that_is_used_again_and_again_is_kept() {
    let (world, busy) = told();
    // Both of its buffers.
    world.runtime.block_on(tell(&busy, USUAL));

    assert_eq!(world.count(|| tell(&busy, USUAL)), 0);
}

#[test]
fn room_for_messages_that_is_used_no_more_is_given_back() {
    let (world, busy) = told();
    let left = measure(|| {
        for times in [USUAL, USUAL, 2, 2, 2] {
            world.runtime.block_on(tell(&busy, times));
        }
    });
    assert!(left.bytes_current < 4 * 1024, "{left:?}");
}

#[test]
fn room_for_more_messages_than_most_mailboxes_hold_is_given_back_at_once() {
    let (world, busy) = told();
    let left = measure(|| world.runtime.block_on(tell(&busy, MANY)));

    assert!(left.bytes_current < LITTLE, "{left:?}");
}
