//! Replies: settled once, and the asker learns of it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::thread;
use models::Model;

use crate::kit::{Bell, Notes, block_on, explore};
use crate::lifecycle::ties::Answer;
use crate::reply::{Broken, Outcome, ReplyTo, Slot};

pub(crate) const MODELS: &[Model] = &[
    ("an_answer_wakes_an_asker_that_goes_to_sleep", answer_against_poll),
    ("an_answer_wakes_an_asker_that_is_known_beforehand", answer_to_a_known_asker),
    ("an_answer_is_taken_out_of_the_slot_that_is_the_askers_alone", answer_against_the_last_look),
    ("an_asker_that_is_not_to_be_woken_meanwhile_is_woken_afterwards", answer_against_hush),
    ("a_reply_that_is_dropped_wakes_the_asker", dropped_against_poll),
    ("a_late_answer_is_dropped_once", answer_against_close),
    ("what_is_noted_of_a_request_is_seen_whole", noted_against_answer),
    ("an_asker_that_goes_on_in_another_task_is_woken_there", answer_against_another_task),
    ("a_request_that_was_handled_and_not_answered_waits_nowhere", handled_against_look),
];

type Asked = Slot<Counted, Infallible>;

/// An answer that notes when it is dropped.
struct Counted(Arc<Notes<()>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.add(());
    }
}

fn answer(drops: &Arc<Notes<()>>) -> Counted {
    Counted(drops.clone())
}

fn answer_against_poll() -> u64 {
    explore(|| {
        let drops = Arc::new(Notes::default());
        let slot = Asked::new(None);
        let reply = ReplyTo::to(&slot);
        let given = answer(&drops);
        let answerer = thread::spawn(move || reply.send(given));
        let outcome = block_on(poll_fn(|cx| slot.poll(cx)));
        assert!(matches!(outcome, Outcome::Answered(Ok(_))));
        answerer.join().expect("the answerer goes well");
        drop(outcome);
        assert_eq!(drops.all().len(), 1);
    })
}

fn answer_to_a_known_asker() -> u64 {
    explore(|| {
        let drops = Arc::new(Notes::default());
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        let slot = Asked::new(Some(waker.clone()));
        let reply = ReplyTo::to(&slot);
        let given = answer(&drops);
        let answerer = thread::spawn(move || reply.send(given));
        bell.wait();
        assert!(slot.poll(&mut std::task::Context::from_waker(&waker)).is_ready());
        answerer.join().expect("the answerer goes well");
        assert_eq!(drops.all().len(), 1);
    })
}

fn answer_against_the_last_look() -> u64 {
    explore(|| {
        let drops = Arc::new(Notes::default());
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        let slot = Asked::new(Some(waker.clone()));
        let reply = ReplyTo::to(&slot);
        let given = answer(&drops);
        let answerer = thread::spawn(move || reply.send(given));
        // It looks whether it was woken or not: while the answer comes, too.
        let mut own = Some(slot);
        let mut cx = std::task::Context::from_waker(&waker);
        let outcome = match Slot::poll_own(&mut own, &mut cx) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => {
                bell.wait();
                match Slot::poll_own(&mut own, &mut cx) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => panic!("who is woken finds the answer"),
                }
            }
        };
        assert!(matches!(outcome, Outcome::Answered(Ok(_))));
        answerer.join().expect("the answerer goes well");
        drop((outcome, own));
        assert_eq!(drops.all().len(), 1);
    })
}

fn answer_against_hush() -> u64 {
    explore(|| {
        let drops = Arc::new(Notes::default());
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        let slot = Asked::new(Some(waker.clone()));
        let reply = ReplyTo::to(&slot);
        let hushed = reply.hush();
        let given = answer(&drops);
        let answerer = thread::spawn(move || reply.send(given));
        drop(hushed);
        bell.wait();
        assert!(slot.poll(&mut std::task::Context::from_waker(&waker)).is_ready());
        answerer.join().expect("the answerer goes well");
        assert_eq!(drops.all().len(), 1);
    })
}

fn dropped_against_poll() -> u64 {
    explore(|| {
        let slot = Asked::new(None);
        let reply = ReplyTo::to(&slot);
        let answerer = thread::spawn(move || drop(reply));
        let outcome = block_on(poll_fn(|cx| slot.poll(cx)));
        assert!(matches!(outcome, Outcome::Broken(broken) if matches!(*broken, Broken::NoReply)));
        answerer.join().expect("the answerer goes well");
    })
}

fn answer_against_close() -> u64 {
    explore(|| {
        let drops = Arc::new(Notes::default());
        let slot = Asked::new(Some(Waker::noop().clone()));
        let reply = ReplyTo::to(&slot);
        let given = answer(&drops);
        let answerer = thread::spawn(move || {
            let _ = reply.is_closed();
            reply.send(given);
        });
        slot.close();
        answerer.join().expect("the answerer goes well");
        assert_eq!(drops.all().len(), 1, "though the slot is still there");
        assert!(!slot.is_awaited());
    })
}

fn noted_against_answer() -> u64 {
    explore(|| {
        let drops = Arc::new(Notes::default());
        let slot = Asked::new(None);
        let reply = ReplyTo::to(&slot);
        let given = answer(&drops);
        let answerer = thread::spawn(move || {
            let noted = reply.slot().expect("somebody asks");
            noted.note_stashed();
            noted.note_replayed();
            reply.send(given);
            noted.note_handled();
        });
        let stashed = slot.stashed();
        let is_waiting = stashed.place == crate::lifecycle::ties::StashPlace::Waits;
        assert!(!is_waiting || stashed.times == 1);
        assert!(matches!(block_on(poll_fn(|cx| slot.poll(cx))), Outcome::Answered(Ok(_))));
        answerer.join().expect("the answerer goes well");
        assert_eq!(slot.stashed().times, 0, "an ask that is over waits nowhere");
    })
}

fn answer_against_another_task() -> u64 {
    explore(|| {
        let slot = Asked::new(None);
        let reply = ReplyTo::to(&slot);
        assert!(slot.poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
        let answerer = thread::spawn(move || drop(reply));
        assert!(matches!(block_on(poll_fn(|cx| slot.poll(cx))), Outcome::Broken(_)));
        answerer.join().expect("the answerer goes well");
    })
}

fn handled_against_look() -> u64 {
    explore(|| {
        let slot = Asked::new(None);
        let reply = ReplyTo::to(&slot);
        let receiver = thread::spawn(move || {
            let noted = reply.slot().expect("somebody asks");
            noted.note_stashed();
            noted.note_replayed();
            noted.note_handled();
            // The right to answer is kept for later.
            reply
        });
        let seen = slot.stashed();
        assert!(seen.times == 1 || seen.place == crate::lifecycle::ties::StashPlace::Nowhere);
        let reply = receiver.join().expect("the receiver goes well");
        assert!(slot.stashed().place == crate::lifecycle::ties::StashPlace::Nowhere && slot.is_awaited());
        drop(reply);
    })
}
