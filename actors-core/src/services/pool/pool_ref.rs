//! The reference to a pool: sends each message to one of its workers.

use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::crew::{By, Crew, Last};
use super::routing::hash_of;
use super::worker_pool::{Resize, WorkerPool};
use crate::actor::Actor;
use crate::address::{Accepts, ActorRef, AskError, Refusal, TellError};
use crate::lifecycle::current::current_caller;
use crate::runtime::StartError;
use crate::time::after;

/// A reference to the workers of a [`WorkerPool`], made by [`ActorRef::workers`].
///
/// Each message goes to the mailbox of one worker, which is picked where the message is sent. A worker that is being
/// restarted keeps its mailbox, and is sent to as before; one that has ended for good is passed over. While the pool starts,
/// or is itself restarted, [`tell`](Self::tell) and [`ask`](Self::ask) wait for its workers. If each worker has declined to
/// come back, they are refused ([`Refusal::NoWorkers`](crate::Refusal::NoWorkers)) until the pool is [resized](Self::resize).
///
/// Like any reference, it stays valid for ever and keeps nothing alive. Clones are cheap.
pub struct PoolRef<W: Actor> {
    pool: ActorRef<WorkerPool<W>>,
    crew: Arc<Crew<W>>,
}

impl<W: Actor> ActorRef<WorkerPool<W>> {
    /// Returns the reference by which the workers of this pool are reached.
    pub fn workers(&self) -> PoolRef<W> {
        PoolRef { pool: self.clone(), crew: Crew::of(self) }
    }
}

impl<W: Actor> PoolRef<W> {
    // ===== sending =====

    /// Sends a message to the worker that the pool's [`Routing`](crate::Routing) picks, and goes on. Waits while the mailbox of
    /// that worker is full.
    ///
    /// # Errors
    /// The message comes back if the pool is stopping or has stopped, if all its workers have ended for good, or if the worker's mailbox is
    /// full and rejects.
    ///
    /// # Cancel safety
    /// A dropped future has sent nothing.
    pub async fn tell<M>(&self, message: M) -> Result<(), TellError<M>>
    where
        W: Accepts<M>,
    {
        self.deliver(By::Policy, message).await
    }

    /// Sends a message to the worker that has `key`, and goes on: equal keys go to the same worker, in the order in which one
    /// sender sends them. A resize moves no more keys than it must.
    ///
    /// # Errors
    /// As for [`tell`](Self::tell).
    ///
    /// # Cancel safety
    /// As for [`tell`](Self::tell).
    pub fn tell_to<K, M>(&self, key: &K, message: M) -> impl Future<Output = Result<(), TellError<M>>> + use<'_, W, K, M>
    where
        K: Hash + ?Sized,
        W: Accepts<M>,
    {
        // Hashed at once, so that the future does not hold the key.
        self.deliver(By::Key(hash_of(key)), message)
    }

    /// Sends a message now or not at all. If the mailbox of the picked worker is full, the others are tried.
    ///
    /// # Errors
    /// The message comes back if all mailboxes are full, or no worker is running.
    pub fn try_tell<M>(&self, message: M) -> Result<(), TellError<M>>
    where
        W: Accepts<M>,
    {
        let Some(picked) = self.pick() else {
            let reason = if self.pool.is_alive() { Refusal::NoWorkers } else { Refusal::Stopped };
            return Err(self.refused(reason, message));
        };
        let mut refused = match picked.try_tell(message) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        for other in self.all().into_iter().filter(|other| *other != picked) {
            match other.try_tell(refused.into_message()) {
                Ok(()) => return Ok(()),
                Err(refusal) => refused = refusal,
            }
        }
        Err(refused)
    }

    /// Sends a clone of the message to every worker; returns what has become of each, in the order of the workers.
    ///
    /// A worker whose mailbox is full is waited for only after all others have got theirs.
    ///
    /// # Cancel safety
    /// A dropped future may have reached some of the workers: those that had room, and those for whose room it had waited.
    pub async fn broadcast<M>(&self, message: M) -> Vec<Result<(), TellError<M>>>
    where
        W: Accepts<M>,
        M: Clone,
    {
        let workers = if self.worker(By::Policy).await.is_ok() { self.all() } else { Vec::new() };
        let mut outcomes: Vec<_> = workers.iter().map(|worker| worker.try_tell(message.clone())).collect();
        for (worker, outcome) in workers.iter().zip(&mut outcomes) {
            if outcome.as_ref().is_err_and(TellError::is_full) {
                *outcome = worker.tell(message.clone()).await;
            }
        }
        outcomes
    }

