//! The ordered shutdown: how it begins, the one task that drives it, and how its report is awaited.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::callback::{as_callback, callback_too_late, is_callback};
use super::report::{Outcome, ShutdownReport, Trigger};
use super::shared::Shared;
use super::watchdog;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::current::current_owner;
use crate::lifecycle::exit::{AbortedBy, ExitReason};
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::ActorPath;
use crate::runtime::{Budget, Parent, bring_down};
use crate::sync::note_wake;
use crate::telemetry;
use crate::time::after;

/// Begins a shutdown; if one runs, a limit brings its deadline nearer.
pub(super) fn begin(shared: &Arc<Shared>, trigger: Trigger, within: Option<Duration>) {
    if shared.try_begin(trigger, within) {
        // Not when the driver comes to it: whoever starts something from now on is refused. While the system quiesces, it serves on.
        if shared.quiesce.is_zero() {
            shared.root.close();
        }
        // First what does the work, so that nothing else that goes wrong here keeps it from being done.
        note_wake();
        shared.env.runtime.spawn(drive(shared.clone()));
        watchdog::watch(shared.clone());
    }
}

/// The actor of the system, if it is one, whose code this is.
pub(super) fn caller(shared: &Shared) -> Option<Arc<dyn AnyCell>> {
    current_owner().filter(|caller| Arc::ptr_eq(caller.env(), &shared.env))
}

/// Shuts down and waits for the report; inside an actor of the system, or a callback, that would wait for itself.
pub(super) async fn shut_down(shared: &Arc<Shared>, within: Option<Duration>) -> ShutdownReport {
    let waits = caller(shared).map(|caller| caller.path());
    if let Some(path) = waits.or_else(|| is_callback(&shared.env).then(ActorPath::root)) {
        return shared.report_with(Trigger::Request, Some(Outcome::WouldDeadlock { path }), Vec::new());
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
fn drive(shared: Arc<Shared>) -> impl Future<Output = ()> + Send {
    // Made here, so that it is there also if the runtime drops the task before its first poll.
    let unless_done = Forsaken(shared.clone());
    async move {
        bring_all_down(shared).await;
        drop(unless_done);
    }
}

async fn bring_all_down(shared: Arc<Shared>) {
    let _counted = shared.env.count_task();
    telemetry::shutdown_began(&shared.env.name, shared.deadline);
    shared.env.quiesce();
    let mut hard = Box::pin(shared.hard.clone().cancelled_owned());
    quiesce(&shared, hard.as_mut()).await;

    let due = shared.clone();
    let budget = Budget::of(Some(Duration::ZERO), 0, move || due.due());
    let mut killed = false;
    bring_down(&shared.root, false, &budget, &mut |cx| {
        shared.due_for(cx.waker());
        killed = killed || hard.as_mut().poll(cx).is_ready();
        if killed { Parent::Killed } else { Parent::Stops }
    })
    .await;

    while let Some((callback, others)) = shared.next_callback() {
        run_callback(&shared, callback.call(), others).await;
    }
    let report = shared.complete(&ExitReason::Unresponsive);
    telemetry::shutdown_done(&shared.env.name, report.total, report.actors.len());
}

/// Goes on serving for a while, for half of the time there is at most, unless all is to be killed.
async fn quiesce(shared: &Shared, mut hard: Pin<&mut impl Future<Output = ()>>) {
    let Some(began) = shared.going().map(|going| going.began).filter(|_| !shared.quiesce.is_zero()) else { return };
    let mut sleep = pin!(tokio::time::sleep_until(after(began, shared.quiesce)));
    poll_fn(|cx| {
        if let Some(due) = shared.due_for(cx.waker()) {
            let half = began + (due - began) / 2;
            if half < sleep.deadline() {
                sleep.as_mut().reset(half);
            }
        }
        if hard.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { sleep.as_mut().poll(cx) }
    })
    .await;
    shared.note_quiesced();
}

/// How much of the time is kept at most when the last callback runs, to say that it has outlasted the rest.
const TO_REPORT: Duration = Duration::from_millis(100);

/// Runs one callback, for half of the time there is if others are to come, and for all but a moment if not; a panic, in its
/// destructor too, or a callback that takes longer, is noted and does not stop the others.
async fn run_callback(shared: &Shared, callback: Pin<Box<dyn Future<Output = ()> + Send>>, others: bool) {
    let mut callback = Some(callback);
    let began = Instant::now();
    let mut late = pin!(tokio::time::sleep_until(began));
    let outcome = poll_fn(|cx| match as_callback(&shared.env, || guard(|| callback.as_mut().expect("dropped below").as_mut().poll(cx))) {
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(reason) => Poll::Ready(Err(reason)),
        Ok(Poll::Pending) => {
            let left = shared.due_for(cx.waker()).map_or(Duration::ZERO, |due| due.saturating_duration_since(began));
            let until = began + if others { left / 2 } else { left - TO_REPORT.min(left / 10) };
            if late.deadline() != until {
                late.as_mut().reset(until);
            }
            late.as_mut().poll(cx).map(|()| Err(callback_too_late()))
        }
    })
    .await;
    let dropped = guard(|| callback = None);
    let in_time = shared.call_is_over();
    match outcome.and(dropped) {
        Err(reason) if in_time => shared.env.note_failure(ActorPath::root(), reason),
        _ => {}
    }
}

/// The runtime has dropped the driver: all that runs on it is being dropped too, and whoever waits is told.
struct Forsaken(Arc<Shared>);

impl Drop for Forsaken {
    fn drop(&mut self) {
        if self.0.report().is_none() {
            self.0.kill_all();
            self.0.complete(&ExitReason::Aborted { by: AbortedBy::Runtime });
        }
    }
}
