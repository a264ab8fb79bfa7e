//! The task of an actor: when there is one, and what its future is.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::life::Life;
use super::rest::end_at_rest;
use super::turn::{start, take_turn};
use super::watch::discard;
use crate::actor::Actor;
use crate::address::cell::{Cell, Kind};
use crate::lifecycle::current::{Identity, MarkCut, Role};
use crate::lifecycle::signal::Signals;

/// What all actors of a type share.
pub(super) const fn kind<A: Actor>() -> Kind<A> {
    Kind {
        start: start::<A>,
        take_turn: take_turn::<A>,
        start_task: start_task::<A>,
        end_at_rest,
        has_stop_hook: A::HOOKS.stopped,
        policy: A::POLICY,
    }
}

/// Starts a task for an actor that has none.
pub(super) fn start_task<A: Actor>(cell: Arc<Cell<A>>) {
    let Some(actor) = cell.take_state() else { return };
    let mut life = Life::new(cell, actor);
    if !life.end_here() {
        life.go_on_in_task();
    }
}

/// The whole life, as the future of a task. Dropped at any point, it still ends the actor in order.
///
/// Written so that the life stands in the future once, and is borrowed from there.
#[allow(clippy::manual_async_fn, reason = "an `async fn` would hold its argument twice")]
fn live<A: Actor>(mut life: Life<A>) -> impl Future<Output = ()> + Send {
    async move {
        let counted = life.any.env().count_task();
        let cell = life.any.clone();
        let mut identity = Identity::new(cell.clone(), Role::Itself);
        {
            // Dropped from outside, the parts of this go in the reverse order of their declaration: the mark first, then what
            // is cut short under it, then the mark is lifted.
            let _lift = MarkCut::lift();
            let mut run = pin!(Some(life.run()));
            let _mark = MarkCut::mark();
            poll_fn(|cx| {
                if cell.core().signals.any(Signals::ABORT) {
                    return Poll::Ready(());
                }
                identity.enter(|| run.as_mut().as_pin_mut().expect("polled until it is done").poll(cx))
            })
            .await;
            // Empty but for an abort; then a destructor in the handler may panic, and the life still has to end.
            let _ = identity.enter(|| discard(run, true));
        }
        drop(life);
        drop(counted);
    }
}

impl<A: Actor> Life<A> {
    /// From now on a task runs this life.
    pub(super) fn go_on_in_task(self) {
        let runtime = self.any.env().runtime.clone();
        runtime.spawn(live(self));
    }

    async fn run(&mut self) {
        // What most of a life is not about stands in boxes of its own, so that an idle task is small.
        let over = match self.ending.as_mut().and_then(|ending| ending.over.take()) {
            Some(over) => Err(over),
            None if self.core().signals.any(Signals::STARTED) => Ok(()),
            None => Box::pin(self.begin()).await,
        };
        let over = match over {
            Ok(()) => self.serve().await,
            Err(over) => over,
        };
        // Else it has nothing to do, and lives on without a task.
        if !self.concluded {
            Box::pin(self.end(over)).await;
        }
    }
}
