//! What is undone, or ends, leaves nothing with those who live on.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, Every, Exited, GroupNotice, messages};
use allocation_counter::AllocationInfo;

use super::{Add, Counter, Get, World};

/// How often each thing is done and undone while it is counted.
const TIMES: u64 = 1_000;

#[derive(Clone)]
struct News;

/// What an actor does in its turn, with another.
type Work = fn(&mut Context<Hub>, &ActorRef<Counter>);

struct Play {
    what: Work,
    other: ActorRef<Counter>,
}

/// An actor that lives on, and does what it is told to.
#[derive(Actor)]
struct Hub;

#[messages]
impl Hub {
    #[exited]
    fn hear(&mut self, _exited: Exited) {}

    #[handle]
    fn read(&mut self, _news: News) {}

    #[handle]
    fn notice(&mut self, _notice: GroupNotice<News>) {}

    #[handle]
    async fn play(&mut self, Play { what, other }: Play, ctx: &mut Context<Self>) {
        what(ctx, &other);
    }

    /// Asks in a handler.
    #[message]
    async fn ask_on(&mut self, other: ActorRef<Counter>) -> u64 {
        other.ask(Get).await.unwrap_or(0)
    }

    /// Asks in a blocking job, and returns what that leaves.
    #[message]
    async fn ask_in_a_job(&mut self, other: ActorRef<Counter>, ctx: &mut Context<Self>) -> AllocationInfo {
        let job = ctx.spawn_blocking(move |_| {
            let repeat = || (0..TIMES).for_each(|_| _ = other.blocking_ask(Get));
            repeat();
            allocation_counter::measure(repeat)
        });
        job.await.expect("it does not panic")
    }

    #[stream]
    fn item(&mut self, _item: Option<u8>) {}

    #[message(name = Tick)]
    fn tick(&mut self) {}

    #[message]
    fn put_aside(&mut self, times: u32, ctx: &mut Context<Self>) {
        if times > 0 {
            let _ = ctx.stash(PutAside { times: times - 1 });
            ctx.unstash_all();
        }
    }
}

/// Passes on what it is told in its turn, so that the next one's is taken right after it.
#[derive(Actor)]
struct Relay {
    next: Option<ActorRef<Relay>>,
}

#[messages]
impl Relay {
    #[message]
    fn pass(&self) {
        if let Some(next) = &self.next {
            next.try_tell(Pass).expect("there is room");
        }
    }
}

type Round = for<'a> fn(&'a ActorSystem, &'a ActorRef<Hub>, &'a ActorRef<Counter>) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

async fn play(hub: &ActorRef<Hub>, other: &ActorRef<Counter>, what: Work) {
    hub.ask(Play { what, other: other.clone() }).await.expect("it answers");
}

/// An actor that does this, and ends.
async fn with_another(system: &ActorSystem, does: impl AsyncFnOnce(&ActorRef<Hub>)) {
    let passer_by = system.spawn(Hub);
    does(&passer_by).await;
    passer_by.stop();
    passer_by.stopped().await;
}

