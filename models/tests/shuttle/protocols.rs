//! Stop against start, restart and link; drain against senders; ask, group and monitor against death; shutdown against spawn.

use std::time::Duration;

use actors_core::{ActorRef, ActorSystem, ChildSpec, ExitReason, LinkKind, Supervisor, WorkerPool};
use models::Model;
use shuttle::future;

use crate::cast::{
    Add, AddPlainly, Branch, Call, Caller, Counter, Fail, FailPlainly, GatherPeers, Grow, Hanging, HaveChild, HaveEnough, HaveHangingChild,
    Leaf, Lived, LookAway, Members, News, OpenGroup, Parent, Plain, Push, RaiseTwo, Reader, Rustle, Told, Usher, Watch, Watcher, beside,
    dawdle, explore, shut_down, tell_adds,
};

pub(crate) const MODELS: &[Model] = &[
    ("a_stop_against_a_start_ends_the_actor_once_and_stops_what_started", || explore(stop_against_start)),
    ("a_kill_against_a_start_that_hangs_ends_the_actor", || explore(kill_against_hanging_start)),
    ("a_kill_against_a_stop_ends_the_actor_once", || explore(kill_against_stop)),
    ("a_drain_handles_all_that_was_accepted", || explore(drain_against_senders)),
    ("senders_at_a_full_mailbox_are_taken_in_or_told_of_the_drain", || explore(drain_against_a_full_mailbox)),
    ("every_ask_is_settled_whatever_ends_the_actor", || explore(ask_against_death)),
    ("a_link_made_while_one_side_dies_brings_the_other_down", || explore(link_against_death)),
    ("two_that_are_linked_and_stopped_at_once_both_end", || explore(link_against_two_stops)),
    ("whoever_joins_a_group_while_a_member_dies_ends_too", || explore(group_against_death)),
    ("a_stop_against_a_restart_ends_the_child_for_good", || explore(stop_against_restart)),
    ("a_child_that_is_made_while_a_kill_comes_from_far_above_is_killed_too", || explore(kill_against_spawn)),
    ("an_actor_that_is_spawned_while_the_system_shuts_down_ends_too", || explore(shutdown_against_spawn)),
    ("a_child_that_is_refused_is_found_by_nobody_or_ends_for_all_who_found_it", || explore(refusal_against_lookup)),
    ("who_is_refused_for_a_name_learns_who_has_it", || explore(start_against_start)),
    ("a_child_that_is_made_while_its_parent_fails_in_a_turn_ends_before_it", || explore(failing_turn_against_spawn)),
    ("messages_to_an_actor_that_ends_at_rest_are_handled_or_refused", || explore(end_at_rest_against_senders)),
    ("a_shutdown_against_a_failing_child_ends_the_whole_tree", || explore(shutdown_against_restart)),
    ("a_shutdown_of_a_subtree_at_rest_against_a_kill_ends_each_once", || explore(subtree_against_kill)),
    ("a_shutdown_of_a_subtree_at_rest_settles_asks_and_ends_children_that_come", || explore(subtree_against_senders)),
    ("a_shutdown_is_not_over_before_all_have_been_told_of_an_end", || explore(shutdown_against_end)),
    ("a_stop_against_a_restart_without_hooks_ends_the_child_and_loses_nothing", || explore(stop_against_plain_restart)),
    ("a_stop_of_a_child_that_is_just_restarted_is_not_missed", || explore(stop_amid_restart)),
    ("an_ask_to_a_child_that_is_just_restarted_is_not_missed", || explore(ask_amid_restart)),
    ("a_link_made_while_an_idle_one_ends_brings_the_other_down", || explore(link_against_end_at_rest)),
    ("two_that_link_and_unlink_each_other_at_once_do_not_wait_for_each_other", || explore(link_against_link)),
    ("a_member_that_ends_while_it_joins_brings_the_others_down", || explore(join_against_own_end)),
    ("an_outsider_that_joins_while_the_owner_ends_falls_too", || explore(join_against_end_of_owner)),
    ("an_ask_to_an_idle_actor_that_ends_is_settled", || explore(ask_against_end_at_rest)),
    ("a_monitor_made_while_the_other_ends_gives_one_notice", || explore(monitor_against_end)),
    ("a_monitor_that_is_cancelled_while_the_other_ends_is_silent", || explore(cancel_against_end)),
    ("nothing_that_was_kept_comes_after_unsubscribing", || explore(unsubscribe_against_courier)),
    ("a_child_that_is_refused_is_not_taken_along_by_its_siblings", || explore(refusal_against_restart)),
    ("two_that_ask_each_other_at_once_do_not_both_wait", || explore(ask_against_ask)),
    ("two_that_wait_for_room_at_each_other_do_not_both_wait", || explore(tell_against_tell)),
    ("one_that_waits_for_room_and_one_that_asks_it_do_not_both_wait", || explore(tell_against_ask)),
    ("what_is_published_while_the_subscriber_ends_is_read_or_a_dead_letter", || explore(publish_against_end)),
    ("what_is_kept_for_a_slow_subscriber_is_read", || explore(publish_against_reading)),
    ("two_children_that_fail_at_once_are_both_restarted", || explore(failure_against_failure)),
    ("a_listener_that_watches_anew_knows_who_is_there", || explore(watch_against_join)),
    ("a_job_that_is_sent_while_the_pool_starts_is_done", || explore(tell_against_pool_start)),
    ("a_job_that_is_sent_while_the_pool_ends_is_settled", || explore(ask_against_pool_end)),
];

