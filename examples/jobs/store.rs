//! The store: the one actor that has the database open.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors_core::{Actor, BoxError, Context, messages};

use crate::job::Job;
use crate::queue::{Counts, Leased, Queue, Retry};

/// Each step blocks its thread for a moment, so it runs on one that may block. The steps never overlap: a handler awaits
/// its own. The end of the store waits for a step that has begun, whatever becomes of its handler.
#[derive(Actor)]
pub struct Store {
    path: PathBuf,
    /// How many jobs a new queue gets.
    jobs: i64,
    queue: Option<Arc<Mutex<Queue>>>,
}

impl Store {
    pub fn new(path: PathBuf, jobs: i64) -> Self {
        Store { path, jobs, queue: None }
    }
}

#[messages]
impl Store {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let (path, jobs) = (self.path.clone(), self.jobs);
        let queue = ctx.spawn_blocking(move |_| Queue::open(&path, jobs)).await??;
        self.queue = Some(Arc::new(Mutex::new(queue)));
        Ok(())
    }

    /// Puts back all that is leased: asked by one who knows that nobody holds a lease.
    #[message]
    pub async fn recover(&mut self, ctx: &mut Context<Self>) -> Result<usize, BoxError> {
        self.step(ctx, |queue| queue.recover()).await
    }

    #[message]
    pub async fn lease(&mut self, upto: usize, ctx: &mut Context<Self>) -> Result<Leased, BoxError> {
        self.step(ctx, move |queue| queue.lease(upto)).await
    }

    /// Returns whether the lease still held: if not, nothing was changed.
    #[message]
    pub async fn complete(&mut self, id: i64, attempt: i64, result: i64, ctx: &mut Context<Self>) -> Result<bool, BoxError> {
        self.step(ctx, move |queue| queue.complete(id, attempt, result)).await
    }

    /// Returns whether the lease still held: if not, nothing was changed.
    #[message]
    pub async fn panicked(
        &mut self,
        id: i64,
        attempt: i64,
        error: String,
        retry: Retry,
        ctx: &mut Context<Self>,
    ) -> Result<bool, BoxError> {
        self.step(ctx, move |queue| queue.panicked(id, attempt, &error, retry)).await
    }

    #[message]
    pub async fn give_back(&mut self, jobs: Vec<Job>, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.step(ctx, move |queue| queue.give_back(&jobs)).await
    }

    #[message]
    pub async fn count(&mut self, ctx: &mut Context<Self>) -> Result<Counts, BoxError> {
        self.step(ctx, |queue| queue.counts()).await
    }

    #[stopped]
    async fn close(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        // No step runs any more, so nobody else has it.
        let Some(queue) = self.queue.take().and_then(Arc::into_inner) else { return Ok(()) };
        let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        ctx.spawn_blocking(move |_| queue.close()).await??;
        Ok(())
    }
}

impl Store {
    async fn step<T, F>(&self, ctx: &Context<Self>, step: F) -> Result<T, BoxError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Queue) -> rusqlite::Result<T> + Send + 'static,
    {
        let queue = self.queue.clone().ok_or("the database is not open")?;
        // A step that panics has rolled back its transaction.
        let step = move |_| step(&mut queue.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(ctx.spawn_blocking(step).await??)
    }
}

/// How long a job waits after this many panics.
pub fn delay(panics: i64) -> Duration {
    Duration::from_millis(10 << panics.clamp(1, 7))
}
