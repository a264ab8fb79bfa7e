//! Polling a user's future beside the signals of its actor, with panics caught.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use crate::address::Protocol;
use crate::address::cell::Cell;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::current::{DropCause, dropping};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::guard;
use crate::mailbox::Batch;
use crate::telemetry::Scope;

/// How watched work came out.
pub(crate) enum Watched<T> {
    Done(T),
    Panicked(ExitReason),
    /// One of the signals came that cut it short.
    Cut,
    TimedOut,
}

impl<T> Watched<T> {
    /// Whether the work did not come to an end of its own.
    pub(crate) fn is_cut_short(&self) -> bool {
        !matches!(self, Watched::Done(_))
    }
}

/// What came of one poll, with panics caught.
pub(crate) type Polled<T> = Result<Poll<T>, ExitReason>;

/// Polls `work` in `span` until it is done, one of the signals in `cut` comes, or `until` is over. Leaves the work where
/// it is. `first` is what came of a poll that was made already.
pub(crate) async fn watch<A: Protocol, F: Future>(
    mut work: Pin<&mut Option<F>>,
    span: &impl Scope,
    cell: &Cell<A>,
    batch: &mut Batch<A::Msg>,
    cut: u32,
    until: Option<Instant>,
    mut first: Option<Polled<F::Output>>,
) -> Watched<F::Output> {
    let core = cell.core();
    let mut sleep: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        loop {
            // What is done is done; only what waits is cut short.
            if first.is_none() && core.signals.any(cut) {
                return Poll::Ready(Watched::Cut);
            }
            let polled = first.take().unwrap_or_else(|| poll_once(work.as_mut(), span, cx));
            match polled {
                Ok(Poll::Ready(output)) => return Poll::Ready(Watched::Done(output)),
                Err(reason) => return Poll::Ready(Watched::Panicked(reason)),
                Ok(Poll::Pending) => {}
            }
            core.waits();
            if let Some(until) = until {
                let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                if sleep.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Watched::TimedOut);
                }
            }
            if cell.mailbox.suspend(batch, cx, || core.signals.any(cut)) {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Calls what makes a future, and puts that where it is to be polled. Returns what came of it if that panicked already:
/// a function that returns a future may do some of its work at once.
pub(crate) fn begin<F: Future>(mut work: Pin<&mut Option<F>>, make: impl FnOnce() -> F) -> Option<Polled<F::Output>> {
    guard(|| work.set(Some(make()))).err().map(Err)
}

/// Polls work once, with panics caught.
pub(crate) fn poll_once<F: Future>(work: Pin<&mut Option<F>>, span: &impl Scope, cx: &mut Context<'_>) -> Polled<F::Output> {
    let work = work.as_pin_mut().expect("polled until it is done");
    span.enter(|| guard(|| work.poll(cx)))
}

/// Drops what is left of watched work. A panic in a destructor comes back.
pub(crate) fn discard<F>(mut work: Pin<&mut Option<F>>, cut_short: bool) -> Option<ExitReason> {
    let mut drop_it = || guard(|| work.set(None)).err();
    if cut_short { dropping(DropCause::Cut, drop_it) } else { drop_it() }
}
