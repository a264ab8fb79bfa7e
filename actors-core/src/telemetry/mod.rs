//! What can be seen of actors from outside through `tracing`: a span for each, and an event for every step of its life.
//!
//! The choice between on and off is made here and nowhere else; both have the same functions. Only types and paths are
//! logged, never what a message holds.

use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::catch;

/// Where one poll can run.
pub(crate) trait Scope {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R;

    /// Runs `work` once, through a pointer and so compiled once.
    #[inline]
    fn run(&self, work: &mut dyn FnMut()) {
        self.enter(work);
    }

    /// Runs `work` once, with panics caught, through a pointer and so compiled once.
    #[inline]
    fn catch(&self, work: &mut dyn FnMut()) -> Result<(), ExitReason> {
        self.enter(|| catch(work))
    }
}

#[cfg(feature = "tracing")]
mod on;
#[cfg(feature = "tracing")]
pub(crate) use on::{
    ActorSpan, MessageSpan, crashed, ended, hit_limit, lies, refused, sees_messages, shutdown_began, shutdown_done, started, stopping,
};

#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(not(feature = "tracing"))]
pub(crate) use off::{
    ActorSpan, MessageSpan, crashed, ended, hit_limit, lies, refused, sees_messages, shutdown_began, shutdown_done, started, stopping,
};
