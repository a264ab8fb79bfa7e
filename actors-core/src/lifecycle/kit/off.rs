//! No test looks.

use std::sync::Arc;

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::ExitReason;

pub(crate) struct Kit;

impl Kit {
    pub(crate) fn new() -> Self {
        Kit
    }

    pub(crate) fn is_armed(&self) -> bool {
        false
    }

    pub(crate) fn started(&self, _cell: &Arc<dyn AnyCell>) {}

    pub(crate) fn down(&self, _cell: &Arc<dyn AnyCell>, _reason: &ExitReason) {}

    pub(crate) fn ended(&self, _cell: &Arc<dyn AnyCell>, _reason: &ExitReason) {}
}