const ROUNDS: &[(&str, Round)] = &[
    ("a link and an unlink", |_, hub, other| {
        Box::pin(async move {
            hub.link(other);
            hub.unlink(other);
        })
    }),
    ("a monitor that is cancelled", |_, hub, other| {
        Box::pin(play(hub, other, |ctx, other| {
            let monitor = ctx.monitor(other);
            ctx.demonitor(monitor);
        }))
    }),
    ("a monitor that has told", |system, hub, _| {
        Box::pin(async move {
            let other = system.spawn(Counter { n: 0 });
            play(hub, &other, |ctx, other| {
                ctx.monitor(other);
            })
            .await;
            other.stop();
            other.stopped().await;
        })
    }),
    ("a watcher that ends", |system, _, other| {
        Box::pin(with_another(system, async |watcher: &ActorRef<Hub>| {
            play(watcher, other, |ctx, other| {
                ctx.monitor(other);
            })
            .await;
        }))
    }),
    ("a linked one that ends", |system, hub, _| {
        Box::pin(with_another(system, async |peer: &ActorRef<Hub>| {
            peer.link(hub);
        }))
    }),
    ("a child that ends", |_, hub, other| {
        Box::pin(play(hub, other, |ctx, _| {
            ctx.spawn(Counter { n: 0 }).stop();
        }))
    }),
    ("a subscription that ends", |system, hub, other| {
        Box::pin(async move {
            let topic = system.topic::<News>("news");
            topic.subscribe(hub);
            topic.publish(News);
            topic.unsubscribe(hub);
            play(hub, other, |_, _| ()).await;
        })
    }),
    ("a subscriber that ends", |system, _, _| {
        Box::pin(with_another(system, async |reader: &ActorRef<Hub>| {
            system.topic::<News>("news").subscribe(reader);
        }))
    }),
    ("a member that leaves, and a listener that goes", |system, hub, other| {
        Box::pin(async move {
            let group = system.group::<News>("readers");
            group.watch(hub);
            group.join(hub);
            group.leave(hub);
            group.unwatch(hub);
            play(hub, other, |_, _| ()).await;
        })
    }),
    ("a member and listener that ends", |system, _, _| {
        Box::pin(with_another(system, async |member: &ActorRef<Hub>| {
            let group = system.group::<News>("readers");
            group.watch(member);
            group.join(member);
        }))
    }),
    ("a peer group that ends", |_, hub, other| {
        Box::pin(play(hub, other, |ctx, _| {
            let group = ctx.peer_group("pair");
            group.spawn(Counter { n: 0 });
            group.spawn(Counter { n: 0 }).stop();
        }))
    }),
    ("timers that are cancelled or replaced", |_, hub, other| {
        Box::pin(play(hub, other, |ctx, _| {
            let timer = ctx.send_after(Duration::from_secs(60), Tick);
            ctx.cancel_timer(timer);
            ctx.set_timer("one", Duration::from_secs(60), Tick);
            ctx.set_interval("one", Every::new(Duration::from_secs(60)), || Tick);
            ctx.clear_timer("one");
            ctx.set_inactivity_timeout(Duration::from_secs(60), || Tick);
            ctx.clear_inactivity_timeout();
        }))
    }),
    ("an ask in a handler", |_, hub, other| {
        Box::pin(async move {
            hub.ask(AskOn { other: other.clone() }).await.expect("it answers");
        })
    }),
    ("a message that is put aside", |_, hub, other| {
        Box::pin(async move {
            hub.tell(PutAside { times: 2 }).await.expect("it is open");
            play(hub, other, |_, _| ()).await;
        })
    }),
    ("an ask, and a tell, that are given up", |system, _, _| {
        Box::pin(async move {
            let full = system.actor(Counter { n: 0 }).mailbox(1).spawn();
            full.try_tell(Add { by: 1 }).expect("there is room");
            let _ = tokio::time::timeout(Duration::ZERO, full.tell(Add { by: 1 })).await;
            let _ = full.ask(Get).within(Duration::ZERO).await;
            full.stop();
            full.stopped().await;
        })
    }),
    ("actors that took their turns in each other's tasks", |system, _, _| {
        Box::pin(async move {
            let last = system.spawn(Relay { next: None });
            let first = system.spawn(Relay { next: Some(last.clone()) });
            for _ in 0..40 {
                first.tell(Pass).await.expect("it is open");
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            }
            for relay in [first, last] {
                relay.stop();
                relay.stopped().await;
            }
        })
    }),
    ("a wait for an end that is given up", |_, hub, _| {
        Box::pin(async move {
            let _ = hub.stopped().within(Duration::ZERO).await;
        })
    }),
];

#[test]
fn what_is_undone_or_ends_leaves_no_trace_with_those_who_live_on() {
    for (what, round) in ROUNDS {
        let world = World::new();
        let (hub, other) = world.runtime.block_on(async { (world.system.spawn(Hub), world.system.spawn(Counter { n: 0 })) });
        let repeat = |times| {
            world.runtime.block_on(async {
                for _ in 0..times {
                    round(&world.system, &hub, &other).await;
                }
                while hub.queued() + other.queued() > 0 {
                    tokio::task::yield_now().await;
                }
                for _ in 0..32 {
                    tokio::task::yield_now().await;
                }
                // Those who have ended are kept until it is looked who has been idle for long enough.
                tokio::time::pause();
                tokio::time::sleep(Duration::from_secs(10)).await;
                tokio::time::resume();
            });
        };
        repeat(TIMES / 2);
        let left = allocation_counter::measure(|| repeat(TIMES));

        // A table may have grown once more. Whatever were left of each round would be far more.
        println!("{what}: {} bytes in {} allocations", left.bytes_current, left.count_current);
        assert!(left.bytes_current < 4_096 && left.count_current < 8, "{what}: {left:?}");
    }
}

