//! Signals of the operating system as messages.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::address::{Accepts, Protocol};
use crate::sync::{Mutex, lock};

/// Signals of one kind that come to an actor as messages; see [`Context::on_signal`].
///
/// Dropping this changes nothing; the subscription ends with the actor, or when it is [cancelled](Self::cancel).
pub struct SignalMessages<M> {
    /// Nothing while it is called: that is done without the lock.
    make: Arc<Mutex<Option<Make<M>>>>,
    cancelled: CancellationToken,
}

type Make<M> = Box<dyn FnMut() -> M + Send>;

impl<A: Protocol> Context<A> {
    /// Sends the actor a message, made by `make`, for each signal of this kind, until the actor ends.
    ///
    /// Signals that come faster than they are handled may be merged, as the operating system does. A message that the mailbox
    /// rejects becomes a dead letter.
    ///
    /// # Errors
    /// Fails if the signal cannot be listened for, such as SIGKILL.
    pub fn on_signal<M>(&self, kind: SignalKind, make: impl FnMut() -> M + Send + 'static) -> io::Result<SignalMessages<M>>
    where
        A: Accepts<M>,
        M: Send + 'static,
    {
        let mut signals = signal(kind)?;
        let subscription =
            SignalMessages { make: Arc::new(Mutex::new(Some(Box::new(make) as Make<M>))), cancelled: CancellationToken::new() };
        let (make, cancelled) = (subscription.make.clone(), subscription.cancelled.clone());
        let me = self.actor_ref().clone();
        self.spawn_task(async move {
            while let Some(Some(())) = cancelled.run_until_cancelled(signals.recv()).await {
                // Both may have come by now.
                if cancelled.is_cancelled() {
                    return;
                }
                let Err(refused) = me.tell(next(&make)).await else { continue };
                if refused.is_not_running() {
                    return;
                }
                refused.bury(me.any().env());
            }
        });
        Ok(subscription)
    }
}

/// Makes the message for one signal. What makes it may replace itself.
fn next<M>(place: &Mutex<Option<Make<M>>>) -> M {
    let mut make = lock(place).take().expect("nobody else takes it, and one that panics is the last");
    let message = make();
    let mut place = lock(place);
    let replaced = if place.is_none() { place.replace(make) } else { Some(make) };
    drop(place);
    drop(replaced);
    message
}

impl<M> SignalMessages<M> {
    /// Has the next signals make other messages.
    pub fn replace(&self, make: impl FnMut() -> M + Send + 'static) {
        let old = lock(&self.make).replace(Box::new(make));
        drop(old);
    }

    /// Ends the subscription. A message that was sent already is still handled.
    pub fn cancel(&self) {
        self.cancelled.cancel();
    }
}

impl<M> fmt::Debug for SignalMessages<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalMessages").field("cancelled", &self.cancelled.is_cancelled()).finish_non_exhaustive()
    }
}
