//! The stop signal of an actor, as its own code and what it calls can see it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::request::{forget_waiter, is_asked, poll_asked};

/// The stop signal of one incarnation of an actor: raised once, when it is asked to end, and never lowered. The next
/// incarnation has a signal of its own.
///
/// It can be looked at, awaited, and handed on. Cloning is cheap.
#[derive(Clone)]
pub struct StopSignal {
    cell: Arc<dyn AnyCell>,
    incarnation: u64,
}

/// The actor was asked to end, and so the work was not finished.
///
/// A handler, or the hooks `started` and `exited`, may pass this on with `?`: of an actor that was asked to end it is no failure, nor
/// is an error that has it among its [sources](std::error::Error::source). One that hides where it came from, as
/// `#[error(transparent)]` does, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actor is stopping")]
pub struct Stopping;

impl StopSignal {
    pub(crate) fn new(cell: Arc<dyn AnyCell>) -> Self {
        StopSignal { incarnation: cell.core().incarnation(), cell }
    }

    /// Tells whether the actor was asked to end.
    pub fn is_stopping(&self) -> bool {
        is_asked(self.cell.core(), self.incarnation)
    }

    /// Waits until the actor is asked to end.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub fn stopping(&self) -> WaitForStop {
        WaitForStop { cell: self.cell.clone(), incarnation: self.incarnation, key: None }
    }

    /// Runs `work` unless the actor is asked to end. The signal is looked at before the work, at every turn, so that
    /// work that is always ready cannot hide it.
    ///
    /// # Errors
    /// [`Stopping`] if the signal came first; the work is dropped.
    ///
    /// # Cancel safety
    /// Dropping this drops the work.
    pub fn unless_stopping<F: Future>(&self, work: F) -> impl Future<Output = Result<F::Output, Stopping>> + use<F> {
        let stopping = self.stopping();
        async move {
            let mut stopping = pin!(stopping);
            let mut work = pin!(work);
            poll_fn(|cx| {
                if stopping.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Err(Stopping));
                }
                work.as_mut().poll(cx).map(Ok)
            })
            .await
        }
    }

    /// Returns the signal as a token, for libraries that take one. Cancelling the token does not stop the actor.
    pub fn token(&self) -> CancellationToken {
        let core = self.cell.core();
        let token = core.with_ties(|ties| {
            if ties.exit.is_some() || core.incarnation() != self.incarnation {
                return CancellationToken::new();
            }
            // A child, so that whoever has it cannot cancel it for others.
            ties.token.get_or_insert_default().child_token()
        });
        if self.is_stopping() {
            token.cancel();
        }
        token
    }
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopSignal").field("actor", &self.cell.path()).field("stopping", &self.is_stopping()).finish()
    }
}

/// Waits for a stop signal. Made by [`StopSignal::stopping`].
#[must_use = "this waits only when it is awaited"]
pub struct WaitForStop {
    cell: Arc<dyn AnyCell>,
    incarnation: u64,
    key: Option<u64>,
}

impl Future for WaitForStop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        poll_asked(this.cell.core(), this.incarnation, &mut this.key, cx)
    }
}

impl Drop for WaitForStop {
    fn drop(&mut self) {
        forget_waiter(self.cell.core(), self.key);
    }
}

impl fmt::Debug for WaitForStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaitForStop({})", self.cell.path())
    }
}