    // ===== asking =====

    /// Sends a message to the worker that the pool's [`Routing`](crate::Routing) picks, and awaits the reply.
    ///
    /// A request that its worker had not begun when it ended for good goes on to another. One whose handler panicked does
    /// not: that is for the asker to decide, who gets [`AskError::Crashed`].
    ///
    /// # Errors
    /// See [`AskError`]: each way in which there can be no answer is told apart.
    ///
    /// # Cancel safety
    /// As for [`Ask`](crate::Ask).
    pub async fn ask<M>(&self, message: M) -> Result<W::Reply, AskError<M, W::Error>>
    where
        W: Accepts<M>,
        M: Send + 'static,
    {
        self.request(By::Policy, message, None).await
    }

    /// Asks as [`ask`](Self::ask) does, and waits at most this long.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    ///
    /// # Cancel safety
    /// As for [`Ask`](crate::Ask).
    pub async fn ask_within<M>(&self, limit: Duration, message: M) -> Result<W::Reply, AskError<M, W::Error>>
    where
        W: Accepts<M>,
        M: Send + 'static,
    {
        let deadline = after(self.now(), limit);
        self.request(By::Policy, message, Some(deadline)).await
    }

    /// Asks the worker that has `key`; see [`tell_to`](Self::tell_to).
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    ///
    /// # Cancel safety
    /// As for [`Ask`](crate::Ask).
    pub fn ask_to<K, M>(&self, key: &K, message: M) -> impl Future<Output = Result<W::Reply, AskError<M, W::Error>>> + use<'_, W, K, M>
    where
        K: Hash + ?Sized,
        W: Accepts<M>,
        M: Send + 'static,
    {
        self.request(By::Key(hash_of(key)), message, None)
    }

    /// Asks as [`ask`](Self::ask) does, and asks again, up to so many times, when a worker has panicked over the message. It
    /// may then have done part of the work, or all of it: that is for messages which may be handled more than once.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask); [`AskError::Crashed`] if the last attempt ended so, too.
    ///
    /// # Cancel safety
    /// As for [`Ask`](crate::Ask); it is not tried again.
    pub async fn ask_with_retries<M>(&self, retries: u32, message: M) -> Result<W::Reply, AskError<M, W::Error>>
    where
        W: Accepts<M>,
        M: Clone + Send + 'static,
    {
        for _ in 0..retries {
            match self.ask(message.clone()).await {
                Err(AskError::Crashed { .. }) => {}
                outcome => return outcome,
            }
        }
        self.ask(message).await
    }

    // ===== the workers =====

    /// Picks a worker as [`tell`](Self::tell) does, for whatever else can be done with an [`ActorRef`]. There is none while
    /// the pool starts, and after it was asked to end.
    pub fn pick(&self) -> Option<ActorRef<W>> {
        self.pick_by(By::Policy)
    }

    /// Picks the worker that has `key`; see [`tell_to`](Self::tell_to).
    pub fn pick_for(&self, key: &(impl Hash + ?Sized)) -> Option<ActorRef<W>> {
        self.pick_by(By::Key(hash_of(key)))
    }

    /// Returns the workers that have not ended for good, in order.
    pub fn all(&self) -> Vec<ActorRef<W>> {
        self.crew.workers()
    }

    /// Returns the pool, which can be stopped, watched, and linked to like any actor.
    pub fn pool(&self) -> &ActorRef<WorkerPool<W>> {
        &self.pool
    }

    /// Sets how many workers there are; zero counts as one. Returns when those that are added have started. Those that are too
    /// many, the last ones, get nothing more, finish what waits for them, and end. A worker that awaits this in a handler may
    /// be one that is waited for, and does not know: it had better have it done in a task.
    ///
    /// # Errors
    /// [`StartError`] if a new worker did not start, and those after it were not tried; or if the pool is stopping or has
    /// stopped, or did not answer within the time that the request in hand leaves.
    ///
    /// # Cancel safety
    /// Once the pool has the request, the resize goes on though the future be dropped. It has it at the first poll, unless so
    /// many other requests wait that there is no room.
    pub async fn resize(&self, workers: usize) -> Result<(), StartError> {
        let answer = self.pool.ask_with(|reply| Resize { workers, reply }).await;
        answer.unwrap_or_else(|error| Err(StartError::new(self.pool.path(), error.start_failure(), None)))
    }

    // ===== picking =====

    fn pick_by(&self, by: By) -> Option<ActorRef<W>> {
        // Workers that still run are of no use once the pool brings them down.
        if self.pool.is_alive() { self.crew.pick(by) } else { None }
    }

