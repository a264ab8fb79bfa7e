//! Messages: each accepted one is taken once, in order, and nothing that comes while the receiver goes to sleep is missed.

use std::future::poll_fn;
use std::task::Poll;

use loom::thread;
use models::Model;

use crate::actor::{Actor, enter};
use crate::kit::{When, block_on, explore, queued, rest, suspend};
use crate::lifecycle::signal::Signals;
use crate::mailbox::{Admission, Batch, Capacity, Closed, Mailbox, Overflow, Refill};

pub(crate) const MODELS: &[Model] = &[
    ("a_message_wakes_a_receiver_that_goes_to_sleep_and_comes_in_its_senders_order", in_order),
    ("what_comes_after_the_only_message_wakes_a_receiver_that_said_in_advance_that_it_sleeps", in_advance),
    ("a_signal_wakes_a_receiver_that_goes_to_sleep", signal_against_sleep),
    ("a_signal_cuts_short_a_handler_that_goes_to_wait_and_a_message_does_not", signal_against_handler),
    ("a_control_message_is_seen_before_the_receiver_sleeps_and_unmarks_only_an_empty_lane", control_against_sleep),
    ("the_oldest_message_is_displaced_or_handled_and_the_order_is_kept", displaced_or_handled),
    ("of_what_waits_the_oldest_that_was_not_fetched_gives_way", oldest_in_the_queue),
    ("what_another_takes_out_of_the_queue_the_receiver_does_not_take", taken_once),
    ("whoever_is_refused_is_refused_for_good_and_all_else_is_left_over_or_taken", closed_against_senders),
    ("a_control_message_is_handled_left_over_or_refused_for_good", closed_against_control),
    ("what_is_left_over_comes_in_the_order_in_which_it_would_have_been_handled", left_over_in_order),
    ("what_was_taken_is_known_by_its_number_and_not_before", known_by_number),
    ("what_one_life_has_fetched_the_next_handles_first", put_back),
    ("what_is_put_back_where_the_oldest_gives_way_is_not_too_much", put_back_to_full),
];

/// Waits for what comes next.
fn refill(mailbox: &Mailbox<u32>, batch: &mut Batch<u32>, urgent: impl Fn() -> bool) -> Refill {
    // Each time it is another who sleeps.
    batch.stays_awake();
    block_on(poll_fn(|cx| mailbox.poll_refill(batch, cx, &When(&urgent))))
}

/// Takes the next message, however long that takes.
fn receive(mailbox: &Mailbox<u32>, batch: &mut Batch<u32>) -> u32 {
    loop {
        match mailbox.take(batch) {
            Some(message) => return message,
            None => assert_eq!(refill(mailbox, batch, || false), Refill::Messages),
        }
    }
}

fn in_order() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        let senders = [10, 20].map(|first| {
            let actor = actor.clone();
            thread::spawn(move || (first..first + 2).for_each(|message| actor.tell(message).expect("it is open")))
        });
        actor.begin();
        for sender in senders {
            sender.join().expect("the sender goes well");
        }
        actor.wait_for(4, 0);
        actor.stop(Signals::DRAIN);
        actor.join();
        let (first, second): (Vec<_>, Vec<_>) = actor.handled.all().into_iter().partition(|message| *message < 20);
        assert_eq!((first, second), (vec![10, 11], vec![20, 21]));
        assert_eq!(actor.ends.all().len(), 1);
    })
}

fn in_advance() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        actor.begin();
        let (sending, telling) = (actor.clone(), actor.clone());
        let sender = thread::spawn(move || {
            sending.tell(1).expect("it is open");
            sending.wait_for(1, 0);
            (2..=3).for_each(|message| sending.tell(message).expect("it is open"));
        });
        let teller = thread::spawn(move || assert!(telling.deliver(), "it has not ended"));
        sender.join().expect("the sender goes well");
        teller.join().expect("the teller goes well");
        actor.wait_for(3, 1);
        actor.stop(Signals::DRAIN);
        actor.join();
        assert_eq!((actor.handled.all(), actor.ends.all().len()), (vec![1, 2, 3], 1));
    })
}

fn signal_against_sleep() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        let other = actor.clone();
        actor.begin_here();
        let stopper = thread::spawn(move || {
            other.signals.set(Signals::STOP);
            other.call();
        });
        let mut batch = Batch::new();
        let urgent = || actor.signals.any(Signals::URGENT);
        assert_eq!(refill(&actor.mailbox, &mut batch, urgent), Refill::Urgent);
        stopper.join().expect("the stopper goes well");
    })
}

