//! Those who have something to do and no task, on a runtime of one thread: in which order, and by whom, is it done?
//!
//! A turn is a plain function call: some messages, until there are none. One task, the *runner*, makes these calls. Whom an actor
//! gives something to do in its turn comes next, in that order; so a tree grows and works depth first. All others wait for those, but
//! not for ever.
//!
//! Invariants:
//!
//! 1. Whoever waits is there once: it is handed in by whoever has taken its receiver out of the mailbox.
//! 2. Where somebody waits, there is a runner that will look, or nobody gets a turn any more. It says that it sleeps, or goes, under the
//!    lock under which it has looked.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Sleep;

use crate::sync::{Mutex, lock};

/// How many turns the runner gives before it lets other tasks run.
const TURNS: u32 = 32;
/// How often in a row those come first who have something to do from the turn before.
const FAVOURS: u32 = 16;

/// What can take its turn.
pub(crate) trait TakesTurns: Send + Sync {
    /// Where it waits for them.
    fn run_queue(&self) -> &Arc<RunQueue>;
    /// Does what is to be done, without waiting.
    fn take_turn(self: Arc<Self>);
    /// Does it in a task of its own instead.
    fn start_task(self: Arc<Self>);
}

/// Those who wait for their turn, in one system.
pub(crate) struct RunQueue {
    runtime: Handle,
    is_of_use: bool,
    /// How long the runner stays without anything to do.
    linger: Duration,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Who has something to do from outside, in order.
    ready: VecDeque<Arc<dyn TakesTurns>>,
    /// Who has something to do from turns, the next of them last.
    next: VecDeque<Arc<dyn TakesTurns>>,
    /// How many of those were there when the turn began that is being taken.
    before: Option<usize>,
    runner: Runner,
    /// Nobody gets a turn any more: everybody gets a task.
    closed: bool,
}

#[derive(Default)]
enum Runner {
    #[default]
    None,
    Awake,
    Asleep(Waker),
}

impl RunQueue {
    pub(crate) fn new(runtime: Handle, linger: Duration) -> Arc<RunQueue> {
        let is_of_use = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        Arc::new(RunQueue { runtime, is_of_use, linger, inner: Mutex::default() })
    }

    /// Whether there is but one thread: where there are several, a turn that takes long would keep others waiting who need not wait.
    pub(crate) fn is_of_use(&self) -> bool {
        self.is_of_use
    }

    /// Hands somebody in who has something to do.
    pub(crate) fn add(item: Arc<dyn TakesTurns>) {
        let queue = item.run_queue().clone();
        let runner = {
            let mut inner = lock(&queue.inner);
            if inner.closed {
                drop(inner);
                return item.start_task();
            }
            if inner.before.is_some() {
                inner.next.push_back(item)
            } else {
                inner.ready.push_back(item)
            }
            std::mem::replace(&mut inner.runner, Runner::Awake)
        };
        match runner {
            Runner::Awake => {}
            Runner::Asleep(waker) => waker.wake(),
            Runner::None => {
                let runtime = queue.runtime.clone();
                runtime.spawn(Running { queue, slept: None, turns: 0, gone: false });
            }
        }
    }

    /// Whether the runner is awake.
    pub(crate) fn is_awake(&self) -> bool {
        matches!(lock(&self.inner).runner, Runner::Awake)
    }

    /// There are no turns any more: whoever waits for one, or has something to do later, gets a task. The runner goes.
    pub(crate) fn close(&self) {
        let (ready, next, waker) = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            let waker = match std::mem::take(&mut inner.runner) {
                Runner::Asleep(waker) => {
                    inner.runner = Runner::Awake;
                    Some(waker)
                }
                awake_or_none => {
                    inner.runner = awake_or_none;
                    None
                }
            };
            (std::mem::take(&mut inner.ready), std::mem::take(&mut inner.next), waker)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        ready.into_iter().chain(next).for_each(TakesTurns::start_task);
    }

    /// Ends the turn that was taken, and finds who is to have the next.
    fn next(&self, favours: &mut u32) -> Option<Arc<dyn TakesTurns>> {
        let mut inner = lock(&self.inner);
        inner.end_turn();
        let favoured = if *favours < FAVOURS { inner.next.pop_back() } else { None };
        *favours = if favoured.is_some() { *favours + 1 } else { 0 };
        // Otherwise who has waited longest, lest others come before him for ever.
        let item = favoured.or_else(|| inner.ready.pop_front()).or_else(|| inner.next.pop_front())?;
        inner.before = Some(inner.next.len());
        Some(item)
    }
}

impl Inner {
    /// Whoever has something to do from it stands in the order of that, the first last.
    fn end_turn(&mut self) {
        if let Some(before) = self.before.take() {
            // Closing may have taken them all.
            let before = before.min(self.next.len());
            self.next.make_contiguous()[before..].reverse();
        }
    }
}

/// The runner: gives turns for as long as there are any, and goes when there have been none for a while.
struct Running {
    queue: Arc<RunQueue>,
    /// When it will have slept for long, and how many turns there had been when that was set.
    slept: Option<(Pin<Box<Sleep>>, u64)>,
    turns: u64,
    /// It has gone by itself.
    gone: bool,
}

impl Running {
    /// Whether there have been no turns for a while.
    fn has_slept_long(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            let (sleep, turns) = self.slept.get_or_insert_with(|| (Box::pin(tokio::time::sleep(self.queue.linger)), self.turns));
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            if *turns == self.turns {
                return true;
            }
            self.slept = None;
        }
    }

    /// Sleeps, or goes, unless somebody has been handed in.
    fn rest(&mut self, cx: &mut Context<'_>) -> Option<Poll<()>> {
        let goes = self.has_slept_long(cx);
        let mut inner = lock(&self.queue.inner);
        if !inner.ready.is_empty() {
            return None;
        }
        self.gone = goes || inner.closed;
        inner.runner = if self.gone { Runner::None } else { Runner::Asleep(cx.waker().clone()) };
        Some(if self.gone { Poll::Ready(()) } else { Poll::Pending })
    }
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut favours = 0;
        for _ in 0..TURNS {
            if let Some(item) = self.queue.next(&mut favours) {
                self.turns += 1;
                item.take_turn();
            } else if let Some(rest) = self.rest(cx) {
                return rest;
            }
        }
        lock(&self.queue.inner).end_turn();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Running {
    /// The runtime may drop the task: then nobody is left waiting.
    fn drop(&mut self) {
        if !self.gone {
            lock(&self.queue.inner).runner = Runner::None;
            self.queue.close();
        }
    }
}
