//! What is known of an actor whose incarnation has just ended, put together for a crash report.

use std::sync::Arc;

use super::cell::AnyCell;
use super::crash::{CrashReport, Decision};
use super::exit::Exit;
use super::signal::Signals;

/// The report on an incarnation that has just ended.
pub(crate) fn report(cell: &Arc<dyn AnyCell>, exit: &Exit, decision: Decision) -> CrashReport {
    let core = cell.core();
    let (crash, links) = core.with_ties(|ties| {
        let links: Vec<_> = ties.links.values().map(|link| link.peer.clone()).collect();
        (ties.crash.take(), links)
    });
    CrashReport {
        path: cell.path(),
        id: cell.id(),
        incarnation: core.incarnation(),
        reason: exit.reason.clone(),
        secondary: exit.secondary.clone(),
        handling: crash.as_ref().map(|crash| crash.handling.to_owned()),
        handling_for: crash.and_then(|crash| crash.handling_for),
        queued: cell.queued(),
        links: links.iter().map(|peer| peer.path()).collect(),
        decision,
    }
}

/// What is decided about an actor that ends for good.
pub(crate) fn decision_at_end(cell: &Arc<dyn AnyCell>) -> Decision {
    if cell.core().signals.any(Signals::SUPERVISED) { Decision::NotRestarted } else { Decision::Unsupervised }
}