fn signal_against_handler() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        actor.begin_here();
        let (sending, killing) = (actor.clone(), actor.clone());
        let sender = thread::spawn(move || sending.tell(1).expect("it is open"));
        let killer = thread::spawn(move || {
            killing.signals.set(Signals::KILL);
            killing.call();
        });
        let mut batch = Batch::new();
        let mut polls = 0;
        // A handler that never ends, as `watch` polls it.
        block_on(poll_fn(|cx| {
            loop {
                if actor.signals.any(Signals::KILL) {
                    return Poll::Ready(());
                }
                polls += 1;
                if suspend(&actor.mailbox, &mut batch, cx, &actor.signals.bits(Signals::KILL)) {
                    return Poll::Pending;
                }
            }
        }));
        // Polled at first, and once more if the kill came during that; the message never wakes it.
        assert!(polls <= 2, "{polls} polls");
        sender.join().expect("the sender goes well");
        killer.join().expect("the killer goes well");
        assert_eq!(receive(&actor.mailbox, &mut batch), 1);
    })
}

fn control_against_sleep() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        let (control, ordinary) = (actor.clone(), actor.clone());
        actor.begin();
        let first = thread::spawn(move || (1..=2).for_each(|message| control.overtake(message).expect("it is open")));
        let second = thread::spawn(move || ordinary.tell(3).expect("it is open"));
        first.join().expect("the sender goes well");
        second.join().expect("the sender goes well");
        actor.wait_for(3, 0);
        actor.stop(Signals::DRAIN);
        actor.join();
        let (control, ordinary): (Vec<_>, Vec<_>) = actor.handled.all().into_iter().partition(|message| *message < 3);
        assert_eq!((control, ordinary), (vec![1, 2], vec![3]));
        assert!(!actor.signals.any(Signals::CONTROL), "the lane is empty");
    })
}

fn displaced_or_handled() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::DropOldest);
        let other = actor.clone();
        let sender = thread::spawn(move || {
            for message in 1..=3 {
                other.tell(message).expect("it is open");
                assert!(other.mailbox.len() <= 1, "no more than there is room for");
            }
        });
        sender.join().expect("the sender goes well");
        actor.stop(Signals::DRAIN);
        actor.join();
        let (handled, buried) = (actor.handled.all(), actor.buried.all());
        assert!(handled.is_sorted() && buried.is_sorted(), "{handled:?}, {buried:?}");
        assert_eq!(handled.last(), Some(&3), "the newest is never displaced");
        let mut all = [handled, buried].concat();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
    })
}

fn oldest_in_the_queue() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(2), Overflow::DropOldest);
        actor.begin_here();
        (1..=2).for_each(|message| actor.tell(message).expect("it is open"));
        let mut batch = Batch::new();
        assert_eq!(refill(&actor.mailbox, &mut batch, || false), Refill::Messages);
        let other = actor.clone();
        let sender = thread::spawn(move || (3..=4).for_each(|message| other.tell(message).expect("it is open")));
        assert_eq!(actor.mailbox.take(&mut batch), Some(1));
        sender.join().expect("the sender goes well");
        assert_eq!(actor.buried.all(), [2]);
        assert_eq!(rest(&actor.mailbox, &mut batch), [3, 4]);
    })
}

fn taken_once() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        let (sending, discarding) = (actor.clone(), actor.clone());
        actor.begin();
        let sender = thread::spawn(move || (1..=2).for_each(|message| sending.tell(message).expect("it is open")));
        let other = thread::spawn(move || queued(&discarding.mailbox).into_iter().for_each(|message| discarding.buried.add(message)));
        sender.join().expect("the sender goes well");
        other.join().expect("the other goes well");
        actor.stop(Signals::DRAIN);
        actor.join();
        let mut all = [actor.handled.all(), actor.buried.all()].concat();
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    })
}

fn closed_against_senders() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        let senders = [1, 2].map(|message| {
            let actor = actor.clone();
            thread::spawn(move || {
                let sent = actor.tell(message);
                if sent.is_err() {
                    assert!(actor.tell(0).is_err(), "closed once is closed for ever");
                }
                sent.is_ok().then_some(message)
            })
        });
        actor.begin();
        actor.stop(0);
        let mut accepted: Vec<u32> = senders.into_iter().filter_map(|sender| sender.join().expect("the sender goes well")).collect();
        actor.join();
        let mut all = [actor.handled.all(), actor.buried.all()].concat();
        all.sort_unstable();
        accepted.sort_unstable();
        assert_eq!(all, accepted);
        assert!(matches!(actor.tell(3), Err(Closed::Stopped)));
    })
}

