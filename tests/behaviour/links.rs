//! Links: two-way ties by which one end brings the other (S8.1 to S8.3).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, Context, ExitReason, Exited, LinkKind, OnStop, Tie, messages};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{End, Explode, Fail, Heard, HeardSoFar, Peer, Ping, WaitAt, Witness, WitnessWaitsAt, settle, within};

fn broken(text: &'static str) -> Fail {
    Fail { error: Broken(text) }
}

/// Asserts that `reason` is a `LinkDown` by `peer`, and returns the cause.
fn link_down<A: Actor>(reason: &ExitReason, peer: &ActorRef<A>) -> ExitReason {
    match reason {
        ExitReason::LinkDown { peer: path, cause } => {
            assert_eq!(*path, peer.path(), "the actor on the other end is named");
            (**cause).clone()
        }
        other => panic!("expected a link down, not {other}"),
    }
}

fn error_of(reason: &ExitReason) -> &Broken {
    let failure = reason.error().unwrap_or_else(|| panic!("expected an error, not {reason}"));
    failure.downcast_ref().expect("the error is still what it was")
}

// ===== LNK-1 =====

#[derive(Debug, Clone, PartialEq)]
struct Large {
    lines: Vec<String>,
}

impl std::fmt::Display for Large {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} lines", self.lines.len())
    }
}

impl std::error::Error for Large {}

#[derive(Actor)]
struct FailsLarge;

#[messages]
impl FailsLarge {
    #[message]
    fn fail_large(&self, error: Large) -> Result<(), Large> {
        Err(error)
    }
}

#[tokio::test(start_paused = true)]
async fn lnk_1_a_large_reason_reaches_a_trapping_link_unchanged() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let peer = system.spawn(FailsLarge);
    witness.link(&peer);
    let large = Large { lines: (0..1_024).map(|line| format!("{line:0128}")).collect() };

    peer.tell(FailLarge { error: large.clone() }).await.unwrap();
    peer.stopped().await;
    settle().await;

    let exited = heard.only();
    assert_eq!((exited.id, exited.path.clone()), (peer.id(), peer.path()));
    assert!(matches!(exited.tie, Tie::Link));
    assert_eq!(exited.reason.error().and_then(|error| error.downcast_ref::<Large>()), Some(&large));
    assert!(witness.is_alive());
}

// ===== LNK-2 =====

#[tokio::test(start_paused = true)]
async fn lnk_2_a_normal_exit_does_not_take_a_linked_actor_down() {
    let system = ActorSystem::new("links");
    let (a, b) = (system.spawn(Peer), system.spawn(Peer));
    a.link(&b);

    a.stop();
    assert_eq!(a.stopped().await, ExitReason::Normal);
    settle().await;

    assert!(b.is_alive());
    b.ask(Ping).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn lnk_2_any_other_reason_takes_a_linked_actor_down_with_it() {
    // The reason is `LinkDown`, which names the peer and carries its reason (S5.5).
    let system = ActorSystem::new("links");
    let (a, b) = (system.spawn(Peer), system.spawn(Peer));
    a.link(&b);

    a.tell(broken("lost the disk")).await.unwrap();

    let cause = link_down(&promptly("b falls", b.stopped()).await, &a);
    assert_eq!(error_of(&cause), &Broken("lost the disk"));
}

#[tokio::test(start_paused = true)]
async fn lnk_2_a_kill_and_a_panic_take_a_linked_actor_down() {
    let system = ActorSystem::new("links");
    let (a, b, c, d) = (system.spawn(Peer), system.spawn(Peer), system.spawn(Peer), system.spawn(Peer));
    a.link(&b);
    c.link(&d);

    a.kill();
    c.tell(Explode).await.unwrap();

    assert_eq!(link_down(&promptly("b falls", b.stopped()).await, &a), ExitReason::Killed);
    let cause = link_down(&promptly("d falls", d.stopped()).await, &c);
    assert!(matches!(cause, ExitReason::Panicked { message, .. } if &*message == "exploded"));
}

// ===== LNK-3 =====

#[tokio::test(start_paused = true)]
async fn lnk_3_the_first_of_two_exits_wins() {
    let system = ActorSystem::new("links");
    let (first, second, busy) = (system.spawn(Peer), system.spawn(Peer), system.spawn(Peer));
    busy.link(&first);
    busy.link(&second);
    let gate = Gate::new();
    busy.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    first.tell(broken("first")).await.unwrap();
    first.stopped().await;
    second.tell(broken("second")).await.unwrap();
    second.stopped().await;
    gate.open();

    let cause = link_down(&promptly("it falls", busy.stopped()).await, &first);
    assert_eq!(error_of(&cause), &Broken("first"));
}

#[tokio::test(start_paused = true)]
async fn lnk_3_an_exit_that_an_actor_addresses_to_itself_cannot_be_swallowed() {
    let system = ActorSystem::new("links");
    let peer = system.spawn(Peer);

    let caught = within(&peer, |ctx| {
        let me = ctx.stop_signal();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            ctx.stop_because(ExitReason::Killed);
            ctx.stop();
        }));
        (caught.is_ok(), me.is_stopping())
    })
    .await;

    assert_eq!(caught, (true, true));
    assert_eq!(promptly("it ends", peer.stopped()).await, ExitReason::Killed);
}