    /// Picks a worker; waits for one if the pool is starting. There is none if the pool ends, or goes on without any.
    async fn worker(&self, by: By) -> Result<ActorRef<W>, Refusal> {
        if let Some(worker) = self.pick_by(by) {
            return Ok(worker);
        }
        let mut waiting = Waiting { crew: &self.crew, key: None };
        let mut stopped = self.pool.stopped();
        let mut ending = None;
        poll_fn(|cx| {
            self.crew.wait(&mut waiting.key, cx.waker());
            // Asked after the waker stands: a change before is seen, and one after wakes.
            if let Some(worker) = self.pick_by(by) {
                return Poll::Ready(Ok(worker));
            }
            if !self.pool.is_alive() || Pin::new(&mut stopped).poll(cx).is_ready() {
                return Poll::Ready(Err(Refusal::Stopped));
            }
            loop {
                let life = self.pool.incarnation();
                let worker = match self.crew.last_to_end() {
                    Last::Nobody => return Poll::Pending,
                    Last::Ends(worker) => worker,
                    // Asked only now: if they have ended because the pool is to end or to begin anew, that was known before.
                    Last::Ended if self.pool.core().goes_on() && self.pool.incarnation() == life => {
                        return Poll::Ready(Err(Refusal::NoWorkers));
                    }
                    Last::Ended => return Poll::Pending,
                };
                std::task::ready!(Pin::new(ending.insert(worker.stopped())).poll(cx));
            }
        })
        .await
    }

    async fn deliver<M>(&self, by: By, mut message: M) -> Result<(), TellError<M>>
    where
        W: Accepts<M>,
    {
        loop {
            let worker = match self.worker(by).await {
                Ok(worker) => worker,
                Err(reason) => return Err(self.refused(reason, message)),
            };
            match worker.tell(message).await {
                Err(refused) if refused.is_not_running() => message = refused.into_message(),
                outcome => return outcome,
            }
            // It ends for good, and is passed over from now on; if not, others have their turn before it is tried again.
            tokio::task::yield_now().await;
        }
    }

    async fn request<M>(&self, by: By, mut message: M, deadline: Option<Instant>) -> Result<W::Reply, AskError<M, W::Error>>
    where
        W: Accepts<M>,
        M: Send + 'static,
    {
        // What is left of the request in hand limits the wait for workers too. The worker is not told of it, since a limit of the
        // call would replace that of its own policy; the ask to it inherits by itself.
        let until = deadline.into_iter().chain(current_caller().1).min();
        loop {
            let worker = match self.worker_by(by, until).await {
                Ok(worker) => worker,
                Err(reason) => return Err(AskError::NotDelivered(self.refused(reason, message))),
            };
            let ask = worker.ask(message);
            let ask = match deadline {
                Some(deadline) => ask.within(deadline.saturating_duration_since(self.now())),
                None => ask,
            };
            match ask.await {
                Err(AskError::NotDelivered(refused)) if refused.is_not_running() => message = refused.into_message(),
                Err(AskError::Lost(lost)) => message = lost.try_into_message().map_err(AskError::Lost)?,
                outcome => return outcome,
            }
            tokio::task::yield_now().await;
        }
    }

    async fn worker_by(&self, by: By, deadline: Option<Instant>) -> Result<ActorRef<W>, Refusal> {
        match deadline {
            Some(deadline) => {
                let worker = self.pool.any().env().in_time(|| tokio::time::timeout_at(deadline, self.worker(by)));
                worker.await.unwrap_or(Err(if self.pool.is_alive() { Refusal::TimedOut } else { Refusal::Stopped }))
            }
            None => self.worker(by).await,
        }
    }

    fn now(&self) -> Instant {
        self.pool.any().env().in_time(Instant::now)
    }

    fn refused<M>(&self, reason: Refusal, message: M) -> TellError<M> {
        TellError::new(self.pool.path(), reason, message)
    }
}

/// Somebody waits for a worker.
struct Waiting<'a, W: Actor> {
    crew: &'a Crew<W>,
    key: Option<u64>,
}

impl<W: Actor> Drop for Waiting<'_, W> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.crew.wait_no_more(key);
        }
    }
}

impl<W: Actor> Clone for PoolRef<W> {
    fn clone(&self) -> Self {
        PoolRef { pool: self.pool.clone(), crew: self.crew.clone() }
    }
}

impl<W: Actor> fmt::Debug for PoolRef<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolRef({})", self.pool.path())
    }
}