async fn stop_against_start() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.spawn(Counter::new(&lived));
    let stopping = actor.clone();
    let stopper = beside(async move {
        stopping.stop();
        assert!(stopping.try_tell(Add).is_err(), "it takes nothing any more");
    });
    let sender = beside(tell_adds(actor.clone(), 1));
    assert_eq!(actor.stopped().await, ExitReason::Normal);
    stopper.await.expect("it goes well");
    sender.await.expect("it goes well");
    lived.assert_over();
    shut_down(&system).await;
}

async fn kill_against_hanging_start() {
    let system = ActorSystem::new("model");
    let actor = system.spawn(Hanging);
    let killing = actor.clone();
    let killer = beside(async move { killing.kill() });
    assert_eq!(actor.stopped().await, ExitReason::Killed);
    killer.await.expect("it goes well");
    shut_down(&system).await;
}

async fn kill_against_stop() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.spawn(Counter::new(&lived));
    let sender = beside(tell_adds(actor.clone(), 2));
    let (stopping, killing) = (actor.clone(), actor.clone());
    let stopper = beside(async move { stopping.stop() });
    let killer = beside(async move { killing.kill() });
    let reason = actor.stopped().await;
    assert_eq!(actor.exit().map(|exit| exit.reason), Some(reason), "all read the same end");
    for task in [stopper, killer] {
        task.await.expect("it goes well");
    }
    sender.await.expect("it goes well");
    shut_down(&system).await;
}

async fn drain_against_senders() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.start(Counter::new(&lived)).await.expect("it starts");
    let senders = [1, 2].map(|times| beside(tell_adds(actor.clone(), times)));
    actor.drain();
    assert!(actor.try_tell(Add).is_err(), "it takes nothing any more");
    let mut accepted = 0;
    for sender in senders {
        accepted += sender.await.expect("it goes well");
    }
    actor.stopped().await;
    assert_eq!((lived.handled(), system.dead_letter_count()), (accepted, 0));
    lived.assert_over();
    shut_down(&system).await;
}

async fn drain_against_a_full_mailbox() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.actor(Counter::new(&lived)).mailbox(1).start().await.expect("it starts");
    let senders = [2, 2].map(|times| beside(tell_adds(actor.clone(), times)));
    let draining = actor.clone();
    let stopper = beside(async move { draining.drain() });
    let mut accepted = 0;
    for sender in senders {
        accepted += sender.await.expect("it goes well");
    }
    stopper.await.expect("it goes well");
    actor.stopped().await;
    assert_eq!((lived.handled(), system.dead_letter_count()), (accepted, 0));
    shut_down(&system).await;
}

async fn ask_against_death() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.spawn(Counter::new(&lived));
    let askers = [actor.clone(), actor.clone()].map(|actor| beside(async move { actor.ask(Add).await.is_ok() }));
    let killing = actor.clone();
    let killer = beside(async move { killing.kill() });
    let mut answered = 0;
    for asker in askers {
        answered += u32::from(asker.await.expect("it goes well"));
    }
    killer.await.expect("it goes well");
    actor.stopped().await;
    assert!(answered <= lived.handled(), "only what was handled is answered");
    shut_down(&system).await;
}

