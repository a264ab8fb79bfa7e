//! A thread outside the runtime that watches a shutdown: tokio's timers do not fire when every worker is blocked.
//!
//! It says every two seconds what the shutdown waits for. At the deadline it declares what is left unresponsive and makes
//! the report known itself. Where the system handles signals, it then ends the process: a runtime whose workers are
//! blocked is never dropped.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::report::ShutdownReport;
use super::shared::Shared;
use super::text::human;
use super::tree;
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::ExitReason;
use crate::runtime::{discard_all, give_up};

/// How often a long shutdown says what it waits for.
const PROGRESS: Duration = Duration::from_secs(2);
/// How many actors one progress line names.
const NAMED: usize = 3;
/// How long those may take who are making their own end known when all others are given up, and the destructors of the messages
/// that are discarded then. They should wait for nothing.
const LAST_ENDS: Duration = Duration::from_millis(100);
/// How long `main` may take to return the report, before a process is ended in which something does not react.
const RETURN_GRACE: Duration = Duration::from_millis(500);

/// Watches the shutdown of `shared`, which has begun.
pub(super) fn watch(shared: Arc<Shared>) {
    let name = shared.thread_name("watchdog");
    let watched = shared.clone();
    let thread = thread::Builder::new().name(name).spawn(move || run(&watched));
    match thread {
        Ok(thread) => {
            shared.watched_by(thread.thread().clone());
            wake_when_done(&shared, thread.thread().clone());
        }
        // No thread can be had. The shutdown does without; only blocked workers go unnoticed.
        Err(error) => say(&format!("{}: no watchdog for the shutdown: {error}", shared.env.name)),
    }
}

/// Has the report wake the thread, so that it ends with the shutdown.
fn wake_when_done(shared: &Arc<Shared>, thread: Thread) {
    shared.on_done(Arc::new(Unpark(thread)).into());
}

struct Unpark(Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn run(shared: &Arc<Shared>) {
    let Some(going) = shared.going() else { return };
    let mut next_line = going.really_began + PROGRESS;
    let report = loop {
        if let Some(report) = shared.report() {
            break report;
        }
        let now = Instant::now();
        // Asked anew each time: a later call may have brought it nearer.
        let deadline = shared.going().map_or(going.real_deadline, |going| going.real_deadline);
        if now >= deadline {
            break force(shared);
        }
        if now >= next_line {
            if shared.progress {
                progress(shared);
            }
            next_line = now + PROGRESS;
        }
        thread::park_timeout(deadline.min(next_line).saturating_duration_since(now));
    };
    if shared.handles_signals() && (report.unresponsive().next().is_some() || report.leaked_blocking > 0) {
        thread::sleep(RETURN_GRACE);
        report.print_once();
        std::process::exit(i32::from(report.exit_code()));
    }
}

/// The deadline is over and the runtime has not got there: declares what is left unresponsive.
fn force(shared: &Arc<Shared>) -> ShutdownReport {
    shared.root.close();
    let left: Vec<_> = shared.root.children().iter().flat_map(give_up).collect();
    // A destructor may wait for what hangs. Where no thread can be had, the messages stay where they are.
    let discards = Arc::new(());
    let discarding = discards.clone();
    let work = move || {
        discard_all(left);
        drop(discarding);
    };
    let _ = thread::Builder::new().name(shared.thread_name("discards")).spawn(work);
    // One that had just begun to make its own end known does so now, on another thread, and is to be in the report.
    let until = Instant::now() + LAST_ENDS;
    while (shared.env.alive() > 0 || Arc::strong_count(&discards) > 1) && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
    let report = shared.complete(&ExitReason::Unresponsive);
    report.print_once();
    report
}

fn progress(shared: &Arc<Shared>) {
    let places = tree::preorder(&shared.root);
    let parents: HashSet<usize> = places.iter().filter_map(|place| place.parent).collect();
    // Those who stop and have no children left are the ones that all others wait for.
    let waited_for: Vec<&Arc<dyn AnyCell>> = places
        .iter()
        .enumerate()
        .filter(|(place, _)| !parents.contains(place))
        .map(|(_, place)| &place.cell)
        .filter(|cell| cell.core().is_stopping() && !cell.has_ended())
        .collect();
    if waited_for.is_empty() {
        return;
    }
    let named: Vec<String> = waited_for.iter().take(NAMED).map(|cell| describe(cell)).collect();
    let more = waited_for.len() - named.len();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    say(&format!("{}: waiting for {}{more}", shared.env.name, named.join("; ")));
}

fn describe(cell: &Arc<dyn AnyCell>) -> String {
    let core = cell.core();
    let mut text = cell.path().to_string();
    match (cell.in_hand(), core.waiting_for(), core.order()) {
        (Some(message), Some(time), _) => text += &format!(": handling `{message}` for {}", human(time)),
        // It has never let go of its thread, so nobody noted when it began.
        (Some(message), None, Some((asked, _))) => text += &format!(": handling `{message}`, asked to stop {} ago", human(asked.elapsed())),
        (Some(message), None, None) => text += &format!(": handling `{message}`"),
        (None, _, Some((asked, _))) => text += &format!(": stopping for {}", human(asked.elapsed())),
        (None, _, None) => text += ": stopping",
    }
    let queued = cell.queued();
    if queued > 0 {
        text += &format!(", {queued} queued");
    }
    text
}

/// Writes a line to the standard error; if that is closed, nobody wants it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
