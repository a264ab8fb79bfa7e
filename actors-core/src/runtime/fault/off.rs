//! Nobody injects anything.

use std::sync::Arc;

use crate::lifecycle::cell::AnyCell;
use crate::runtime::life::HookWork;

pub(in crate::runtime) fn threatens_start(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

pub(in crate::runtime) fn threatens_stop(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

/// Whether a fault can ever strike.
pub(in crate::runtime) const POSSIBLE: bool = false;

pub(in crate::runtime) fn threatens_messages(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

pub(in crate::runtime) fn around_start<'a>(_cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> HookWork<'a>) -> HookWork<'a> {
    make()
}

pub(in crate::runtime) fn around_stop<'a>(_cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> HookWork<'a>) -> HookWork<'a> {
    make()
}

/// The message, which nothing strikes.
macro_rules! first {
    ($life:expr, $message:expr, $turn:expr, $cut:expr) => {
        Ok::<_, Over>($message)
    };
}
pub(in crate::runtime) use first;