#[test]
fn streams_that_are_given_and_taken_away_again_and_again_in_one_turn_pile_nothing_up() {
    let world = World::new();
    let (hub, other) = world.runtime.block_on(async { (world.system.spawn(Hub), world.system.spawn(Counter { n: 0 })) });
    let give_and_take = || {
        let playing = play(&hub, &other, |ctx, _| {
            for _ in 0..10 * TIMES {
                let stream = ctx.attach(futures_util::stream::empty::<u8>());
                ctx.detach(stream);
            }
        });
        world.runtime.block_on(playing);
    };

    let used = allocation_counter::measure(give_and_take);

    // Whatever were left of each would be more.
    assert!(used.bytes_max < 100_000, "{used:?}");
}

#[test]
fn a_blocking_job_that_asks_on_and_on_leaves_nothing_with_its_owner() {
    let world = World::new();
    let (hub, other) = world.runtime.block_on(async { (world.system.spawn(Hub), world.system.spawn(Counter { n: 0 })) });

    let left = world.runtime.block_on(hub.ask(AskInAJob { other })).expect("it answers");

    assert!(left.bytes_current < 4_096 && left.count_current < 8, "{left:?}");
}

#[test]
fn actors_that_had_nothing_to_do_for_a_moment_and_ended_pile_nothing_up() {
    let world = World::new();
    let rounds = |count| {
        world.runtime.block_on(async {
            for _ in 0..count {
                let counter = world.system.spawn(Counter { n: 0 });
                counter.ask(Get).await.expect("it answers");
                counter.stop();
                counter.stopped().await;
            }
        });
    };
    rounds(TIMES);

    let left = allocation_counter::measure(|| rounds(5 * TIMES));

    // Some stay in the lists of those who may have nothing to do, until those have grown to twice what they were.
    assert!(left.count_current < 2_000, "{left:?}");
}

#[test]
fn an_actor_that_has_ended_keeps_no_room_for_messages_though_somebody_keeps_it() {
    let world = World::new();
    let actor = world.system.actor(Counter { n: 0 }).unbounded().spawn();
    let info = allocation_counter::measure(|| {
        for _ in 0..10_000 {
            actor.try_tell(Add { by: 1 }).expect("it is open");
        }
        world.runtime.block_on(async {
            actor.kill();
            actor.stopped().await;
        });
    });
    assert!(info.bytes_current < 4_096, "{info:?}");
    assert_eq!(actor.queued(), 0);
}

#[test]
fn actors_that_have_ended_grow_no_more_though_others_ask_them() {
    let world = World::new();
    let hub = world.runtime.block_on(async { world.system.spawn(Hub) });
    let ask_all = |others: &[ActorRef<Counter>]| {
        world.runtime.block_on(async {
            for other in others {
                hub.ask(AskOn { other: other.clone() }).await.expect("it answers");
            }
        });
    };
    let actors: Vec<_> = (0..TIMES).map(|n| world.system.spawn(Counter { n })).collect();
    ask_all(&actors);
    world.runtime.block_on(async {
        for actor in &actors {
            actor.stop();
            actor.stopped().await;
        }
    });

    let left = allocation_counter::measure(|| ask_all(&actors));

    assert!(left.bytes_current < 4_096, "{left:?}");
}

/// An error that holds on to an actor.
#[derive(Debug, thiserror::Error)]
#[error("it holds on")]
struct Holds {
    _other: ActorRef<Counter>,
}

#[derive(Actor)]
struct Fails;

#[messages]
impl Fails {
    #[message]
    fn fail(&self, other: ActorRef<Counter>) -> Result<(), Holds> {
        Err(Holds { _other: other })
    }
}

#[test]
fn nothing_is_left_of_a_system_that_has_shut_down_though_an_error_held_on_to_an_actor() {
    let World { runtime, system } = World::new();
    runtime.block_on(async {
        let mut crashes = system.crash_reports();
        let fails = system.spawn(Fails);
        fails.tell(Fail { other: system.spawn(Counter { n: 0 }) }).await.expect("it is open");
        fails.stopped().await;
        drop(fails);
        drop(system.shutdown().await);
        drop(system);
        drop(crashes.recv().await.expect("it is told"));
        // Nobody is there any more who could tell of another.
        assert!(tokio::time::timeout(Duration::from_secs(10), crashes.recv()).await.expect("it ends").is_none());
    });
}
