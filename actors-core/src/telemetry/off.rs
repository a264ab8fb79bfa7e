//! No telemetry.

use std::sync::Arc;
use std::time::Duration;

use super::Scope;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::crash::CrashReport;
use crate::lifecycle::exit::{Exit, StartFailure};
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::record::LimitHit;

pub(crate) struct ActorSpan;

impl ActorSpan {
    pub(crate) fn new(_cell: &Arc<dyn AnyCell>) -> Self {
        ActorSpan
    }

    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn message(&self, _name: impl FnOnce() -> &'static str) -> MessageSpan {
        MessageSpan
    }
}

pub(crate) struct MessageSpan;

impl Scope for ActorSpan {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

impl Scope for MessageSpan {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

pub(crate) fn sees_messages() -> bool {
    false
}

pub(crate) fn started(_cell: &Arc<dyn AnyCell>) {}

pub(crate) fn stopping(_cell: &Arc<dyn AnyCell>) {}

pub(crate) fn refused(_path: &ActorPath, _failure: &StartFailure) {}

pub(crate) fn ended(_cell: &Arc<dyn AnyCell>, _exit: &Exit) {}

pub(crate) fn crashed(_report: &CrashReport) {}

pub(crate) fn lies(_supervisor: &ActorPath, _warning: &impl std::fmt::Display) {}

pub(crate) fn hit_limit(_cell: &Arc<dyn AnyCell>, _limit: LimitHit) {}

pub(crate) fn shutdown_began(_system: &str, _deadline: Duration) {}

pub(crate) fn shutdown_done(_system: &str, _total: Duration, _actors: usize) {}
