//! The task of an actor: when there is one, and what its future is.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::fault;
use super::ladder::bring_down_alone;
use super::life::{AnyLife, Common, Life, Over};
use super::rest::end_at_rest;
use super::serve::{self, serve};
use super::sitter::Sitter;
use super::teardown::{end, end_here};
use super::turn::{start, take_turn};
use super::turns::Turns;
use super::watch::{Cease, discard};
use crate::actor::Actor;
use crate::address::cell::{Cell, Kind};
use crate::lifecycle::current::{Identity, MarkCut, Role};
use crate::lifecycle::signal::Signals;
use crate::sync::note_wake;

/// What all actors of a type share.
pub(super) const fn kind<A: Actor>() -> Kind<A> {
    Kind {
        start: start::<A>,
        // Turns are compiled for those that take them.
        take_turn: if A::TAKES_TURNS { take_turn::<A> } else { start_task::<A> },
        start_task: start_task::<A>,
        end_at_rest,
        bring_down: bring_down_alone,
        has_stop_hook: A::HOOKS.stopped,
        policy: A::POLICY,
    }
}

/// Starts a task for an actor that has none.
pub(super) fn start_task<A: Actor>(cell: Arc<Cell<A>>) {
    let Some(actor) = cell.take_state() else { return };
    let mut life = Life::new(cell, actor);
    if !end_here(&mut life, std::mem::needs_drop::<A>()) {
        go_on_in_task(Box::new(life));
    }
}

/// The whole life, as the future of a task. Dropped at any point, it still ends the actor in order.
async fn live(mut life: Box<dyn AnyLife>) {
    let counted = life.common().any.env().count_task();
    go_through(&mut *life).await;
    drop(life);
    drop(counted);
}

/// A life, but for its last moment.
async fn go_through(life: &mut dyn AnyLife) {
    let cell = life.common().any.clone();
    let mut identity = Identity::new(cell.clone(), Role::Itself);
    // Dropped from outside, the parts of this go in the reverse order of their declaration: the mark first, then what
    // is cut short under it, then the mark is lifted.
    let _lift = MarkCut::lift();
    let mut run = pin!(Some(run(life)));
    let _mark = MarkCut::mark();
    let is_aborted = || cell.core().signals.any(Signals::ABORT);
    poll_fn(|cx| {
        if is_aborted() {
            return Poll::Ready(());
        }
        let polled = identity.enter(|| run.as_mut().as_pin_mut().expect("polled until it is done").poll(cx));
        // An abort that came meanwhile has called nobody.
        if is_aborted() { Poll::Ready(()) } else { polled }
    })
    .await;
    // Empty but for an abort; then a destructor in the handler may panic, and the life still has to end.
    cease_as(&mut identity, run);
}

async fn run(life: &mut dyn AnyLife) {
    // What most of a life is not about stands in boxes of its own, so that an idle task is small.
    let over = match life.common().take_over() {
        Some(over) => Err(over),
        None if life.common().core().signals.any(Signals::STARTED) => Ok(()),
        None => start_in_box(life).await,
    };
    let over = match over {
        Ok(()) => serve(life).await,
        Err(over) => over,
    };
    let common = life.common();
    if common.concluded {
        // It has nothing to do, and lives on without a task.
        return;
    }
    if common.is_aborted() {
        // While its thread was blocked. It does nothing more; whoever drops it ends it, and tells why.
        common.ending().over = Some(over);
        return;
    }
    end_in_box(life, over).await;
}

/// The start of an actor, made where it is compiled once.
fn start_in_box(life: &mut dyn AnyLife) -> Pin<Box<dyn Future<Output = Result<(), Over>> + Send + '_>> {
    Box::pin(serve::start(life))
}

/// The end of an actor, made where it is compiled once.
fn end_in_box(life: &mut dyn AnyLife, over: Over) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
    Box::pin(end(life, over))
}

/// Drops what an actor was doing, as the actor.
fn cease_as(identity: &mut Identity, run: Pin<&mut dyn Cease>) {
    let _ = identity.enter(|| discard(run, true));
}

/// From now on a task runs this life. It stands in a box, so that tasks, and the runtime's part of them, are compiled once.
pub(super) fn go_on_in_task(mut life: Box<dyn AnyLife>) {
    let takes_turns = life.takes_turns();
    let common = life.common();
    let runtime = common.any.env().runtime.clone();
    note_wake();
    if takes_turns && common.goes_on_in_turns() {
        runtime.spawn(Turns::new(Sitter::new(life)));
    } else {
        runtime.spawn(live(life));
    }
}

impl Common {
    /// Whether what is left of this life, as far as is known, can be done in turns.
    pub(super) fn goes_on_in_turns(&self) -> bool {
        let is_over = self.ending.as_ref().is_some_and(|ending| ending.over.is_some());
        !is_over && !fault::threatens_messages(&self.any)
    }
}
