//! How does an actor take its turn where it is told to, while its own task sleeps?
//!
//! A turn that wakes another actor mostly passes something on. To wake a task for that, and to have the runtime poll it, takes longer than to
//! handle the message. So, on a runtime of one thread, the life of an actor that is woken from turns stands on a *seat*, where others can reach
//! it: whoever has woken it takes its turn once his own is over, in the task that runs; then that of the one whom it has woken, and so on. The
//! actor's own task sleeps, and is woken for all the rest: by whoever takes no turn, and by a turn that leaves more to do.
//!
//! On several threads there are no seats. While a turn is taken in the task of another actor, nobody can poll that task; and if the turn
//! blocks its thread, the other threads go on, and may have something for that actor to do.
//!
//! Invariants:
//!
//! 1. A life runs under the lock of its place, or where it has been taken out of that: nowhere twice.
//! 2. The waker that a seat has put into the mailbox is used once. After that a turn is taken there, or the task is woken.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::sitter::Sitter;
use super::turn::Outcome;
use crate::caught::unless_it_panics;
use crate::lifecycle::env::Env;
use crate::sync::{Mutex, MutexGuard, lock};

/// How many turns are taken one after the other before the runtime's other tasks run.
const IN_A_ROW: u32 = 16;
/// After how many of them somebody looks at the clock, and how much time may pass between two looks.
const LOOKS: u32 = 4;
const LONG: Duration = Duration::from_micros(100);

/// Where a life stands while its task sleeps.
pub(super) struct Seat {
    place: Mutex<Place>,
    /// What wakes the actor's own task.
    task: Waker,
    system: System,
}

#[derive(Default)]
struct Place {
    sitter: Option<Sitter>,
    /// What stands in the mailbox while the actor sleeps here: the seat itself.
    waker: Option<Waker>,
    /// Somebody has taken a turn here beside the task, since that looked.
    used: bool,
}

/// What the actor's own task has found at its seat.
pub(super) enum Found {
    /// It has taken a turn.
    Turn(Outcome),
    /// Nobody else has used the seat.
    Unused(Sitter),
    /// The life goes on elsewhere, or is over.
    Nobody,
}

/// Which system it is: turns are taken one after the other within one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct System(usize);

impl System {
    /// None in which there are seats.
    pub(super) const NONE: System = System(0);

    pub(super) fn of(env: &Arc<Env>) -> System {
        if env.run_queue.has_several_threads() { System::NONE } else { System(Arc::as_ptr(env).addr()) }
    }
}

impl Seat {
    /// A seat for a life of this system, whose task is woken by this.
    pub(super) fn new(system: System, task: Waker) -> Arc<Seat> {
        Arc::new(Seat { place: Mutex::default(), task, system })
    }

    /// Puts a life here.
    pub(super) fn put(self: &Arc<Self>, sitter: Sitter) {
        *lock(&self.place) = Place { sitter: Some(sitter), waker: Some(Waker::from(self.clone())), used: true };
    }

    /// The task of the actor takes a turn of its own, unless nobody else has since the last one.
    pub(super) fn take_own_turn(&self) -> Found {
        let mut place = lock(&self.place);
        if !std::mem::take(&mut place.used) {
            return place.rise().map_or(Found::Nobody, Found::Unused);
        }
        match place.take_turn() {
            None => Found::Nobody,
            Some(outcome) => {
                settle(place, &outcome);
                Found::Turn(outcome)
            }
        }
    }

    /// Takes a turn of the actor, in the task of whoever has woken it.
    fn take_turn_for(&self) {
        // The one thread that takes turns may be taking this very one.
        let Some(mut place) = self.place.try_lock() else { return self.call() };
        place.used = true;
        // What would end the task of the actor ends its life, and not whoever has woken it.
        match unless_it_panics(|| place.take_turn()) {
            Some(Some(Outcome::Sleep)) => {}
            Some(Some(outcome)) => {
                let _ = unless_it_panics(|| settle(place, &outcome));
                self.call();
            }
            Some(None) => self.call(),
            None => {
                let risen = place.rise();
                drop(place);
                let _ = unless_it_panics(|| drop(risen));
                self.call();
            }
        }
    }

