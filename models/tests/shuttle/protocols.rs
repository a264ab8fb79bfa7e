//! Stop against start, restart and link; drain against senders; ask, group and monitor against death; shutdown against spawn.

use std::time::Duration;

use actors_core::{ActorSystem, ChildSpec, Supervisor};
use models::Model;

use crate::cast::{Add, AddPlainly, Counter, Fail, Lived, OpenGroup, Plain, beside, explore, shut_down, tell_adds};

pub(crate) const MODELS: &[Model] = &[
    ("a_stop_against_a_start_ends_the_actor_once_and_stops_what_started", || explore(stop_against_start)),
    ("a_kill_against_a_stop_ends_the_actor_once", || explore(kill_against_stop)),
    ("a_drain_handles_all_that_was_accepted", || explore(drain_against_senders)),
    ("senders_at_a_full_mailbox_are_taken_in_or_told_of_the_drain", || explore(drain_against_a_full_mailbox)),
    ("every_ask_is_settled_whatever_ends_the_actor", || explore(ask_against_death)),
    ("a_link_made_while_one_side_dies_brings_the_other_down", || explore(link_against_death)),
    ("two_that_are_linked_and_stopped_at_once_both_end", || explore(link_against_two_stops)),
    ("whoever_joins_a_group_while_a_member_dies_ends_too", || explore(group_against_death)),
    ("a_stop_against_a_restart_ends_the_child_for_good", || explore(stop_against_restart)),
    ("an_actor_that_is_spawned_while_the_system_shuts_down_ends_too", || explore(shutdown_against_spawn)),
    ("messages_to_an_actor_that_ends_at_rest_are_handled_or_refused", || explore(end_at_rest_against_senders)),
    ("a_shutdown_against_a_failing_child_ends_the_whole_tree", || explore(shutdown_against_restart)),
];

async fn stop_against_start() {
    let (system, lived) = (ActorSystem::new("model"), Lived::default());
    let actor = system.spawn(Counter::new(&lived));
    let stopping = actor.clone();
    let stopper = beside(async move { stopping.stop() });
    let sender = beside(tell_adds(actor.clone(), 1));
    actor.stopped().await;
    stopper.await.expect("it goes well");
    sender.await.expect("it goes well");
    lived.assert_over();
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
    other.link(&dying);
    killer.await.expect("it goes well");
    other.stopped().await;
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
    failer.await.expect("it goes well");
    asker.await.expect("it goes well");
    child.stopped().await;
    assert!(child.tell(Add).await.is_err(), "it has ended for good");
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
    killer.await.expect("it goes well");
}
