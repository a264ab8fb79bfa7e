//! Who runs on this thread: set while an actor's task is polled, so that what it calls can know its caller.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

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

/// What runs code as that of one actor. A task holds one and enters it at every poll.
pub(crate) struct Identity(Option<Current>);

impl Identity {
    pub(crate) fn new(cell: Arc<dyn AnyCell>, role: Role) -> Self {
        Identity(Some(Current { cell, role, deadline: None }))
    }

    /// Runs `work`, one poll of the task, as code of the actor.
    pub(crate) fn enter<R>(&mut self, work: impl FnOnce() -> R) -> R {
        // Exchanged, and exchanged again, panic or not: nothing is counted.
        struct Scope<'a> {
            mine: &'a mut Option<Current>,
            current: &'a RefCell<Option<Current>>,
        }
        impl Scope<'_> {
            fn exchange(&mut self) {
                std::mem::swap(self.mine, &mut *self.current.borrow_mut());
            }
        }
        impl Drop for Scope<'_> {
            fn drop(&mut self) {
                self.exchange();
            }
        }
        CURRENT.with(|current| {
            let mut scope = Scope { mine: &mut self.0, current };
            scope.exchange();
            work()
        })
    }
}

/// Asks who runs here. A thread that is ending runs nobody.
fn current<R>(ask: impl FnOnce(&Current) -> Option<R>) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().and_then(ask)).ok().flatten()
}

/// The actor whose own code, hook or handler, runs on this thread.
pub(crate) fn current_actor() -> Option<Arc<dyn AnyCell>> {
    current(|current| (current.role == Role::Itself).then(|| current.cell.clone()))
}

/// The actor to which the code on this thread belongs, helpers included.
pub(crate) fn current_owner() -> Option<Arc<dyn AnyCell>> {
    current(|current| Some(current.cell.clone()))
}

/// The actor whose own code runs on this thread, and by when the request in hand is to be answered, by whomever.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn current_caller() -> (Option<Arc<dyn AnyCell>>, Option<Instant>) {
    current(|current| Some(((current.role == Role::Itself).then(|| current.cell.clone()), current.deadline))).unwrap_or_default()
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
    let _dropping = Dropping::because(cause);
    work()
}

/// As long as there is one, what is dropped is dropped for one cause.
pub(crate) struct Dropping(Option<DropCause>);

impl Dropping {
    pub(crate) fn because(cause: DropCause) -> Self {
        Dropping(DROPPING.replace(Some(cause)))
    }
}

impl Drop for Dropping {
    fn drop(&mut self) {
        DROPPING.set(self.0);
    }
}

/// Says, by its own drop, that what is dropped next was cut short; or that this is over.
pub(crate) struct MarkCut(Option<DropCause>);

impl MarkCut {
    pub(crate) fn mark() -> Self {
        MarkCut(Some(DropCause::Cut))
    }

    pub(crate) fn lift() -> Self {
        MarkCut(None)
    }
}

impl Drop for MarkCut {
    fn drop(&mut self) {
        DROPPING.set(self.0);
    }
}

/// Why the value whose destructor runs is dropped, if a kernel's hand does it.
pub(crate) fn drop_cause() -> Option<DropCause> {
    DROPPING.get()
}
