//! A whole life: its task goes when there is nothing to do, another comes, and it ends once, wherever it is asked to.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};

use loom::thread;
use models::Model;

use crate::actor::Actor;
use crate::kit::{When, block_on, explore, poll_take};
use crate::lifecycle::signal::Signals;
use crate::mailbox::{Batch, Capacity, Closed, Overflow, Refill};

pub(crate) const MODELS: &[Model] = &[
    ("first_messages_start_one_task", one_task),
    ("a_message_to_an_actor_that_lies_down_is_handled_by_the_old_task_or_a_new_one", message_against_rest),
    ("a_control_message_to_an_actor_that_lies_down_is_handled", control_against_rest),
    ("a_stop_of_an_actor_that_lies_down_ends_it_once", stop_against_rest),
    ("an_event_for_an_actor_that_lies_down_is_heard", event_against_rest),
    ("a_message_to_an_actor_that_ends_at_rest_is_refused_or_not_lost", message_against_end_at_rest),
    ("a_message_to_an_actor_that_has_lain_down_and_ends_at_rest_is_refused_or_not_lost", message_against_second_rest),
    ("an_event_for_an_actor_that_ends_at_rest_is_refused_or_heard", event_against_end_at_rest),
    ("two_stops_end_an_actor_once", two_stops),
    ("a_drain_handles_what_was_accepted", drain_against_senders),
    ("a_drain_handles_control_messages_that_were_accepted", drain_against_control),
    ("a_stop_that_finds_another_life_about_to_begin_leaves_its_queue_to_that", stop_against_revival),
    ("a_control_message_that_came_between_two_lives_is_not_lost_to_a_stop", control_against_revival),
    ("one_that_others_have_declared_ended_wakes_up_and_learns_of_it", declared_against_sleep),
    ("only_one_that_never_had_a_message_is_untouched", untouched),
];

fn unbounded() -> Arc<Actor> {
    Actor::new(Capacity::Unbounded, Overflow::Wait)
}

/// A message that is known to be accepted, or refused.
fn told(actor: &Arc<Actor>, message: u32) -> Option<u32> {
    actor.tell(message).is_ok().then_some(message)
}

/// What was accepted and what has become of it.
fn assert_accounted(actor: &Actor, mut accepted: Vec<u32>) {
    let mut all = [actor.handled.all(), actor.buried.all()].concat();
    all.sort_unstable();
    accepted.sort_unstable();
    assert_eq!(all, accepted);
}

fn one_task() -> u64 {
    explore(|| {
        let actor = unbounded();
        let other = actor.clone();
        let sender = thread::spawn(move || other.tell(1).expect("it is open"));
        actor.tell(2).expect("it is open");
        sender.join().expect("the sender goes well");
        actor.wait_for(2, 0);
        actor.stop(Signals::DRAIN);
        actor.join();
        assert_accounted(&actor, vec![1, 2]);
        assert_eq!((actor.handled.all().len(), actor.ends.all().len()), (2, 1));
    })
}

fn message_against_rest() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin();
        let other = actor.clone();
        let sender = thread::spawn(move || other.tell(1).expect("it is open"));
        actor.send_to_rest();
        sender.join().expect("the sender goes well");
        actor.wait_for(1, 0);
        actor.stop(Signals::DRAIN);
        actor.join();
        assert_eq!((actor.handled.all(), actor.ends.all().len()), (vec![1], 1));
    })
}

fn control_against_rest() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin();
        let other = actor.clone();
        let sender = thread::spawn(move || other.overtake(1).expect("it is open"));
        actor.send_to_rest();
        sender.join().expect("the sender goes well");
        actor.wait_for(1, 0);
        actor.stop(Signals::DRAIN);
        actor.join();
        assert_eq!((actor.handled.all(), actor.ends.all().len()), (vec![1], 1));
    })
}

fn stop_against_rest() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin();
        let other = actor.clone();
        let stopper = thread::spawn(move || other.stop(0));
        actor.send_to_rest();
        stopper.join().expect("the stopper goes well");
        actor.join();
        assert_eq!(actor.ends.all().len(), 1);
    })
}

fn event_against_rest() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin();
        let other = actor.clone();
        let teller = thread::spawn(move || assert!(other.deliver(), "it has not ended"));
        actor.send_to_rest();
        teller.join().expect("the teller goes well");
        actor.wait_for(0, 1);
        actor.stop(0);
        actor.join();
    })
}

fn message_against_end_at_rest() -> u64 {
    explore(|| {
        let actor = unbounded();
        let senders = [1, 2].map(|message| {
            let actor = actor.clone();
            thread::spawn(move || told(&actor, message))
        });
        actor.stop(Signals::DRAIN);
        let accepted: Vec<u32> = senders.into_iter().filter_map(|sender| sender.join().expect("the sender goes well")).collect();
        actor.join();
        assert_eq!(actor.ends.all().len(), 1);
        assert!(actor.buried.all().is_empty(), "it drains");
        assert_accounted(&actor, accepted);
    })
}

