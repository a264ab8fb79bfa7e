//! Those who have something to do and no task: in which order, and by whom, is it done?
//!
//! A turn is a plain function call: some messages, until there are none. *Runners*, which are tasks, make these calls: one where the
//! runtime has one thread, and otherwise as many as find something to do. Whom an actor gives something to do in its turn comes next, in
//! that order, with the same runner; so a tree grows and works depth first. All others wait for those, but not for ever. A runner that
//! has nothing to do helps the others, and takes first what they would have come to last.
//!
//! Invariants:
//!
//! 1. Whoever waits is there once: it is handed in by whoever has taken its receiver out of the mailbox.
//! 2. Where somebody waits, there is a runner that will look, or nobody gets a turn any more. A runner says that it sleeps, or goes, under
//!    the lock under which it has looked.
//! 3. On several threads, no turn holds up who was handed in by another thread. A task that is woken by a task runs on the same thread, after
//!    that, and no other thread takes it over, unless another is woken there after it; so a runner that a task has called is *bound*
//!    to the thread, and only those rely on it who are handed in there, too. Others are *free*: they come by any thread. A runner that leaves
//!    anybody behind, when it takes somebody out, sees to it that a free one comes: if there is none, it lets another go first, which it
//!    calls, and comes again as a free one. Nor does a turn hold up a task that this crate has woken in the turn before.
//! 4. Whoever sleeps is woken by nothing but a call: another wake-up might use up that of the call, on a thread that then blocks, or that of
//!    the call come when it sleeps again. So one whose time is up is no longer known to the queue when it is woken for that; and one that is
//!    drowsy has woken itself, and is called without a wake-up.

mod runner;

use std::cell::Cell;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use self::runner::Runner;
use crate::sync::{Mutex, lock, note_call, note_wake, woken};

/// How often in a row those come first who have something to do from the turn before.
const FAVOURS: u32 = 16;
/// How often those from turns come before those from outside, who otherwise come first, where nobody is favoured: once in so many times.
const OTHERS: usize = 4;
/// Behind how many who stand deeper somebody is put.
const SIBLINGS: usize = 32;
/// For how many there is room while nobody waits.
const KEEP: usize = 1024;

/// What can take its turn.
pub(crate) trait TakesTurns: Send + Sync {
    /// Where it waits for them.
    fn run_queue(&self) -> &Arc<RunQueue>;
    /// How many actors stand above it.
    fn depth(&self) -> u32;
    /// Does what is to be done, without waiting.
    fn take_turn(self: Arc<Self>);
    /// Does it in a task of its own instead.
    fn start_task(self: Arc<Self>);
}

type Item = Arc<dyn TakesTurns>;

/// Those who wait for their turn, in one system.
pub(crate) struct RunQueue {
    runtime: Handle,
    /// The runtime has several threads.
    several: bool,
    /// How long a runner stays without anything to do.
    linger: Duration,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Who has something to do from outside, in order.
    ready: VecDeque<Item>,
    /// Who has something to do from turns, by the runner that gave them.
    lanes: Vec<Lane>,
    /// The lanes that are no runner's, though somebody may wait there.
    free: Vec<usize>,
    /// How many wait.
    waiting: usize,
    /// The runners there are.
    runners: Vec<Known>,
    /// The number of the last one.
    last: u64,
    /// How often somebody was looked for who is in nobody's favour.
    looks: usize,
    /// Nobody gets a turn any more: everybody gets a task.
    closed: bool,
}

/// Whom the turns of one runner have given something to do.
#[derive(Default)]
struct Lane {
    /// The next of them last, each with its depth.
    next: VecDeque<(u32, Item)>,
    /// How many of those were there when the turn began that is being taken.
    before: Option<usize>,
}

impl Lane {
    /// Whoever has something to do from the turn that is over stands in the order of that, the first last, and beneath those who
    /// stand deeper in the tree and waited before: so a parent hears of all its children at once, and not of each in a turn of its own.
    fn end_turn(&mut self) {
        let Some(before) = self.before.take().filter(|before| *before < self.next.len()) else { return };
        let next = self.next.make_contiguous();
        next[before..].reverse();
        for new in before..next.len() {
            let mut place = new;
            while place > new.saturating_sub(SIBLINGS) && next[place - 1].0 > next[place].0 {
                next.swap(place - 1, place);
                place -= 1;
            }
        }
    }

    /// Takes out who has waited longest.
    fn take_first(&mut self) -> Option<Item> {
        let (_, item) = self.next.pop_front()?;
        self.before = self.before.map(|before| before.saturating_sub(1));
        Some(item)
    }
}

/// A runner, and what it is doing.
struct Known {
    number: u64,
    state: State,
}

enum State {
    /// It was called, comes by any thread, and has not begun.
    Free,
    /// It was called on this thread, is bound to it, and has not begun: one for each thread.
    Bound(Thread),
    AtWork,
    /// It sleeps once its time is set. It has woken itself for that, and comes by any thread.
    Drowsy,
    Asleep(Waker),
}

