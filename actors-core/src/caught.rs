//! Code that may panic, caught. The only place with a `catch_unwind`.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

thread_local! {
    /// The last panic of this thread: what it said, and where it was.
    static LAST: RefCell<Option<Note>> = const { RefCell::new(None) };
}

/// What a panic said, and where it was.
pub(crate) type Note = (Arc<str>, Arc<str>);

/// Notes a panic of this thread.
pub(crate) fn note(panic: Note) {
    let _ = LAST.try_with(|last| last.replace(Some(panic)));
}

/// The note on the last panic of this thread; one that is ending has none.
pub(crate) fn last() -> Option<Note> {
    LAST.try_with(|last| last.borrow().clone()).ok().flatten()
}

/// Takes the note, which says nothing of the next panic.
pub(crate) fn take_last() -> Option<Note> {
    LAST.try_with(RefCell::take).ok().flatten()
}

/// Runs `work`; what it panics with comes back.
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(work))
}

/// Drops what a panic has left, with the note on it. It may panic in its own destructor; then it is leaked rather than let through.
#[cold]
pub(crate) fn dispose(payload: Box<dyn Any + Send>) {
    if let Err(worse) = caught(|| drop(payload)) {
        std::mem::forget(worse);
    }
    take_last();
}

/// Runs `work`, with whose panic nobody has anything to do. Nothing comes of it then.
pub(crate) fn unless_it_panics<R>(work: impl FnOnce() -> R) -> Option<R> {
    caught(work).map_err(dispose).ok()
}
