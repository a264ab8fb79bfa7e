//! The ordered shutdown, as the one task that drives it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::shared::Shared;
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::ActorPath;
use crate::runtime::{Budget, bring_down};
use crate::telemetry;

/// Quiesces, brings all actors down, runs the callbacks, and makes the report known.
pub(super) async fn drive(shared: Arc<Shared>) {
    telemetry::shutdown_began(&shared.env.name, shared.deadline);
    shared.env.quiesce.cancel();
    let mut hard = Box::pin(shared.hard.clone().cancelled_owned());
    if !shared.quiesce.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(shared.quiesce) => {}
            () = &mut hard => {}
        }
    }

    let due = shared.clone();
    let budget = Budget::of(Some(std::time::Duration::ZERO), 0, move || due.due());
    let mut killed = false;
    bring_down(&shared.root, false, &budget, |cx| {
        killed = killed || hard.as_mut().poll(cx).is_ready();
        killed
    })
    .await;

    while let Some(callback) = shared.next_callback() {
        run_callback(&shared, callback.call()).await;
    }
    let report = shared.make_report();
    telemetry::shutdown_done(&shared.env.name, report.total, report.actors.len());
    shared.complete(report);
}

/// Runs one callback; a panic, or a callback that outlasts the deadline, is noted and does not stop the others.
async fn run_callback(shared: &Shared, callback: Pin<Box<dyn Future<Output = ()> + Send>>) {
    let mut callback = callback;
    let Some(due) = shared.due() else { return };
    let mut late = pin!(tokio::time::sleep_until(due));
    let outcome = poll_fn(|cx| match guard(|| callback.as_mut().poll(cx)) {
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(reason) => Poll::Ready(Err(reason)),
        Ok(Poll::Pending) => {
            let too_late = || Err(ExitReason::failed("a callback outlasted the deadline".into()));
            late.as_mut().poll(cx).map(|()| too_late())
        }
    })
    .await;
    if let Err(reason) = outcome {
        shared.env.note_failure(ActorPath::root(), reason);
    }
}