    /// The task is gone: a life that is here ends.
    pub(super) fn abandon(&self) {
        let risen = lock(&self.place).rise();
        drop(risen);
    }

    /// Wakes the task of the actor.
    fn call(&self) {
        self.task.wake_by_ref();
    }
}

impl Place {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_turn(&mut self) -> Option<Outcome> {
        let Place { sitter: Some(sitter), waker: Some(waker), .. } = self else { return None };
        Some(sitter.turn(&mut Context::from_waker(waker)))
    }

    /// Takes the life out.
    fn rise(&mut self) -> Option<Sitter> {
        // Together they keep the seat.
        self.waker = None;
        self.sitter.take()
    }
}

/// After a turn: the life stays here, or goes where there is more to do.
fn settle(mut place: MutexGuard<'_, Place>, outcome: &Outcome) {
    if let Outcome::Sleep | Outcome::Yield = outcome {
        return;
    }
    let risen = place.rise();
    drop(place);
    risen.into_iter().for_each(|sitter| sitter.leave(outcome));
}

impl Wake for Seat {
    /// A message has come, or something else to be seen to.
    fn wake(self: Arc<Self>) {
        if let Err(woken) = Row::admit(self) {
            woken.call();
        }
    }
}

thread_local! {
    static ROW: Cell<Row> = const { Cell::new(Row::CLOSED) };
    /// Who comes next on this thread.
    static NEXT: Cell<Option<Arc<Seat>>> = const { Cell::new(None) };
}

/// What is to be known on a thread of whom the turn that is taken there wakes. It stands by itself, where nothing is to be dropped.
#[derive(Clone, Copy)]
struct Row {
    /// The system of which a turn is taken.
    system: System,
    /// Somebody comes next.
    is_taken: bool,
}

impl Row {
    /// No turn is taken, or somebody comes next.
    const CLOSED: Row = Row { system: System::NONE, is_taken: false };
    const TAKEN: Row = Row { system: System::NONE, is_taken: true };

    /// Puts the first who was woken behind the turn that is taken on this thread.
    fn admit(woken: Arc<Seat>) -> Result<(), Arc<Seat>> {
        // A thread that ends takes no turns.
        let is_open = ROW.try_with(|row| row.get().system == woken.system).unwrap_or(false);
        if !is_open {
            return Err(woken);
        }
        let mut woken = Some(woken);
        let _ = NEXT.try_with(|next| next.set(woken.take()));
        match woken {
            None => {
                ROW.set(Row::TAKEN);
                Ok(())
            }
            Some(woken) => Err(woken),
        }
    }

    /// Whom the turn has woken that is over.
    fn take_next() -> Option<Arc<Seat>> {
        if ROW.get().is_taken { NEXT.take() } else { None }
    }
}

/// Takes the turns of those who come next.
fn go_on(system: System, mut next: Arc<Seat>) {
    let mut since = None;
    for turn in 1..=IN_A_ROW {
        ROW.set(Row { system, is_taken: false });
        next.take_turn_for();
        let Some(after) = Row::take_next() else { return };
        next = after;
        if turn % LOOKS == 0 {
            let now = Instant::now();
            if now - *since.get_or_insert(now) > LONG {
                break;
            }
            since = Some(now);
        }
    }
    next.call();
}

/// Polls a task that takes a turn of its own, and then the turns of those whom it has woken.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn in_a_row(system: System, poll: impl FnOnce() -> Poll<()>) -> Poll<()> {
    struct Open;
    impl Drop for Open {
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn drop(&mut self) {
            // There is somebody left if the poll has panicked.
            if let Some(left) = Row::take_next() {
                left.call();
            }
            ROW.set(Row::CLOSED);
        }
    }
    let row = ROW.get();
    // A turn may run a runtime of its own.
    if system == System::NONE || row.system != System::NONE || row.is_taken {
        return poll();
    }
    ROW.set(Row { system, is_taken: false });
    let _open = Open;
    let polled = poll();
    if let Some(next) = Row::take_next() {
        ROW.set(Row::CLOSED);
        go_on(system, next);
    }
    polled
}