fn message_against_second_rest() -> u64 {
    explore(|| {
        let actor = unbounded();
        // It has handled a message, so that its mailbox knows that there is room, and has lain down.
        actor.begin_here();
        actor.tell(0).expect("it is open");
        let mut batch = Batch::new();
        assert_eq!(poll_take(&actor.mailbox, &mut batch, &mut Context::from_waker(Waker::noop())), Some(0));
        assert!(actor.mailbox.vacate_at_rest(&When(|| false)));
        let other = actor.clone();
        let sender = thread::spawn(move || told(&other, 1));
        actor.stop(Signals::DRAIN);
        let accepted: Vec<u32> = sender.join().expect("the sender goes well").into_iter().collect();
        actor.join();
        assert_eq!(actor.ends.all().len(), 1);
        assert_accounted(&actor, accepted);
    })
}

fn event_against_end_at_rest() -> u64 {
    explore(|| {
        let actor = unbounded();
        let other = actor.clone();
        let teller = thread::spawn(move || {
            let delivered = other.deliver();
            other.stop(0);
            delivered
        });
        actor.stop(0);
        teller.join().expect("the teller goes well");
        actor.join();
        assert_eq!(actor.ends.all().len(), 1);
    })
}

fn two_stops() -> u64 {
    explore(|| {
        let actor = unbounded();
        let others = [0, Signals::DRAIN].map(|signals| {
            let actor = actor.clone();
            thread::spawn(move || actor.stop(signals))
        });
        let accepted: Vec<u32> = told(&actor, 1).into_iter().collect();
        for other in others {
            other.join().expect("the stopper goes well");
        }
        actor.join();
        assert_eq!(actor.ends.all().len(), 1);
        assert_accounted(&actor, accepted);
    })
}

fn drain_against_senders() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin();
        let senders = [1, 2].map(|message| {
            let actor = actor.clone();
            thread::spawn(move || told(&actor, message))
        });
        actor.stop(Signals::DRAIN);
        let accepted: Vec<u32> = senders.into_iter().filter_map(|sender| sender.join().expect("the sender goes well")).collect();
        actor.join();
        assert!(actor.buried.all().is_empty(), "it drains");
        assert_accounted(&actor, accepted);
    })
}

/// `builder::revive`, once the state is there: the task of the last life has gone, and another comes if there is something to do.
fn revive(actor: &Arc<Actor>) {
    actor.mailbox.vacate();
    if actor.mailbox.len() > 0 || actor.signals.any(Signals::URGENT) {
        actor.call();
    }
}

fn stop_against_revival() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin_here();
        actor.tell(1).expect("it is open between two lives");
        let other = actor.clone();
        let stopper = thread::spawn(move || other.stop(Signals::DRAIN));
        revive(&actor);
        stopper.join().expect("the stopper goes well");
        actor.join();
        assert_eq!((actor.handled.all(), actor.ends.all().len()), (vec![1], 1));
    })
}

fn control_against_revival() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin_here();
        let (stopping, sending) = (actor.clone(), actor.clone());
        let stopper = thread::spawn(move || stopping.stop(Signals::DRAIN));
        let sender = thread::spawn(move || sending.overtake(1).is_ok().then_some(1));
        revive(&actor);
        stopper.join().expect("the stopper goes well");
        let accepted: Vec<u32> = sender.join().expect("the sender goes well").into_iter().collect();
        actor.join();
        assert_eq!(actor.ends.all().len(), 1);
        assert_accounted(&actor, accepted);
    })
}

fn declared_against_sleep() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin_here();
        let other = actor.clone();
        let declarer = thread::spawn(move || {
            other.signals.set(Signals::ENDED | Signals::STOP);
            other.mailbox.close(Closed::Stopped);
        });
        let mut batch = Batch::new();
        let refill = block_on(poll_fn(|cx| actor.mailbox.poll_refill(&mut batch, cx, &actor.signals.bits(Signals::URGENT))));
        assert_eq!(refill, Refill::Urgent);
        declarer.join().expect("the other goes well");
    })
}

fn untouched() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin_here();
        actor.tell(1).expect("it is open");
        let mut batch = Batch::new();
        assert_eq!(poll_take(&actor.mailbox, &mut batch, &mut Context::from_waker(Waker::noop())), Some(1));
        assert!(actor.mailbox.vacate_at_rest(&When(|| false)));
        assert!(!actor.mailbox.close_at_rest(Closed::Stopping, true), "it has had one");
        assert!(actor.mailbox.close_at_rest(Closed::Stopping, false), "it has nothing to do");
        assert!(unbounded().mailbox.close_at_rest(Closed::Stopping, true), "it never had any");
    })
}

fn drain_against_control() -> u64 {
    explore(|| {
        let actor = unbounded();
        actor.begin();
        let other = actor.clone();
        let sender = thread::spawn(move || (1..=2).filter(|message| other.overtake(*message).is_ok()).collect::<Vec<u32>>());
        actor.stop(Signals::DRAIN);
        let accepted = sender.join().expect("the sender goes well");
        actor.join();
        assert_eq!(actor.handled.all(), accepted);
    })
}