// ===== LNK-4 =====

#[tokio::test(start_paused = true)]
async fn lnk_4_a_link_made_twice_or_from_both_sides_gives_one_notice() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let peer = system.spawn(Peer);
    witness.link(&peer);
    witness.link(&peer);
    peer.link(&witness);
    peer.link_as(&witness, LinkKind::OnExit);

    peer.kill();
    settle().await;

    assert_eq!(heard.only().reason, ExitReason::Killed);
}

#[tokio::test(start_paused = true)]
async fn lnk_4_after_an_unlink_there_is_no_notice() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let (peer, other) = (system.spawn(Peer), system.spawn(Peer));
    witness.link(&peer);
    witness.link(&peer);
    other.link(&peer);
    peer.unlink(&witness);
    peer.unlink(&other);

    peer.kill();
    settle().await;

    assert_eq!(heard.len(), 0, "one unlink, from either side, undoes a link made twice");
    assert!(other.is_alive());
}

#[tokio::test(start_paused = true)]
async fn lnk_4_an_actor_linked_anew_is_no_longer_affected_by_the_first() {
    let system = ActorSystem::new("links");
    let (first, second, tied) = (system.spawn(Peer), system.spawn(Peer), system.spawn(Peer));
    tied.link_as(&first, LinkKind::OnExit);
    tied.unlink(&first);
    tied.link_as(&second, LinkKind::OnExit);

    first.kill();
    settle().await;
    assert!(tied.is_alive());

    second.stop();
    assert_eq!(promptly("it follows the second", tied.stopped()).await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn lnk_4_a_link_made_again_after_an_unlink_works() {
    let system = ActorSystem::new("links");
    let (a, b) = (system.spawn(Peer), system.spawn(Peer));
    a.link(&b);
    a.unlink(&b);
    a.unlink(&b);
    b.link(&a);

    a.kill();

    assert_eq!(link_down(&promptly("b falls", b.stopped()).await, &a), ExitReason::Killed);
}

// ===== S8.1: how an end travels =====

#[tokio::test(start_paused = true)]
async fn s8_1_on_exit_spreads_a_clean_end_as_shutdown() {
    let system = ActorSystem::new("links");
    let (a, b) = (system.spawn(Peer), system.spawn(Peer));
    a.link_as(&b, LinkKind::OnExit);

    a.tell(End).await.unwrap();

    assert_eq!(promptly("b ends", b.stopped()).await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn s8_1_on_exit_spreads_an_abnormal_end_as_link_down() {
    let system = ActorSystem::new("links");
    let (a, b) = (system.spawn(Peer), system.spawn(Peer));
    a.link_as(&b, LinkKind::OnExit);

    a.kill();

    assert_eq!(link_down(&promptly("b falls", b.stopped()).await, &a), ExitReason::Killed);
}

#[tokio::test(start_paused = true)]
async fn s8_1_notify_only_tells() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let (told, deaf) = (system.spawn(Witness::new(&heard)), system.spawn(Peer));
    within(&told, |ctx| ctx.trap_exits(false)).await;
    let peer = system.spawn(Peer);
    told.link_as(&peer, LinkKind::Notify);
    deaf.link_as(&peer, LinkKind::Notify);

    peer.kill();
    settle().await;

    assert_eq!(heard.only().reason, ExitReason::Killed);
    assert!(told.is_alive() && deaf.is_alive());
}

#[tokio::test(start_paused = true)]
async fn s8_1_a_trapping_actor_hears_of_a_clean_end_too() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let peer = system.spawn(Peer);
    witness.link(&peer);

    peer.stop();
    settle().await;

    assert_eq!(heard.only().reason, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn s8_1_trapping_is_switched_off_at_run_time() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let peer = system.spawn(Peer);
    witness.link(&peer);
    within(&witness, |ctx| ctx.trap_exits(false)).await;

    peer.kill();

    assert_eq!(link_down(&promptly("it falls", witness.stopped()).await, &peer), ExitReason::Killed);
    assert_eq!(heard.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn s8_1_trapping_is_switched_off_and_on_again() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let peer = system.spawn(Peer);
    witness.link(&peer);
    within(&witness, |ctx| ctx.trap_exits(false)).await;
    within(&witness, |ctx| ctx.trap_exits(true)).await;

    peer.kill();
    settle().await;

    assert_eq!(heard.only().reason, ExitReason::Killed);
    assert!(witness.is_alive());
}

#[tokio::test(start_paused = true)]
async fn s8_1_all_exits_that_come_while_an_actor_is_busy_are_handled() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let peers: Vec<_> = (0..10).map(|_| system.spawn(Peer)).collect();
    for peer in &peers {
        witness.link(peer);
    }
    let gate = Gate::new();
    witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    for peer in &peers {
        peer.kill();
        peer.stopped().await;
    }
    gate.open();
    settle().await;

    let ids: Vec<_> = heard.all().iter().map(|exited| exited.id).collect();
    assert_eq!(ids, peers.iter().map(|peer| peer.id()).collect::<Vec<_>>(), "once each, in the order in which they ended");
}

#[tokio::test(start_paused = true)]
async fn s4_2_exits_overtake_all_that_waits_in_the_mailbox() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.actor(Witness::new(&heard)).mailbox(4).spawn();
    let peers: Vec<_> = (0..3).map(|_| system.spawn(Peer)).collect();
    for peer in &peers {
        witness.link(peer);
    }
    let gate = Gate::new();
    witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    let asked: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let witness = witness.clone();
                async move { witness.ask(HeardSoFar).await }
            })
        })
        .collect();
    eventually("the mailbox is full", || witness.queued() == 4).await;
    for peer in &peers {
        peer.kill();
        peer.stopped().await;
    }
    gate.open();

    for asked in asked {
        assert_eq!(asked.await.unwrap().unwrap(), 3, "all exits were handled before the first message that waited");
    }
}

