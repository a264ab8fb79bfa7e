//! What actors allocate, counted exactly, on a runtime of one thread. The allocator that counts is this binary's own.
//!
//! The bounds for spawning are what it takes today. Who makes it less writes the smaller number down here.

mod bursts;
mod undone;

use std::convert::Infallible;
use std::future::Future;

use actors_core::{Accepts, Actor, ActorRef, ActorSystem, BoxError, Context, Handler, Hooks, Protocol, ReplyTo, Supervisor, messages};
use allocation_counter::AllocationInfo;
use tokio::runtime::{Builder, Runtime};

/// How often each operation is done while it is counted: enough to tell one allocation each from one now and then.
const TIMES: u64 = 1_000;

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
    async fn add_later(&mut self, by: u64) {
        tokio::task::yield_now().await;
        self.n += by;
    }

    #[message(boxed)]
    fn add_boxed(&mut self, by: u64) {
        self.n += by;
    }

    #[message]
    fn get(&self) -> u64 {
        self.n
    }
}

/// An open actor.
#[derive(Actor)]
struct Tally {
    n: u64,
}

#[messages(open)]
impl Tally {
    #[message]
    fn count(&mut self, by: u64) {
        self.n += by;
    }
}

struct Foreign(u64);

impl Handler<Foreign> for Tally {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, Foreign(by): Foreign, _ctx: &mut Context<Self>) -> Result<(), Infallible> {
        self.n += by;
        Ok(())
    }
}

struct ByHand {
    n: u64,
}

enum Msg {
    Add(u64),
    Get(ReplyTo<u64>),
}

impl Protocol for ByHand {
    type Msg = Msg;
}

impl Actor for ByHand {
    const HOOKS: Hooks = Hooks::NONE;

    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match msg {
            Msg::Add(by) => self.n += by,
            Msg::Get(reply) => reply.send(self.n),
        }
        Ok(())
    }
}

/// A runtime with one system and one thread, which is the one that counts.
struct World {
    runtime: Runtime,
    system: ActorSystem,
}

impl World {
    fn new() -> Self {
        tests::goes_on();
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
        let system = runtime.block_on(async { ActorSystem::new("allocations") });
        World { runtime, system }
    }

    /// Does `work` twice, to get what is allocated once out of the way, and then counts the allocations. Not those of
    /// tokio, which keeps a list of the tasks that yield, and makes it anew each time it is entered.
    fn count<F: Future<Output = ()>>(&self, work: impl Fn() -> F) -> u64 {
        let and_yield = async |work: F| {
            work.await;
            tokio::task::yield_now().await;
        };
        self.runtime.block_on(work());
        self.runtime.block_on(work());
        let entering = allocation_counter::measure(|| self.runtime.block_on(tokio::task::yield_now()));
        let working = allocation_counter::measure(|| self.runtime.block_on(and_yield(work())));
        working.count_total - entering.count_total
    }
}

