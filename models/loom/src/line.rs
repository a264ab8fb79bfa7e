//! Room: senders that wait get it in their turn, pass it on, or are told that there will be none.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};

use loom::thread;
use models::Model;

use crate::actor::{Actor, enter};
use crate::kit::{Bell, When, block_on, explore, poll_take, rest, suspend};
use crate::lifecycle::signal::Signals;
use crate::mailbox::{Admission, Batch, Capacity, Closed, Overflow};

pub(crate) const MODELS: &[Model] = &[
    ("a_sender_that_waits_for_room_gets_it_when_the_receiver_takes", room_when_taken),
    ("a_sender_that_waits_gets_room_from_a_handler_that_waits", room_from_a_waiting_handler),
    ("a_sender_that_gives_up_passes_its_room_on", passed_on),
    ("a_sender_that_waits_is_told_of_the_end", told_of_the_end),
    ("a_newcomer_takes_no_room_from_one_that_waits", no_overtaking),
    ("each_message_taken_makes_room_for_one_more_that_waits", room_message_by_message),
    ("a_full_mailbox_never_holds_more_than_its_capacity", never_more),
    ("a_sender_that_waits_is_woken_where_it_waits_now", woken_anew),
    ("a_sender_that_comes_while_a_batch_is_handled_gets_room_before_that_is_over", room_amid_a_batch),
    ("a_sender_that_gives_up_as_the_end_comes_disturbs_nobody", giving_up_against_the_end),
    ("a_sender_that_comes_as_the_last_message_is_taken_gets_room_though_the_receiver_goes", room_from_one_that_goes),
    ("a_sender_that_comes_as_the_last_message_is_taken_gets_room_though_the_receiver_lies_down", room_from_one_that_lies_down),
];

fn room_when_taken() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        let senders = [10, 20].map(|first| {
            let actor = actor.clone();
            thread::spawn(move || (first..first + 2).for_each(|message| actor.tell_patiently(message).expect("it is open")))
        });
        for sender in senders {
            sender.join().expect("the sender goes well");
        }
        actor.stop(Signals::DRAIN);
        actor.join();
        let (first, second): (Vec<_>, Vec<_>) = actor.handled.all().into_iter().partition(|message| *message < 20);
        assert_eq!((first, second), (vec![10, 11], vec![20, 21]));
    })
}

fn room_from_a_waiting_handler() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        actor.tell(1).expect("there is room");
        let other = actor.clone();
        let sender = thread::spawn(move || other.tell_patiently(2).expect("it is open"));
        let mut batch = Batch::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(poll_take(&actor.mailbox, &mut batch, &mut cx), Some(1));
        // The handler waits; nothing else of the actor runs until the sender has got its room.
        assert!(suspend(&actor.mailbox, &mut batch, &mut cx, &When(|| false)));
        sender.join().expect("the sender goes well");
    })
}

fn passed_on() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        actor.tell(1).expect("there is room");
        // In line first, and gone whether or not it has been granted room.
        let bell = Bell::new();
        let mut ticket = None;
        let polled = actor.poll_tell(&mut ticket, 2, &Waker::from(bell));
        assert!(polled.is_pending());
        let (giving_up, waiting) = (actor.clone(), actor.clone());
        let first = thread::spawn(move || giving_up.mailbox.leave(ticket.expect("it waits")));
        let second = thread::spawn(move || waiting.tell_patiently(3).expect("it is open"));
        let mut batch = Batch::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(poll_take(&actor.mailbox, &mut batch, &mut cx), Some(1));
        // As a loop that goes to sleep.
        let found = poll_take(&actor.mailbox, &mut batch, &mut cx);
        first.join().expect("the first goes well");
        second.join().expect("the second goes well");
        assert_eq!(found.or_else(|| poll_take(&actor.mailbox, &mut batch, &mut cx)), Some(3));
        assert!(matches!(enter(&actor.mailbox), Admission::Room(_)), "no room is lost");
    })
}

fn told_of_the_end() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        actor.tell(1).expect("there is room");
        let senders = [2, 3].map(|message| {
            let actor = actor.clone();
            thread::spawn(move || actor.tell_patiently(message))
        });
        actor.mailbox.close(Closed::Stopping);
        for sender in senders {
            assert_eq!(sender.join().expect("the sender goes well"), Err(Closed::Stopping));
        }
        assert_eq!(rest(&actor.mailbox, &mut Batch::new()), [1]);
    })
}

fn no_overtaking() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        actor.tell(1).expect("there is room");
        let mut ticket = None;
        assert!(actor.poll_tell(&mut ticket, 2, Waker::noop()).is_pending());
        let other = actor.clone();
        let newcomer = thread::spawn(move || (0..3).for_each(|_| assert!(matches!(enter(&other.mailbox), Admission::Full(_)))));
        let mut batch = Batch::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(poll_take(&actor.mailbox, &mut batch, &mut cx), Some(1));
        newcomer.join().expect("the newcomer goes well");
        assert!(actor.poll_tell(&mut ticket, 2, Waker::noop()).is_ready());
    })
}

