//! Nobody injects anything.

use std::convert::Infallible;
use std::sync::Arc;

use crate::actor::Actor;
use crate::lifecycle::cell::AnyCell;
use crate::runtime::life::{Life, Over};

pub(in crate::runtime) fn threatens_start(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

pub(in crate::runtime) fn threatens_stop(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

pub(in crate::runtime) fn around_start<F>(_cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> F) -> F {
    make()
}

pub(in crate::runtime) fn around_stop<F>(_cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> F) -> F {
    make()
}

pub(in crate::runtime) fn at_message<A: Actor>(_cell: &Arc<dyn AnyCell>, _message: &A::Msg) -> Option<Infallible> {
    None
}

impl<A: Actor> Life<A> {
    pub(in crate::runtime) async fn struck(&mut self, never: Infallible, _message: A::Msg, _cut: u32) -> Result<A::Msg, Over> {
        match never {}
    }
}
