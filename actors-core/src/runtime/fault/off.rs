//! Nobody injects anything.

use std::sync::Arc;

use crate::lifecycle::cell::AnyCell;

pub(in crate::runtime) fn threatens_start(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

pub(in crate::runtime) fn threatens_stop(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

pub(in crate::runtime) fn threatens_messages(_cell: &Arc<dyn AnyCell>) -> bool {
    false
}

pub(in crate::runtime) fn around_start<F>(_cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> F) -> F {
    make()
}

pub(in crate::runtime) fn around_stop<F>(_cell: &Arc<dyn AnyCell>, make: impl FnOnce() -> F) -> F {
    make()
}

/// The message, which nothing strikes.
macro_rules! first {
    ($life:expr, $message:expr, $turn:expr, $cut:expr) => {
        $message
    };
}
pub(in crate::runtime) use first;
