//! Links: two-way ties by which one end brings the other, or tells of itself (S8.1).

use actors_core::{Actor, ActorSystem, ExitReason, LinkKind, Tie, messages};
use tests::{Broken, Gate, eventually, promptly};

use crate::cast::{
    End, Explode, Heard, HeardSoFar, Peer, Ping, WaitAt, Witness, WitnessWaitsAt, broken, error_of, link_down, settle, within,
};

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

#[tokio::test(start_paused = true)]
async fn an_actor_ties_itself_as_it_likes_and_unties_itself() {
    let system = ActorSystem::new("links");
    let (tied, first, second) = (system.spawn(Peer), system.spawn(Peer), system.spawn(Peer));
    let peers = [first.clone(), second.clone()];
    within(&tied, move |ctx| {
        peers.iter().for_each(|peer| ctx.link_as(peer, LinkKind::OnExit));
        ctx.unlink(&peers[0]);
    })
    .await;

    first.stop();
    first.stopped().await;
    settle().await;
    assert!(tied.is_alive());
    second.stop();

    assert_eq!(promptly("it goes along", tied.stopped()).await, ExitReason::Shutdown);
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

// ===== to oneself =====

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