// ===== S8.2: the dead, and those who untie in time =====

#[tokio::test(start_paused = true)]
async fn s8_2_linking_to_an_actor_that_failed_acts_at_once() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let (witness, other, dead) = (system.spawn(Witness::new(&heard)), system.spawn(Peer), system.spawn(Peer));
    dead.tell(broken("long ago")).await.unwrap();
    dead.stopped().await;

    witness.link(&dead);
    dead.link(&other);
    settle().await;

    let exited = heard.only();
    assert_eq!((exited.id, error_of(&exited.reason)), (dead.id(), &Broken("long ago")));
    let cause = link_down(&other.stopped().await, &dead);
    assert_eq!(error_of(&cause), &Broken("long ago"));
}

#[tokio::test(start_paused = true)]
async fn s8_2_linking_to_an_actor_that_ended_well_stops_nobody_unless_every_exit_spreads() {
    let system = ActorSystem::new("links");
    let (dead, plain, follower) = (system.spawn(Peer), system.spawn(Peer), system.spawn(Peer));
    dead.stop();
    dead.stopped().await;

    plain.link(&dead);
    follower.link_as(&dead, LinkKind::OnExit);

    assert_eq!(promptly("the follower ends", follower.stopped()).await, ExitReason::Shutdown);
    settle().await;
    assert!(plain.is_alive());
}

