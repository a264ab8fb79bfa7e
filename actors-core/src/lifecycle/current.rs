//! Who runs on this thread: set while an actor's task is polled, so that what it calls can know its caller.

use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;

use tokio::time::Instant;

use super::cell::AnyCell;

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn AnyCell>>> = const { RefCell::new(None) };
    /// What is to be known beside; where nobody runs, nothing.
    static BESIDE: Cell<Beside> = const { Cell::new(Beside::NOTHING) };
    static DROPPING: Cell<Option<DropCause>> = const { Cell::new(None) };
}

/// What is to be known of the code that runs, beside whose it is.
#[derive(Clone, Copy)]
struct Beside {
    role: Role,
    /// By when whoever asked the request in hand wants its answer.
    deadline: Option<Instant>,
}

impl Beside {
    const NOTHING: Beside = Beside { role: Role::Itself, deadline: None };
}

/// In what way the code belongs to the actor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the actor: the loop, a hook, a handler.
    Itself,
    /// It is a helper task, or a source.
    Helper,
}

/// Why what is being dropped is dropped, for those who are told by a destructor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DropCause {
    /// A message that waited, and whose actor ended.
    Discarded,
    /// A handler that a kill or a stop cut short.
    Cut,
    /// A handler that outran its limit.
    TimedOut,
    /// The state of an actor that ended.
    State,
}

/// What runs code as that of one actor. A task holds one and enters it at every poll.
pub(crate) struct Identity {
    /// There but while its code runs.
    cell: Option<Arc<dyn AnyCell>>,
    beside: Beside,
}

impl Identity {
    pub(crate) fn new(cell: Arc<dyn AnyCell>, role: Role) -> Self {
        Identity { cell: Some(cell), beside: Beside { role, deadline: None } }
    }

    /// Runs `work`, one poll of the task, as code of the actor.
    pub(crate) fn enter<R>(&mut self, work: impl FnOnce() -> R) -> R {
        // Exchanged, and exchanged again, panic or not: nothing is counted.
        struct Scope<'a> {
            mine: &'a mut Identity,
            current: &'a RefCell<Option<Arc<dyn AnyCell>>>,
        }
        impl Scope<'_> {
            fn exchange(&mut self) {
                mem::swap(&mut self.mine.cell, &mut *self.current.borrow_mut());
                self.mine.beside = BESIDE.replace(self.mine.beside);
            }
        }
        impl Drop for Scope<'_> {
            fn drop(&mut self) {
                self.exchange();
            }
        }
        CURRENT.with(|current| {
            let mut scope = Scope { mine: self, current };
            scope.exchange();
            work()
        })
    }

    /// As [`enter`](Self::enter), where `work` is a turn of the actor's own, so that no request is in hand before it and after it. Then
    /// there is less to be exchanged.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn enter_turn<R>(&mut self, work: impl FnOnce() -> R) -> R {
        struct Scope<'a> {
            mine: &'a mut Option<Arc<dyn AnyCell>>,
            current: &'a RefCell<Option<Arc<dyn AnyCell>>>,
        }
        impl Drop for Scope<'_> {
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn drop(&mut self) {
                fill(self.mine, self.current.borrow_mut().take());
                debug_assert!(std::thread::panicking() || BESIDE.get().deadline.is_none(), "what was in hand is done with");
            }
        }
        CURRENT.with(|current| {
            let mut place = current.borrow_mut();
            if place.is_some() {
                drop(place);
                return self.enter(work);
            }
            fill(&mut place, self.cell.take());
            drop(place);
            let _scope = Scope { mine: &mut self.cell, current };
            work()
        })
    }
}

/// Fills an empty place, in which there is nothing to drop.
#[cfg_attr(not(debug_assertions), inline(always))]
fn fill<T>(place: &mut Option<T>, value: Option<T>) {
    mem::forget(mem::replace(place, value));
}

/// Asks who runs here. A thread that is ending runs nobody.
fn current<R>(ask: impl FnOnce(&Arc<dyn AnyCell>, Beside) -> Option<R>) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().and_then(|cell| ask(cell, BESIDE.get()))).ok().flatten()
}

/// Whether the code on this thread belongs to no actor.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn runs_nobody() -> bool {
    CURRENT.try_with(|current| current.borrow().is_none()).unwrap_or(true)
}

/// The actor whose own code, hook or handler, runs on this thread.
pub(crate) fn current_actor() -> Option<Arc<dyn AnyCell>> {
    current(|cell, beside| (beside.role == Role::Itself).then(|| cell.clone()))
}

/// The actor to which the code on this thread belongs, helpers included.
pub(crate) fn current_owner() -> Option<Arc<dyn AnyCell>> {
    current(|cell, _| Some(cell.clone()))
}

/// The actor whose own code runs on this thread, and by when the request in hand is to be answered, by whomever.
pub(crate) fn current_caller() -> (Option<Arc<dyn AnyCell>>, Option<Instant>) {
    current(|cell, Beside { role, deadline }| Some(((role == Role::Itself).then(|| cell.clone()), deadline))).unwrap_or_default()
}

/// Notes by when the request in hand is to be answered.
pub(crate) fn set_current_deadline(deadline: Option<Instant>) {
    BESIDE.set(Beside { deadline, ..BESIDE.get() });
}

/// Runs `work` as code of the actor that no handler of it waits for.
pub(crate) fn beside<R>(work: impl FnOnce() -> R) -> R {
    struct Back(Role);
    impl Drop for Back {
        fn drop(&mut self) {
            BESIDE.set(Beside { role: self.0, ..BESIDE.get() });
        }
    }
    let now = BESIDE.get();
    BESIDE.set(Beside { role: Role::Helper, ..now });
    let _back = Back(now.role);
    work()
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
