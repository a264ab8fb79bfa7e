//! The owner of a peer group: what it is told, and what its own end brings (S8.4).

use std::sync::{Arc, Mutex};

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, PeerGroup, Tie, messages};
use tests::{Broken, Journal, promptly};

use crate::cast::{Fail, Peer, settle, within};
use crate::peer_group_stage::{Noted, Stage, falls_by, members, stage};

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

#[tokio::test(start_paused = true)]
async fn s8_4_a_cleanup_that_panics_while_its_owner_stops_is_not_lost() {
    let system = ActorSystem::new("groups");
    let (owner, group, _journal) = deaf_owner(&system).await;
    group.on_end(|_| panic!("not clean"));
    let _member = group.spawn(Peer);

    owner.stop();
    promptly("the owner ends", owner.stopped()).await;

    let exit = owner.exit().expect("it has ended");
    let told = std::iter::once(&exit.reason).chain(&exit.secondary).filter(|reason| reason.to_string().contains("not clean")).count();
    assert_eq!(told, 1, "{exit:?}");
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_cleanup_that_panics_when_the_owner_has_ended_counts_as_a_failure() {
    let system = ActorSystem::new("groups");
    let (owner, group, _journal) = deaf_owner(&system).await;
    let outside = system.spawn(Peer);
    group.join(&outside);
    group.on_end(|_| panic!("it cannot be cleaned up"));

    owner.stop();
    promptly("all end", async { (owner.stopped().await, outside.stopped().await) }).await;

    let report = system.shutdown().await;
    assert_eq!((report.failed, report.failures.len()), (1, 1), "{report}");
    assert_eq!(report.failures[0].0, owner.path());
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_cleanup_that_panics_fails_an_owner_without_the_hook_that_has_nothing_to_do() {
    let system = ActorSystem::new("groups");
    let (owner, group, journal) = deaf_owner(&system).await;
    group.on_end(|_| panic!("in the cleanup"));
    let member = group.spawn(Peer);
    settle().await;

    member.stop();

    let reason = promptly("the owner fails", owner.stopped()).await;
    assert!(matches!(reason, ExitReason::Panicked { ref message, .. } if &**message == "in the cleanup"), "{reason}");
    assert_eq!(journal.len(), 2, "its own cleanup and its hook: {:?}", journal.entries());
}