async fn link_against_death() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let (dying, other) = (system.spawn(Counter::new(&lived)), system.spawn(Counter::new(&lived)));
    let killing = dying.clone();
    let killer = beside(async move { killing.kill() });
    let third = system.spawn(Counter::new(&lived));
    other.link(&dying);
    dawdle(30).await;
    dying.link(&third);
    killer.await.expect("it goes well");
    other.stopped().await;
    third.stopped().await;
    dying.stopped().await;
    shut_down(&system).await;
}

async fn link_against_two_stops() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let (one, other) = (system.spawn(Counter::new(&lived)), system.spawn(Counter::new(&lived)));
    let ends = [one.clone(), other.clone()].map(|actor| beside(async move { actor.kill() }));
    one.link(&other);
    for end in ends {
        end.await.expect("it goes well");
    }
    one.stopped().await;
    other.stopped().await;
    shut_down(&system).await;
}

async fn group_against_death() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let owner = system.spawn(Counter::new(&lived));
    let group = owner.ask(OpenGroup).await.expect("it answers");
    let (dying, joining) = (system.spawn(Counter::new(&lived)), system.spawn(Counter::new(&lived)));
    group.join(&dying);
    let killing = dying.clone();
    let killer = beside(async move { killing.kill() });
    group.join(&joining);
    killer.await.expect("it goes well");
    dying.stopped().await;
    joining.stopped().await;
    owner.stopped().await;
    shut_down(&system).await;
}

async fn stop_against_restart() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let child = lived.clone();
    let spec = ChildSpec::new("child", move || Counter::new(&child)).permanent();
    system.actor(Supervisor::new().restarts(9, Duration::from_secs(9)).child(spec)).name("above").start().await.expect("it starts");
    let child = system.lookup::<Counter>("/above/child").expect("it is there");
    let failing = child.clone();
    let failer = beside(async move { failing.tell(Fail).await.is_ok() });
    let asking = child.clone();
    let asker = beside(async move { asking.ask(Add).await.is_ok() });
    shut_down(&system).await;
    lived.assert_dropped();
    failer.await.expect("it goes well");
    asker.await.expect("it goes well");
    child.stopped().await;
    assert!(child.tell(Add).await.is_err(), "it has ended for good");
}

async fn kill_against_spawn() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let top = system.spawn(Counter::new(&lived));
    let middle = top.ask(HaveChild).await.expect("it answers");
    middle.tell(HaveHangingChild).await.expect("it is open");
    dawdle(10).await;
    // Nobody but this kill can end one that hangs, since no time passes.
    top.kill();
    top.stopped().await;
    assert_eq!(system.actors(), 0);
    shut_down(&system).await;
}

async fn refusal_against_lookup() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let parent = system.actor(Counter::new(&lived)).name("parent").start().await.expect("it starts");
    let group = parent.ask(OpenGroup).await.expect("it answers");
    let (searching, states) = (system.clone(), lived.clone());
    let finder = beside(async move {
        for _ in 0..10 {
            if let Some(child) = searching.lookup::<Counter>("/parent/child") {
                let _ = child.try_tell(Add);
                child.stopped().await;
            }
            future::yield_now().await;
        }
    });
    let spawner = beside(async move {
        let child = group.spawn_with(Counter::new(&states), |child| child.name("child"));
        child.stopped().await;
    });
    parent.stop();
    parent.stopped().await;
    for task in [finder, spawner] {
        task.await.expect("it goes well");
    }
    lived.assert_over();
    assert_eq!(system.actors(), 0);
    shut_down(&system).await;
}

async fn start_against_start() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let both = [(); 2].map(|()| {
        let (system, lived) = (system.clone(), lived.clone());
        beside(async move {
            match system.actor(Counter::new(&lived)).name("name").start().await {
                Ok(actor) => actor,
                Err(error) => loop {
                    match error.holder::<Counter>() {
                        Some(holder) => return holder,
                        None => future::yield_now().await,
                    }
                },
            }
        })
    });
    let mut found = Vec::new();
    for one in both {
        found.push(one.await.expect("it goes well"));
    }
    assert_eq!(found[0], found[1]);
    shut_down(&system).await;
    lived.assert_over();
}