fn closed_against_control() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        let other = actor.clone();
        let sender = thread::spawn(move || {
            let accepted: Vec<u32> = (1..=2).filter(|message| other.overtake(*message).is_ok()).collect();
            assert!(accepted.is_sorted() && accepted != [2], "closed once is closed for ever");
            accepted
        });
        actor.begin();
        actor.stop(0);
        let accepted = sender.join().expect("the sender goes well");
        actor.join();
        let mut all = [actor.handled.all(), actor.buried.all()].concat();
        all.sort_unstable();
        assert_eq!(all, accepted);
        assert!(matches!(actor.overtake(3), Err(Closed::Stopped)));
    })
}

fn left_over_in_order() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        actor.begin_here();
        (1..=2).for_each(|message| actor.tell(message).expect("it is open"));
        let mut batch = Batch::new();
        assert_eq!(refill(&actor.mailbox, &mut batch, || false), Refill::Messages);
        let other = actor.clone();
        let sender = thread::spawn(move || {
            other.tell(3).expect("it is open");
            other.overtake(0).expect("it is open");
        });
        sender.join().expect("the sender goes well");
        assert_eq!(rest(&actor.mailbox, &mut batch), [0, 1, 2, 3]);
        assert!(actor.mailbox.has_taken(3) && actor.mailbox.len() == 0, "nothing of it waits any more");
    })
}

fn put_back() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        actor.begin_here();
        (1..=3).for_each(|message| actor.tell(message).expect("it is open"));
        let mut batch = Batch::new();
        assert_eq!(refill(&actor.mailbox, &mut batch, || false), Refill::Messages);
        assert_eq!(actor.mailbox.take(&mut batch), Some(1));
        let other = actor.clone();
        let sender = thread::spawn(move || other.tell(4).expect("it is open between two lives"));
        assert_eq!(actor.mailbox.put_back(&mut batch), None);
        actor.mailbox.vacate();
        if actor.mailbox.len() > 0 {
            actor.call();
        }
        sender.join().expect("the sender goes well");
        actor.wait_for(3, 0);
        actor.stop(Signals::DRAIN);
        actor.join();
        assert_eq!(actor.handled.all(), [2, 3, 4]);
    })
}

fn put_back_to_full() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(2), Overflow::DropOldest);
        actor.begin_here();
        actor.tell(1).expect("it is open");
        let mut batch = Batch::new();
        assert_eq!(refill(&actor.mailbox, &mut batch, || false), Refill::Messages);
        let other = actor.clone();
        let sender = thread::spawn(move || (2..=3).for_each(|message| other.tell(message).expect("it is open")));
        let oldest = actor.mailbox.put_back(&mut batch);
        sender.join().expect("the sender goes well");
        assert!(actor.mailbox.len() <= 2, "no more than there is room for");
        let left: Vec<u32> = oldest.into_iter().chain(actor.buried.all()).chain(rest(&actor.mailbox, &mut batch)).collect();
        assert_eq!((left, actor.mailbox.len()), (vec![1, 2, 3], 0), "the oldest gives way, and none is lost");
    })
}

fn known_by_number() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Unbounded, Overflow::Wait);
        actor.begin_here();
        let Admission::Room(room) = enter(&actor.mailbox) else { panic!("it is open") };
        let ordinary = room.put_made(1).number;
        actor.tell(6).expect("it is open");
        let control = actor.mailbox.overtake().expect("it is open").put(2, &When(|| false)).number;
        assert_eq!(actor.mailbox.len(), 3, "both lanes count");
        let other = actor.clone();
        let receiver = thread::spawn(move || {
            assert_eq!(other.mailbox.take_overtaking(&When(|| false)), Some(2));
            assert!(other.mailbox.has_taken(control) && !other.mailbox.has_taken(ordinary));
            let mut batch = Batch::new();
            assert_eq!(refill(&other.mailbox, &mut batch, || false), Refill::Messages);
            assert!(!other.mailbox.has_taken(ordinary), "it was fetched and not taken");
            assert_eq!(other.mailbox.take(&mut batch), Some(1));
            assert_eq!(rest(&other.mailbox, &mut batch), [6]);
        });
        let (first, second) = (actor.mailbox.has_taken(ordinary), actor.mailbox.has_taken(control));
        assert!(!first || second, "the one that overtakes is taken first");
        receiver.join().expect("the receiver goes well");
        assert!(actor.mailbox.has_taken(ordinary) && actor.mailbox.has_taken(control));
        assert!(!actor.mailbox.has_taken(ordinary + 2) && !actor.mailbox.has_taken(control + 1));
        let control = actor.mailbox.overtake().expect("it is open").put(3, &When(|| false)).number;
        assert_eq!(rest(&actor.mailbox, &mut Batch::new()), [3]);
        assert!(actor.mailbox.has_taken(control), "nobody waits for what is left over");
        actor.tell(5).expect("it is open");
        actor.overtake(4).expect("it is open");
        assert_eq!(queued(&actor.mailbox), [4, 5], "both lanes are taken in the place of the receiver");
    })
}
