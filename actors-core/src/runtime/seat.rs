//! How does an actor take its turn where it is told to, while its own task sleeps?
//!
//! A turn that wakes another actor mostly passes something on. To wake a task for that, and to have the runtime poll it, takes longer than to
//! handle the message. So the life of an actor that is woken from turns stands on a *seat*, where others can reach it. On a runtime of one
//! thread, whoever has woken it takes its turn once his own is over, in the task that runs; then that of the one whom it has woken, and so on.
//! The actor's own task sleeps, and is woken for all the rest: by whoever takes no turn, and by a turn that leaves more to do.
//!
//! On several threads nobody's own task does so: while a turn is taken in it, nobody can poll it; and if the turn blocks its thread, the other
//! threads go on, and may have something for that actor to do. There [relays](super::relay) take such turns, which are nobody's own tasks.
//!
//! Invariants:
//!
//! 1. A life runs under the lock of its place, or where it has been taken out of that: nowhere twice.
//! 2. The waker that a seat has put into the mailbox is used once. After that a turn is taken there, or the task is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Wake, Waker};

use super::relay::Crew;
use super::row::{self, System};
use super::sitter::Sitter;
use super::turn::Outcome;
use crate::caught::unless_it_panics;
use crate::lifecycle::env::Env;
use crate::sync::{Mutex, MutexGuard, lock, note_wake};

/// Where a life stands while its task sleeps.
pub(super) struct Seat {
    place: Mutex<Place>,
    /// What is to be seen to by whoever takes a turn here, when it is over.
    left_to_do: AtomicU32,
    /// What wakes the actor's own task.
    task: Waker,
    system: System,
    /// Who takes turns here, on several threads.
    crew: Option<Arc<Crew>>,
}

/// Somebody was turned away: the task is to be woken.
const TURNED_AWAY: u32 = 1;
/// The task is gone: a life that is here ends.
const GONE: u32 = 2;

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
    /// Somebody takes a turn here, and wakes the task after it.
    Busy,
}

impl Seat {
    /// A seat for a life of this system, whose task is woken by this.
    pub(super) fn new(env: &Arc<Env>, task: Waker) -> Arc<Seat> {
        let system = System::of(env);
        let crew = system.has_several_threads().then(|| Crew::of(env));
        Arc::new(Seat { place: Mutex::default(), left_to_do: AtomicU32::new(0), task, system, crew })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn system(&self) -> System {
        self.system
    }

    pub(super) fn crew(&self) -> Option<Arc<Crew>> {
        self.crew.clone()
    }

    /// Puts a life here.
    pub(super) fn put(self: &Arc<Self>, sitter: Sitter) {
        *lock(&self.place) = Place { sitter: Some(sitter), waker: Some(Waker::from(self.clone())), used: true };
    }

    /// The task of the actor takes a turn of its own, unless nobody else has since the last one.
    pub(super) fn take_own_turn(&self) -> Found {
        let Some(mut place) = self.enter() else { return Found::Busy };
        if !std::mem::take(&mut place.used) {
            let risen = place.rise();
            self.leave(place);
            return risen.map_or(Found::Nobody, Found::Unused);
        }
        match place.take_turn() {
            None => {
                self.leave(place);
                Found::Nobody
            }
            Some(outcome) => {
                self.settle(place, &outcome);
                Found::Turn(outcome)
            }
        }
    }

    /// Takes a turn of the actor, in the task of whoever has woken it, or of a relay.
    pub(super) fn take_turn_for(&self) {
        let Some(mut place) = self.enter() else { return };
        place.used = true;
        match place.take_turn() {
            Some(Outcome::Sleep) => self.leave(place),
            Some(outcome) => {
                let _ = unless_it_panics(|| self.settle(place, &outcome));
                self.call();
            }
            None => {
                self.leave(place);
                self.call();
            }
        }
    }

    /// The task is gone: a life that is here ends.
    pub(super) fn abandon(&self) {
        self.left_to_do.fetch_or(GONE, Ordering::AcqRel);
        self.clear();
    }

    /// Ends a life that is here, unless somebody takes a turn of it, who does so after that.
    #[cold]
    fn clear(&self) {
        let risen = self.place.try_lock().and_then(|mut place| place.rise());
        drop(risen);
    }

    /// Wakes the task of the actor.
    pub(super) fn call(&self) {
        note_wake();
        self.task.wake_by_ref();
    }

    /// The place, unless somebody takes a turn there, who wakes the task after that.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn enter(&self) -> Option<MutexGuard<'_, Place>> {
        self.place.try_lock().or_else(|| self.enter_late())
    }

    #[cold]
    fn enter_late(&self) -> Option<MutexGuard<'_, Place>> {
        // Each of those who take turns changes it after leaving: so either that one sees this, or the place is free by now.
        self.left_to_do.fetch_or(TURNED_AWAY, Ordering::AcqRel);
        self.place.try_lock()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn leave(&self, place: MutexGuard<'_, Place>) {
        drop(place);
        // On one thread, whoever came meanwhile came on this.
        let alone = !self.system.has_several_threads() && self.left_to_do.load(Ordering::Relaxed) == 0;
        if !alone && self.left_to_do.fetch_and(!TURNED_AWAY, Ordering::AcqRel) != 0 {
            self.see_to_it();
        }
    }

    #[cold]
    fn see_to_it(&self) {
        self.call();
        if self.left_to_do.load(Ordering::Acquire) & GONE != 0 {
            self.clear();
        }
    }

    /// After a turn: the life stays here, or goes where there is more to do.
    fn settle(&self, mut place: MutexGuard<'_, Place>, outcome: &Outcome) {
        if let Outcome::Sleep | Outcome::Yield = outcome {
            return self.leave(place);
        }
        let risen = place.rise();
        self.leave(place);
        risen.into_iter().for_each(|sitter| sitter.leave(outcome));
    }
}

impl Place {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take_turn(&mut self) -> Option<Outcome> {
        let Place { sitter: Some(sitter), waker: Some(waker), .. } = self else { return None };
        // A panic that gets out of a turn ends the life before anybody takes another, and not whoever has woken it.
        Some(unless_it_panics(|| sitter.turn(&mut Context::from_waker(waker))).unwrap_or(Outcome::Done))
    }

    /// Takes the life out.
    fn rise(&mut self) -> Option<Sitter> {
        // Together they keep the seat.
        self.waker = None;
        self.sitter.take()
    }
}

impl Wake for Seat {
    /// A message has come, or something else to be seen to.
    fn wake(self: Arc<Self>) {
        if let Err(woken) = row::admit(self) {
            woken.call();
        }
    }
}
