//! Injected faults, as they strike: they go the way of what the actor's own code would do.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::Actor;
use crate::lifecycle::cell::{AnyCell, Turn};
use crate::lifecycle::exit::BoxError;
use crate::lifecycle::kit::fault::{Effect, Injected, Moment, Strike};
use crate::lifecycle::panic::guard;
use crate::runtime::life::{Life, Over, finish, over_after_handler};
use crate::runtime::watch::{Watched, discard, watch};
use crate::time::after;

/// Whether the actor has to start as one with a `started` hook does.
pub(in crate::runtime) fn threatens_start(cell: &Arc<dyn AnyCell>) -> bool {
    cell.env().kit.threatens(cell, Moment::Start)
}

/// Whether the actor has to end as one with a `stopped` hook does.
pub(in crate::runtime) fn threatens_stop(cell: &Arc<dyn AnyCell>) -> bool {
    cell.env().kit.threatens(cell, Moment::Stop)
}

/// Whether there may be something that strikes at a message.
pub(in crate::runtime) fn threatens_messages(cell: &Arc<dyn AnyCell>) -> bool {
    cell.env().kit.is_armed()
}

/// The `started` hook, and what is to go wrong before it.
pub(in crate::runtime) fn around_start<F, M>(cell: &Arc<dyn AnyCell>, make: M) -> impl Future<Output = F::Output> + use<F, M>
where
    F: Future<Output = Result<(), BoxError>>,
    M: FnOnce() -> F,
{
    around(cell.env().kit.strike(cell, Moment::Start, None), make)
}

/// The `stopped` hook, and what is to go wrong before it.
pub(in crate::runtime) fn around_stop<F, M>(cell: &Arc<dyn AnyCell>, make: M) -> impl Future<Output = F::Output> + use<F, M>
where
    F: Future<Output = Result<(), BoxError>>,
    M: FnOnce() -> F,
{
    around(cell.env().kit.strike(cell, Moment::Stop, None), make)
}

async fn around<F>(strike: Option<Strike>, make: impl FnOnce() -> F) -> F::Output
where
    F: Future<Output = Result<(), BoxError>>,
{
    if let Some(strike) = strike {
        strike.play().await?;
    }
    make().await
}

/// The message, unless what strikes at it ends the actor.
macro_rules! first {
    ($life:expr, $message:expr, $turn:expr, $cut:expr) => {
        match $life.strike_at(&$message) {
            None => $message,
            Some(strike) => Box::pin($life.struck(strike, $message, $turn, $cut)).await?,
        }
    };
}
pub(in crate::runtime) use first;

/// A strike at a message, and the tag of that.
pub(in crate::runtime) struct Struck {
    strike: Strike,
    tag: u16,
}

impl<A: Actor> Life<A> {
    /// What strikes at this message, if anything.
    pub(in crate::runtime) fn strike_at(&self, message: &A::Msg) -> Option<Struck> {
        let kit = &self.any.env().kit;
        if !kit.is_armed() {
            return None;
        }
        // A tag that panics does so again where the message is handled.
        let tag = guard(|| A::tag(message)).ok()?;
        let strike = kit.strike(&self.any, Moment::Message, Some(self.any.message_name(u32::from(tag))))?;
        Some(Struck { strike, tag })
    }

    /// Has the fault strike in the place of the handler, with the message in hand. Gives the message back if it is to be
    /// handled after all.
    pub(in crate::runtime) async fn struck(&mut self, struck: Struck, message: A::Msg, turn: Turn, cut: u32) -> Result<A::Msg, Over> {
        let Life { cell, batch, span, any, .. } = self;
        let Struck { strike, tag } = struck;
        any.core().begin(tag, turn);
        let span = span.message(|| any.message_name(u32::from(tag)));
        let limit = any.policy().handler_limit;
        let until = limit.map(|limit| after(Instant::now(), limit));
        let (outcome, broken) = {
            let mut handler = pin!(Some(async move { strike.play().await.map(|()| message) }));
            let outcome = watch(handler.as_mut(), &span, cell, batch, cut, until, None).await;
            let cut_short = outcome.is_cut_short();
            (outcome, discard(handler, cut_short))
        };
        let (outcome, message) = match outcome {
            Watched::Done(Ok(message)) => (Watched::Done(Ok(())), Some(message)),
            Watched::Done(Err(error)) => (Watched::Done(Err(error)), None),
            Watched::Panicked(reason) => (Watched::Panicked(reason), None),
            Watched::Cut => (Watched::Cut, None),
            Watched::TimedOut => (Watched::TimedOut, None),
        };
        let over = over_after_handler(any, tag, outcome, limit, broken);
        finish(any, &over);
        over?;
        message.ok_or(Over::Asked)
    }
}

impl Strike {
    async fn play(self) -> Result<(), BoxError> {
        match self.effect {
            Effect::Panic => panic!("{}", self.text),
            Effect::Error(text) => Err(Box::new(Injected(text))),
            Effect::Hang => pending().await,
            Effect::Delay(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Effect::Block(time) => {
                block(time);
                Ok(())
            }
        }
    }
}

/// Does what a handler must not do.
fn block(time: Duration) {
    std::thread::sleep(time);
}