#[tokio::test(start_paused = true)]
async fn s8_2_two_dead_actors_can_be_linked_without_harm() {
    let system = ActorSystem::new("links");
    let (a, b) = (system.spawn(Peer), system.spawn(Peer));
    a.kill();
    b.stop();
    a.stopped().await;
    b.stopped().await;

    a.link(&b);
    b.link_as(&a, LinkKind::OnExit);
    a.unlink(&b);

    assert_eq!((a.stopped().await, b.stopped().await), (ExitReason::Killed, ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s8_2_linking_to_an_actor_that_could_not_start_acts_at_once() {
    let system = ActorSystem::new("links");
    let _holder = system.actor(Peer).name("db").start().await.unwrap();
    let refused = system.actor(Peer).name("db").spawn();
    let other = system.spawn(Peer);

    other.link(&refused);

    let cause = link_down(&promptly("it falls", other.stopped()).await, &refused);
    assert!(matches!(cause, ExitReason::StartFailed(_)));
}

#[tokio::test(start_paused = true)]
async fn s8_2_an_unlink_silences_a_notice_that_already_waits() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let (silenced, heeded) = (system.spawn(Peer), system.spawn(Peer));
    witness.link(&silenced);
    witness.link(&heeded);
    let gate = Gate::new();
    witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    silenced.kill();
    silenced.stopped().await;
    heeded.kill();
    heeded.stopped().await;

    witness.unlink(&silenced);
    gate.open();
    settle().await;

    assert_eq!(heard.only().id, heeded.id(), "and the other link is unharmed");
}

#[tokio::test(start_paused = true)]
async fn s8_2_an_unlink_silences_the_link_and_not_the_monitor() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let peer = system.spawn(Peer);
    witness.link(&peer);
    witness.monitor(&peer);
    let gate = Gate::new();
    witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    peer.kill();
    peer.stopped().await;

    peer.unlink(&witness);
    gate.open();
    settle().await;

    assert!(matches!(heard.only().tie, Tie::Monitor(_)));
}

#[tokio::test(start_paused = true)]
async fn a_link_to_oneself_does_nothing() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));

    witness.link(&witness);
    witness.link_as(&witness, LinkKind::OnExit);
    witness.unlink(&witness);
    witness.link(&witness);
    witness.kill();

    assert_eq!(promptly("it ends", witness.stopped()).await, ExitReason::Killed);
    settle().await;
    assert_eq!(heard.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn s3_2_to_decline_tells_no_link_whether_it_was_made_before_or_after() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let (witness, before, after) = (system.spawn(Witness::new(&heard)), system.spawn(Peer), system.spawn(Peer));
    let gate = Gate::new();
    let declining = system.spawn(Declines { gate: gate.clone() });
    before.link_as(&declining, LinkKind::OnExit);
    witness.link(&declining);

    gate.open();
    declining.stopped().await;
    after.link_as(&declining, LinkKind::OnExit);
    settle().await;

    assert_eq!(heard.len(), 0);
    assert!(before.is_alive());
    assert!(after.is_alive(), "a link that comes late finds no more than one that came early");
}

#[derive(Actor)]
struct Declines {
    gate: Gate,
}

#[messages]
impl Declines {
    #[started]
    async fn decline(&mut self, ctx: &mut Context<Self>) {
        self.gate.pass().await;
        ctx.decline();
    }
}

// ===== links in the tree =====

