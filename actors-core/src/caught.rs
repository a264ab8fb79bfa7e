//! Code that may panic, caught. The only place with a `catch_unwind`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; what it panics with comes back.
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(work))
}

/// Drops what a panic has left. It may panic in its own destructor; then it is leaked rather than let through.
#[cold]
pub(crate) fn dispose(payload: Box<dyn Any + Send>) {
    if let Err(worse) = caught(|| drop(payload)) {
        std::mem::forget(worse);
    }
}

/// Runs `work`, with whose panic nobody has anything to do. Nothing comes of it then.
pub(crate) fn unless_it_panics<R>(work: impl FnOnce() -> R) -> Option<R> {
    caught(work).map_err(dispose).ok()
}
