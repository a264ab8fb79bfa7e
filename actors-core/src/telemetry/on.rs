//! Telemetry through `tracing`.

use std::sync::Arc;
use std::time::Duration;

use super::Scope;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::crash::{CrashReport, Decision};
use crate::lifecycle::exit::{Exit, StartFailure};
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::record::LimitHit;

/// The span in which an actor runs.
pub(crate) struct ActorSpan(tracing::Span);

impl ActorSpan {
    pub(crate) fn new(cell: &Arc<dyn AnyCell>) -> Self {
        // Whether anybody listens is asked first, since a path costs something to write.
        if tracing::enabled!(tracing::Level::INFO) {
            ActorSpan(tracing::info_span!(parent: None, "actor", path = %cell.path(), id = %cell.id()))
        } else {
            ActorSpan(tracing::Span::none())
        }
    }

    /// Whether anybody listens.
    pub(crate) fn is_on(&self) -> bool {
        !self.0.is_none()
    }

    /// A span for one message. It is a root, so that no trace grows for ever, and follows from the actor's.
    pub(crate) fn message(&self, name: impl FnOnce() -> &'static str) -> MessageSpan {
        if sees_messages() {
            let span = tracing::debug_span!(parent: None, "handle", message = name());
            span.follows_from(&self.0);
            MessageSpan(span)
        } else {
            MessageSpan(tracing::Span::none())
        }
    }
}

/// The span in which one message is handled.
pub(crate) struct MessageSpan(tracing::Span);

impl Scope for ActorSpan {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        if self.0.is_none() { work() } else { self.0.in_scope(work) }
    }
}

impl Scope for MessageSpan {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        if self.0.is_none() { work() } else { self.0.in_scope(work) }
    }
}

/// Whether anybody wants a span for each message.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn sees_messages() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

pub(crate) fn started(cell: &Arc<dyn AnyCell>) {
    tracing::debug!(path = %cell.path(), "actor started");
}

pub(crate) fn stopping(cell: &Arc<dyn AnyCell>) {
    tracing::debug!(path = %cell.path(), "actor stopping");
}

pub(crate) fn refused(path: &ActorPath, failure: &StartFailure) {
    tracing::warn!(%path, %failure, "actor not created");
}

pub(crate) fn ended(cell: &Arc<dyn AnyCell>, exit: &Exit) {
    tracing::debug!(path = %cell.path(), reason = %exit.reason, "actor ended");
    for later in &exit.secondary {
        tracing::warn!(path = %cell.path(), reason = %later, "went wrong while the actor ended");
    }
}

pub(crate) fn crashed(report: &CrashReport) {
    let handling_for = report.handling_for.map(tracing::field::debug);
    let links = report.links.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    // A restart is for operators to know of; an end for good is for them to see to.
    macro_rules! event {
        ($level:ident, $message:literal) => {
            tracing::$level!(
                path = %report.path, id = %report.id, incarnation = report.incarnation, reason = %report.reason,
                handling = report.handling.as_deref(), handling_for, queued = report.queued, links, decision = %report.decision,
                $message
            )
        };
    }
    match report.decision {
        Decision::RestartWithSibling => event!(info, "actor taken along"),
        Decision::Restart { .. } => event!(warn, "actor crashed, and is restarted"),
        _ => event!(error, "actor crashed"),
    }
}

pub(crate) fn lies(supervisor: &ActorPath, warning: &impl std::fmt::Display) {
    tracing::warn!(%supervisor, %warning, "configuration");
}

pub(crate) fn hit_limit(cell: &Arc<dyn AnyCell>, limit: LimitHit) {
    tracing::warn!(path = %cell.path(), ?limit, handling = cell.in_hand(), "actor hit a limit while it stopped");
}

pub(crate) fn shutdown_began(system: &str, deadline: Duration) {
    tracing::info!(system, ?deadline, "shutdown began");
}

pub(crate) fn shutdown_done(system: &str, total: Duration, actors: usize) {
    tracing::info!(system, ?total, actors, "shutdown done");
}