#[tokio::test(start_paused = true)]
async fn a_parent_linked_to_its_child_falls_with_it() {
    let system = ActorSystem::new("links");
    let parent = system.spawn(Peer);
    let (child, sibling) = within(&parent, |ctx| {
        let (child, sibling) = (ctx.spawn(Peer), ctx.spawn(Peer));
        ctx.link(&child);
        (child, sibling)
    })
    .await;

    child.kill();

    assert_eq!(link_down(&promptly("the parent falls", parent.stopped()).await, &child), ExitReason::Killed);
    assert_eq!(sibling.exit().expect("children end before their parent").reason, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_trapping_parent_linked_to_its_child_is_told_once_of_each_tie() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let parent = system.spawn(Witness::new(&heard));
    let child = within(&parent, |ctx| {
        let child = ctx.spawn(Peer);
        ctx.link(&child);
        child
    })
    .await;

    child.kill();
    settle().await;

    assert_eq!((heard.children().len(), heard.links().len(), heard.len()), (1, 1, 2));
    assert!(parent.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_child_linked_to_its_parent_goes_first_and_in_order() {
    // The parent stops its children before it ends itself, so that the link has nobody left to stop.
    let system = ActorSystem::new("links");
    let parent = system.spawn(Peer);
    let child = within(&parent, |ctx| {
        let child = ctx.spawn(Peer);
        child.link_as(ctx.actor_ref(), LinkKind::OnExit);
        child
    })
    .await;

    parent.tell(broken("parent")).await.unwrap();

    assert_eq!(error_of(&promptly("the parent ends", parent.stopped()).await), &Broken("parent"));
    assert_eq!(child.stopped().await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn siblings_linked_both_ways_do_not_disturb_an_ordered_shutdown() {
    let system = ActorSystem::new("links");
    let peers: Vec<_> = (0..5).map(|_| system.spawn(Peer)).collect();
    for a in &peers {
        for b in &peers {
            a.link_as(b, LinkKind::OnExit);
        }
    }

    let report = system.shutdown().await;

    assert!(report.is_clean(), "{report}");
    assert!(peers.iter().all(|peer| peer.exit().is_some_and(|exit| exit.reason == ExitReason::Shutdown)));
}

// ===== S8.3: chains =====

/// Links `length` actors in a row.
async fn chain(system: &ActorSystem, length: usize) -> Vec<ActorRef<Peer>> {
    let peers: Vec<_> = (0..length).map(|_| system.spawn(Peer)).collect();
    for pair in peers.windows(2) {
        pair[0].link(&pair[1]);
    }
    peers
}

async fn falls_whole(peers: &[ActorRef<Peer>], culprit: usize) {
    peers[culprit].tell(broken("culprit")).await.unwrap();
    for (place, peer) in peers.iter().enumerate() {
        let reason = promptly("the chain falls whole", peer.stopped()).await;
        assert_eq!(error_of(reason.root_cause()), &Broken("culprit"), "the cause at {place} is what began it");
        if place != culprit {
            let neighbour = if place > culprit { place - 1 } else { place + 1 };
            link_down(&reason, &peers[neighbour]);
        }
        assert!(peer.exit().expect("it has ended").secondary.is_empty(), "it falls only once");
    }
}

#[tokio::test(start_paused = true)]
async fn s8_3_a_chain_of_10_000_falls_whole_from_its_end() {
    let system = ActorSystem::new("links");
    let peers = chain(&system, 10_000).await;

    falls_whole(&peers, 0).await;

    assert_eq!(system.actors(), 0);
}

#[tokio::test(start_paused = true)]
async fn s8_3_a_chain_of_10_000_falls_whole_from_its_middle() {
    let system = ActorSystem::new("links");
    let peers = chain(&system, 10_000).await;
    for peer in &peers {
        peer.ask(Ping).await.unwrap();
    }

    falls_whole(&peers, 4_999).await;

    assert_eq!(system.actors(), 0);
}

#[test]
fn s8_3_a_chain_of_10_000_falls_whole_on_1_2_and_8_workers() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("links");
        let peers = chain(&system, 10_000).await;
        falls_whole(&peers, 7_000).await;
    });
}

#[tokio::test(start_paused = true)]
async fn s8_3_a_ring_falls_whole_and_once() {
    let system = ActorSystem::new("links");
    let peers = chain(&system, 100).await;
    peers[99].link(&peers[0]);

    peers[50].tell(broken("culprit")).await.unwrap();

    for peer in &peers {
        let reason = promptly("the ring falls whole", peer.stopped()).await;
        assert_eq!(error_of(reason.root_cause()), &Broken("culprit"));
        assert!(peer.exit().expect("it has ended").secondary.is_empty());
    }
    let report = system.shutdown().await;
    assert_eq!(report.failed, 1, "one failed, and the others fell with it");
}

#[tokio::test(start_paused = true)]
async fn s8_3_a_trapping_actor_ends_the_fall() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let (a, wall, b) = (system.spawn(Peer), system.spawn(Witness::new(&heard)), system.spawn(Peer));
    a.link(&wall);
    wall.link(&b);

    a.kill();
    settle().await;

    assert_eq!(heard.only().id, a.id());
    assert!(wall.is_alive() && b.is_alive());
}

#[tokio::test(start_paused = true)]
async fn s8_3_the_hub_of_a_star_takes_5_000_along_and_hears_of_each_of_them() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let (hub, witness) = (system.spawn(Peer), system.spawn(Witness::new(&heard)));
    let rays: Vec<_> = (0..5_000).map(|_| system.spawn(Peer)).collect();
    for ray in &rays {
        hub.link(ray);
        witness.link(ray);
    }

    hub.kill();
    for ray in &rays {
        assert_eq!(link_down(&promptly("a ray falls", ray.stopped()).await, &hub), ExitReason::Killed);
    }
    settle().await;

    let mut ids: Vec<_> = heard.all().iter().map(|exited| exited.id).collect();
    ids.sort();
    assert_eq!(ids, rays.iter().map(|ray| ray.id()).collect::<Vec<_>>(), "one notice of each");
}

