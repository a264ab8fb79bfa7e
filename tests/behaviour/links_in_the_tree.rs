//! Links between parents, children and siblings: they disturb neither the tree nor its order.

use actors_core::{ActorSystem, ExitReason, LinkKind};
use tests::{Broken, promptly};

use crate::cast::{Heard, Peer, Witness, broken, error_of, link_down, settle, within};

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
