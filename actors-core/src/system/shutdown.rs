//! The ordered shutdown: how it begins, the one task that drives it, and how its report is awaited.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::report::{Outcome, ShutdownReport, Trigger};
use super::shared::Shared;
use super::watchdog;
use crate::lifecycle::current::current_owner;
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::ActorPath;
use crate::runtime::{Budget, bring_down};
use crate::telemetry;

/// Begins a shutdown; if one runs, brings its deadline nearer.
pub(super) fn begin(shared: &Arc<Shared>, trigger: Trigger, within: Option<Duration>) {
    if shared.try_begin(trigger, within) {
        watchdog::watch(shared.clone());
        shared.env.runtime.spawn(drive(shared.clone()));
    }
}

/// Shuts down and waits for the report; inside an actor of the system, that would wait for itself.
pub(super) async fn shut_down(shared: &Arc<Shared>, within: Option<Duration>) -> ShutdownReport {
    if let Some(caller) = current_owner().filter(|caller| Arc::ptr_eq(caller.env(), &shared.env)) {
        return shared.report_with(Trigger::Request, Some(Outcome::WouldDeadlock { path: caller.path() }));
    }
    begin(shared, Trigger::Request, within);
    let report = shared.done().await;
    let_tasks_go(shared, &report).await;
    report
}

/// The last tasks have made their ends known, and are about to return: lets them.
async fn let_tasks_go(shared: &Shared, report: &ShutdownReport) {
    if report.unresponsive().next().is_some() {
        return;
    }
    // A task that is no longer counted still has to be taken off the runtime's own list, which takes it a moment.
    let mut turns_after = 16;
    for _ in 0..1_000 {
        if shared.env.tasks() == 0 {
            turns_after -= 1;
        }
        if turns_after == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Quiesces, brings all actors down, runs the callbacks, and makes the report known.
async fn drive(shared: Arc<Shared>) {
    let _counted = shared.env.count_task();
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
    let budget = Budget::of(Some(Duration::ZERO), 0, move || due.due());
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