/// The tasks of lazily started actors run inline when the runtime has gone, one within the other.
#[test]
fn s8_3_a_chain_of_10_000_falls_without_a_deep_stack_though_the_runtime_has_gone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (system, peers) = runtime.block_on(async {
        let system = ActorSystem::new("links");
        let peers = chain(&system, 10_000).await;
        (system, peers)
    });
    drop(runtime);

    drop(system);

    assert!(peers.iter().all(|peer| peer.exit().is_some_and(|exit| !exit.reason.is_clean())));
}

// ===== exits and an actor that ends =====

#[tokio::test(start_paused = true)]
async fn an_exit_that_comes_while_an_actor_stops_is_not_handled_any_more() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let (early, late) = (system.spawn(Peer), system.spawn(Peer));
    witness.link(&early);
    witness.link(&late);
    let gate = Gate::new();
    witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    early.kill();
    early.stopped().await;
    witness.stop();
    late.kill();
    late.stopped().await;
    gate.open();

    assert_eq!(promptly("it ends", witness.stopped()).await, ExitReason::Normal);
    settle().await;
    assert_eq!(heard.len(), 0, "a stop is looked at before exits, and a trapped exit is no cause");
}

#[tokio::test(start_paused = true)]
async fn a_link_to_an_actor_that_is_stopping_fires_at_its_end() {
    let system = ActorSystem::new("links");
    let (stopping, late) = (system.spawn(Peer), system.spawn(Peer));
    let gate = Gate::new();
    stopping.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    stopping.stop();

    late.link_as(&stopping, LinkKind::OnExit);
    settle().await;
    assert!(late.is_alive(), "it has not ended yet");
    gate.open();

    assert_eq!(promptly("it follows", late.stopped()).await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn s6_3_a_fall_by_a_link_discards_the_queue_though_the_policy_drains() {
    let system = ActorSystem::new("links");
    let peer = system.spawn(Peer);
    let drains = system.actor(Peer).on_stop(OnStop::Drain).spawn();
    drains.link(&peer);
    let gate = Gate::new();
    drains.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let queued = tokio::spawn({
        let drains = drains.clone();
        async move { drains.ask(Ping).await }
    });
    eventually("it is queued", || drains.queued() == 1).await;

    peer.kill();
    peer.stopped().await;
    gate.open();

    assert!(queued.await.unwrap().is_err());
    link_down(&drains.stopped().await, &peer);
}

/// What an `exited` hook does wrong.
#[derive(Clone, Debug)]
enum Wrong {
    Fails,
    Panics,
    Hangs(Gate),
}

#[derive(Actor)]
struct Faulty {
    wrong: Wrong,
    journal: Journal,
}

#[messages]
impl Faulty {
    #[exited]
    async fn hear(&mut self, _exited: Exited) -> Result<(), BoxError> {
        self.journal.note("exited");
        match &self.wrong {
            Wrong::Fails => Err(Broken("in the hook").into()),
            Wrong::Panics => panic!("in the hook"),
            Wrong::Hangs(gate) => {
                gate.pass().await;
                self.journal.note("passed");
                Ok(())
            }
        }
    }

    #[stopped]
    fn stopped(&mut self, reason: &ExitReason) {
        self.journal.note(format!("stopped: {reason}"));
    }

    #[message]
    fn is_well(&self) -> bool {
        true
    }
}

/// A faulty actor that hears of the end of one other, and then of another.
async fn faulty(system: &ActorSystem, wrong: Wrong) -> (ActorRef<Faulty>, Journal) {
    let journal = Journal::new();
    let faulty = system.spawn(Faulty { wrong, journal: journal.clone() });
    for _ in 0..2 {
        let peer = system.spawn(Peer);
        faulty.link(&peer);
        peer.kill();
    }
    (faulty, journal)
}

#[tokio::test(start_paused = true)]
async fn an_exited_hook_that_fails_ends_its_actor() {
    let system = ActorSystem::new("links");
    let (faulty, journal) = faulty(&system, Wrong::Fails).await;

    assert_eq!(error_of(&promptly("it ends", faulty.stopped()).await), &Broken("in the hook"));
    assert_eq!(journal.entries(), ["exited", "stopped: failed: in the hook"]);
}

#[tokio::test(start_paused = true)]
async fn an_exited_hook_that_panics_ends_its_actor() {
    let system = ActorSystem::new("links");
    let (faulty, journal) = faulty(&system, Wrong::Panics).await;

    let reason = promptly("it ends", faulty.stopped()).await;

    assert!(matches!(reason, ExitReason::Panicked { ref message, .. } if &**message == "in the hook"));
    assert_eq!(journal.count("exited"), 1);
    assert_eq!(journal.len(), 2, "the stop hook ran: {journal:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_an_exited_hook_that_hangs() {
    let system = ActorSystem::new("links");
    let gate = Gate::new();
    let (faulty, journal) = faulty(&system, Wrong::Hangs(gate.clone())).await;
    gate.reached().await;

    faulty.stop();
    settle().await;
    assert!(faulty.exit().is_none());
    gate.open();

    assert_eq!(promptly("it ends", faulty.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["exited", "passed", "stopped: normal"], "the second exit is not handled any more");
}

#[tokio::test(start_paused = true)]
async fn a_kill_cuts_an_exited_hook_that_hangs() {
    let system = ActorSystem::new("links");
    let gate = Gate::new();
    let (faulty, journal) = faulty(&system, Wrong::Hangs(gate.clone())).await;
    gate.reached().await;

    faulty.kill();

    assert_eq!(promptly("it ends", faulty.stopped()).await, ExitReason::Killed);
    assert_eq!(journal.entries(), ["exited", "stopped: killed"]);
}

#[tokio::test(start_paused = true)]
async fn an_exited_hook_that_waits_delays_messages_and_loses_none() {
    let system = ActorSystem::new("links");
    let gate = Gate::new();
    let (faulty, _) = faulty(&system, Wrong::Hangs(gate.clone())).await;
    gate.reached().await;
    let asked = tokio::spawn({
        let faulty = faulty.clone();
        async move { faulty.ask(IsWell).await }
    });
    settle().await;
    assert!(!asked.is_finished());

    gate.open_wide();

    assert!(promptly("it answers", asked).await.unwrap().unwrap());
}

// ===== races =====

#[test]
fn a_peer_that_ends_while_both_sides_link_is_told_of_exactly_once() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("links");
        for _ in 0..300 {
            let heard = Heard::default();
            let witness = system.spawn(Witness::new(&heard));
            let peer = system.spawn(Peer);
            let link = tokio::spawn({
                let (witness, peer) = (witness.clone(), peer.clone());
                async move { witness.link(&peer) }
            });
            let kill = tokio::spawn({
                let peer = peer.clone();
                async move { peer.kill() }
            });
            let (linked, killed) = tokio::join!(link, kill);
            linked.and(killed).unwrap();

            peer.stopped().await;
            eventually("it is told", || heard.len() > 0).await;
            assert_eq!(witness.ask(HeardSoFar).await.unwrap(), 1);
        }
        assert!(system.shutdown().await.failed == 0);
    });
}

#[test]
fn a_link_made_many_times_at_once_gives_one_notice() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("links");
        for _ in 0..100 {
            let heard = Heard::default();
            let witness = system.spawn(Witness::new(&heard));
            let peer = system.spawn(Peer);
            let links: Vec<_> = (0..6)
                .map(|turn| {
                    let (witness, peer) = (witness.clone(), peer.clone());
                    tokio::spawn(async move { if turn % 2 == 0 { witness.link(&peer) } else { peer.link(&witness) } })
                })
                .collect();
            for link in links {
                link.await.unwrap();
            }
            peer.kill();
            peer.stopped().await;
            eventually("it is told", || heard.len() > 0).await;
            assert_eq!(witness.ask(HeardSoFar).await.unwrap(), 1);
        }
    });
}

