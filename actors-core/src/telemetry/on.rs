//! Telemetry through `tracing`. What a listener panics with is no concern of an actor's, and stays here.

use std::sync::Arc;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::span::Entered;
use tracing::{Level, Span};

use super::Scope;
use crate::caught::unless_it_panics;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::crash::{CrashReport, Decision};
use crate::lifecycle::exit::{Exit, StartFailure};
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::record::LimitHit;

/// The span in which an actor runs, if anybody listens.
pub(crate) struct ActorSpan(Option<Span>);

impl ActorSpan {
    pub(crate) fn new(cell: &Arc<dyn AnyCell>) -> Self {
        // Whether anybody listens is asked first, since a path costs something to write.
        ActorSpan(listened(Level::INFO, || {
            let wanted = tracing::enabled!(Level::INFO);
            wanted.then(|| tracing::info_span!(parent: None, "actor", path = %cell.path(), id = %cell.id()))
        }))
    }

    /// Whether anybody listens.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A span for one message. It is a root, so that no trace grows for ever, and follows from the actor's.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn message(&self, name: impl FnOnce() -> &'static str) -> MessageSpan {
        let wanted = || tracing::enabled!(Level::DEBUG).then(|| tracing::debug_span!(parent: None, "handle", message = name()));
        let span = listened(Level::DEBUG, wanted);
        if let (Some(span), Some(actor)) = (&span, &self.0) {
            unless_it_panics(|| _ = span.follows_from(actor));
        }
        MessageSpan(span)
    }
}

/// The span in which one message is handled.
pub(crate) struct MessageSpan(Option<Span>);

impl Scope for ActorSpan {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        let _within = Within::enter(self.0.as_ref());
        work()
    }
}

impl Scope for MessageSpan {
    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        let _within = Within::enter(self.0.as_ref());
        work()
    }
}

impl Drop for ActorSpan {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        close(&mut self.0);
    }
}

impl Drop for MessageSpan {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        close(&mut self.0);
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn close(span: &mut Option<Span>) {
    if let Some(span) = span.take() {
        unless_it_panics(|| drop(span));
    }
}

/// As long as there is one, what happens on this thread is in the span.
struct Within<'a>(Option<Entered<'a>>);

impl<'a> Within<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn enter(span: Option<&'a Span>) -> Self {
        Within(span.and_then(|span| unless_it_panics(|| span.enter())))
    }
}

impl Drop for Within<'_> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if let Some(entered) = self.0.take() {
            unless_it_panics(|| drop(entered));
        }
    }
}

/// Whether anybody wants a span for each message.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn sees_messages() -> bool {
    listened(Level::DEBUG, || tracing::enabled!(Level::DEBUG).then_some(())).is_some()
}

/// What comes of `ask` if there may be a listener for this level.
#[cfg_attr(not(debug_assertions), inline(always))]
fn listened<R>(level: Level, ask: impl FnOnce() -> Option<R>) -> Option<R> {
    if level <= LevelFilter::current() { unless_it_panics(ask).flatten() } else { None }
}

/// Tells of something.
#[cfg_attr(not(debug_assertions), inline(always))]
fn tell(event: impl FnOnce()) {
    unless_it_panics(event);
}

pub(crate) fn started(cell: &Arc<dyn AnyCell>) {
    tell(|| tracing::debug!(path = %cell.path(), "actor started"));
}

pub(crate) fn stopping(cell: &Arc<dyn AnyCell>) {
    tell(|| tracing::debug!(path = %cell.path(), "actor stopping"));
}

pub(crate) fn refused(path: &ActorPath, failure: &StartFailure) {
    tell(|| tracing::warn!(%path, %failure, "actor not created"));
}

pub(crate) fn ended(cell: &Arc<dyn AnyCell>, exit: &Exit) {
    tell(|| tracing::debug!(path = %cell.path(), reason = %exit.reason, "actor ended"));
    for later in &exit.secondary {
        tell(|| tracing::warn!(path = %cell.path(), reason = %later, "went wrong while the actor ended"));
    }
}

pub(crate) fn crashed(report: &CrashReport) {
    tell(|| {
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
    });
}

pub(crate) fn lies(supervisor: &ActorPath, warning: &impl std::fmt::Display) {
    tell(|| tracing::warn!(%supervisor, %warning, "configuration"));
}

pub(crate) fn hit_limit(cell: &Arc<dyn AnyCell>, limit: LimitHit) {
    tell(|| tracing::warn!(path = %cell.path(), ?limit, handling = cell.in_hand(), "actor hit a limit while it stopped"));
}

pub(crate) fn shutdown_began(system: &str, deadline: Duration) {
    tell(|| tracing::info!(system, ?deadline, "shutdown began"));
}

pub(crate) fn shutdown_done(system: &str, total: Duration, actors: usize) {
    tell(|| tracing::info!(system, ?total, actors, "shutdown done"));
}
