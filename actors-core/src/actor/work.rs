//! Work beside the messages: helper tasks and blocking jobs that count as the actor's own.
//!
//! The end of an actor waits for both. A helper is dropped once the children have stopped; a blocking job that has begun cannot be, so
//! it is handed the stop signal. A panic in either goes to whoever awaits the [`Job`]; if nobody does, the actor fails.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};

use tokio::sync::oneshot;

use super::context::Context;
use super::stop_signal::StopSignal;
use crate::address::Protocol;
use crate::lifecycle::cell::{AnyCell, Ties};
use crate::lifecycle::current::{Identity, Role};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::linger::linger;
use crate::lifecycle::panic::{guard, under_way};
use crate::lifecycle::request;
use crate::lifecycle::ties::{Helper, Unbegun};
use crate::sync::{Mutex, lock, note_wake};

impl<A: Protocol> Context<A> {
    /// Runs `work` on a task of its own, which ends with the actor: it is dropped after the children have stopped.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context};
    /// # #[derive(Actor)] struct Clock { ticks: u32 }
    /// #[messages]
    /// impl Clock {
    ///     #[started]
    ///     fn wind(&mut self, ctx: &mut Context<Self>) {
    ///         let me = ctx.actor_ref().clone();
    ///         ctx.spawn_task(async move { while me.tell(Tick).await.is_ok() { tokio::task::yield_now().await } });
    ///     }
    ///     #[message] fn tick(&mut self) { self.ticks += 1 }
    ///     #[message] fn ticks(&self) -> u32 { self.ticks }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("demo");
    /// let clock = system.start(Clock { ticks: 0 }).await.unwrap();
    /// while clock.ask(Ticks).await.unwrap() < 3 {}
    /// assert!(system.shutdown().await.is_clean());
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// The work goes on though the [`Job`] be dropped; its result is discarded, and a panic fails the actor.
    pub fn spawn_task<F>(&self, work: F) -> Job<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let cell = self.any();
        let (result, job) = oneshot::channel();
        let key = cell.core().with_ties(|ties| {
            let key = ties.next_key();
            ties.helpers.insert(key, Helper::New);
            key
        });
        let owner = Owner::of(&cell);
        let done = Done { owner: owner.clone(), helper: Some(key) };
        let mut identity = Identity::new(cell.clone(), Role::Helper);
        note_wake();
        let task = cell.env().runtime.spawn(async move {
            // The work goes before the books are closed: what is captured is dropped in this order if it is never polled, and
            // locals in the reverse order of their declaration.
            let fresh = work;
            let done = done;
            let mut work = pin!(Some(fresh));
            let outcome = poll_fn(|cx| {
                let poll = || work.as_mut().as_pin_mut().expect("polled until it is done").poll(cx);
                match identity.enter(|| guard(poll)) {
                    Ok(poll) => poll.map(Ok),
                    Err(reason) => Poll::Ready(Err(reason)),
                }
            })
            .await;
            let dropped = identity.enter(|| guard(|| work.set(None)));
            report(&done.owner, result, outcome.and_then(|value| dropped.map(|()| value)));
        });
        let abort = Helper::Task(task.abort_handle());
        cell.core().with_ties(|ties| {
            if let Some(helper) = ties.helpers.get_mut(&key) {
                *helper = abort.clone();
            }
        });
        Job { result: job, owner, abort }
    }

    /// Runs `work` on a thread that may block. The end of the actor waits for it; it should look at the signal. A kill drops it if no
    /// thread has come to it yet.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context, JobError};
    /// # #[derive(Actor)] struct Hasher;
    /// #[messages]
    /// impl Hasher {
    ///     #[message]
    ///     async fn sum(&mut self, upto: u64, ctx: &mut Context<Self>) -> Result<Option<u64>, JobError> {
    ///         ctx.spawn_blocking(move |stop| {
    ///             let mut sum = 0;
    ///             for n in 0..=upto {
    ///                 if n % 1024 == 0 && stop.is_stopping() { return None }
    ///                 sum += n;
    ///             }
    ///             Some(sum)
    ///         })
    ///         .await
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("demo");
    /// let hasher = system.spawn(Hasher);
    /// assert_eq!(hasher.ask(Sum { upto: 10_000 }).await.unwrap(), Some(50_005_000));
    /// # system.shutdown().await; }
    /// ```
    ///
    /// # Cancel safety
    /// As for [`spawn_task`](Self::spawn_task).
    pub fn spawn_blocking<F, T>(&self, work: F) -> Job<T>
    where
        F: FnOnce(StopSignal) -> T + Send + 'static,
        T: Send + 'static,
    {
        let cell = self.any();
        let (result, job) = oneshot::channel();
        let key = cell.core().with_ties(Ties::next_key);
        let owner = Owner::of(&cell);
        let done = Done { owner: owner.clone(), helper: Some(key) };
        let identity = Identity::new(cell.clone(), Role::Helper);
        let fresh = Arc::new(Fresh(Mutex::new(Some(Blocking { work, signal: self.stop_signal(), result, identity, done }))));
        let unbegun: Arc<dyn Unbegun> = fresh.clone();
        let abort = Helper::Unbegun(Arc::downgrade(&unbegun));
        cell.core().with_ties(|ties| ties.helpers.insert(key, abort.clone()));
        drop(unbegun);
        cell.env().runtime.spawn_blocking(move || {
            let begun = lock(&fresh.0).take();
            drop(fresh);
            if let Some(job) = begun {
                job.run();
            }
        });
        Job { result: job, owner, abort }
    }
}

/// Where a blocking job stands until a thread takes it out, or a kill of its actor does.
struct Fresh<F, T>(Mutex<Option<Blocking<F, T>>>);

