//! Waiting for the end of an actor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::path::ActorPath;

/// The end of an actor, to be awaited. Made by [`ActorRef::stopped`](crate::ActorRef::stopped).
///
/// # Cancel safety
/// A dropped future leaves nothing behind.
#[must_use = "this waits only when it is awaited"]
pub struct Stopped {
    cell: Arc<dyn AnyCell>,
    key: Option<u64>,
}

/// The actor had not ended in time. It goes on ending.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} has not ended within {limit:?}")]
pub struct StillRunning {
    /// The actor.
    pub path: ActorPath,
    /// How long was waited.
    pub limit: Duration,
}

impl Stopped {
    pub(crate) fn new(cell: Arc<dyn AnyCell>) -> Self {
        Stopped { cell, key: None }
    }

    /// Who is to stop.
    pub(super) fn cell(&self) -> Arc<dyn AnyCell> {
        self.cell.clone()
    }

    /// Waits at most this long.
    ///
    /// # Errors
    /// [`StillRunning`] if the actor has not ended by then; nothing has happened to it.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn within(self, limit: Duration) -> Result<ExitReason, StillRunning> {
        let (path, cell) = (self.cell.path(), self.cell.clone());
        let stopped = cell.env().in_time(|| tokio::time::timeout(limit, self));
        stopped.await.map_err(|_| StillRunning { path, limit })
    }
}

impl Future for Stopped {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        let this = &mut *self;
        if let Some(exit) = this.cell.core().exit() {
            return Poll::Ready(exit.reason.clone());
        }
        let mut _old = None;
        this.cell.core().with_ties(|ties| match &ties.exit {
            Some(exit) => Poll::Ready(exit.reason.clone()),
            None => {
                _old = ties.add_waiter(&mut this.key, cx.waker());
                Poll::Pending
            }
        })
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.cell.core().if_tied(|ties| ties.waiters.remove(key));
        }
    }
}

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stopped({})", self.cell.path())
    }
}
