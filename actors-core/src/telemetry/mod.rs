//! What can be seen of actors from outside through `tracing`: a span for each, and an event for every step of its life.
//!
//! The choice between on and off is made here and nowhere else; both have the same functions. Only types and paths are
//! logged, never what a message holds.

/// Where one poll can run.
pub(crate) trait Scope {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R;
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
