//! What models are made of: how one is explored, threads that poll, wakers, and notes that are no steps.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar};
use std::task::{Context, Poll, Wake, Waker};
use std::unseen;

use loom::model::Builder;

use crate::mailbox::{Batch, Flags, Mailbox};
use crate::sync::{Mutex, lock};

/// How often one thread takes over from another that could go on, unless `LOOM_MAX_PREEMPTIONS` says otherwise.
const PREEMPTIONS: usize = 2;

/// Explores `model` in all orders of its steps; returns how many those were.
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) -> u64 {
    check(Builder::new(), model)
}

/// As [`explore`], but only of the steps between `loom::explore()` and `loom::stop_exploring()`.
pub(crate) fn explore_between(model: impl Fn() + Send + Sync + 'static) -> u64 {
    let mut builder = Builder::new();
    builder.expect_explicit_explore = true;
    check(builder, model)
}

fn check(mut builder: Builder, model: impl Fn() + Send + Sync + 'static) -> u64 {
    let count = Arc::new(unseen::AtomicU64::new(0));
    let counted = count.clone();
    builder.preemption_bound = builder.preemption_bound.or(Some(PREEMPTIONS));
    builder.max_branches = 10_000;
    builder.check(move || {
        counted.fetch_add(1, unseen::Ordering::Relaxed);
        model();
    });
    count.load(unseen::Ordering::Relaxed)
}

/// Wakes a thread that waits for it.
pub(crate) struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    pub(crate) fn new() -> Arc<Bell> {
        Arc::new(Bell { rung: Mutex::new(false), heard: Condvar::new() })
    }

    /// Waits until it is rung.
    pub(crate) fn wait(&self) {
        let mut rung = lock(&self.rung);
        while !*rung {
            rung = self.heard.wait(rung).expect("nothing panics here");
        }
        *rung = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *lock(&self.rung) = true;
        self.heard.notify_one();
    }
}

/// Polls until `work` is ready; in between it sleeps, and a wake-up that is lost is a deadlock.
pub(crate) fn block_on<F: Future>(work: F) -> F::Output {
    block_on_with(&Bell::new(), work)
}

/// As [`block_on`], where one piece of work after the other is woken by the same bell, as in a task.
pub(crate) fn block_on_with<F: Future>(bell: &Arc<Bell>, work: F) -> F::Output {
    let waker = Waker::from(bell.clone());
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => bell.wait(),
        }
    }
}

/// What is urgent, as a model says it by hand.
pub(crate) struct When<F>(pub(crate) F);

impl<F: Fn() -> bool> Flags for When<F> {
    fn is_any_up(&self) -> bool {
        (self.0)()
    }

    fn raise(&self) {}

    fn lower(&self) {}
}

/// `Cell::suspend`, of one that stays awake for messages.
pub(crate) fn suspend(mailbox: &Mailbox<u32>, batch: &mut Batch<u32>, cx: &mut Context<'_>, urgent: &impl Flags) -> bool {
    batch.stays_awake();
    let may_sleep = mailbox.suspend(batch.admitted(), cx, urgent);
    batch.admitted().wake();
    may_sleep
}

/// All that is left in a mailbox.
pub(crate) fn rest(mailbox: &Mailbox<u32>, batch: &mut Batch<u32>) -> Vec<u32> {
    std::iter::from_fn(|| mailbox.next_left(batch)).collect()
}

/// All that is in the queue of a mailbox.
pub(crate) fn queued(mailbox: &Mailbox<u32>) -> Vec<u32> {
    std::iter::from_fn(|| mailbox.next_queued()).collect()
}

/// What a model writes down, to judge it in the end.
#[derive(Default)]
pub(crate) struct Notes<T>(unseen::Mutex<Vec<T>>);

impl<T: Clone> Notes<T> {
    pub(crate) fn add(&self, note: T) {
        self.0.lock().expect("nothing panics here").push(note);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().expect("nothing panics here").clone()
    }
}

/// Looks into the mailbox as a receiver does, and takes the next message, if there is one.
pub(crate) fn poll_take(mailbox: &Mailbox<u32>, batch: &mut Batch<u32>, cx: &mut Context<'_>) -> Option<u32> {
    let mut alone = None;
    match poll_alone(mailbox, batch, cx, &When(|| false), &mut alone) {
        Poll::Ready(()) => alone.or_else(|| mailbox.take(batch)),
        Poll::Pending => None,
    }
}

/// Looks into the mailbox as a task does that may have been woken for one message alone.
pub(crate) fn poll_alone(
    mailbox: &Mailbox<u32>,
    batch: &mut Batch<u32>,
    cx: &mut Context<'_>,
    urgent: &impl Flags,
    alone: &mut Option<u32>,
) -> Poll<()> {
    if batch.falls_asleep() {
        return Poll::Pending;
    }
    mailbox.take_alone(batch, cx, urgent, alone);
    if alone.is_some() || !batch.is_empty() { Poll::Ready(()) } else { mailbox.poll_refill(batch, cx, urgent).map(|_| ()) }
}
