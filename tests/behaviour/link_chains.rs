//! How far an end travels over links: along chains, rings and stars, as far as somebody who traps exits (S8.3).

use actors_core::{ActorRef, ActorSystem, ExitReason};
use tests::{Broken, on_1_2_and_8_workers, promptly};

use crate::cast::{Heard, Peer, Ping, Witness, broken, error_of, link_down, settle};

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