/// How a runner comes to those who wait.
enum Call {
    Nobody,
    Wake(Waker),
    Spawn(u64),
}

/// What has come of the search for who is to have a turn.
enum Found {
    Item(Item),
    Nobody,
    /// More than one, and no free runner comes: another is to be called, and to see to them first.
    Another(Call),
}

/// The address of something that a thread has.
type Thread = usize;

thread_local! {
    /// The lane of the runner that is at work on this thread, and its queue.
    static LANE: Cell<Option<(*const RunQueue, usize)>> = const { Cell::new(None) };
}

/// This thread, if a task is what runs.
fn thread_of_task() -> Option<Thread> {
    tokio::task::try_id()?;
    LANE.try_with(|lane| std::ptr::from_ref(lane).addr()).ok()
}

impl RunQueue {
    pub(crate) fn new(runtime: Handle, linger: Duration) -> Arc<RunQueue> {
        let several = runtime.runtime_flavor() != RuntimeFlavor::CurrentThread;
        Arc::new(RunQueue { runtime, several, linger, inner: Mutex::default() })
    }

    /// Hands somebody in who has something to do.
    pub(crate) fn add(item: Item) {
        let queue = item.run_queue().clone();
        let lane = queue.own_lane();
        let has_woken = woken().has_tasks();
        let call = {
            let mut inner = lock(&queue.inner);
            if inner.closed {
                drop(inner);
                return item.start_task();
            }
            match lane {
                Some(lane) => inner.lanes[lane].next.push_back((item.depth(), item)),
                None => inner.ready.push_back(item),
            }
            inner.waiting += 1;
            inner.call(queue.several)
        };
        let is_new = matches!(call, Call::Spawn(_));
        queue.make(call);
        // A task that was woken by this turn before relies on another being woken after it, which is neither the case if somebody is
        // coming already, nor if one was called who is about to fall asleep on another thread.
        if queue.several && has_woken && !is_new {
            queue.note_call();
            queue.runtime.spawn(async {});
        }
    }

    pub(crate) fn has_several_threads(&self) -> bool {
        self.several
    }

    /// Whether a runner is awake.
    pub(crate) fn is_awake(&self) -> bool {
        lock(&self.inner).is_awake()
    }

    /// There are no turns any more: whoever waits for one, or has something to do later, gets a task. The runners go.
    pub(crate) fn close(&self) {
        let (ready, lanes, asleep) = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            inner.waiting = 0;
            let lanes: Vec<_> = inner.lanes.iter_mut().flat_map(|lane| mem::take(&mut lane.next)).map(|(_, item)| item).collect();
            let asleep: Vec<_> = inner.runners.iter_mut().filter_map(|known| known.call(State::Free)).collect();
            (mem::take(&mut inner.ready), lanes, asleep)
        };
        asleep.into_iter().for_each(Waker::wake);
        ready.into_iter().chain(lanes).for_each(TakesTurns::start_task);
    }

    /// The lane of the runner that is at work on this thread, if it is one of this queue.
    fn own_lane(&self) -> Option<usize> {
        LANE.get().filter(|(queue, _)| std::ptr::eq(*queue, self)).map(|(_, lane)| lane)
    }

    /// Ends the turn that was taken, and finds who is to have the next.
    fn next(&self, runner: u64, lane: usize, favours: &mut u32, thread: Option<Thread>, successor: &mut Option<u64>) -> Found {
        let mut inner = lock(&self.inner);
        inner.lanes[lane].end_turn();
        if let Some(thread) = thread {
            if inner.waiting > 1 && !inner.is_free_coming() && !successor.is_some_and(|number| inner.is_bound(number)) {
                // It comes again by any thread.
                inner.known(runner).state = State::Free;
                let (call, number) =
                    inner.bound(thread).map_or_else(|| inner.call_one(State::Bound(thread)), |number| (Call::Nobody, number));
                *successor = Some(number);
                return Found::Another(call);
            }
        }
        let Some(item) = inner.take(lane, favours) else { return Found::Nobody };
        inner.waiting -= 1;
        let lane = &mut inner.lanes[lane];
        lane.before = Some(lane.next.len());
        Found::Item(item)
    }

    fn make(self: &Arc<Self>, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Wake(waker) => {
                self.note_call();
                waker.wake();
            }
            Call::Spawn(number) => {
                self.note_call();
                self.runtime.spawn(Runner::new(self.clone(), number));
            }
        }
    }

    /// Notes a call for this thread. In a turn of another system it counts as that of any task: on another runtime, it helps none of those who
    /// were woken here before.
    fn note_call(&self) {
        let is_anothers_turn = LANE.get().is_some_and(|(queue, _)| !std::ptr::eq(queue, self));
        if is_anothers_turn { note_wake() } else { note_call() }
    }
}

