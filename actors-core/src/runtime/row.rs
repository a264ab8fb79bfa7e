//! Whom a turn wakes that sits at a seat: who comes next, and in which task?
//!
//! While a turn is taken in a task, a *row* is open on its thread, and the first at a seat whom the turn wakes comes behind it. On a runtime
//! of one thread that one's turn is taken in the same task, once the other is over; on several threads a [relay](super::relay) takes it, which
//! stands wherever the task would have stood that was to be woken.

use std::cell::Cell;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::relay;
use super::seat::Seat;
use crate::lifecycle::env::Env;
use crate::sync::{Counting, Woken, take_woken, woken};

/// How many turns are taken one after the other before the runtime's other tasks run.
const IN_A_ROW: u32 = 64;
/// After the first, the second, the fourth, and then each time after so many, somebody looks at the clock.
const LOOKS: u32 = 8;
/// How much time may pass after the first.
const LONG: Duration = Duration::from_micros(100);

/// Which system it is, and whether its runtime has several threads: turns are taken one after the other within one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct System(usize);

impl System {
    const NONE: System = System(0);

    pub(super) fn of(env: &Arc<Env>) -> System {
        // No two bytes of what stands there are anything else's.
        System(Arc::as_ptr(env).addr() + usize::from(env.run_queue.has_several_threads()))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn has_several_threads(self) -> bool {
        self.0 % 2 == 1
    }
}

thread_local! {
    static ROW: Cell<Row> = const { Cell::new(Row::CLOSED) };
    /// Who comes next on this thread, if that is the only one.
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
}

/// Puts the first who was woken behind the turn that is taken on this thread.
pub(super) fn admit(woken: Arc<Seat>) -> Result<(), Arc<Seat>> {
    let system = woken.system();
    // A thread that ends takes no turns.
    let is_open = ROW.try_with(|row| row.get().system == system).unwrap_or(false);
    if !is_open {
        return Err(woken);
    }
    if system.has_several_threads() {
        put_in_hand(woken)?
    } else {
        put_next(woken)?
    }
    ROW.set(Row::TAKEN);
    Ok(())
}

fn put_next(woken: Arc<Seat>) -> Result<(), Arc<Seat>> {
    let mut woken = Some(woken);
    let _ = NEXT.try_with(|next| next.set(woken.take()));
    woken.map_or(Ok(()), Err)
}

fn put_in_hand(seat: Arc<Seat>) -> Result<(), Arc<Seat>> {
    // A task that this turn has woken before may stand where only this thread looks, until another one is woken.
    if woken() == Woken::ONE { relay::hand_over(seat) } else { Err(seat) }
}

/// Whom the turn has woken that is over, on the only thread.
fn take_next() -> Option<Arc<Seat>> {
    if ROW.get().is_taken { NEXT.take() } else { None }
}

/// Whether one more turn may be taken after so many, before other tasks run. `began` is when the first was over.
#[cfg_attr(not(debug_assertions), inline(always))]
fn may_go_on(turns: u32, began: &mut Option<Instant>) -> bool {
    if turns % LOOKS != 0 && !turns.is_power_of_two() {
        return true;
    }
    turns < IN_A_ROW && is_in_time(began)
}

#[inline(never)]
fn is_in_time(began: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    now - *began.get_or_insert(now) <= LONG
}

/// Takes the turns of those who come next, on the only thread.
fn go_on(system: System, mut next: Arc<Seat>) {
    let (mut turns, mut began) = (0, None);
    loop {
        ROW.set(Row { system, is_taken: false });
        next.take_turn_for();
        let Some(after) = take_next() else { return };
        next = after;
        turns += 1;
        if !may_go_on(turns, &mut began) {
            return next.call();
        }
    }
}

/// Polls a task that takes a turn of its own, and then the turns of those whom it has woken.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn in_a_row(system: System, poll: impl FnOnce() -> Poll<()>) -> Poll<()> {
    struct Open;
    impl Drop for Open {
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn drop(&mut self) {
            // There is somebody left if the poll has panicked.
            if let Some(left) = take_next() {
                left.call();
            }
            ROW.set(Row::CLOSED);
        }
    }
    if system.has_several_threads() {
        return on_its_own(system, poll);
    }
    let row = ROW.get();
    // A turn may run a runtime of its own.
    if row.system != System::NONE || row.is_taken {
        return poll();
    }
    ROW.set(Row { system, is_taken: false });
    let _open = Open;
    let polled = poll();
    if let Some(next) = take_next() {
        ROW.set(Row::CLOSED);
        go_on(system, next);
    }
    polled
}

/// Polls a task that takes a turn, where a relay takes that of whom it has woken.
#[cfg_attr(not(debug_assertions), inline(always))]
fn on_its_own(system: System, poll: impl FnOnce() -> Poll<()>) -> Poll<()> {
    let _opened = Opened::new(system);
    poll()
}

/// A row that is open, on one of several threads.
struct Opened {
    // A turn may run a runtime of its own.
    outer: Row,
    _counting: Counting,
}

impl Opened {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn new(system: System) -> Opened {
        Opened { outer: ROW.replace(Row { system, is_taken: false }), _counting: Counting::begin() }
    }
}

impl Drop for Opened {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        ROW.set(self.outer);
    }
}

/// Takes the turn of who was handed to a relay, and of those who come of it.
pub(super) fn relay(mut next: Arc<Seat>) {
    let system = next.system();
    let _opened = Opened::new(system);
    let (mut turns, mut began) = (0, None);
    loop {
        next.take_turn_for();
        turns += 1;
        // Whoever else was woken may stand where only this thread looks.
        if !ROW.get().is_taken || take_woken() != Woken::ONE || !may_go_on(turns, &mut began) {
            return;
        }
        ROW.set(Row { system, is_taken: false });
        let Some(after) = relay::take_back() else { return };
        next = after;
    }
}
