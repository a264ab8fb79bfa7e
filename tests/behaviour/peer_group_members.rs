//! Who is a member of a peer group: foreign actors, the dead, the owner itself (S8.4).

use actors_core::ExitReason;
use tests::{Gate, Journal, promptly};

use crate::cast::{Peer, settle, within};
use crate::peer_group_stage::{Cleanups, Noted, Stage, falls_by, members, stage};

#[tokio::test(start_paused = true)]
async fn s8_4_a_fallen_group_takes_nobody_any_more() {
    let stage = stage().await;
    let Stage { group, cleanups, .. } = &stage;
    let gate = Gate::new();
    let journal = Journal::new();
    let first = group.spawn(Peer);
    let slow = group.spawn(Noted { gate: Some(gate.clone()), _dropped: journal.drop_note("slow") });
    first.kill();
    first.stopped().await;
    gate.reached().await;

    let while_it_falls = group.spawn(Peer);
    assert!(!while_it_falls.is_alive());
    gate.open();
    slow.stopped().await;
    let after = group.spawn(Peer);
    assert!(!after.is_alive());

    assert_eq!(promptly("it ends", while_it_falls.stopped()).await, ExitReason::Killed);
    assert_eq!(promptly("it ends", after.stopped()).await, ExitReason::Killed);
    assert_eq!(members(&cleanups.only()), [first.path(), slow.path()]);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_foreign_actor_joins_and_falls_with_the_group() {
    let stage = stage().await;
    let Stage { system, group, cleanups, heard, .. } = &stage;
    let foreign = system.spawn(Peer);
    let own = group.spawn(Peer);
    group.join(&foreign);

    own.stop();

    assert_eq!(promptly("it ends", foreign.stopped()).await, ExitReason::Shutdown);
    settle().await;
    assert_eq!(members(&cleanups.only()), [own.path(), foreign.path()]);
    assert_eq!((heard.groups().len(), heard.children().len()), (1, 1), "it was no child");
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_foreign_member_takes_the_group_along() {
    let stage = stage().await;
    let Stage { system, group, cleanups, .. } = &stage;
    let foreign = system.spawn(Peer);
    let own = group.spawn(Peer);
    group.join(&foreign);

    foreign.kill();

    falls_by(&promptly("it ends", own.stopped()).await, &foreign);
    assert_eq!(cleanups.only().first, (foreign.path(), ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_foreign_member_ends_when_the_owner_stops() {
    let stage = stage().await;
    let Stage { system, group, owner, cleanups, .. } = &stage;
    let foreign = system.spawn(Peer);
    let own = group.spawn(Peer);
    group.join(&foreign);

    owner.stop();

    assert_eq!(promptly("the foreign one ends", foreign.stopped()).await, ExitReason::Shutdown);
    assert_eq!(own.stopped().await, ExitReason::Shutdown);
    settle().await;
    assert_eq!(cleanups.only().members.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_group_of_foreign_actors_only_ends_with_its_owner() {
    let stage = stage().await;
    let Stage { system, group, owner, cleanups, .. } = &stage;
    let (a, b) = (system.spawn(Peer), system.spawn(Peer));
    group.join(&a);
    group.join(&b);

    owner.kill();
    owner.stopped().await;

    for foreign in [&a, &b] {
        falls_by(&promptly("it ends", foreign.stopped()).await, owner);
    }
    settle().await;
    assert_eq!(cleanups.only().members.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_grandchild_of_the_owner_that_joined_still_ends_in_order() {
    let stage = stage().await;
    let Stage { group, owner, cleanups, .. } = &stage;
    let (child, sibling) = (group.spawn(Peer), group.spawn(Peer));
    let grandchild = within(&child, |ctx| ctx.spawn(Peer)).await;
    group.join(&grandchild);

    owner.stop();
    owner.stopped().await;

    assert_eq!(members(&cleanups.only()), [sibling.path(), grandchild.path(), child.path()]);
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_actor_that_has_ended_brings_down_the_group_it_joins() {
    let stage = stage().await;
    let Stage { system, group, cleanups, .. } = &stage;
    let dead = system.spawn(Peer);
    dead.kill();
    dead.stopped().await;
    let own = group.spawn(Peer);

    group.join(&dead);

    falls_by(&promptly("it ends", own.stopped()).await, &dead);
    assert_eq!(members(&cleanups.only()), [dead.path(), own.path()]);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_member_that_joins_again_is_one_member() {
    let stage = stage().await;
    let Stage { group, cleanups, .. } = &stage;
    let (a, b) = (group.spawn(Peer), group.spawn(Peer));
    group.join(&a);
    group.join(&a);

    a.stop();
    b.stopped().await;

    assert_eq!(cleanups.only().members.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_owner_that_is_a_member_falls_with_the_others() {
    let stage = stage().await;
    let Stage { group, owner, cleanups, heard, .. } = &stage;
    group.join(owner);
    let own = group.spawn(Peer);

    own.kill();

    falls_by(&promptly("the owner falls", owner.stopped()).await, &own);
    assert_eq!(members(&cleanups.only()), [own.path(), owner.path()]);
    assert_eq!(heard.groups().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_actor_in_two_groups_takes_both_down() {
    let stage = stage().await;
    let Stage { group, owner, cleanups, .. } = &stage;
    let other = within(owner, |ctx| ctx.peer_group("other")).await;
    let others = Cleanups::after(&other);
    let (both, of_one, of_other) = (group.spawn(Peer), group.spawn(Peer), other.spawn(Peer));
    other.join(&both);

    of_one.kill();

    falls_by(&promptly("both falls", both.stopped()).await, &of_one);
    let reason = promptly("the other group falls", of_other.stopped()).await;
    falls_by(&reason, &both);
    assert_eq!(reason.root_cause(), &ExitReason::Killed, "the cause is what began it");
    assert_eq!((cleanups.only().members.len(), others.only().members.len()), (2, 2));
}
