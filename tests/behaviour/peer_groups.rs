//! Peer groups: actors that live and die together, with one cleanup after the last of them (S8.4).

use actors_core::{Actor, ActorRef, BoxError, Context, ExitReason, OnStop, StartFailure, messages};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{End, Explode, Fail, Peer, Ping, WaitAt, settle, within};
use crate::peer_group_stage::{Cleanups, Noted, Stage, falls_by, members, stage};

// ===== the first to end, however it ends =====

#[tokio::test(start_paused = true)]
async fn s8_4_a_member_that_ends_cleanly_ends_the_others_as_shutdown() {
    type Way = fn(&ActorRef<Peer>);
    let ways: [Way; 3] = [|peer| peer.stop(), |peer| peer.drain(), |peer| peer.try_tell(End).unwrap()];
    for end in ways {
        let stage = stage().await;
        let Stage { group, cleanups, .. } = &stage;
        let peers: Vec<_> = (0..3).map(|_| group.spawn(Peer)).collect();

        end(&peers[1]);
        for peer in [&peers[0], &peers[2]] {
            assert_eq!(promptly("the others end", peer.stopped()).await, ExitReason::Shutdown);
        }

        let report = cleanups.only();
        assert_eq!(report.first, (peers[1].path(), ExitReason::Normal));
        assert_eq!((&*report.name, report.members.len()), ("session", 3));
        assert_eq!(report.members[0], report.first);
    }
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_member_that_ends_abnormally_ends_the_others_as_link_down() {
    type Way = fn(&ActorRef<Peer>);
    let ways: [Way; 3] =
        [|peer| peer.kill(), |peer| peer.try_tell(Explode).unwrap(), |peer| peer.try_tell(Fail { error: Broken("no") }).unwrap()];
    for end in ways {
        let stage = stage().await;
        let Stage { group, cleanups, .. } = &stage;
        let peers: Vec<_> = (0..3).map(|_| group.spawn(Peer)).collect();

        end(&peers[1]);
        let cause = promptly("it ends", peers[1].stopped()).await;
        for peer in [&peers[0], &peers[2]] {
            let reason = promptly("the others end", peer.stopped()).await;
            falls_by(&reason, &peers[1]);
            assert_eq!(reason.root_cause(), &cause);
        }

        let report = cleanups.only();
        assert_eq!(report.first, (peers[1].path(), cause));
        assert_eq!(report.members.len(), 3);
        for peer in &peers {
            let told = report.members.iter().find(|(path, _)| *path == peer.path()).map(|(_, reason)| reason.clone());
            assert_eq!(told, peer.exit().map(|exit| exit.reason), "every member with its reason");
        }
    }
}

/// What a start hook does wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Fails,
    Panics,
    Declines,
}

#[derive(Actor)]
struct Unstartable(Wrong);

