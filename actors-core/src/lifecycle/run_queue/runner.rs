//! A runner: when does it give turns, when does it sleep, and when does it go?

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::Sleep;

use super::{Found, LANE, Lane, RunQueue, State, thread_of_task};
use crate::sync::{Counting, lock, take_woken};

/// How many turns a runner gives before it lets other tasks run.
const TURNS: u32 = 32;
/// After how many of them it looks at the clock, where there are several threads, and for how long it gives turns.
const LOOKS: u32 = 4;
const LONG: Duration = Duration::from_micros(100);
/// How many runners sleep at most; others go when there is nothing to do.
pub(super) const SLEEPERS: usize = 4;

/// Gives turns for as long as there are any, and goes if it sleeps when its time is up.
pub(super) struct Runner {
    queue: Arc<RunQueue>,
    pub(super) number: u64,
    /// Where those stand to whom its turns give something to do, while it is at work.
    lane: Option<usize>,
    /// Whom it has let go first, the last time. As long as that one has not begun, it does not do so again: two might let each other go
    /// first for ever.
    successor: Option<u64>,
    /// It has gone by itself.
    pub(super) gone: bool,
    /// Until when it stays.
    time: Option<Pin<Box<Sleep>>>,
}

impl Runner {
    pub(super) fn new(queue: Arc<RunQueue>, number: u64) -> Runner {
        Runner { queue, number, lane: None, successor: None, gone: false, time: None }
    }

    /// Begins to work, if it was called.
    pub(super) fn begin(&mut self) -> Option<usize> {
        let mut inner = lock(&self.queue.inner);
        let known = inner.find(self.number).filter(|known| !known.is_asleep())?;
        known.state = State::AtWork;
        let lane = inner.free.pop().unwrap_or(inner.lanes.len());
        if lane == inner.lanes.len() {
            inner.lanes.push(Lane::default());
        }
        self.lane = Some(lane);
        self.lane
    }

    /// Gives turns, until there are no more or others are to run.
    fn give_turns(&mut self, lane: usize) {
        let _own = OwnLane::enter(&self.queue, lane);
        let thread = if self.queue.several { thread_of_task() } else { None };
        let (mut favours, began) = (0, std::time::Instant::now());
        let _counting = Counting::begin();
        for turn in 1..=TURNS {
            match self.queue.next(self.number, lane, &mut favours, thread, &mut self.successor) {
                Found::Item(item) => {
                    item.take_turn();
                    if self.queue.several && (take_woken().has_tasks() || (turn % LOOKS == 0 && began.elapsed() > LONG)) {
                        return;
                    }
                }
                Found::Nobody => return,
                Found::Another(call) => return self.queue.make(call),
            }
        }
    }

    /// Works no more for now: it comes again at once if it has let another go first, or if there is more to do and nobody else comes,
    /// and sleeps or goes otherwise.
    pub(super) fn end(&mut self, lane: usize, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = lock(&self.queue.inner);
        inner.lanes[lane].end_turn();
        inner.free.push(lane);
        self.lane = None;
        if inner.waiting > 0 && !inner.is_free_coming() {
            inner.known(self.number).state = State::Free;
        }
        if matches!(inner.known(self.number).state, State::Free) {
            drop(inner);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if inner.closed || inner.asleep() >= SLEEPERS {
            inner.forget(self.number);
            self.gone = true;
            return Poll::Ready(());
        }
        if self.has_time() {
            inner.known(self.number).state = State::Asleep(cx.waker().clone());
            return Poll::Pending;
        }
        // Its time is set when it is polled the next time: the runtime may have gone by now.
        inner.known(self.number).state = State::Drowsy;
        drop(inner);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sets its time and sleeps, or goes if its time is up.
    pub(super) fn sleep(&mut self, cx: &Context<'_>) -> Poll<()> {
        let is_known = lock(&self.queue.inner).find(self.number).is_some();
        if is_known {
            self.set_time();
        }
        let mut inner = lock(&self.queue.inner);
        let known = inner.find(self.number);
        if known.as_ref().is_some_and(|known| !known.is_asleep()) {
            // It was called meanwhile.
            drop(inner);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(known) = known.filter(|_| self.has_time()) {
            known.state = State::Asleep(cx.waker().clone());
            return Poll::Pending;
        }
        inner.forget(self.number);
        self.gone = true;
        Poll::Ready(())
    }

    /// Has itself sent away after a while.
    fn set_time(&mut self) {
        let alarm = Waker::from(Arc::new(Alarm { queue: self.queue.clone(), number: self.number }));
        let time = self.time.insert(Box::pin(tokio::time::sleep(self.queue.linger)));
        // If it is up already, nobody needs to be told.
        let _ = time.as_mut().poll(&mut Context::from_waker(&alarm));
    }

    /// Whether it will be sent away when its time is up.
    pub(super) fn has_time(&self) -> bool {
        self.time.as_ref().is_some_and(|time| !time.is_elapsed())
    }
}

impl Future for Runner {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(lane) = self.begin() else { return self.sleep(cx) };
        self.give_turns(lane);
        self.end(lane, cx)
    }
}

impl Drop for Runner {
    /// The runtime may drop the task: then nobody is left waiting.
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        {
            let mut inner = lock(&self.queue.inner);
            inner.forget(self.number);
            inner.free.extend(self.lane);
        }
        self.queue.close();
    }
}

/// Sends a runner away when its time is up, unless it is at work or was called.
struct Alarm {
    queue: Arc<RunQueue>,
    number: u64,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let retired = lock(&self.queue.inner).retire(self.number);
        if let Some(waker) = retired {
            waker.wake();
        }
    }
}

/// While it lives, what turns on this thread give others to do stands in one lane.
struct OwnLane {
    outer: Option<(*const RunQueue, usize)>,
}

impl OwnLane {
    fn enter(queue: &Arc<RunQueue>, lane: usize) -> OwnLane {
        OwnLane { outer: LANE.replace(Some((Arc::as_ptr(queue), lane))) }
    }
}

impl Drop for OwnLane {
    fn drop(&mut self) {
        LANE.set(self.outer);
    }
}
