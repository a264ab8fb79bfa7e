//! Those who have something to do and no task: who takes their turns, and on which thread?
//!
//! A turn is a plain function call: some messages, until there are none. A few tasks, the *runners*, make these calls, at most as
//! many as the runtime has threads. Whom an actor gives something to do in its turn comes next on the same thread; all others
//! stand in one queue.
//!
//! Invariants:
//!
//! 1. Whoever is in the queue is there once: it is handed in by whoever has taken its receiver out of the mailbox.
//! 2. Where somebody waits in the queue, a runner is about to look at it, or all are busy. A runner says that it sleeps under the
//!    lock under which it has looked.
//! 3. Who comes next on a thread waits for the turn before it only: where that takes long, others take it over.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::AbortHandle;

use crate::sync::lock;

/// How many turns a runner takes before it lets other tasks run.
const TURNS: u32 = 32;
/// How often in a row a runner prefers who comes next to those in the queue.
const FAVOURS: u32 = 16;
/// After so long in one turn a runner is held up.
const TICK: Duration = Duration::from_millis(10);

/// What can take its turn.
pub(crate) trait TakesTurns: Send + Sync {
    /// Where it waits for them.
    fn run_queue(&self) -> &Arc<RunQueue>;
    /// Does what is to be done, without waiting.
    fn take_turn(self: Arc<Self>);
    /// Does it in a task of its own instead.
    fn start_task(self: Arc<Self>);
}

/// Those who wait for their turn, and the runners of one system.
pub(crate) struct RunQueue {
    this: Weak<RunQueue>,
    runtime: Handle,
    linger: Duration,
    /// How many runners there are to be.
    threads: usize,
    /// There is but one thread, whatever happens: nobody can take over from it.
    alone: bool,
    inner: Mutex<Inner>,
    /// Somebody looks whether runners are held up.
    is_watched: AtomicBool,
}

#[derive(Default)]
struct Inner {
    ready: VecDeque<Arc<dyn TakesTurns>>,
    runners: Vec<Arc<Runner>>,
    /// Those that sleep.
    asleep: Vec<(Arc<Runner>, Waker)>,
    /// How many have been started or woken, and have not looked yet.
    looking: usize,
    /// How many more there may be than threads, since some were held up.
    extra: usize,
    /// Who looks whether runners are held up.
    watcher: Option<AbortHandle>,
    /// There are no runners any more: everybody gets a task.
    closed: bool,
}

/// What others can see of one runner.
#[derive(Default)]
struct Runner {
    /// Those who come next on its thread, the first of them last. More than one only where there is but one thread.
    next: Mutex<VecDeque<Arc<dyn TakesTurns>>>,
    /// It has been started or woken, and has not looked yet. Changes under the lock of the queue.
    is_called: AtomicBool,
    /// It has had nothing to do for a while, and goes if it still has not. Changes under the lock of the queue.
    is_dismissed: AtomicBool,
    /// How many turns it has begun.
    turns: AtomicU64,
}

thread_local! {
    /// The runner that is polled on this thread.
    static HERE: RefCell<Option<(Arc<RunQueue>, Arc<Runner>)>> = const { RefCell::new(None) };
}

/// What is to be done for somebody to look at the queue, once no lock is held.
enum Call {
    Nothing,
    Wake(Waker),
    Start(Arc<Runner>),
}

impl RunQueue {
    /// Runners without anything to do go after `linger`.
    pub(crate) fn new(runtime: Handle, linger: Duration) -> Arc<RunQueue> {
        let alone = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let threads = if alone { 1 } else { runtime.metrics().num_workers() };
        Arc::new_cyclic(|this| RunQueue {
            this: this.clone(),
            runtime,
            linger,
            threads,
            alone,
            inner: Mutex::default(),
            is_watched: AtomicBool::new(false),
        })
    }

    /// Hands somebody in who has something to do.
    pub(crate) fn add(item: Arc<dyn TakesTurns>) {
        let Some(item) = add_here(item) else { return };
        let queue = item.run_queue().clone();
        let call = {
            let mut inner = lock(&queue.inner);
            if inner.closed {
                drop(inner);
                return item.start_task();
            }
            inner.ready.push_back(item);
            inner.call(queue.threads)
        };
        queue.make(call);
        queue.watch();
    }

    /// Whether there is but one thread, so that a turn that takes long keeps nobody from another.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// How many runners are awake.
    pub(crate) fn awake(&self) -> usize {
        let inner = lock(&self.inner);
        inner.runners.len().saturating_sub(inner.asleep.len())
    }

