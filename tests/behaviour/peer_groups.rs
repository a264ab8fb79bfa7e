//! Peer groups: actors that live and die together, with one cleanup after the last of them (S8.4).

use std::sync::{Arc, Mutex};

use actors_core::{
    Actor, ActorPath, ActorRef, ActorSystem, BoxError, Context, ExitReason, GroupReport, OnStop, PeerGroup, StartFailure, Tie, messages,
};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{End, Explode, Fail, Heard, Peer, Ping, WaitAt, Witness, settle, within};

/// The reports that cleanups were called with.
#[derive(Clone, Default)]
struct Cleanups(Arc<Mutex<Vec<GroupReport>>>);

impl Cleanups {
    fn after(group: &PeerGroup) -> Self {
        let cleanups = Cleanups::default();
        group.on_end(cleanups.add());
        cleanups
    }

    fn add(&self) -> impl FnOnce(GroupReport) + Send + 'static + use<> {
        let reports = self.0.clone();
        move |report| reports.lock().unwrap().push(report)
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn only(&self) -> GroupReport {
        let reports = self.0.lock().unwrap();
        assert_eq!(reports.len(), 1, "the cleanup runs exactly once");
        reports[0].clone()
    }
}

/// A group below an owner that traps exits, so that it outlives the group.
struct Stage {
    system: ActorSystem,
    owner: ActorRef<Witness>,
    heard: Heard,
    group: Arc<PeerGroup>,
    cleanups: Cleanups,
}

async fn stage() -> Stage {
    let system = ActorSystem::new("groups");
    let heard = Heard::default();
    let owner = system.actor(Witness::new(&heard)).name("owner").start().await.unwrap();
    let group = Arc::new(within(&owner, |ctx| ctx.peer_group("session")).await);
    let cleanups = Cleanups::after(&group);
    Stage { system, owner, heard, group, cleanups }
}

fn falls_by<A: Actor>(reason: &ExitReason, first: &ActorRef<A>) {
    assert!(matches!(reason, ExitReason::LinkDown { peer, .. } if *peer == first.path()), "{reason}");
}

fn members(report: &GroupReport) -> Vec<ActorPath> {
    report.members.iter().map(|(path, _)| path.clone()).collect()
}

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

/// An actor that notes when its state is dropped.
#[derive(Actor)]
struct Noted {
    gate: Option<Gate>,
    _dropped: tests::DropNote,
}

#[messages]
impl Noted {
    #[message]
    fn is_noted(&self) {}

    #[stopped]
    async fn stopped(&mut self) {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
    }
}

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

// ===== the owner =====

#[derive(Actor)]
struct Owner {
    group: Arc<Mutex<Option<PeerGroup>>>,
    journal: Journal,
}

#[messages]
impl Owner {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        let group = ctx.peer_group("session");
        let journal = self.journal.clone();
        group.on_end(move |report| journal.note(format!("cleanup of {}", report.members.len())));
        *self.group.lock().unwrap() = Some(group);
    }

    #[message(name = Break)]
    fn break_down(&self) -> Result<(), Broken> {
        Err(Broken("on purpose"))
    }

    #[stopped]
    fn stopped(&mut self, reason: &ExitReason) {
        self.journal.note(format!("owner: {reason}"));
    }
}

/// An owner without an `exited` hook.
async fn deaf_owner(system: &ActorSystem) -> (ActorRef<Owner>, PeerGroup, Journal) {
    let (group, journal) = (Arc::new(Mutex::new(None)), Journal::new());
    let owner = system.start(Owner { group: group.clone(), journal: journal.clone() }).await.unwrap();
    let group = group.lock().unwrap().take().expect("it was opened");
    (owner, group, journal)
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_owner_without_the_hook_stops_normally_after_a_clean_end() {
    let system = ActorSystem::new("groups");
    let (owner, group, journal) = deaf_owner(&system).await;
    let (a, _b) = (group.spawn(Peer), group.spawn(Peer));

    a.stop();

    assert_eq!(promptly("the owner ends", owner.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["cleanup of 2", "owner: normal"]);
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_owner_without_the_hook_falls_after_an_abnormal_end() {
    let system = ActorSystem::new("groups");
    let (owner, group, _) = deaf_owner(&system).await;
    let (a, _b) = (group.spawn(Peer), group.spawn(Peer));

    a.tell(Fail { error: Broken("a") }).await.unwrap();

    let reason = promptly("the owner ends", owner.stopped()).await;
    falls_by(&reason, &a);
    assert_eq!(reason.root_cause(), &a.stopped().await);
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_owner_with_the_hook_is_told_once_and_lives() {
    let stage = stage().await;
    let Stage { group, owner, heard, cleanups, .. } = &stage;
    let (a, _b) = (group.spawn(Peer), group.spawn(Peer));

    a.kill();
    settle().await;

    let told = heard.groups();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].id, told[0].path.clone(), told[0].reason.clone()), (a.id(), a.path(), ExitReason::Killed));
    let Tie::Group(ref report) = told[0].tie else { panic!("it is of a group") };
    assert_eq!(members(report), members(&cleanups.only()));
    assert_eq!(heard.children().len(), 2, "its members are its children, and told as such too");
    assert!(owner.is_alive());
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_owner_that_stops_trapping_stops_with_its_group() {
    let stage = stage().await;
    let Stage { group, owner, heard, .. } = &stage;
    within(owner, |ctx| ctx.trap_exits(false)).await;
    let a = group.spawn(Peer);

    a.kill();

    falls_by(&promptly("the owner ends", owner.stopped()).await, &a);
    assert_eq!(heard.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn s8_4_an_owner_that_stops_brings_its_members_down_in_reverse_order() {
    let system = ActorSystem::new("groups");
    let (owner, group, journal) = deaf_owner(&system).await;
    let peers: Vec<_> =
        ["first", "second", "third"].map(|name| group.spawn(Noted { gate: None, _dropped: journal.drop_note(name) })).into_iter().collect();

    owner.stop();

    assert_eq!(promptly("the owner ends", owner.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["third", "second", "first", "cleanup of 3", "owner: normal"]);
    assert!(peers.iter().all(|peer| peer.exit().is_some_and(|exit| exit.reason == ExitReason::Shutdown)));
}

#[tokio::test(start_paused = true)]
async fn s8_4_the_cleanup_runs_once_when_the_owner_fails_or_is_killed() {
    type Way = fn(&ActorRef<Owner>);
    let ways: [Way; 2] = [|owner| owner.kill(), |owner| owner.try_tell(Break).unwrap()];
    let system = ActorSystem::new("groups");
    for end in ways {
        let (owner, group, journal) = deaf_owner(&system).await;
        let peers: Vec<_> = (0..3).map(|_| group.spawn(Peer)).collect();

        end(&owner);
        let reason = promptly("the owner ends", owner.stopped()).await;

        assert!(!reason.is_clean());
        assert_eq!(journal.count("cleanup of 3"), 1);
        assert!(peers.iter().all(|peer| peer.exit().is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_shutdown_of_the_system_runs_every_cleanup_once() {
    let stage = stage().await;
    let Stage { system, group, cleanups, .. } = &stage;
    let _peers: Vec<_> = (0..3).map(|_| group.spawn(Peer)).collect();

    let report = system.shutdown().await;

    assert!(report.is_clean(), "{report}");
    let group = cleanups.only();
    assert!(group.members.iter().all(|(_, reason)| *reason == ExitReason::Shutdown));
    assert_eq!(group.members.len(), 3);
}

// ===== who is a member =====

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