impl Inner {
    /// Takes out who is to have a turn next.
    fn take(&mut self, lane: usize, favours: &mut u32) -> Option<Item> {
        if *favours < FAVOURS {
            if let Some((_, favoured)) = self.lanes[lane].next.pop_back() {
                *favours += 1;
                return Some(favoured);
            }
        }
        *favours = 0;
        if self.waiting == 0 {
            self.give_back();
            return None;
        }
        // Otherwise who has waited longest, lest others come before him for ever.
        self.looks = self.looks.wrapping_add(1);
        if self.looks % OTHERS != 0 {
            let item = self.ready.pop_front().or_else(|| self.lanes[lane].take_first());
            item.or_else(|| self.help())
        } else {
            self.help().or_else(|| self.ready.pop_front())
        }
    }

    /// Gives the room back of many who have gone.
    fn give_back(&mut self) {
        if self.ready.capacity() > KEEP {
            self.ready = VecDeque::new();
        }
        for lane in self.lanes.iter_mut().filter(|lane| lane.next.capacity() > KEEP) {
            lane.next = VecDeque::new();
        }
    }

    /// Takes out who has waited longest for some runner, for each of them in turn.
    fn help(&mut self) -> Option<Item> {
        let first = self.looks / OTHERS % self.lanes.len();
        let (earlier, later) = self.lanes.split_at_mut(first);
        later.iter_mut().chain(earlier).find_map(Lane::take_first)
    }

    /// Finds a runner to be called for somebody who was handed in, if none comes whom that can rely on.
    fn call(&mut self, several: bool) -> Call {
        if !several {
            return if self.is_awake() { Call::Nobody } else { self.call_one(State::Free).0 };
        }
        if self.is_free_coming() {
            return Call::Nobody;
        }
        let Some(thread) = thread_of_task() else { return self.call_one(State::Free).0 };
        match self.bound(thread) {
            None => self.call_one(State::Bound(thread)).0,
            Some(_) if self.waiting < 2 => Call::Nobody,
            Some(number) => {
                // A new one, after it, is bound in its place. One that sleeps would not do: it may be about to fall asleep, on
                // another thread, and then stays there.
                self.known(number).state = State::Free;
                self.call_new(State::Bound(thread)).0
            }
        }
    }

    /// Calls a runner that sleeps, or else a new one.
    fn call_one(&mut self, called: State) -> (Call, u64) {
        match self.runners.iter_mut().find(|known| known.is_asleep()) {
            Some(known) => (known.call(called).map_or(Call::Nobody, Call::Wake), known.number),
            None => self.call_new(called),
        }
    }

    fn call_new(&mut self, called: State) -> (Call, u64) {
        self.last += 1;
        self.runners.push(Known { number: self.last, state: called });
        (Call::Spawn(self.last), self.last)
    }

    /// What is known of a runner, unless its time was up.
    fn find(&mut self, number: u64) -> Option<&mut Known> {
        self.runners.iter_mut().find(|known| known.number == number)
    }

    /// What is known of a runner that has not gone to sleep.
    fn known(&mut self, number: u64) -> &mut Known {
        self.find(number).expect("whoever asks is there")
    }

    /// Whether a runner was called, or is at work.
    fn is_awake(&self) -> bool {
        self.runners.iter().any(|known| !known.is_asleep())
    }

    /// Whether a runner was called, comes by any thread, and has not begun.
    fn is_free_coming(&self) -> bool {
        self.runners.iter().any(|known| matches!(known.state, State::Free))
    }

    /// The runner that was called, is bound to this thread, and has not begun.
    fn bound(&self, thread: Thread) -> Option<u64> {
        let is_bound = |known: &&Known| matches!(known.state, State::Bound(to) if to == thread);
        self.runners.iter().find(is_bound).map(|known| known.number)
    }

    /// Whether a runner was called, is bound to a thread, and has not begun.
    fn is_bound(&self, number: u64) -> bool {
        self.runners.iter().any(|known| known.number == number && matches!(known.state, State::Bound(_)))
    }

    /// How many sleep.
    fn asleep(&self) -> usize {
        self.runners.iter().filter(|known| known.is_asleep()).count()
    }

    /// The time of a runner is up: nobody calls it any more, if it sleeps.
    fn retire(&mut self, number: u64) -> Option<Waker> {
        let State::Asleep(waker) = &self.find(number)?.state else { return None };
        let waker = waker.clone();
        self.forget(number);
        Some(waker)
    }

    fn forget(&mut self, number: u64) {
        self.runners.retain(|known| known.number != number);
    }
}

impl Known {
    /// Calls it, if it is asleep: by this waker, or else it comes by itself.
    fn call(&mut self, called: State) -> Option<Waker> {
        match &mut self.state {
            State::Asleep(_) => match mem::replace(&mut self.state, called) {
                State::Asleep(waker) => Some(waker),
                _ => None,
            },
            State::Drowsy => {
                self.state = State::Free;
                None
            }
            _ => None,
        }
    }

    /// It is not at work, and was not called.
    fn is_asleep(&self) -> bool {
        matches!(self.state, State::Drowsy | State::Asleep(_))
    }
}

#[cfg(test)]
mod tests;