#[messages]
impl Unstartable {
    #[started]
    fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match self.0 {
            Wrong::Fails => return Err(Broken("no").into()),
            Wrong::Panics => panic!("no"),
            Wrong::Declines => ctx.decline(),
        }
        Ok(())
    }

    #[message]
    fn is_up(&self) {}
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_member_that_does_not_start_ends_the_group() {
    for wrong in [Wrong::Fails, Wrong::Panics, Wrong::Declines] {
        let stage = stage().await;
        let Stage { group, cleanups, .. } = &stage;
        let peer = group.spawn(Peer);
        let faulty = group.spawn(Unstartable(wrong));

        falls_by(&promptly("the other ends", peer.stopped()).await, &faulty);

        let report = cleanups.only();
        assert_eq!(report.first.0, faulty.path());
        assert!(matches!(report.first.1, ExitReason::StartFailed(_)), "{wrong:?}");
        assert_eq!(report.members.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_member_whose_name_is_taken_ends_the_group() {
    let stage = stage().await;
    let Stage { group, cleanups, .. } = &stage;
    let holder = group.spawn_with(Peer, |builder| builder.name("writer"));

    let refused = group.spawn_with(Peer, |builder| builder.name("writer"));

    falls_by(&promptly("the other ends", holder.stopped()).await, &refused);
    settle().await;
    assert_eq!(cleanups.only().first.1, ExitReason::StartFailed(StartFailure::NameTaken(holder.path())));
}

/// The start fails on one worker while another takes the member in.
#[test]
fn s8_4_a_member_that_fails_while_it_is_taken_in_ends_the_group() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..300 {
            let stage = stage().await;
            let Stage { group, cleanups, .. } = &stage;
            let peer = group.spawn(Peer);
            let faulty = group.spawn(Unstartable(Wrong::Fails));
            falls_by(&promptly("the other ends", peer.stopped()).await, &faulty);
            eventually("the cleanup runs", || cleanups.count() > 0).await;
            assert_eq!(members(&cleanups.only()).len(), 2);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_stop_of_the_group_ends_all_members() {
    let stage = stage().await;
    let Stage { group, cleanups, heard, .. } = &stage;
    let peers: Vec<_> = (0..3).map(|_| group.spawn(Peer)).collect();

    group.stop();
    group.stop();
    for peer in &peers {
        assert_eq!(promptly("it ends", peer.stopped()).await, ExitReason::Shutdown);
    }
    settle().await;

    assert_eq!(cleanups.only().members.len(), 3);
    assert_eq!(heard.groups().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_failure_in_the_group_discards_the_queues_though_the_policy_drains() {
    let stage = stage().await;
    let Stage { group, .. } = &stage;
    let (first, drains) = (group.spawn(Peer), group.spawn_with(Peer, |builder| builder.on_stop(OnStop::Drain)));
    let gate = Gate::new();
    drains.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let queued = tokio::spawn({
        let drains = drains.clone();
        async move { drains.ask(Ping).await }
    });
    eventually("it is queued", || drains.queued() == 1).await;

    first.kill();
    first.stopped().await;
    gate.open();

    assert!(queued.await.unwrap().is_err());
    falls_by(&drains.stopped().await, &first);
}

// ===== the cleanup =====

#[tokio::test(start_paused = true)]
async fn s8_4_the_cleanup_runs_after_the_last_member_has_ended_whole() {
    let stage = stage().await;
    let Stage { group, .. } = &stage;
    let journal = Journal::new();
    let gate = Gate::new();
    let quick = group.spawn(Noted { gate: None, _dropped: journal.drop_note("quick") });
    let slow = group.spawn(Noted { gate: Some(gate.clone()), _dropped: journal.drop_note("slow") });
    group.on_end({
        let journal = journal.clone();
        move |_| journal.note("cleanup")
    });

    quick.stop();
    gate.reached().await;
    tokio::task::yield_now().await;
    assert_eq!(journal.entries(), ["quick"]);
    gate.open();
    slow.stopped().await;

    assert_eq!(journal.entries(), ["quick", "slow", "cleanup"]);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_cleanup_given_too_late_runs_at_once() {
    let stage = stage().await;
    let Stage { group, cleanups, .. } = &stage;
    let peer = group.spawn(Peer);
    peer.kill();
    peer.stopped().await;
    let first = cleanups.only();

    let late = Cleanups::after(group);

    assert_eq!((late.only().first, members(&late.only())), (first.first.clone(), members(&first)));
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_cleanup_that_panics_fails_the_owner_and_harms_no_other() {
    let stage = stage().await;
    let Stage { system, group, owner, .. } = &stage;
    group.on_end(|_| panic!("in the cleanup"));
    let after = Cleanups::after(group);
    let peers: Vec<_> = (0..3).map(|_| group.spawn(Peer)).collect();

    peers[0].stop();

    for peer in &peers {
        assert!(promptly("the members end", peer.stopped()).await.is_clean());
    }
    let reason = promptly("the owner fails", owner.stopped()).await;
    assert!(matches!(reason, ExitReason::Panicked { ref message, .. } if &**message == "in the cleanup"), "{reason}");
    assert_eq!(after.only().members.len(), 3);
    assert_eq!(system.shutdown().await.failed, 1);
}

#[tokio::test(start_paused = true)]
async fn s8_4_the_cleanup_runs_though_nobody_holds_the_group() {
    let Stage { system: _system, group, cleanups, .. } = stage().await;
    let (a, b) = (group.spawn(Peer), group.spawn(Peer));
    drop(group);

    a.kill();
    b.stopped().await;

    assert_eq!(cleanups.only().members.len(), 2);
}

// ===== any number =====

#[tokio::test(start_paused = true)]
async fn s8_4_a_group_of_one_ends_with_it() {
    let stage = stage().await;
    let Stage { group, heard, cleanups, .. } = &stage;
    let alone = group.spawn(Peer);

    alone.stop();
    alone.stopped().await;
    settle().await;

    assert_eq!(cleanups.only().members, [(alone.path(), ExitReason::Normal)]);
    assert_eq!(heard.groups().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_group_of_5_000_falls_whole_with_one_cleanup() {
    let stage = stage().await;
    let Stage { group, heard, cleanups, system, .. } = &stage;
    let peers: Vec<_> = (0..5_000).map(|_| group.spawn(Peer)).collect();

    peers[2_500].kill();
    for peer in &peers {
        promptly("it falls", peer.stopped()).await;
    }
    settle().await;

    let report = cleanups.only();
    assert_eq!(report.first, (peers[2_500].path(), ExitReason::Killed));
    assert_eq!(report.members.len(), 5_000);
    assert!(report.members[1..].iter().all(|(_, reason)| matches!(reason, ExitReason::LinkDown { .. })));
    assert_eq!((heard.groups().len(), system.actors()), (1, 1));
}

#[test]
fn s8_4_members_that_end_at_the_same_time_give_one_cleanup_and_one_first_cause() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..100 {
            let stage = stage().await;
            let Stage { group, cleanups, heard, owner, .. } = &stage;
            let peers: Vec<_> = (0..8).map(|_| group.spawn(Peer)).collect();
            let ends: Vec<_> = peers
                .iter()
                .cloned()
                .enumerate()
                .map(|(place, peer)| tokio::spawn(async move { if place % 2 == 0 { peer.kill() } else { peer.stop() } }))
                .collect();
            for end in ends {
                end.await.unwrap();
            }
            eventually("the owner is told", || heard.groups().len() == 1).await;
            within(owner, |_| ()).await;

            let report = cleanups.only();
            assert_eq!((report.members.len(), heard.groups().len()), (8, 1));
            assert_eq!(report.members[0], report.first);
        }
    });
}
