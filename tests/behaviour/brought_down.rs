//! An actor that its parent or its group brings down, while these go on, has no longer than its own limit (S7.4, S8.4).

use std::future::pending;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use tests::{Gate, eventually, promptly};
use tokio::time::Instant;

use crate::cast::{Peer, Witness, settle, within};
use crate::peer_group_stage::{Stage, falls_by, members, stage};

/// Does not come back from its handler; may have a child.
#[derive(Actor, Default)]
struct Stuck {
    has_child: bool,
}

#[messages]
impl Stuck {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        if self.has_child {
            ctx.spawn(Peer);
        }
    }

    #[message]
    async fn hang(&self, gate: Gate) {
        gate.pass().await;
        pending().await
    }

    #[message]
    fn block(&self, gate: Gate, wall: Receiver<()>) {
        gate.open();
        assert!(wall.recv().is_err());
    }
}

async fn hangs(stuck: &ActorRef<Stuck>) {
    let gate = Gate::new();
    stuck.tell(Hang { gate: gate.clone() }).await.unwrap();
    promptly("the handler begins", gate.reached()).await;
    gate.open();
    settle().await;
}

/// How many seconds it takes.
async fn ends(stuck: &ActorRef<Stuck>) -> (u64, ExitReason) {
    let began = Instant::now();
    let reason = stuck.stopped().within(Duration::from_secs(3_600)).await.expect("it has a limit");
    (began.elapsed().as_secs(), reason)
}

#[tokio::test(start_paused = true)]
async fn s7_4_a_child_that_its_parent_stops_is_killed_at_its_limit() {
    let system = ActorSystem::new("test");
    let parent = system.spawn(Witness::default());
    for (has_child, limit, seconds) in [(false, None, 5), (true, None, 25), (true, Some(3), 3), (false, Some(40), 40)] {
        let stuck = within(&parent, move |ctx| {
            let builder = ctx.actor(Stuck { has_child });
            match limit {
                Some(limit) => builder.stop_limit(Duration::from_secs(limit)).spawn(),
                None => builder.spawn(),
            }
        })
        .await;
        hangs(&stuck).await;

        let path = stuck.path();
        within(&parent, move |ctx| ctx.stop_child(&path)).await.unwrap();

        assert_eq!(ends(&stuck).await, (seconds, ExitReason::Killed));
        assert!(parent.is_alive());
    }
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s7_4_so_is_one_that_is_supervised_and_it_is_not_restarted() {
    let system = ActorSystem::new("test");
    let parent = system.spawn(Witness::default());
    let stuck: ActorRef<Stuck> = within(&parent, |ctx| ctx.child("stuck", Stuck::default).spawn()).await.unwrap();
    eventually("it starts", || stuck.has_started()).await;
    hangs(&stuck).await;

    let path = stuck.path();
    within(&parent, move |ctx| ctx.stop_child(&path)).await.unwrap();

    assert_eq!(ends(&stuck).await, (5, ExitReason::Killed));
    assert_eq!(within(&parent, |ctx| ctx.count_children().active).await, 0);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s7_4_a_child_without_a_limit_takes_the_time_it_needs() {
    let system = ActorSystem::new("test");
    let parent = system.spawn(Witness::default());
    let stuck = within(&parent, |ctx| ctx.actor(Stuck::default()).unlimited_stop().spawn()).await;
    hangs(&stuck).await;

    let path = stuck.path();
    within(&parent, move |ctx| ctx.stop_child(&path)).await.unwrap();

    assert!(stuck.stopped().within(Duration::from_secs(3_600)).await.is_err());
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_member_that_hangs_does_not_hold_up_the_end_of_its_group() {
    for fails in [false, true] {
        let stage = stage().await;
        let Stage { system, group, cleanups, .. } = &stage;
        let (stuck, first) = (group.spawn(Stuck::default()), group.spawn(Peer));
        hangs(&stuck).await;

        if fails {
            first.kill()
        } else {
            first.stop()
        }

        let (seconds, reason) = ends(&stuck).await;
        if fails {
            falls_by(&reason, &first)
        } else {
            assert_eq!(reason, ExitReason::Killed)
        }
        assert_eq!(seconds, 5);
        settle().await;
        assert_eq!(members(&cleanups.only()), [first.path(), stuck.path()]);
        system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s8_4_nor_does_one_when_the_group_is_stopped_or_its_owner_ends() {
    for by_hand in [true, false] {
        let stage = stage().await;
        let Stage { system, group, cleanups, owner, .. } = &stage;
        let stuck = system.spawn(Stuck::default());
        group.join(&stuck);
        hangs(&stuck).await;

        if by_hand {
            group.stop()
        } else {
            owner.stop()
        }

        assert_eq!(ends(&stuck).await, (5, ExitReason::Killed));
        settle().await;
        assert_eq!(members(&cleanups.only()), [stuck.path()]);
        system.shutdown().await;
    }
}

/// A permanent child that its group has ended is not to be replaced. Here a thread really blocks, so the clock cannot be paused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_5_a_supervisor_goes_on_without_a_child_that_its_group_could_not_bring_down() {
    let system = ActorSystem::new("test");
    let parent = system.spawn(Witness::default());
    let (stuck, group): (ActorRef<Stuck>, _) = within(&parent, |ctx| {
        let stuck = ctx.child("stuck", Stuck::default).stop_limit(Duration::from_millis(10)).spawn().unwrap();
        let group = ctx.peer_group("group");
        group.join(&stuck);
        (stuck, group)
    })
    .await;
    let (gate, (hold, wall)) = (Gate::new(), channel());
    stuck.tell(Block { gate: gate.clone(), wall }).await.unwrap();
    promptly("it blocks", gate.pass()).await;

    group.stop();

    assert_eq!(promptly("it is given up", stuck.stopped()).await, ExitReason::Unresponsive);
    assert_eq!(within(&parent, |ctx| ctx.count_children().active).await, 0);
    drop(hold);
    promptly("the shutdown", system.shutdown()).await;
}
