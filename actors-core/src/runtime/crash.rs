//! Telling of an actor that has ended for good by a failure.

use std::sync::Arc;

use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::Exit;
use crate::lifecycle::post_mortem;
use crate::telemetry;

/// Tells of an end, if it is one by failure.
pub(super) fn report_crash(cell: &Arc<dyn AnyCell>, exit: &Exit) {
    if exit.reason.is_failure() {
        let report = post_mortem::report(cell, exit, post_mortem::decision_at_end(cell));
        telemetry::crashed(&report);
        cell.env().crashes.publish(Arc::new(report));
    }
}