/// The witness stands at a gate, so that no hook of it can be under way while it is untied.
#[test]
fn s8_2_no_notice_comes_after_an_unlink_that_raced_with_the_end() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("links");
        for turn in 0..500 {
            let heard = Heard::default();
            let witness = system.spawn(Witness::new(&heard));
            let peer = system.spawn(Peer);
            witness.link(&peer);
            let gate = Gate::new();
            witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
            gate.reached().await;

            peer.kill();
            if turn % 2 == 0 {
                // Just when the end is published.
                while peer.exit().is_none() {
                    tokio::task::yield_now().await;
                }
            }
            witness.unlink(&peer);
            peer.stopped().await;
            gate.open_wide();
            witness.ask(HeardSoFar).await.unwrap();
            tokio::task::yield_now().await;

            assert_eq!(witness.ask(HeardSoFar).await.unwrap(), 0);
        }
    });
}

#[test]
fn s8_2_nobody_falls_by_a_link_after_an_unlink_that_raced_with_the_end() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("links");
        for _ in 0..500 {
            let (tied, peer) = (system.spawn(Peer), system.spawn(Peer));
            tied.link(&peer);

            peer.kill();
            while peer.exit().is_none() {
                tokio::task::yield_now().await;
            }
            tied.unlink(&peer);
            let still = tied.is_alive();
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }

            assert_eq!(tied.is_alive(), still, "what the link did, it did before the unlink returned");
        }
    });
}