async fn failing_turn_against_spawn() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let parent = system.spawn(Plain(lived.clone()));
    let group = parent.ask(GatherPeers).await.expect("it answers");
    let spawner = beside(async move { group.spawn(Plain(lived)).stopped().await });
    parent.tell(FailPlainly).await.expect("it is open");
    parent.stopped().await;
    shut_down(&system).await;
    spawner.await.expect("it goes well");
}

async fn shutdown_against_spawn() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    system.start(Counter::new(&lived)).await.expect("it starts");
    let (spawning, states) = (system.clone(), lived.clone());
    let spawner = beside(async move {
        let first = spawning.spawn(Counter::new(&states));
        let second = spawning.start(Counter::new(&states)).await;
        first.stopped().await;
        if let Ok(second) = second {
            second.stopped().await;
        }
    });
    shut_down(&system).await;
    spawner.await.expect("it goes well");
    lived.assert_over();
}

async fn end_at_rest_against_senders() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.spawn(Plain(lived.clone()));
    let sending = actor.clone();
    let sender = beside(async move { u32::from(sending.tell(AddPlainly).await.is_ok()) });
    let other = actor.clone();
    let drainer = beside(async move { other.drain() });
    let accepted = sender.await.expect("it goes well");
    drainer.await.expect("it goes well");
    actor.stopped().await;
    assert_eq!((lived.handled(), system.dead_letter_count()), (accepted, 0));
    shut_down(&system).await;
}

async fn shutdown_against_restart() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let states = [lived.clone(), lived.clone()];
    let mut above = Supervisor::new().strategy(actors_core::Strategy::OneForAll).restarts(9, Duration::from_secs(9));
    for (name, lived) in ["a", "b"].into_iter().zip(states) {
        above = above.child(ChildSpec::new(name, move || Counter::new(&lived)).permanent());
    }
    system.actor(above).name("above").start().await.expect("it starts");
    let failing = system.lookup::<Counter>("/above/a").expect("it is there");
    let killer = beside(async move { failing.kill() });
    shut_down(&system).await;
    lived.assert_dropped();
    killer.await.expect("it goes well");
}

/// A parent and its child, both at rest, or about to be.
async fn subtree(system: &ActorSystem) -> (ActorRef<Branch>, ActorRef<Leaf>) {
    let branch = system.actor(Branch).name("branch").start().await.expect("it starts");
    let leaf = system.lookup::<Leaf>("/branch/leaf").expect("it is there");
    (branch, leaf)
}

async fn subtree_against_kill() {
    let system = ActorSystem::new("model");
    let (branch, leaf) = subtree(&system).await;
    let (killing, stopping) = (branch.clone(), leaf.clone());
    let killer = beside(async move { killing.kill() });
    let stopper = beside(async move { stopping.stop() });
    shut_down(&system).await;
    assert!(matches!(branch.stopped().await, ExitReason::Shutdown | ExitReason::Killed));
    assert!(matches!(leaf.stopped().await, ExitReason::Shutdown | ExitReason::Killed | ExitReason::Normal));
    killer.await.expect("it goes well");
    stopper.await.expect("it goes well");
}

async fn subtree_against_senders() {
    let system = ActorSystem::new("model");
    let (branch, leaf) = subtree(&system).await;
    let (growing, asking, linking) = (branch.clone(), leaf.clone(), branch.clone());
    let grower = beside(async move { growing.tell(Grow).await.is_ok() });
    let asker = beside(async move { asking.ask(Rustle).await.is_ok() });
    let linker = beside(async move { linking.link(&leaf) });
    shut_down(&system).await;
    assert_eq!(branch.stopped().await, ExitReason::Shutdown);
    for beside in [grower, asker] {
        beside.await.expect("it is settled");
    }
    linker.await.expect("it goes well");
}

async fn shutdown_against_end() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let member = system.spawn(Plain(lived));
    let members = system.group::<AddPlainly>("members");
    members.join(&member);
    let emptied = Lived::default();
    let seen = emptied.clone();
    let callback = move || async move {
        if members.is_empty() {
            seen.count();
        }
    };
    system.on_terminated(callback).expect("it goes on");
    let killer = beside(async move { member.kill() });
    shut_down(&system).await;
    assert_eq!(emptied.handled(), 1, "who has ended is no member any more");
    killer.await.expect("it goes well");
}