struct Blocking<F, T> {
    work: F,
    signal: StopSignal,
    result: oneshot::Sender<Result<T, ExitReason>>,
    identity: Identity,
    done: Done,
}

impl<F: FnOnce(StopSignal) -> T, T> Blocking<F, T> {
    fn run(self) {
        let Blocking { work, signal, result, mut identity, mut done } = self;
        done.begin();
        let outcome = identity.enter(|| guard(|| work(signal)));
        report(&done.owner, result, outcome);
    }
}

impl<F: Send, T: Send> Unbegun for Fresh<F, T> {
    fn give_up(&self) {
        let Some(Blocking { work, result, mut identity, done, .. }) = lock(&self.0).take() else { return };
        if let Err(reason) = identity.enter(|| guard(|| drop(work))) {
            done.owner.fail(reason);
        }
        drop(result);
    }
}

/// Counts as a blocking job of `cell` until it is dropped: the actor's end waits for it.
pub(crate) fn occupy(cell: &Arc<dyn AnyCell>) -> Done {
    let core = cell.core();
    let incarnation = core.with_ties(|ties| {
        ties.blocking += 1;
        // Under the lock under which it changes: what is counted here is taken off the same books.
        core.incarnation()
    });
    Done { owner: Owner { cell: cell.clone(), incarnation }, helper: None }
}

/// Hands the outcome to whoever awaits it; a panic that nobody awaits fails the actor.
fn report<T>(owner: &Owner, result: oneshot::Sender<Result<T, ExitReason>>, outcome: Result<T, ExitReason>) {
    if let Err(Err(reason)) = result.send(outcome) {
        owner.fail(reason);
    }
}

/// Whose work it is: one incarnation of an actor. After a kill the work may outlive it.
#[derive(Clone)]
struct Owner {
    cell: Arc<dyn AnyCell>,
    incarnation: u64,
}

impl Owner {
    fn of(cell: &Arc<dyn AnyCell>) -> Self {
        Owner { cell: cell.clone(), incarnation: cell.core().incarnation() }
    }

    /// Fails the actor with a panic that nobody awaits.
    fn fail(&self, reason: ExitReason) {
        request::fail(&self.cell, self.incarnation, reason);
    }
}

/// Takes the work off the actor's books, however it ends.
pub(crate) struct Done {
    owner: Owner,
    helper: Option<u64>,
}

impl Done {
    /// A thread has come to the job: from now on it cannot be given up.
    fn begin(&mut self) {
        let Some(key) = self.helper.take() else { return };
        self.owner.cell.core().with_ties(|ties| {
            // If not, it was forgotten with its incarnation.
            if ties.helpers.remove(&key).is_some() {
                ties.blocking += 1;
            }
        });
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        // What was cut short panicked in a destructor. What runs to its end is guarded.
        if let Some(reason) = under_way() {
            self.owner.fail(reason);
        }
        let Owner { cell, incarnation } = &self.owner;
        let handle = cell.core().with_ties(|ties| match self.helper {
            Some(key) => ties.helpers.remove(&key),
            // It was forgotten with its incarnation.
            None if cell.core().incarnation() != *incarnation => None,
            None => {
                ties.blocking = ties.blocking.saturating_sub(1);
                None
            }
        });
        drop(handle);
        if !cell.core().is_stopping() {
            // Asleep, it did not note that it has nothing to do, and nobody wakes it for this.
            if cell.sleeps_after().is_some() {
                linger(cell);
            }
        } else if !cell.has_ended() {
            cell.clone().call();
        }
    }
}

/// Work that belongs to an actor, to be awaited or not. Dropping this does not end the work; [`abort`](Self::abort) does.
pub struct Job<T> {
    result: oneshot::Receiver<Result<T, ExitReason>>,
    owner: Owner,
    abort: Helper,
}

impl<T> Job<T> {
    /// Ends the work without waiting for it: a task is dropped where it awaits, and a blocking job is not begun; one that has begun goes
    /// on. Harmless if it is done. Whoever awaits the job gets [`JobError::Dropped`], unless there is a result already.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context, Job};
    /// # async fn find(_what: String) {}
    /// # #[derive(Actor)] struct Finder { search: Option<Job<()>> }
    /// #[messages]
    /// impl Finder {
    ///     /// A newer search takes the place of the older.
    ///     #[message]
    ///     fn search(&mut self, what: String, ctx: &mut Context<Self>) {
    ///         if let Some(older) = self.search.replace(ctx.spawn_task(find(what))) {
    ///             older.abort();
    ///         }
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("demo");
    /// # let finder = system.spawn(Finder { search: None });
    /// # for what in ["a", "ab"] { finder.ask(Search { what: what.into() }).await.unwrap(); }
    /// # system.shutdown().await; }
    /// ```
    pub fn abort(&self) {
        self.abort.give_up();
    }
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobError {
    /// The work panicked.
    Panicked(ExitReason),
    /// The work was dropped: the actor ended first, or the job was [aborted](Job::abort).
    Dropped,
}

impl<T> Future for Job<T> {
    type Output = Result<T, JobError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.result).poll(cx).map(|result| match result {
            Ok(outcome) => outcome.map_err(JobError::Panicked),
            Err(_) => Err(JobError::Dropped),
        })
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        // A panic that came before, and that nobody has looked at, is not lost.
        self.result.close();
        if let Ok(Err(reason)) = self.result.try_recv() {
            self.owner.fail(reason);
        }
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.owner.cell.path())
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::Panicked(reason) => write!(f, "the work {reason}"),
            JobError::Dropped => f.write_str("the work was dropped before it was done"),
        }
    }
}

impl std::error::Error for JobError {}