    /// There are no turns any more: whoever waits for one, or has something to do later, gets a task. The runners go.
    pub(crate) fn close(&self) {
        let (left, asleep, watcher) = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            (std::mem::take(&mut inner.ready), std::mem::take(&mut inner.asleep), inner.watcher.take())
        };
        for (_, waker) in asleep {
            waker.wake();
        }
        if let Some(watcher) = watcher {
            watcher.abort();
        }
        left.into_iter().for_each(TakesTurns::start_task);
    }

    fn make(&self, call: Call) {
        match call {
            Call::Nothing => {}
            Call::Wake(waker) => waker.wake(),
            Call::Start(runner) => {
                if let Some(queue) = self.this.upgrade() {
                    self.runtime.spawn(Running { me: Some((queue, runner)) });
                }
            }
        }
    }

    /// Has somebody look whether runners are held up, or have nothing to do any more.
    #[inline]
    fn watch(&self) {
        if !self.is_watched.load(Ordering::Relaxed) {
            self.begin_watch();
        }
    }

    #[cold]
    fn begin_watch(&self) {
        if !self.is_watched.swap(true, Ordering::AcqRel) {
            let watcher = self.runtime.spawn(watch(self.this.clone())).abort_handle();
            let old = {
                let mut inner = lock(&self.inner);
                if inner.closed { Some(watcher) } else { inner.watcher.replace(watcher) }
            };
            if let Some(old) = old {
                old.abort();
            }
        }
    }

    /// Takes who is to have his turn. If there is nobody, the runner sleeps from now on.
    fn take(&self, me: &Arc<Runner>, favours: &mut u32, cx: &Context<'_>) -> Option<Arc<dyn TakesTurns>> {
        if *favours < FAVOURS {
            if let Some(next) = lock(&me.next).pop_back() {
                *favours += 1;
                return Some(next);
            }
        }
        *favours = 0;
        let (item, call) = {
            let mut inner = lock(&self.inner);
            inner.note_looks(me);
            let item = inner.ready.pop_front();
            let call = if inner.ready.is_empty() { Call::Nothing } else { inner.call(self.threads) };
            // Who has waited longest, lest others come before him for ever.
            let item = item.or_else(|| lock(&me.next).pop_front());
            let stays = item.is_none() && !inner.closed;
            if stays && me.is_dismissed.load(Ordering::Relaxed) {
                inner.runners.retain(|other| !Arc::ptr_eq(other, me));
            } else if stays {
                inner.sleeps(me, cx.waker().clone());
            }
            (item, call)
        };
        self.make(call);
        item
    }

    /// Has one take its turn. Those who have something to do from it come next, in that order.
    fn give_turn(&self, me: &Runner, item: Arc<dyn TakesTurns>) {
        let before = if self.alone { lock(&me.next).len() } else { 0 };
        me.turns.fetch_add(1, Ordering::Relaxed);
        item.take_turn();
        if self.alone {
            let mut next = lock(&me.next);
            if next.len() > before + 1 {
                next.make_contiguous()[before..].reverse();
            }
        }
    }

    /// Has all runners go, if all sleep; says whether they do. Nobody watches any more then.
    fn dismiss(&self) -> bool {
        let asleep = {
            let mut inner = lock(&self.inner);
            if inner.asleep.len() < inner.runners.len() || !inner.ready.is_empty() {
                return false;
            }
            inner.extra = 0;
            for runner in &inner.runners {
                runner.is_dismissed.store(true, Ordering::Relaxed);
            }
            // Under the lock: whoever adds somebody after this begins to watch anew.
            self.is_watched.store(false, Ordering::Release);
            std::mem::take(&mut inner.asleep)
        };
        for (_, waker) in asleep {
            waker.wake();
        }
        true
    }

    /// Puts who comes next on a thread into the queue, for anybody to take.
    fn share(&self, runner: &Runner) {
        let next = std::mem::take(&mut *lock(&runner.next));
        if next.is_empty() {
            return;
        }
        let left = {
            let mut inner = lock(&self.inner);
            if inner.closed {
                next
            } else {
                inner.ready.extend(next);
                VecDeque::new()
            }
        };
        left.into_iter().for_each(TakesTurns::start_task);
    }
}

impl Inner {
    /// Has somebody look at the queue, unless somebody is about to.
    fn call(&mut self, threads: usize) -> Call {
        if self.looking > 0 {
            return Call::Nothing;
        }
        if let Some((runner, waker)) = self.asleep.pop() {
            self.note_called(&runner);
            return Call::Wake(waker);
        }
        if self.runners.len() < threads + self.extra {
            let runner = Arc::new(Runner::default());
            self.runners.push(runner.clone());
            self.note_called(&runner);
            return Call::Start(runner);
        }
        Call::Nothing
    }

    fn note_called(&mut self, runner: &Runner) {
        if !runner.is_called.swap(true, Ordering::Relaxed) {
            self.looking += 1;
        }
    }

    /// Notes that a runner looks at the queue.
    fn note_looks(&mut self, runner: &Runner) {
        if runner.is_called.swap(false, Ordering::Relaxed) {
            self.looking -= 1;
        }
    }

