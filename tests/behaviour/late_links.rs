//! Links that come late: to the dead and to those who are ending, and links untied in time (S8.2).

use actors_core::{Actor, ActorSystem, Context, ExitReason, LinkKind, Tie, messages};
use tests::{Broken, Gate, promptly};

use crate::cast::{Heard, Peer, WaitAt, Witness, WitnessWaitsAt, broken, error_of, link_down, settle};

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
async fn s8_2_nobody_stays_linked_to_an_actor_that_had_ended() {
    let system = ActorSystem::new("links");
    let mut crashes = system.crash_reports();
    let (dead, one, other) = (system.spawn(Peer), system.spawn(Peer), system.spawn(Peer));
    dead.stop();
    dead.stopped().await;

    one.link(&dead);
    dead.link(&other);

    for peer in [one, other] {
        peer.tell(broken("later")).await.unwrap();
        let crash = promptly("a report", crashes.recv()).await.unwrap();
        assert!(crash.links.is_empty(), "{crash}");
    }
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
