//! Groups: who is in them, and what a listener is told of it (S12.7 to S12.9).

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use actors_core::{Actor, ActorId, ActorRef, ActorSystem, Context, DeadReason, ExitReason, GroupChange, GroupNotice, messages};
use tests::{Gate, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::settle;

/// What members take.
struct Job;
/// What members of other groups take.
struct Errand;

#[derive(Actor)]
struct Member;

#[messages]
impl Member {
    #[handle]
    fn work(&self, _job: Job) {}

    #[handle]
    fn run(&self, _errand: Errand) {}

    #[message]
    fn fail(&self) {
        panic!("as it was told");
    }

    #[message]
    fn join(&self, name: &'static str, ctx: &mut Context<Self>) {
        ctx.group::<Job>(name).join(ctx.actor_ref());
    }
}

type Notices = Arc<Mutex<Vec<GroupNotice<Job>>>>;

/// Writes down what it is told of groups.
#[derive(Actor, Default)]
struct Listener {
    notices: Notices,
}

#[messages]
impl Listener {
    #[handle]
    fn hear(&self, notice: GroupNotice<Job>) {
        self.notices.lock().unwrap().push(notice);
    }

    #[message]
    async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    #[handle]
    fn work(&self, _job: Job) {}
}

fn listener(system: &ActorSystem) -> (ActorRef<Listener>, Notices) {
    let notices = Notices::default();
    (system.actor(Listener { notices: notices.clone() }).unbounded().spawn(), notices)
}

fn members<const N: usize>(system: &ActorSystem) -> [ActorRef<Member>; N] {
    std::array::from_fn(|_| system.spawn(Member))
}

/// What was told, in a few words.
fn said(notices: &Notices) -> Vec<String> {
    let said = |notice: &GroupNotice<Job>| match &notice.change {
        GroupChange::Members(members) => format!("{}: {:?}", notice.group, members.iter().map(|member| member.id()).collect::<Vec<_>>()),
        GroupChange::Joined(member) => format!("{}: {} joined", notice.group, member.id()),
        GroupChange::Left(member) => format!("{}: {} left", notice.group, member.id()),
        GroupChange::Ended(member, reason) => format!("{}: {} ended, {reason:?}", notice.group, member.id()),
        _ => unreachable!("there is no other"),
    };
    notices.lock().unwrap().iter().map(said).collect()
}

async fn ended<A: Actor>(actor: &ActorRef<A>) {
    actor.stop();
    promptly("it ends", actor.stopped()).await;
}

// ===== who is in them =====

#[tokio::test(start_paused = true)]
async fn pub_2_the_end_of_an_actor_removes_exactly_its_own_memberships() {
    let system = ActorSystem::new("groups");
    let [mine, other] = members(&system);
    let (watcher, heard) = listener(&system);
    let [alone, shared, watched] = ["alone", "shared", "watched"].map(|name| system.group::<Job>(name));
    alone.join(&mine);
    system.group::<Errand>("alone").join(&mine);
    shared.join(&mine);
    shared.join(&other);
    watched.join(&other);
    // It is a member, and watches as well.
    watched.join(&watcher);
    watched.watch(&watcher);
    shared.watch(&watcher);
    drop(alone);
    assert_eq!(system.group_count(), 4);

    ended(&mine).await;
    settle().await;
    ended(&watcher).await;
    eventually("its groups have gone", || system.group_count() == 2).await;

    assert_eq!(shared.members(), [other.recipient()]);
    assert_eq!(watched.members(), [other.recipient()]);
    assert_eq!(said(&heard).len(), 3, "two snapshots, and the end of a member");
}

#[tokio::test(start_paused = true)]
async fn pub_2_leaving_one_group_leaves_the_rest() {
    let system = ActorSystem::new("groups");
    let [member] = members(&system);
    let groups = ["one", "two", "three"].map(|name| system.group::<Job>(name));
    groups.iter().for_each(|group| group.join(&member));

    groups[1].leave(&member);
    groups[1].leave(&member);

    assert_eq!(groups.each_ref().map(|group| group.len()), [1, 0, 1]);
    ended(&member).await;
    assert_eq!(groups.each_ref().map(|group| group.is_empty()), [true; 3]);
}

#[tokio::test(start_paused = true)]
async fn members_stand_in_the_order_of_joining_each_once() {
    let system = ActorSystem::new("groups");
    let [a, b, c] = members(&system);
    let group = system.group::<Job>("workers");
    [&b, &a, &c, &b].into_iter().for_each(|member| group.join(member));
    a.ask(Join { name: "workers" }).await.unwrap();
    assert_eq!(group.members(), [&b, &a, &c].map(|member| member.recipient()));

    group.leave(&b);
    group.join(&b);

    assert_eq!(group.members(), [&a, &c, &b].map(|member| member.recipient()));
    for member in group.members() {
        member.tell(Job).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_ended_becomes_no_member_and_no_listener() {
    let system = ActorSystem::new("groups");
    let ([member], (watcher, _)) = (members(&system), listener(&system));
    ended(&member).await;
    ended(&watcher).await;

    {
        let group = system.group::<Job>("workers");
        group.join(&member);
        group.watch(&watcher);
        assert!(group.is_empty());
    }

    assert_eq!(system.group_count(), 0);
}

// ===== what a listener is told =====

#[tokio::test(start_paused = true)]
async fn pub_3_a_listener_gets_the_members_first_and_then_one_notice_per_change() {
    let system = ActorSystem::new("groups");
    let [a, b, c] = members(&system);
    let (watcher, notices) = listener(&system);
    let group = system.group::<Job>("workers");
    group.join(&a);

    group.watch(&watcher);
    group.join(&b);
    group.join(&b);
    group.join(&c);
    group.leave(&a);
    b.tell(Fail).await.unwrap();
    promptly("it ends", b.stopped()).await;
    ended(&c).await;
    settle().await;

    let [a, b, c] = [a.id(), b.id(), c.id()];
    let mut said = said(&notices);
    assert!(matches!(notices.lock().unwrap()[4].change, GroupChange::Ended(_, ExitReason::Panicked { .. })));
    assert!(said.remove(4).starts_with(&format!("workers: {b} ended")));
    let expected = [
        format!("workers: [{a}]"),
        format!("workers: {b} joined"),
        format!("workers: {c} joined"),
        format!("workers: {a} left"),
        format!("workers: {c} ended, Normal"),
    ];
    assert_eq!(said, expected);
}

#[tokio::test(start_paused = true)]
async fn pub_3_a_listener_that_watches_twice_gets_each_notice_once() {
    let system = ActorSystem::new("groups");
    let ([a], (watcher, notices)) = (members(&system), listener(&system));
    let group = system.group::<Job>("workers");

    group.watch(&watcher);
    group.watch(watcher.recipient());
    group.join(&a);
    ended(&a).await;
    settle().await;

    assert_eq!(said(&notices).len(), 3, "{:?}", said(&notices));
}

#[tokio::test(start_paused = true)]
async fn pub_3_nothing_comes_after_unwatching_and_watching_anew_begins_with_the_members() {
    let system = ActorSystem::new("groups");
    let ([a, b], (watcher, notices)) = (members(&system), listener(&system));
    let group = system.group::<Job>("workers");
    group.watch(&watcher);
    settle().await;

    group.unwatch(&watcher);
    group.join(&a);
    group.join(&b);
    settle().await;
    assert_eq!(said(&notices), ["workers: []"]);

    group.watch(&watcher);
    settle().await;
    assert_eq!(said(&notices)[1..], [format!("workers: [{}, {}]", a.id(), b.id())]);
}

#[tokio::test(start_paused = true)]
async fn a_member_may_watch_its_own_group_and_stop_either() {
    let system = ActorSystem::new("groups");
    let ([a], (both, notices)) = (members(&system), listener(&system));
    let group = system.group::<Job>("workers");
    group.join(&both);
    group.watch(&both);

    group.leave(&both);
    group.join(&a);
    group.join(&both);
    group.unwatch(&both);
    settle().await;
    assert_eq!(said(&notices).len(), 4, "{:?}", said(&notices));

    ended(&both).await;
    assert_eq!(group.members(), [a.recipient()], "its end is still known");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_left_or_watches_no_more_leaves_nothing_and_what_else_it_is_ends_with_it() {
    let system = ActorSystem::new("groups");
    let ((both, _), group) = (listener(&system), system.group::<Job>("workers"));
    group.join(&both);
    group.leave(&both);
    drop(group);
    assert_eq!(system.group_count(), 0, "it lives, and nobody is there");

    let group = system.group::<Job>("workers");
    group.join(&both);
    group.watch(&both);
    group.leave(&both);
    ended(&both).await;
    let ([a], letters) = (members(&system), system.dead_letter_count());
    group.join(&a);
    assert_eq!(system.dead_letter_count(), letters, "it is not told any more");
    group.leave(&a);
    drop(group);
    assert_eq!(system.group_count(), 0);

    let ((both, _), group) = (listener(&system), system.group::<Job>("workers"));
    group.watch(&both);
    group.join(&both);
    group.unwatch(&both);
    assert!(!group.is_empty());
    ended(&both).await;
    assert!(group.is_empty());
}

/// It cannot be told, since it stops, and has not ended yet.
#[tokio::test(start_paused = true)]
async fn a_notice_for_a_listener_that_is_stopping_is_a_dead_letter() {
    let (system, gate) = (ActorSystem::new("groups"), Gate::new());
    let ([a], (stopping, notices)) = (members(&system), listener(&system));
    let group = system.group::<Job>("workers");
    group.watch(&stopping);
    stopping.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    stopping.stop();
    let mut letters = system.dead_letters();

    group.join(&a);

    let letter = letters.try_recv().expect("it is told at once");
    assert_eq!((letter.path(), letter.reason()), (&stopping.path(), DeadReason::Stopped));
    assert!(letter.take::<GroupNotice<Job>>().is_some_and(|notice| matches!(notice.change, GroupChange::Joined(_))));
    gate.open();
    promptly("it ends", stopping.stopped()).await;
    assert_eq!((said(&notices).len(), system.dead_letter_count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_loses_no_notice_while_there_are_few() {
    let (system, notices, gate) = (ActorSystem::new("groups"), Notices::default(), Gate::new());
    let slow = system.actor(Listener { notices: notices.clone() }).mailbox(1).spawn();
    slow.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let group = system.group::<Job>("workers");
    group.watch(&slow);

    let joined = members::<40>(&system);
    joined.iter().for_each(|member| group.join(member));
    settle().await;
    assert!(said(&notices).is_empty());
    gate.open();
    settle().await;

    let expected: Vec<_> = joined.iter().map(|member| format!("workers: {} joined", member.id())).collect();
    assert_eq!(said(&notices)[1..], expected);
}

#[tokio::test(start_paused = true)]
async fn notices_give_way_when_one_more_comes_than_may_wait() {
    for (changes, told) in [(64, 1 + 64), (65, 1 + 1)] {
        let (system, notices, gate) = (ActorSystem::new("groups"), Notices::default(), Gate::new());
        let slow = system.actor(Listener { notices: notices.clone() }).mailbox(1).spawn();
        slow.tell(WaitAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        let ([a], group) = (members(&system), system.group::<Job>("workers"));
        group.watch(&slow);

        (0..changes).for_each(|change| if change % 2 == 0 { group.join(&a) } else { group.leave(&a) });
        gate.open();
        settle().await;

        assert_eq!(said(&notices).len(), told, "{changes} changes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_far_behind_is_told_who_the_members_are_instead() {
    let (system, notices, gate) = (ActorSystem::new("groups"), Notices::default(), Gate::new());
    let slow = system.actor(Listener { notices: notices.clone() }).mailbox(1).spawn();
    slow.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let group = system.group::<Job>("workers");
    group.watch(&slow);

    let [a, b] = members(&system);
    for _ in 0..10_000 {
        group.join(&a);
        group.leave(&a);
    }
    group.join(&b);
    gate.open();
    settle().await;

    assert!(notices.lock().unwrap().len() < 100, "{}", notices.lock().unwrap().len());
    assert_eq!(replay(&notices), group.members().iter().map(|member| member.id()).collect());
}

#[tokio::test(start_paused = true)]
async fn s12_9_a_slow_listener_loses_no_notice_while_no_more_wait_than_there_are_members() {
    let (system, notices, gate) = (ActorSystem::new("groups"), Notices::default(), Gate::new());
    let slow = system.actor(Listener { notices: notices.clone() }).mailbox(1).spawn();
    slow.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let group = system.group::<Job>("workers");
    let all = members::<200>(&system);
    all.iter().for_each(|member| group.join(member));
    group.watch(&slow);

    all[..90].iter().for_each(|member| group.leave(member));
    gate.open();
    settle().await;

    let expected: Vec<_> = all[..90].iter().map(|member| format!("workers: {} left", member.id())).collect();
    assert_eq!(said(&notices)[1..], expected);
}

// ===== races, and what is left =====

/// Follows the notices, and sees to it that each is one of a change: returns who is left.
fn replay(notices: &Notices) -> HashSet<ActorId> {
    let mut here = HashSet::new();
    for (place, notice) in notices.lock().unwrap().iter().enumerate() {
        match &notice.change {
            GroupChange::Members(members) => here = members.iter().map(|member| member.id()).collect(),
            GroupChange::Joined(member) => assert!(here.insert(member.id()), "{place}: it was a member"),
            GroupChange::Left(member) | GroupChange::Ended(member, _) => assert!(here.remove(&member.id()), "{place}: it was none"),
            _ => unreachable!("there is no other"),
        }
    }
    here
}

#[test]
fn listeners_follow_every_change_exactly_however_members_come_and_go() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("groups");
        let group = system.group::<Job>("workers");
        let (early, from_the_start) = listener(&system);
        group.watch(&early);
        let small = Notices::default();
        let slow = system.actor(Listener { notices: small.clone() }).mailbox(1).spawn();

        let tasks: Vec<_> = (0..4)
            .map(|task| {
                let (system, group) = (system.clone(), group.clone());
                tokio::spawn(async move {
                    for round in 0..100 {
                        let member = system.spawn(Member);
                        group.join(&member);
                        if (round + task) % 2 == 0 {
                            tokio::task::yield_now().await;
                        }
                        match round % 4 {
                            0 => group.leave(&member),
                            1 => member.kill(),
                            2 => member.stop(),
                            _ => {}
                        }
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        group.watch(&slow);
        for task in tasks {
            task.await.unwrap();
        }

        eventually("those who ended are gone", || group.len() == 100).await;
        let left: HashSet<_> = group.members().iter().map(|member| member.id()).collect();
        eventually("the first has been told", || replay(&from_the_start) == left).await;
        eventually("the slow one has been told", || replay(&small) == left).await;
        assert!(system.shutdown().await.is_clean());
    });
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_members_and_listeners_leave_nothing() {
    let system = ActorSystem::new("groups");
    let group = system.group::<Job>("workers");
    for round in 0..10 {
        let actors: Vec<_> = (0..1_000).map(|_| listener(&system).0).collect();
        for (number, actor) in actors.iter().enumerate() {
            group.join(actor);
            let own = system.group::<Job>(format!("{round} {number}"));
            own.join(actor);
            own.watch(actor);
        }
        assert_eq!((group.len(), system.group_count()), (1_000, 1_001));
        actors.iter().for_each(|actor| actor.stop());
        eventually("all have ended", || system.actors() == 0 && group.is_empty()).await;
    }

    assert_eq!(system.group_count(), 1, "only the one that is held");
}