/// Sends `TIMES` messages, in bursts of ten, and lets all be handled.
async fn tell_all<A: Accepts<M>, M>(actor: &ActorRef<A>, message: impl Fn() -> M) {
    for n in 1..=TIMES {
        actor.tell(message()).await.expect("it runs");
        if n % 10 == 0 {
            while actor.queued() > 0 {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[test]
fn telling_a_derived_actor_allocates_nothing() {
    let world = World::new();
    let counter = world.system.spawn(Counter { n: 0 });

    let handled_at_once = world.count(|| tell_all(&counter, || Add { by: 1 }));
    let handled_later = world.count(|| tell_all(&counter, || AddLater { by: 1 }));

    assert_eq!((handled_at_once, handled_later), (0, 0));
    assert_eq!(world.runtime.block_on(counter.ask(Get)).unwrap(), 6 * TIMES);
}

#[test]
fn telling_an_actor_written_by_hand_allocates_nothing() {
    let world = World::new();
    let counter = world.system.spawn(ByHand { n: 0 });

    let told = world.count(|| tell_all(&counter, || Msg::Add(1)));

    assert_eq!(told, 0);
    assert_eq!(world.runtime.block_on(counter.ask_with(Msg::Get)).unwrap(), 3 * TIMES);
}

#[test]
fn waiting_for_room_in_a_full_mailbox_allocates_nothing() {
    let world = World::new();
    let counter = world.system.actor(Counter { n: 0 }).mailbox(1).spawn();

    let told = world.count(|| tell_all(&counter, || Add { by: 1 }));

    assert_eq!(told, 0);
}

#[test]
fn a_recipient_allocates_nothing_per_message() {
    let world = World::new();
    let recipient = world.system.spawn(Counter { n: 0 }).recipient::<Add>();

    let told = world.count(|| async {
        for _ in 0..TIMES {
            recipient.tell(Add { by: 1 }).await.expect("it runs");
        }
    });

    assert_eq!(told, 0);
}

#[test]
fn a_boxed_message_allocates_its_box_and_nothing_else() {
    let world = World::new();
    let counter = world.system.spawn(Counter { n: 0 });

    let told = world.count(|| tell_all(&counter, || AddBoxed { by: 1 }));

    assert_eq!(told, TIMES);
}

#[test]
fn an_open_actor_boxes_what_its_block_does_not_name_and_its_handler_and_nothing_else() {
    let world = World::new();
    let tally = world.system.spawn(Tally { n: 0 });

    let named = world.count(|| tell_all(&tally, || Count { by: 1 }));
    let foreign = world.count(|| tell_all(&tally, || Foreign(1)));

    assert_eq!((named, foreign), (0, 2 * TIMES));
}

#[test]
fn asking_allocates_once() {
    let world = World::new();
    let derived = world.system.spawn(Counter { n: 0 });
    let by_hand = world.system.spawn(ByHand { n: 0 });

    let of_derived = world.count(|| async {
        for _ in 0..TIMES {
            derived.ask(Get).await.expect("it answers");
        }
    });
    let of_by_hand = world.count(|| async {
        for _ in 0..TIMES {
            by_hand.ask_with(Msg::Get).await.expect("it answers");
        }
    });

    assert!(of_derived <= TIMES, "{of_derived}");
    assert!(of_by_hand <= TIMES, "{of_by_hand}");
}

/// Spawns `TIMES` actors, keeps them, and counts.
fn spawn_all<A: Actor>(actor: impl Fn() -> A) -> AllocationInfo {
    let world = World::new();
    let mut kept = Vec::with_capacity(2 * TIMES as usize);
    let mut spawn = || {
        world.runtime.block_on(async {
            kept.extend((0..TIMES).map(|_| world.system.spawn(actor())));
            tokio::task::yield_now().await;
        });
    };
    spawn();
    let cost = allocation_counter::measure(&mut spawn);
    println!("{TIMES} idle {}: {cost:?}", std::any::type_name::<A>());
    cost
}

// An allocation and 265 bytes each: the cell, and a place in its parent's row of children. The row itself grew twice.
const ALLOCATIONS: u64 = 1_002;
const BYTES: i64 = 264_640;

#[test]
fn idle_actors_cost_no_more_than_they_did() {
    let cost = spawn_all(|| Counter { n: 0 });

    assert!(cost.count_total <= ALLOCATIONS, "{cost:?}");
    assert!(cost.bytes_current <= BYTES, "{cost:?}");
}

#[test]
fn idle_actors_written_by_hand_cost_no_more_than_derived_ones() {
    let cost = spawn_all(|| ByHand { n: 0 });

    assert!(cost.count_total <= ALLOCATIONS, "{cost:?}");
    assert!(cost.bytes_current <= BYTES, "{cost:?}");
}

/// Has `times` children made by one supervisor, one after the other, and each of them end; says by how many bytes and how many
/// allocations there are more afterwards.
fn left_by_children(permanent: bool, times: u64) -> (i64, i64) {
    let world = World::new();
    let supervisor = Supervisor::dynamic(|n| Counter { n }).unlimited_restarts();
    let supervisor = if permanent { supervisor.permanent() } else { supervisor };
    let pool = world.runtime.block_on(world.system.start(supervisor)).expect("it starts");
    let churn = |times| {
        world.runtime.block_on(async {
            for n in 0..times {
                let child = pool.start_child(n).await.expect("it starts");
                if permanent {
                    child.kill();
                    while child.incarnation() == 0 {
                        tokio::task::yield_now().await;
                    }
                    pool.terminate_child(&child).await.expect("it is a child");
                } else {
                    child.stop();
                    child.stopped().await;
                }
            }
            tokio::task::yield_now().await;
        });
    };
    churn(times / 10);
    let left = allocation_counter::measure(|| churn(times));
    assert_eq!(pool.count_children().specs, 0);
    println!("{times} children, permanent: {permanent}: {left:?}");
    (left.bytes_current, left.count_current)
}

#[test]
fn children_that_have_ended_for_good_leave_no_trace() {
    for (permanent, times) in [(false, 100_000), (true, 20_000)] {
        let (bytes, allocations) = left_by_children(permanent, times);

        // What is kept for the next of them, and grows with nothing: a table that has become a little larger.
        assert!(bytes < 4_096 && allocations < 16, "{bytes} bytes in {allocations} allocations, permanent: {permanent}");
    }
}