async fn stop_against_plain_restart() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let states = lived.clone();
    let spec = ChildSpec::new("child", move || Plain(states.clone())).transient();
    system.actor(Supervisor::new().restarts(9, Duration::from_secs(9)).child(spec)).name("above").start().await.expect("it starts");
    let child = system.lookup::<Plain>("/above/child").expect("it is there");
    let (failing, sending, stopping) = (child.clone(), child.clone(), child.clone());
    let failer = beside(async move { u32::from(failing.tell(FailPlainly).await.is_ok()) });
    let sender = beside(async move { u32::from(sending.tell(AddPlainly).await.is_ok()) });
    let stopper = beside(async move { stopping.stop() });
    child.stopped().await;
    let accepted = failer.await.expect("it goes well") + sender.await.expect("it goes well");
    stopper.await.expect("it goes well");
    shut_down(&system).await;
    assert_eq!(u64::from(lived.handled()) + system.dead_letter_count(), u64::from(accepted));
}

/// A child without hooks that is about to fail, and be restarted.
async fn failing_child(system: &ActorSystem) -> ActorRef<Plain> {
    let spec = ChildSpec::new("child", || Plain(Lived::default())).transient();
    system.actor(Supervisor::new().restarts(9, Duration::from_secs(9)).child(spec)).name("above").start().await.expect("it starts");
    let child = system.lookup::<Plain>("/above/child").expect("it is there");
    child.tell(FailPlainly).await.expect("it is open");
    child
}

async fn stop_amid_restart() {
    let system = ActorSystem::new("model");
    let child = failing_child(&system).await;
    let stopping = child.clone();
    let stopper = beside(async move { stopping.stop() });
    // Nothing else calls it.
    child.stopped().await;
    stopper.await.expect("it goes well");
    shut_down(&system).await;
}

async fn ask_amid_restart() {
    let system = ActorSystem::new("model");
    let child = failing_child(&system).await;
    let asker = beside(async move { child.ask(AddPlainly).await.is_ok() });
    assert!(asker.await.expect("it goes well"), "the next life answers");
    shut_down(&system).await;
}

async fn link_against_end_at_rest() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let (ending, other) = (system.spawn(Plain(lived.clone())), system.spawn(Plain(lived)));
    let stopping = ending.clone();
    let stopper = beside(async move { stopping.stop() });
    other.link_as(&ending, LinkKind::OnExit);
    stopper.await.expect("it goes well");
    assert_eq!(other.stopped().await, ExitReason::Shutdown);
    shut_down(&system).await;
}

async fn link_against_link() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let (one, other) = (system.spawn(Plain(lived.clone())), system.spawn(Plain(lived)));
    let (peer, linking) = (one.clone(), other.clone());
    let linker = beside(async move {
        linking.link(&peer);
        linking.unlink(&peer);
    });
    one.link(&other);
    one.unlink(&other);
    linker.await.expect("it goes well");
    one.kill();
    one.stopped().await;
    assert!(other.exit().is_none(), "nothing of a link is left");
    shut_down(&system).await;
}

async fn join_against_own_end() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let owner = system.spawn(Counter::new(&lived));
    let group = owner.ask(OpenGroup).await.expect("it answers");
    let (ending, other) = (system.spawn(Plain(lived.clone())), system.spawn(Plain(lived.clone())));
    let cleanups = Lived::default();
    let cleaned = cleanups.clone();
    group.on_end(move |report| {
        cleaned.count();
        assert_eq!(report.members.len(), 2);
    });
    group.join(&other);
    let stopping = ending.clone();
    let stopper = beside(async move { stopping.stop() });
    group.join(&ending);
    stopper.await.expect("it goes well");
    other.stopped().await;
    owner.stopped().await;
    assert_eq!(cleanups.handled(), 1);
    shut_down(&system).await;
}

async fn join_against_end_of_owner() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let owner = system.spawn(Counter::new(&lived));
    let group = owner.ask(OpenGroup).await.expect("it answers");
    let outsider = system.spawn(Plain(lived.clone()));
    let stopper = beside(async move {
        owner.kill();
        owner.stopped().await;
    });
    dawdle(40).await;
    group.join(&outsider);
    stopper.await.expect("it goes well");
    outsider.stopped().await;
    shut_down(&system).await;
}

