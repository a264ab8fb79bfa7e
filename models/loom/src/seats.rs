//! Seats: who is told from a turn, and by other threads meanwhile, takes each message once, and its task is there for the rest. On a runtime
//! of two threads relays take such turns: one that blocks holds up nobody who can run on the other, save the last one it has told.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::unseen;

use loom::thread;
use models::Model;
use tokio::runtime::Runtime;

use crate::actor::enter;
use crate::kit::{Notes, explore_between, poll_take};
use crate::lifecycle::env::Env;
use crate::mailbox::{Admission, Batch, Capacity, Mailbox, Overflow, Wakeup};
use crate::players::Count;
use crate::runtime::turn::Outcome;
use crate::runtime::{Life, in_a_turn, task};
use crate::sync::wake;

pub(crate) const MODELS: &[Model] = &[
    ("who_is_told_from_a_turn_and_from_outside_handles_both", || told_twice(1)),
    ("who_is_told_from_a_turn_and_from_outside_handles_both_on_two_workers", || told_twice(2)),
    ("what_is_passed_on_in_a_turn_that_another_takes_comes_beside_what_comes_from_outside", || passed_on(1)),
    ("what_is_passed_on_in_a_relay_comes_beside_what_comes_from_outside", || passed_on(2)),
    ("whose_life_is_over_in_a_turn_that_another_takes_for_it_has_its_task_end", || over(1)),
    ("whose_life_is_over_in_a_relay_has_its_task_end", || over(2)),
    ("whose_turn_panics_in_its_task_or_in_a_relay_has_no_other_and_has_its_task_end", panicking),
    ("who_is_told_from_a_turn_when_the_runtime_goes_ends_once", || runtime_gone(1)),
    ("who_is_told_from_a_turn_when_the_runtime_goes_ends_once_on_two_workers", || runtime_gone(2)),
    ("a_turn_that_blocks_in_a_relay_holds_up_nobody_who_has_passed_on_to_it", || blocked_after_passing_on(true)),
    ("a_turn_that_blocks_holds_up_nobody_who_has_passed_on_to_it_in_a_task_of_its_own", || blocked_after_passing_on(false)),
    ("a_turn_that_tells_two_and_blocks_in_a_relay_holds_up_the_last_alone", || blocked_after_two(true)),
    ("a_turn_that_wakes_a_task_tells_one_and_blocks_in_a_relay_holds_up_the_last_alone", || blocked_after_two(false)),
    ("a_turn_that_blocks_in_a_relay_holds_up_no_task_that_was_woken_in_the_turn_before", blocked_after_a_wake),
    ("who_is_told_while_both_relays_are_at_work_is_seen_to_by_its_task", both_at_work),
    ("who_is_told_while_the_relay_that_stands_by_begins_elsewhere_has_a_turn", begun_elsewhere),
];

/// Ends whoever is told so.
const LAST: u32 = 99;
/// Who has had as many in turns of others, one by one, sits at its seat.
const MESSAGES: usize = 6;

/// What somebody does with a message.
type Work = dyn Fn(u32) + Send + Sync;

struct Person {
    mailbox: Mailbox<u32>,
    work: Box<Work>,
    notes: Notes<u32>,
    handled: Count,
    /// How often its life was dropped.
    ended: Count,
    /// It takes a turn.
    busy: unseen::Mutex<bool>,
    /// What its mailbox was given in its first turn, which wakes its task.
    task: unseen::Mutex<Option<Waker>>,
    /// It takes its turns at its seat.
    sits: unseen::Mutex<bool>,
}

struct Turning {
    person: Arc<Person>,
    batch: Batch<u32>,
}

impl Life for Turning {
    fn turn(&mut self, cx: &mut Context<'_>) -> Outcome {
        let Turning { person, batch } = self;
        let _turn = OneTurn::of(person);
        let mut task = person.task.lock().expect("nothing panics here");
        *person.sits.lock().expect("nothing panics here") = !task.get_or_insert_with(|| cx.waker().clone()).will_wake(cx.waker());
        drop(task);
        let mut outcome = Outcome::Sleep;
        while let Some(message) = person.mailbox.take(batch).or_else(|| poll_take(&person.mailbox, batch, cx)) {
            (person.work)(message);
            person.notes.add(message);
            person.handled.add();
            if message == LAST {
                outcome = Outcome::Done;
                break;
            }
        }
        outcome
    }
}

/// While it lives, nobody else takes a turn of this person.
struct OneTurn<'a>(&'a Person);

impl OneTurn<'_> {
    fn of(person: &Person) -> OneTurn<'_> {
        let was_busy = std::mem::replace(&mut *person.busy.lock().expect("nothing panics here"), true);
        assert!(!was_busy, "nobody takes two turns at a time");
        OneTurn(person)
    }
}

impl Drop for OneTurn<'_> {
    fn drop(&mut self) {
        *self.0.busy.lock().expect("nothing panics here") = false;
    }
}

impl Drop for Turning {
    fn drop(&mut self) {
        self.person.ended.add();
    }
}

