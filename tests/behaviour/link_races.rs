//! Links, unlinks and ends at the same time: everybody is told once, or not at all (S8.2).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actors_core::{ActorSystem, ExitReason};
use tests::{Gate, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{Heard, HeardSoFar, Peer, Witness, WitnessWaitsAt};

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