    /// A runner is no more.
    fn forget(&mut self, runner: &Arc<Runner>) -> Option<Waker> {
        self.note_looks(runner);
        self.runners.retain(|other| !Arc::ptr_eq(other, runner));
        let place = self.asleep.iter().position(|(asleep, _)| Arc::ptr_eq(asleep, runner))?;
        Some(self.asleep.swap_remove(place).1)
    }

    fn sleeps(&mut self, runner: &Arc<Runner>, waker: Waker) {
        match self.asleep.iter_mut().find(|(asleep, _)| Arc::ptr_eq(asleep, runner)) {
            Some((_, known)) => *known = waker,
            None => self.asleep.push((runner.clone(), waker)),
        }
    }
}

/// If a runner is polled on this thread, makes `item` the next there. Returns who is to stand in the queue instead.
fn add_here(item: Arc<dyn TakesTurns>) -> Option<Arc<dyn TakesTurns>> {
    let mut item = Some(item);
    // A thread that is ending runs nobody.
    let _ = HERE.try_with(|here| {
        let here = here.borrow();
        let is_here = |queue: &Arc<RunQueue>| item.as_ref().is_some_and(|item| Arc::ptr_eq(item.run_queue(), queue));
        if let Some((queue, runner)) = here.as_ref().filter(|(queue, _)| is_here(queue)) {
            let mut next = lock(&runner.next);
            next.extend(item.take());
            if !queue.alone && next.len() > 1 {
                item = next.pop_front();
            }
            drop(next);
            queue.watch();
        }
    });
    item
}

/// A runner: takes turns for as long as there are any, and sleeps meanwhile.
struct Running {
    /// The queue and itself; elsewhere while it is polled.
    me: Option<(Arc<RunQueue>, Arc<Runner>)>,
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some((queue, me)) = self.me.clone() else { return Poll::Ready(()) };
        let _here = Here::begin(&mut self.me);
        let mut favours = 0;
        for _ in 0..TURNS {
            let Some(item) = queue.take(&me, &mut favours, cx) else {
                let goes = me.is_dismissed.load(Ordering::Relaxed) || lock(&queue.inner).closed;
                return if goes { Poll::Ready(()) } else { Poll::Pending };
            };
            queue.give_turn(&me, item);
        }
        if !queue.alone {
            queue.share(&me);
        }
        lock(&queue.inner).note_called(&me);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Running {
    /// The runtime may drop the task: then nobody is left waiting.
    fn drop(&mut self) {
        let Some((queue, me)) = self.me.take() else { return };
        if me.is_dismissed.load(Ordering::Relaxed) && !lock(&queue.inner).runners.iter().any(|other| Arc::ptr_eq(other, &me)) {
            return;
        }
        queue.close();
        let forgotten = lock(&queue.inner).forget(&me);
        drop(forgotten);
        let next = std::mem::take(&mut *lock(&me.next));
        next.into_iter().for_each(TakesTurns::start_task);
    }
}

/// A runner is polled on this thread.
struct Here<'a>(&'a mut Option<(Arc<RunQueue>, Arc<Runner>)>);

impl<'a> Here<'a> {
    fn begin(me: &'a mut Option<(Arc<RunQueue>, Arc<Runner>)>) -> Self {
        HERE.set(me.take());
        Here(me)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        *self.0 = HERE.take();
    }
}

/// Looks at each tick whether a runner is still in the turn in which it was at the last, and has others take over who waits for
/// it. When nothing has happened for a while, has the runners go, and goes too.
async fn watch(queue: Weak<RunQueue>) {
    let mut seen: Vec<u64> = Vec::new();
    let mut quiet = Duration::ZERO;
    loop {
        let Some(tick) = queue.upgrade().map(|queue| if queue.alone { queue.linger } else { TICK.min(queue.linger) }) else { return };
        tokio::time::sleep(tick).await;
        let Some(queue) = queue.upgrade() else { return };
        let runners = lock(&queue.inner).runners.clone();
        let turns: Vec<u64> = runners.iter().map(|runner| runner.turns.load(Ordering::Relaxed)).collect();
        let waiting = || runners.iter().any(|runner| !lock(&runner.next).is_empty()) || !lock(&queue.inner).ready.is_empty();
        quiet = if turns == seen && !waiting() { quiet + tick } else { Duration::ZERO };
        if quiet >= queue.linger && queue.dismiss() {
            return;
        }
        for (place, runner) in runners.iter().enumerate().filter(|_| !queue.alone) {
            if seen.get(place) == turns.get(place) {
                queue.share(runner);
            }
        }
        let call = {
            let mut inner = lock(&queue.inner);
            if inner.ready.is_empty() {
                Call::Nothing
            } else {
                // All may be held up. One more is of use only where there is a thread for it; then it looks before the next tick.
                if !queue.alone && turns == seen && inner.looking == 0 && inner.asleep.is_empty() {
                    inner.extra = inner.extra.max(inner.runners.len() + 1 - queue.threads);
                }
                inner.call(queue.threads)
            }
        };
        queue.make(call);
        seen = turns;
    }
}