impl Person {
    fn tell(&self, message: u32) {
        let Admission::Room(room) = enter(&self.mailbox) else { unreachable!("it is open, and unbounded") };
        arouse(room.put_made(message).wakeup);
    }

    /// Has it look at what there is.
    fn call(&self) {
        arouse(self.mailbox.call());
    }
}

fn arouse(wakeup: Wakeup) {
    match wakeup {
        Wakeup::Nothing => {}
        Wakeup::Wake(waker) => wake(waker),
        Wakeup::Start => unreachable!("it has a task"),
    }
}

/// A runtime, and what all who take turns there share.
struct Table {
    runtime: Runtime,
    env: Arc<Env>,
}

impl Table {
    fn new(workers: usize) -> Table {
        let runtime = Runtime::new(workers);
        let env = Env::new(runtime.handle());
        Table { runtime, env }
    }

    /// One who sits at its seat; it has handled some messages for that.
    fn person(&self, work: impl Fn(u32) + Send + Sync + 'static) -> Arc<Person> {
        self.person_who(MESSAGES, work)
    }

    /// One who has handled so many messages in turns of others.
    fn person_who(&self, has_handled: usize, work: impl Fn(u32) + Send + Sync + 'static) -> Arc<Person> {
        let mailbox = Mailbox::new(Capacity::Unbounded, Overflow::Wait);
        let (notes, handled, ended) = (Notes::default(), Count::new(), Count::new());
        let (busy, task_waker, sits) = Default::default();
        let person = Arc::new(Person { mailbox, work: Box::new(work), notes, handled, ended, busy, task: task_waker, sits });
        assert!(matches!(person.mailbox.call(), Wakeup::Start), "there was nobody");
        self.runtime.handle().spawn(task(&self.env, Turning { person: person.clone(), batch: Batch::new() }));
        for told in 1..=has_handled {
            self.tell_in_a_turn(&person, 0);
            person.handled.wait_for(told);
        }
        assert_eq!(*person.sits.lock().expect("nothing panics here"), has_handled == MESSAGES);
        person
    }

    /// One whose turn waits with its thread until a gate is open.
    fn who_waits_at(&self, gate: &Arc<Count>) -> Arc<Person> {
        let gate = gate.clone();
        self.person(move |message| {
            if message > 0 {
                gate.wait_for(1);
            }
        })
    }

    /// One who opens a gate, and has handled so many messages.
    fn who_opens(&self, gate: &Arc<Count>, has_handled: usize) -> Arc<Person> {
        let gate = gate.clone();
        self.person_who(has_handled, move |message| {
            if message > 0 {
                gate.add();
            }
        })
    }

    /// One who passes on to these.
    fn who_tells<const N: usize>(&self, others: [&Arc<Person>; N]) -> Arc<Person> {
        let others = others.map(Arc::clone);
        self.person(move |message| {
            if message > 0 {
                others.iter().for_each(|other| other.tell(message));
            }
        })
    }

    /// Has another actor tell somebody in its turn.
    fn tell_in_a_turn(&self, person: &Arc<Person>, message: u32) {
        let (env, person) = (self.env.clone(), person.clone());
        self.runtime.handle().spawn(async move { in_a_turn(&env, || person.tell(message)) });
    }

    /// Asserts that these are all the messages that were handled in the end, each once, by one who is dropped once.
    fn end(self, person: &Person, expected: &[u32]) {
        loom::stop_exploring();
        self.runtime.shut_down();
        let mut handled: Vec<u32> = person.notes.all().into_iter().filter(|message| *message > 0).collect();
        handled.sort_unstable();
        assert_eq!(handled, expected);
        assert_eq!(person.ended.get(), 1, "one life, dropped once");
    }
}

fn told_twice(workers: usize) -> u64 {
    explore_between(move || {
        let table = Table::new(workers);
        let person = table.person(|_| {});
        loom::explore();
        table.tell_in_a_turn(&person, 1);
        person.tell(2);
        person.handled.wait_for(MESSAGES + 2);
        table.end(&person, &[1, 2]);
    })
}

fn passed_on(workers: usize) -> u64 {
    explore_between(move || {
        let table = Table::new(workers);
        let second = table.person(|_| {});
        let first = table.who_tells([&second]);
        loom::explore();
        table.tell_in_a_turn(&first, 1);
        second.tell(9);
        second.handled.wait_for(MESSAGES + 2);
        first.handled.wait_for(MESSAGES + 1);
        table.end(&second, &[1, 9]);
        assert_eq!(first.ended.get(), 1);
    })
}

fn over(workers: usize) -> u64 {
    explore_between(move || {
        let table = Table::new(workers);
        let person = table.person(|_| {});
        loom::explore();
        table.tell_in_a_turn(&person, LAST);
        person.call();
        table.env.ended.wait_for(1);
        table.end(&person, &[LAST]);
    })
}

