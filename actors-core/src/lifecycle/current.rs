//! Who runs on this thread: set while an actor's task is polled, so that what it calls can know its caller.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::Instant;

use super::cell::AnyCell;

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
    static DROPPING: Cell<Option<DropCause>> = const { Cell::new(None) };
}

/// The actor whose code runs.
pub(crate) struct Current {
    cell: Arc<dyn AnyCell>,
    role: Role,
    /// By when whoever asked the request in hand wants its answer.
    deadline: Option<Instant>,
}

/// In what way the code belongs to the actor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the actor: the loop, a hook, a handler.
    Itself,
    /// It is a helper task.
    Helper,
}

/// Why what is being dropped is dropped, for those who are told by a destructor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DropCause {
    /// A message that waited, and whose actor ended.
    Discarded,
    /// A handler that a kill or a stop cut short.
    Cut,
    /// The state of an actor that ended.
    State,
}

/// Runs `future` as code of `cell`.
pub(crate) async fn run_as<F: Future>(cell: Arc<dyn AnyCell>, role: Role, future: F) -> F::Output {
    let mut own = Some(Current { cell, role, deadline: None });
    let mut future = pin!(future);
    std::future::poll_fn(move |cx| {
        let outer = CURRENT.replace(own.take());
        // Put back also when the poll panics.
        let mut scope = Scope { outer, own: &mut own };
        let poll: Poll<_> = future.as_mut().poll(cx);
        scope.leave();
        poll
    })
    .await
}

struct Scope<'a> {
    outer: Option<Current>,
    own: &'a mut Option<Current>,
}

impl Scope<'_> {
    fn leave(&mut self) {
        let inner = CURRENT.replace(self.outer.take());
        if self.own.is_none() {
            *self.own = inner;
        }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        if self.own.is_none() {
            self.leave();
        }
    }
}

/// The actor whose own code, hook or handler, runs on this thread.
pub(crate) fn current_actor() -> Option<Arc<dyn AnyCell>> {
    CURRENT.with_borrow(|current| current.as_ref().filter(|current| current.role == Role::Itself).map(|current| current.cell.clone()))
}

/// The actor to which the code on this thread belongs, helpers included.
pub(crate) fn current_owner() -> Option<Arc<dyn AnyCell>> {
    CURRENT.with_borrow(|current| current.as_ref().map(|current| current.cell.clone()))
}

/// By when the request in hand is to be answered.
pub(crate) fn current_deadline() -> Option<Instant> {
    CURRENT.with_borrow(|current| current.as_ref().and_then(|current| current.deadline))
}

/// Notes by when the request in hand is to be answered.
pub(crate) fn set_current_deadline(deadline: Option<Instant>) {
    CURRENT.with_borrow_mut(|current| {
        if let Some(current) = current {
            current.deadline = deadline;
        }
    });
}

/// Drops what `work` drops for the stated cause.
pub(crate) fn dropping<R>(cause: DropCause, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<DropCause>);
    impl Drop for Restore {
        fn drop(&mut self) {
            DROPPING.set(self.0);
        }
    }
    let _restore = Restore(DROPPING.replace(Some(cause)));
    work()
}

/// Why the value whose destructor runs is dropped, if a kernel's hand does it.
pub(crate) fn drop_cause() -> Option<DropCause> {
    DROPPING.get()
}
