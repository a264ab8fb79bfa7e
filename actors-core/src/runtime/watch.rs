//! Polling a user's future beside the signals of its actor, with panics caught.
//!
//! Nothing here knows the type of the future, or of the actor: it is compiled once, and not for every actor.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::current::{DropCause, dropping};
use crate::lifecycle::exit::{BoxError, ExitReason};
use crate::lifecycle::panic::catch;
use crate::lifecycle::signal::Signals;
use crate::mailbox::Admitted;
use crate::telemetry::Scope;

/// What a hook or a handler comes to.
pub(crate) type Handled = Result<(), BoxError>;

/// What can be dropped where it stands.
pub(crate) trait Cease {
    /// Drops what is left of it.
    fn cease(self: Pin<&mut Self>);
}

/// What a hook or a handler does.
pub(crate) trait Work: Cease {
    /// Polls it. It is not polled again when it is done.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Handled>;
}

impl<F> Cease for Option<F> {
    fn cease(mut self: Pin<&mut Self>) {
        self.set(None);
    }
}

impl<F: Future<Output = Handled>> Work for Option<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Handled> {
        match self.as_pin_mut() {
            Some(work) => work.poll(cx),
            None => unreachable!("polled until it is done"),
        }
    }
}

/// The work of a hook or a handler, where it stands.
pub(crate) type Watching<'a> = Pin<&'a mut (dyn Work + Send)>;

/// How watched work came out.
pub(crate) enum Watched {
    Done(Handled),
    Panicked(ExitReason),
    /// One of the signals came that cut it short.
    Cut,
    TimedOut,
}

impl Watched {
    /// The outcome of what was done at once, if it did not panic.
    pub(crate) fn of(caught: Result<(), ExitReason>, handled: Handled) -> Self {
        match caught {
            Ok(()) => Watched::Done(handled),
            Err(reason) => Watched::Panicked(reason),
        }
    }

    /// Whether the work did not come to an end of its own.
    pub(crate) fn is_cut_short(&self) -> bool {
        !matches!(self, Watched::Done(_))
    }
}

/// What came of one poll, with panics caught.
pub(crate) type Polled = Result<Poll<Handled>, ExitReason>;

/// Polls `work` in `span` until it is done, one of the signals in `cut` comes, or `until` is over. Leaves the work where
/// it is. `first` is what came of a poll that was made already.
pub(crate) async fn watch(
    mut work: Watching<'_>,
    span: &(impl Scope + Sync),
    cell: &Arc<dyn AnyCell>,
    admitted: &mut Admitted,
    cut: u32,
    until: Option<Instant>,
    mut first: Option<Polled>,
) -> Watched {
    let core = cell.core();
    let mut sleep: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        loop {
            // What is done is done; only what waits is cut short.
            if first.is_none() && core.signals.any(cut) {
                return Poll::Ready(Watched::Cut);
            }
            // After an abort nothing of it runs any more: whoever polls this drops it.
            if first.is_none() && core.signals.any(Signals::ABORT) {
                return Poll::Pending;
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
            if cell.suspend(admitted, cx, cut) {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Calls what makes a future and puts it where it is to be polled. Returns what came of it if that panicked already: a function that
/// returns a future may do some of its work at once.
pub(crate) fn begin(make: &mut dyn FnMut()) -> Option<Polled> {
    catch(make).err().map(Err)
}

/// Polls work once, with panics caught.
pub(crate) fn poll_once(mut work: Watching<'_>, span: &impl Scope, cx: &mut Context<'_>) -> Polled {
    let mut polled = Poll::Pending;
    span.catch(&mut || polled = work.as_mut().poll(cx))?;
    Ok(polled)
}

/// Drops what is left of watched work. A panic in a destructor comes back.
pub(crate) fn discard(mut work: Pin<&mut dyn Cease>, cut_short: bool) -> Option<ExitReason> {
    let mut drop_it = || catch(&mut || work.as_mut().cease()).err();
    if cut_short { dropping(DropCause::Cut, drop_it) } else { drop_it() }
}