async fn ask_against_end_at_rest() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.spawn(Plain(lived.clone()));
    let asking = actor.clone();
    let asker = beside(async move { u32::from(asking.ask(AddPlainly).await.is_ok()) });
    actor.stop();
    let answered = asker.await.expect("it goes well");
    actor.stopped().await;
    assert_eq!(answered, lived.handled());
    shut_down(&system).await;
}

async fn monitor_against_end() {
    let system = ActorSystem::new("model");
    let (watcher, other) = (system.spawn(Watcher::default()), system.spawn(Plain(Lived::default())));
    let stopping = other.clone();
    let stopper = beside(async move { stopping.stop() });
    watcher.tell(Watch { other }).await.expect("it is open");
    // If the notice is lost, this goes on for more steps than there may be.
    while watcher.ask(Told).await.expect("it answers") == 0 {
        shuttle::future::yield_now().await;
    }
    stopper.await.expect("it goes well");
    assert_eq!(watcher.ask(Told).await.expect("it answers"), 1);
    shut_down(&system).await;
}

async fn cancel_against_end() {
    let system = ActorSystem::new("model");
    let (watcher, other) = (system.spawn(Watcher::default()), system.spawn(Plain(Lived::default())));
    watcher.ask(Watch { other: other.clone() }).await.expect("it answers");
    let stopping = other.clone();
    let stopper = beside(async move { stopping.stop() });
    let told = watcher.ask(LookAway).await.expect("it answers");
    stopper.await.expect("it goes well");
    other.stopped().await;
    for _ in 0..3 {
        assert_eq!(watcher.ask(Told).await.expect("it answers"), told, "nothing comes after it was cancelled");
    }
    shut_down(&system).await;
}

async fn unsubscribe_against_courier() {
    let system = ActorSystem::new("model");
    let slow = system.actor(Reader::default()).mailbox(1).spawn();
    let topic = system.topic::<News>("news");
    topic.subscriber(&slow).keep(3).subscribe();
    for _ in 0..3 {
        topic.publish(News);
    }
    topic.unsubscribe(&slow);
    slow.ask(HaveEnough).await.expect("it answers");
    slow.drain();
    assert_eq!(slow.stopped().await, ExitReason::Normal);
    shut_down(&system).await;
}

async fn refusal_against_restart() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let mut crashes = system.crash_reports();
    let above = system.actor(Parent(lived)).name("above").spawn();
    let asker = beside(async move { above.ask(RaiseTwo).await });
    shut_down(&system).await;
    let refused = asker.await.expect("it goes well").unwrap_or(false);
    let about = std::iter::from_fn(|| crashes.try_recv()).filter(|crash| crash.path.name() == "second").count();
    assert!(!refused || about == 0, "who never stood in the tree has never been restarted");
}

async fn ask_against_ask() {
    let system = ActorSystem::new("model");
    let (one, other) = (system.spawn(Caller), system.spawn(Caller));
    let (calling, called) = (other.clone(), one.clone());
    let caller = beside(async move { calling.ask(Call { other: called }).await });
    // No time passes, so whoever waits for himself waits for ever.
    assert_eq!(one.ask(Call { other }).await.ok(), Some(true));
    assert_eq!(caller.await.expect("it goes well").ok(), Some(true));
    shut_down(&system).await;
}

async fn tell_against_tell() {
    let system = ActorSystem::new("model");
    let (one, other) = (system.spawn(Caller), system.spawn(Caller));
    let (pushing, pushed) = (other.clone(), one.clone());
    let pusher = beside(async move { pushing.ask(Push { other: pushed }).await });
    assert_eq!(one.ask(Push { other }).await.ok(), Some(true));
    assert_eq!(pusher.await.expect("it goes well").ok(), Some(true));
    shut_down(&system).await;
}

async fn tell_against_ask() {
    let system = ActorSystem::new("model");
    let (one, other) = (system.spawn(Caller), system.spawn(Caller));
    let (pushing, pushed) = (other.clone(), one.clone());
    let pusher = beside(async move { pushing.ask(Push { other: pushed }).await });
    assert_eq!(one.ask(Call { other }).await.ok(), Some(true));
    assert_eq!(pusher.await.expect("it goes well").ok(), Some(true));
    shut_down(&system).await;
}

