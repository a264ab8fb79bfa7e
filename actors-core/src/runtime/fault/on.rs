//! Injected faults, as they strike: they go the way of what the actor's own code would do.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::Actor;
use crate::lifecycle::cell::{AnyCell, Turn};
use crate::lifecycle::exit::BoxError;
use crate::lifecycle::kit::fault::{Effect, Injected, Moment, Strike};
use crate::lifecycle::panic::guard;
use crate::runtime::life::{HookWork, Life, Over, end_message};
use crate::runtime::watch::{discard, watch};
use crate::time::after;

/// Whether the actor has to start as one with a `started` hook does.
pub(in crate::runtime) fn threatens_start(cell: &Arc<dyn AnyCell>) -> bool {
    cell.env().kit.threatens(cell, Moment::Start)
}

/// Whether the actor has to end as one with a `stopped` hook does.
pub(in crate::runtime) fn threatens_stop(cell: &Arc<dyn AnyCell>) -> bool {
    cell.env().kit.threatens(cell, Moment::Stop)
}

/// Whether a fault can ever strike.
pub(in crate::runtime) const POSSIBLE: bool = true;

/// Whether there may be something that strikes at a message.
pub(in crate::runtime) fn threatens_messages(cell: &Arc<dyn AnyCell>) -> bool {
    cell.env().kit.is_armed()
}

/// The `started` hook, and what is to go wrong before it.
pub(in crate::runtime) fn around_start<'a>(cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> HookWork<'a> + Send + 'a) -> HookWork<'a> {
    around(cell.env().kit.strike(cell, Moment::Start, None), make)
}

/// The `stopped` hook, and what is to go wrong before it.
pub(in crate::runtime) fn around_stop<'a>(cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> HookWork<'a> + Send + 'a) -> HookWork<'a> {
    around(cell.env().kit.strike(cell, Moment::Stop, None), make)
}

fn around<'a>(strike: Option<Strike>, make: impl FnOnce() -> HookWork<'a> + Send + 'a) -> HookWork<'a> {
    match strike {
        None => make(),
        Some(strike) => Box::pin(async {
            strike.play().await?;
            make().await
        }),
    }
}

/// The message, unless what strikes at it ends the actor.
macro_rules! first {
    ($life:expr, $message:expr, $turn:expr, $cut:expr) => {
        match $life.strike_at(&$message) {
            None => Ok($message),
            Some(strike) => Box::pin($life.struck(strike, $message, $turn, $cut)).await,
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
        let kit = &self.common.any.env().kit;
        if !kit.is_armed() {
            return None;
        }
        // A tag that panics does so again where the message is handled.
        let tag = guard(|| A::tag(message)).ok()?;
        let name = self.common.any.message_name(u32::from(tag));
        let strike = kit.strike(&self.common.any, Moment::Message, Some(name))?;
        Some(Struck { strike, tag })
    }

    /// Has the fault strike in the place of the handler, with the message in hand. Gives the message back if it is to be
    /// handled after all.
    pub(in crate::runtime) async fn struck(&mut self, struck: Struck, message: A::Msg, turn: Turn, cut: u32) -> Result<A::Msg, Over> {
        let Life { batch, common, .. } = self;
        let Struck { strike, tag } = struck;
        let span = common.begin_message(tag, None, turn);
        let limit = common.any.policy().handler_limit;
        let until = limit.map(|limit| after(Instant::now(), limit));
        let mut kept = None;
        let (outcome, broken) = {
            // The message is in there, and shares the fate of what strikes.
            let keep = &mut kept;
            let mut handler = pin!(Some(async move {
                let message = message;
                strike.play().await?;
                *keep = Some(message);
                Ok(())
            }));
            let outcome = watch(handler.as_mut(), &span, &common.any, batch.admitted(), cut, until, None).await;
            let cut_short = outcome.is_cut_short();
            (outcome, discard(handler, cut_short))
        };
        end_message(&common.any, tag, outcome, limit, broken)?;
        kept.ok_or(Over::Asked)
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
