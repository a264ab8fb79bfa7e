//! What actors allocate, counted exactly, on a runtime of one thread. The allocator that counts is this binary's own.
//!
//! The bounds for spawning are what it takes today. Who makes it less writes the smaller number down here.

use std::future::Future;

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, Context, Hooks, Protocol, ReplyTo, messages};
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

    #[message]
    fn get(&self) -> u64 {
        self.n
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
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
        let system = runtime.block_on(async { ActorSystem::new("allocations") });
        World { runtime, system }
    }

    /// Does `work` twice, to get what is allocated once out of the way, and then counts.
    fn count<F: Future<Output = ()>>(&self, work: impl Fn() -> F) -> AllocationInfo {
        self.runtime.block_on(work());
        self.runtime.block_on(work());
        allocation_counter::measure(|| self.runtime.block_on(work()))
    }
}

/// Sends `TIMES` messages, in bursts that fit the mailbox, and lets all be handled.
async fn tell_all<A: Actor, M>(actor: &ActorRef<A>, message: impl Fn() -> M)
where
    A: actors_core::Accepts<M>,
{
    for n in 1..=TIMES {
        actor.tell(message()).await.expect("it runs");
        if n % 100 == 0 {
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

    assert_eq!((handled_at_once.count_total, handled_later.count_total), (0, 0));
    assert_eq!(world.runtime.block_on(counter.ask(Get)).unwrap(), 6 * TIMES);
}

#[test]
fn telling_an_actor_written_by_hand_allocates_nothing() {
    let world = World::new();
    let counter = world.system.spawn(ByHand { n: 0 });

    let told = world.count(|| tell_all(&counter, || Msg::Add(1)));

    assert_eq!(told.count_total, 0);
    assert_eq!(world.runtime.block_on(counter.ask_with(Msg::Get)).unwrap(), 3 * TIMES);
}

#[test]
fn waiting_for_room_in_a_full_mailbox_allocates_nothing() {
    let world = World::new();
    let counter = world.system.actor(Counter { n: 0 }).mailbox(1).spawn();

    let told = world.count(|| tell_all(&counter, || Add { by: 1 }));

    assert_eq!(told.count_total, 0);
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

    assert_eq!(told.count_total, 0);
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

    assert!(of_derived.count_total <= TIMES, "{of_derived:?}");
    assert!(of_by_hand.count_total <= TIMES, "{of_by_hand:?}");
}

/// Spawns `TIMES` actors and keeps them, and returns what each costs: allocations, bytes ever, bytes kept.
fn cost_of_spawning<A: Actor>(actor: impl Fn() -> A) -> (u64, u64, u64) {
    let world = World::new();
    let mut kept = Vec::with_capacity(3 * TIMES as usize);
    let mut spawn = || {
        world.runtime.block_on(async {
            kept.extend((0..TIMES).map(|_| world.system.spawn(actor())));
            tokio::task::yield_now().await;
        });
    };
    spawn();
    let cost = allocation_counter::measure(&mut spawn);
    let kept_bytes = u64::try_from(cost.bytes_current).expect("more is kept than was there");
    println!("{}: {cost:?}", std::any::type_name::<A>());
    (cost.count_total / TIMES, cost.bytes_total / TIMES, kept_bytes / TIMES)
}

#[test]
fn spawning_an_idle_actor_costs_no_more_than_it_did() {
    let (allocations, bytes, kept) = cost_of_spawning(|| Counter { n: 0 });

    assert!(allocations <= 1, "{allocations}");
    assert!(bytes <= 400, "{bytes}");
    assert!(kept <= 400, "{kept}");
}

#[test]
fn an_idle_actor_written_by_hand_costs_no_more_than_a_derived_one() {
    let derived = cost_of_spawning(|| Counter { n: 0 });
    let by_hand = cost_of_spawning(|| ByHand { n: 0 });

    assert!(by_hand.0 <= derived.0 && by_hand.1 <= derived.1, "{by_hand:?}, {derived:?}");
}