#[test]
fn links_unlinks_and_ends_from_many_threads_leave_nobody_half_tied() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("links");
        let told = Arc::new(AtomicUsize::new(0));
        for _ in 0..30 {
            let peers: Vec<_> = (0..8).map(|_| system.spawn(Peer)).collect();
            let knots: Vec<_> = (0..4_usize)
                .map(|seed| {
                    let peers = peers.clone();
                    let told = told.clone();
                    tokio::spawn(async move {
                        for turn in 0..50 {
                            let (a, b) = (&peers[(seed + turn) % 8], &peers[(seed * 3 + turn * 5) % 8]);
                            if turn % 3 == 0 {
                                a.unlink(b)
                            } else {
                                a.link(b)
                            }
                            tokio::task::yield_now().await;
                        }
                        told.fetch_add(1, Ordering::Relaxed);
                    })
                })
                .collect();
            peers[0].kill();
            for knot in knots {
                knot.await.unwrap();
            }
            // Whatever is still tied to the dead one has been told; the rest can be tied and felled anew.
            for pair in peers.windows(2) {
                pair[0].link(&pair[1]);
            }
            for peer in &peers {
                let reason = promptly("all fall", peer.stopped()).await;
                assert_eq!(reason.root_cause(), &ExitReason::Killed);
            }
        }
        assert_eq!(told.load(Ordering::Relaxed), 120);
        assert_eq!(system.actors(), 0);
    });
}