fn room_message_by_message() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(2), Overflow::Wait);
        actor.begin_here();
        (1..=2).for_each(|message| actor.tell(message).expect("there is room"));
        let mut tickets = [None, None];
        for ticket in &mut tickets {
            assert!(actor.poll_tell(ticket, 3, Waker::noop()).is_pending());
        }
        let mut batch = Batch::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(actor.mailbox.poll_refill(&mut batch, &mut cx, &When(|| false)).is_ready());
        for ticket in &mut tickets {
            // The rest of the batch is still to be handled, and nobody looks under the lock before that.
            assert!(actor.mailbox.take(&mut batch).is_some());
            assert!(actor.poll_tell(ticket, 3, Waker::noop()).is_ready());
        }
    })
}

fn never_more() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        let senders = [1, 2].map(|message| {
            let actor = actor.clone();
            thread::spawn(move || actor.tell_patiently(message).expect("it is open"))
        });
        let mut batch = Batch::new();
        let mut taken = Vec::new();
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        let mut cx = Context::from_waker(&waker);
        while taken.len() < 2 {
            assert!(actor.mailbox.len() <= 1, "more than the capacity");
            match poll_take(&actor.mailbox, &mut batch, &mut cx) {
                Some(message) => taken.push(message),
                None => bell.wait(),
            }
        }
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
        for sender in senders {
            sender.join().expect("the sender goes well");
        }
    })
}

fn woken_anew() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        actor.tell(1).expect("there is room");
        let mut ticket = None;
        assert!(actor.poll_tell(&mut ticket, 2, Waker::noop()).is_pending());
        let other = actor.clone();
        let receiver = thread::spawn(move || {
            let mut batch = Batch::new();
            let mut cx = Context::from_waker(Waker::noop());
            assert_eq!(poll_take(&other.mailbox, &mut batch, &mut cx), Some(1));
        });
        // It was polled in one task, and goes on in another.
        assert_eq!(block_on(poll_fn(|cx| actor.poll_tell(&mut ticket, 2, cx.waker()))), Ok(()));
        receiver.join().expect("the receiver goes well");
    })
}

fn room_amid_a_batch() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(2), Overflow::Wait);
        actor.begin_here();
        (1..=2).for_each(|message| actor.tell(message).expect("there is room"));
        let mut batch = Batch::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(actor.mailbox.poll_refill(&mut batch, &mut cx, &When(|| false)).is_ready());
        let mut ticket = None;
        assert!(actor.poll_tell(&mut ticket, 3, Waker::noop()).is_pending());
        assert_eq!(actor.mailbox.take(&mut batch), Some(1));
        assert!(actor.poll_tell(&mut ticket, 3, Waker::noop()).is_ready(), "one has been taken");
    })
}

fn giving_up_against_the_end() -> u64 {
    explore(|| {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        actor.tell(1).expect("there is room");
        let mut tickets = [None, None];
        for ticket in &mut tickets {
            assert!(actor.poll_tell(ticket, 2, Waker::noop()).is_pending());
        }
        let other = actor.clone();
        let leaver = thread::spawn(move || tickets.into_iter().flatten().for_each(|ticket| other.mailbox.leave(ticket)));
        actor.mailbox.close(Closed::Stopping);
        leaver.join().expect("whoever gives up goes well");
        assert!(matches!(enter(&actor.mailbox), Admission::Closed(Closed::Stopping)));
    })
}

/// A receiver takes the last message that there is room for, and goes, in this way, against a sender that waits for room.
fn room_as_it_goes(go: fn(&Arc<Actor>, &mut Batch<u32>, &mut Context<'_>)) -> u64 {
    explore(move || {
        let actor = Actor::new(Capacity::Bounded(1), Overflow::Wait);
        actor.begin_here();
        actor.tell(1).expect("there is room");
        let mut batch = Batch::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(actor.mailbox.poll_refill(&mut batch, &mut cx, &When(|| false)).is_ready());
        let other = actor.clone();
        let sender = thread::spawn(move || other.tell_patiently(2).expect("it is open"));
        assert_eq!(actor.mailbox.take(&mut batch), Some(1));
        go(&actor, &mut batch, &mut cx);
        sender.join().expect("the sender goes well");
        actor.wait_for(1, 0);
        actor.stop(Signals::DRAIN);
        actor.join();
        assert_eq!(actor.handled.all(), [2]);
    })
}

fn room_from_one_that_goes() -> u64 {
    room_as_it_goes(|actor, _, _| {
        actor.mailbox.vacate();
        if actor.mailbox.len() > 0 {
            actor.call();
        }
    })
}

fn room_from_one_that_lies_down() -> u64 {
    room_as_it_goes(|actor, batch, cx| {
        while !actor.mailbox.vacate_at_rest(&When(|| false)) {
            // As a loop that looks again.
            if actor.mailbox.poll_refill(batch, cx, &When(|| false)).is_ready() {
                assert_eq!(actor.mailbox.take(batch), Some(2));
                actor.handled.add(2);
            }
        }
    })
}