async fn publish_against_end() {
    let (system, read) = (ActorSystem::new("model"), Lived::default());
    let reader = system.actor(Reader::new(&read)).mailbox(1).spawn();
    let topic = system.topic::<News>("news");
    topic.subscriber(&reader).keep(1).subscribe();
    let stopping = reader.clone();
    let stopper = beside(async move { stopping.stop() });
    let mut taken = 0;
    for _ in 0..3 {
        let published = topic.publish(News);
        taken += published.delivered + published.late.len();
    }
    stopper.await.expect("it goes well");
    reader.stopped().await;
    shut_down(&system).await;
    assert_eq!(topic.subscriber_count(), 0);
    assert_eq!(u64::from(read.handled()) + system.dead_letter_count(), taken as u64);
}

async fn watch_against_join() {
    let system = ActorSystem::new("model");
    let usher = system.actor(Usher::default()).mailbox(1).spawn();
    let (group, joining) = (system.group::<News>("readers"), system.group::<News>("readers"));
    let readers = [system.spawn(Reader::default()), system.spawn(Reader::default())];
    group.watch(&usher);
    let [first, second] = readers;
    let joiner = beside(async move {
        joining.join(&first);
        joining.join(&second);
        joining.leave(&first);
    });
    group.unwatch(&usher);
    group.watch(&usher);
    joiner.await.expect("it goes well");
    // If a notice is lost, this goes on for more steps than there may be.
    while usher.ask(Members).await.expect("it answers") != Some(1) {
        shuttle::future::yield_now().await;
    }
    shut_down(&system).await;
}

async fn tell_against_pool_start() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let states = lived.clone();
    let pool = system.spawn(WorkerPool::new(2, move || Plain(states.clone()))).workers();
    let sending = pool.clone();
    let sender = beside(async move { sending.tell(AddPlainly).await.is_ok() });
    assert!(pool.ask(AddPlainly).await.is_ok());
    assert!(sender.await.expect("it goes well"));
    pool.pool().drain();
    pool.pool().stopped().await;
    assert_eq!(u64::from(lived.handled()) + system.dead_letter_count(), 2);
    shut_down(&system).await;
}

async fn ask_against_pool_end() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let states = lived.clone();
    let pool = system.spawn(WorkerPool::new(1, move || Plain(states.clone()))).workers();
    let asking = pool.clone();
    let asker = beside(async move { u32::from(asking.ask(AddPlainly).await.is_ok()) });
    let killing = pool.clone();
    let killer = beside(async move {
        if let Some(worker) = killing.pick() {
            worker.kill();
        }
    });
    pool.pool().stop();
    pool.pool().stopped().await;
    let answered = asker.await.expect("it goes well");
    killer.await.expect("it goes well");
    assert!(answered <= lived.handled());
    shut_down(&system).await;
}

async fn publish_against_reading() {
    let (system, read) = (ActorSystem::new("model"), Lived::default());
    let reader = system.actor(Reader::new(&read)).mailbox(1).spawn();
    let topic = system.topic::<News>("news");
    topic.subscriber(&reader).keep(3).subscribe();
    for _ in 0..3 {
        topic.publish(News);
    }
    // If something is left behind, this goes on for more steps than there may be.
    while read.handled() < 3 {
        shuttle::future::yield_now().await;
    }
    shut_down(&system).await;
}

async fn failure_against_failure() {
    let system = ActorSystem::new("model");
    let specs = ["a", "b"].map(|name| ChildSpec::new(name, || Plain(Lived::default())).permanent());
    system.actor(Supervisor::new().restarts(9, Duration::from_secs(9)).children(specs)).name("above").start().await.expect("it starts");
    let askers = ["/above/a", "/above/b"].map(|path| {
        let child = system.lookup::<Plain>(path).expect("it is there");
        beside(async move {
            dawdle(20).await;
            let failed = child.tell(FailPlainly).await.is_ok();
            failed && child.ask(AddPlainly).await.is_ok()
        })
    });
    for asker in askers {
        assert!(asker.await.expect("it goes well"), "the next life answers");
    }
    shut_down(&system).await;
}