/// The panic is none of a handler, which would be caught before.
fn panicking() -> u64 {
    explore_between(|| {
        let table = Table::new(2);
        let panics = Arc::new(Count::new());
        let count = panics.clone();
        let person = table.person(move |message| {
            if message > 0 {
                count.add();
                resume_unwind(Box::new(()));
            }
        });
        loom::explore();
        table.tell_in_a_turn(&person, 1);
        person.tell(2);
        table.env.ended.wait_for(1);
        assert_eq!(panics.get(), 1);
        table.end(&person, &[]);
    })
}

fn runtime_gone(workers: usize) -> u64 {
    explore_between(move || {
        let table = Table::new(workers);
        let person = table.person(|_| {});
        loom::explore();
        table.tell_in_a_turn(&person, 1);
        let told = person.clone();
        let teller = thread::spawn(move || told.tell(2));
        table.runtime.shut_down();
        teller.join().expect("it goes well");
        loom::stop_exploring();
        assert_eq!(person.ended.get(), 1, "one life, dropped once");
        assert!(person.notes.all().iter().filter(|message| **message > 0).count() <= 2);
    })
}

/// Somebody passes on to one whose turn waits until the first has been told something else.
fn blocked_after_passing_on(in_a_relay: bool) -> u64 {
    explore_between(move || {
        let table = Table::new(2);
        let (gate, passed_on) = (Arc::new(Count::new()), Arc::new(Count::new()));
        let second = table.who_waits_at(&gate);
        let (next, opens, notes) = (second.clone(), gate.clone(), passed_on.clone());
        let first = table.person(move |message| match message {
            0 => {}
            9 => opens.add(),
            message => {
                next.tell(message);
                notes.add();
            }
        });
        loom::explore();
        if in_a_relay {
            table.tell_in_a_turn(&first, 1)
        } else {
            first.tell(1)
        }
        // It may be about to leave its seat.
        passed_on.wait_for(1);
        first.tell(9);
        second.handled.wait_for(MESSAGES + 1);
        table.end(&second, &[1]);
    })
}

/// Somebody is told who opens a gate, at a seat or in a task of its own, then another one, and then the turn waits at the gate. A relay stands by.
fn blocked_after_two(at_a_seat: bool) -> u64 {
    explore_between(move || {
        let table = Table::new(2);
        let gate = Arc::new(Count::new());
        let opener = table.who_opens(&gate, if at_a_seat { MESSAGES } else { 1 });
        let other = table.person(|_| {});
        let (told, last, waits) = (opener.clone(), other.clone(), gate.clone());
        let blocked = table.person(move |message| {
            if message > 0 {
                told.tell(1);
                last.tell(2);
                waits.wait_for(1);
            }
        });
        let first = table.who_tells([&blocked]);
        loom::explore();
        table.tell_in_a_turn(&first, 1);
        blocked.handled.wait_for(MESSAGES + 1);
        other.handled.wait_for(MESSAGES + 1);
        table.end(&other, &[2]);
    })
}

/// Somebody passes on to one who waits at a gate, and then wakes the task of who opens it.
fn blocked_after_a_wake() -> u64 {
    explore_between(|| {
        let table = Table::new(2);
        let gate = Arc::new(Count::new());
        let (blocked, opener) = (table.who_waits_at(&gate), table.who_opens(&gate, 1));
        let first = table.who_tells([&blocked, &opener]);
        loom::explore();
        table.tell_in_a_turn(&first, 1);
        blocked.handled.wait_for(MESSAGES + 1);
        table.end(&blocked, &[1]);
    })
}

/// One who waits at a gate is told by the same turn as another, who passes on to a third, and so on to who opens it.
fn both_at_work() -> u64 {
    explore_between(|| {
        let table = Table::new(2);
        let gate = Arc::new(Count::new());
        let (blocked, opener) = (table.who_waits_at(&gate), table.who_opens(&gate, MESSAGES));
        let third = table.who_tells([&opener]);
        let second = table.who_tells([&third]);
        let (env, told, then) = (table.env.clone(), blocked.clone(), second.clone());
        loom::explore();
        table.runtime.handle().spawn(async move {
            in_a_turn(&env, || {
                told.tell(1);
                then.tell(1);
            });
        });
        blocked.handled.wait_for(MESSAGES + 1);
        table.end(&blocked, &[1]);
        assert_eq!(opener.handled.get(), MESSAGES + 1);
    })
}

/// A turn wakes a task of which nobody knows, and then passes on: so the relay that stands by may begin on the other thread.
fn begun_elsewhere() -> u64 {
    explore_between(|| {
        let table = Table::new(2);
        let last = table.person(|_| {});
        let (told, runtime) = (last.clone(), table.runtime.handle().clone());
        let second = table.person(move |message| {
            if message > 0 {
                runtime.spawn(async {});
                told.tell(message);
            }
        });
        let first = table.who_tells([&second]);
        loom::explore();
        table.tell_in_a_turn(&first, 1);
        last.handled.wait_for(MESSAGES + 1);
        table.end(&last, &[1]);
    })
}
