//! How a shutdown report looks on a terminal: a headline, a waterfall of the actors, and what went wrong.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::report::{Outcome, ShutdownReport, Trigger, has_failed, is_unresponsive, was_cut_short};
use super::text::{COLUMNS, columns, counted, human, plain, shorten, wrap};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::path::{ActorPath, Segment};
use crate::lifecycle::record::{ActorReport, HookOutcome, LimitHit};

/// How many actors are shown; of more than that, the notable ones.
const SHOWN: usize = 40;
/// How many failures are shown.
const FAILURES: usize = 20;
/// How wide a path may be in the table.
const PATH: usize = 28;
/// How many cells a bar has.
const BAR: usize = 20;

/// The phases of a stop, in their order, with what stands for them in a bar.
const PHASES: [(char, &str, Phase); 4] = [
    ('█', "handler", |actor| actor.handler),
    ('▓', "drain", |actor| actor.drain),
    ('─', "children", |actor| actor.children),
    ('░', "hook", |actor| actor.hook),
];
/// What stands for the rest of the time.
const OTHER: char = '·';

type Phase = fn(&ActorReport) -> Duration;

impl fmt::Display for ShutdownReport {
    /// Shows at most some forty actors on lines of at most a hundred columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = headline(self);
        table(self, &mut lines);
        failures(self, &mut lines);
        totals(self, &mut lines);
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Request => f.write_str("requested"),
            Trigger::Signal(name) => f.write_str(name),
            Trigger::ActorEnded { path, reason } => write!(f, "{} ended: {}", shorten(path, 40), kind(reason)),
            Trigger::Dropped => f.write_str("the system was dropped"),
        }
    }
}

/// The first line; "complete" stands in it only if every actor stopped by itself (S7.7).
fn headline(report: &ShutdownReport) -> Vec<String> {
    let system = plain(&report.system, 40);
    let total = human(report.total);
    let what = match &report.outcome {
        Outcome::Clean => format!("shutdown complete in {total}"),
        Outcome::Failed => {
            let failed = report.failed.max(report.actors.eventful().filter(|actor| has_failed(actor)).count());
            format!("shutdown complete in {total}, {} failed", counted(failed, "actor", "actors"))
        }
        Outcome::Aborted | Outcome::Unresponsive => format!("finished {}in {total}", casualties(report)),
        Outcome::Forced { signal } => format!("cut off by {} after {total}", signal_name(*signal)),
        Outcome::StartFailed => format!("start failed, stopped after {total}"),
        Outcome::WouldDeadlock { path } => {
            let path = shorten(path, 40);
            return wrap(&format!("{system}: nothing was stopped: {path} awaits the shutdown that would wait for it"), COLUMNS, 2);
        }
    };
    let mut context = format!("{}, deadline {}", report.trigger, human(report.deadline));
    if !report.quiesce.is_zero() {
        context.push_str(&format!(", quiesced {}", human(report.quiesce)));
    }
    wrap(&format!("{system}: {what} ({context})"), COLUMNS, 4)
}

/// How many did not stop by themselves: `with 1 aborted, 2 unresponsive `.
fn casualties(report: &ShutdownReport) -> String {
    let (mut killed, mut aborted, mut unresponsive) = (0, 0, 0);
    for actor in report.actors.eventful() {
        if is_unresponsive(actor) {
            unresponsive += 1;
        } else if was_cut_short(actor) {
            aborted += 1;
        } else if actor.exit.reason == ExitReason::Killed {
            killed += 1;
        }
    }
    let counts = [(report.failed, "failed"), (killed, "killed"), (aborted, "aborted"), (unresponsive, "unresponsive")];
    let words: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { String::new() } else { format!("with {} ", words.join(", ")) }
}

fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        3 => "SIGQUIT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}

/// One line for each actor that is shown, in the order of their ends.
fn table(report: &ShutdownReport, lines: &mut Vec<String>) {
    let actors = &report.actors;
    let axis = Axis::of(actors);
    let shown: Vec<&ActorReport> = notable(actors).into_iter().map(|place| &actors[place]).collect();
    if shown.is_empty() {
        return;
    }
    let rows: Vec<(String, &str, String)> =
        shown.iter().map(|actor| (shorten(&actor.path, PATH), kind(&actor.exit.reason), human(actor.total))).collect();
    let path_width = rows.iter().map(|(path, ..)| columns(path)).max().unwrap_or(0);
    let kind_width = rows.iter().map(|(_, kind, _)| columns(kind)).max().unwrap_or(0);
    let time_width = rows.iter().map(|(.., time)| columns(time)).max().unwrap_or(0);
    lines.push(String::new());
    for (actor, (path, kind, time)) in shown.iter().zip(&rows) {
        let row = format!("  {path:path_width$}  {kind:kind_width$}  {}  {time:>time_width$}", axis.bar(actor));
        let notes = notes(actor);
        if notes.is_empty() {
            lines.push(row);
        } else if columns(&row) + 2 + columns(&notes) <= COLUMNS {
            lines.push(format!("{row}  {notes}"));
        } else {
            lines.push(row);
            lines.extend(wrap(&notes, COLUMNS - 6, 3).iter().map(|note| format!("      {note}")));
        }
    }
    let hidden = actors.len() - shown.len();
    if hidden > 0 {
        let unclean = |actors: &mut dyn Iterator<Item = &ActorReport>| actors.filter(|actor| is_unclean(actor)).count();
        let hidden_unclean = unclean(&mut actors.iter()) - unclean(&mut shown.iter().copied());
        let others = counted(hidden, "other", "others");
        lines.push(match hidden_unclean {
            0 => format!("  ... and {others} ended cleanly"),
            some => format!("  ... and {others} ended, {some} of them not cleanly"),
        });
    }
    lines.push(legend(&shown, axis.length));
}

fn legend(shown: &[&ActorReport], length: Duration) -> String {
    let mut legend = format!("  a bar spans {}", human(length));
    for (mark, name, phase) in PHASES {
        if shown.iter().any(|actor| !phase(actor).is_zero()) {
            legend.push_str(&format!("  {mark} {name}"));
        }
    }
    legend
}

/// Which actors are shown: all of a few; of many those that did not end cleanly, those that took the most time of their
/// own, and the top of the tree.
fn notable(actors: &[ActorReport]) -> BTreeSet<usize> {
    if actors.len() <= SHOWN {
        return (0..actors.len()).collect();
    }
    let mut slowest: Vec<usize> = (0..actors.len()).collect();
    slowest.sort_by_key(|&place| Reverse(actors[place].total.saturating_sub(actors[place].children)));
    let unclean = (0..actors.len()).filter(|&place| is_unclean(&actors[place]));
    let top = (0..actors.len()).rev().filter(|&place| is_top(&actors[place].path));
    unclean.take(SHOWN / 2).chain(slowest.iter().copied().take(SHOWN / 4)).chain(top.take(SHOWN / 4)).collect()
}

fn is_top(path: &ActorPath) -> bool {
    path.up().is_none_or(|above| above.segment == Segment::Root)
}

fn is_unclean(actor: &ActorReport) -> bool {
    !actor.exit.reason.is_clean() || is_unresponsive(actor) || was_cut_short(actor) || has_failed(actor)
}

/// The time that all bars stand for.
struct Axis {
    from: Duration,
    length: Duration,
}

impl Axis {
    /// From the first turn to the last end.
    fn of(actors: &[ActorReport]) -> Axis {
        let from = actors.iter().map(|actor| actor.turn).min().unwrap_or_default();
        let to = actors.iter().map(|actor| actor.turn.saturating_add(actor.total)).max().unwrap_or_default();
        Axis { from, length: to.saturating_sub(from) }
    }

    /// The time of one actor on the axis; even the shortest has a mark.
    fn bar(&self, actor: &ActorReport) -> String {
        let begin = self.place(actor.turn);
        let end = self.place(actor.turn.saturating_add(actor.total));
        let first = (begin as usize).min(BAR - 1);
        let cells = first..(end.ceil() as usize).clamp(first + 1, BAR);
        (0..BAR).map(|cell| if cells.contains(&cell) { self.mark(actor, cell, begin..end) } else { ' ' }).collect()
    }

    /// What the actor did for most of the time of one cell.
    fn mark(&self, actor: &ActorReport, cell: usize, span: Range<f64>) -> char {
        let window = (cell as f64).max(span.start)..(cell as f64 + 1.0).min(span.end);
        let mut best = (0.0, OTHER);
        let mut from = actor.turn;
        for (mark, _, phase) in PHASES {
            let to = from.saturating_add(phase(actor));
            let shared = self.place(to).min(window.end) - self.place(from).max(window.start);
            if shared > best.0 {
                best = (shared, mark);
            }
            from = to;
        }
        let rest = window.end - self.place(from).max(window.start);
        if rest > best.0 { OTHER } else { best.1 }
    }

    /// Where on the bar an instant falls, in cells.
    fn place(&self, instant: Duration) -> f64 {
        if self.length.is_zero() {
            return 0.0;
        }
        instant.saturating_sub(self.from).as_secs_f64() / self.length.as_secs_f64() * BAR as f64
    }
}

/// What is worth a remark.
fn notes(actor: &ActorReport) -> String {
    let mut notes = Vec::new();
    match actor.limit {
        Some(LimitHit::Stop) => notes.push("killed at its limit".to_owned()),
        Some(LimitHit::Hook) => notes.push("hook cut at its limit".to_owned()),
        Some(LimitHit::Kill) => notes.push("ignored the kill, aborted".to_owned()),
        Some(LimitHit::Abort) => notes.push("ignored the abort".to_owned()),
        None => {}
    }
    if let Some(message) = &actor.held_by {
        notes.push(format!("in `{}`", plain(message, 40)));
    }
    match actor.hook_outcome {
        HookOutcome::Failed => notes.push("hook failed".to_owned()),
        HookOutcome::Panicked => notes.push("hook panicked".to_owned()),
        HookOutcome::TimedOut if actor.limit != Some(LimitHit::Hook) => notes.push("hook timed out".to_owned()),
        HookOutcome::Skipped => notes.push("hook skipped".to_owned()),
        HookOutcome::None | HookOutcome::Ran | HookOutcome::TimedOut => {}
    }
    if let Some(later) = actor.exit.secondary.first() {
        notes.push(format!("then {}", kind(later)));
    }
    if actor.drained > 0 {
        notes.push(format!("drained {}", actor.drained));
    }
    if actor.discarded > 0 {
        notes.push(format!("discarded {}", actor.discarded));
    }
    if actor.leaked_blocking > 0 {
        notes.push(format!("{} left", counted(actor.leaked_blocking, "blocking job", "blocking jobs")));
    }
    notes.join(", ")
}

/// A reason in a word or two.
fn kind(reason: &ExitReason) -> &'static str {
    match reason {
        ExitReason::Normal => "normal",
        ExitReason::Shutdown => "shutdown",
        ExitReason::Failed(_) => "failed",
        ExitReason::Panicked { .. } => "panicked",
        ExitReason::LinkDown { .. } => "link down",
        ExitReason::StartFailed(_) => "start failed",
        ExitReason::Escalated { .. } => "escalated",
        ExitReason::Killed => "killed",
        ExitReason::Aborted { .. } => "aborted",
        ExitReason::Unresponsive => "unresponsive",
        ExitReason::NoSuchActor => "no such actor",
    }
}

fn failures(report: &ShutdownReport, lines: &mut Vec<String>) {
    if report.failures.is_empty() {
        return;
    }
    lines.extend([String::new(), "failures:".to_owned()]);
    for (path, reason) in report.failures.iter().take(FAILURES) {
        let text = wrap(&format!("{}: {reason}", shorten(path, 60)), COLUMNS - 6, 4);
        lines.extend(text.iter().enumerate().map(|(number, line)| format!("{}{line}", if number == 0 { "  " } else { "      " })));
    }
    let more = report.failed.max(report.failures.len()) - report.failures.len().min(FAILURES);
    if more > 0 {
        lines.push(format!("  ... and {more} more"));
    }
}

/// What is said of the whole.
fn totals(report: &ShutdownReport, lines: &mut Vec<String>) {
    let before = lines.len();
    if report.dead_letters > 0 {
        lines.push(format!("dead letters: {}", report.dead_letters));
    }
    if report.leaked_blocking > 0 {
        lines.push(format!("blocking jobs left: {}", report.leaked_blocking));
    }
    let critical = report.critical_path();
    if critical.len() > 1 {
        let text = format!("critical path: {}", chain(&critical));
        lines.extend(wrap(&text, COLUMNS, 4));
    }
    if report.exit_code() != 0 {
        lines.push(format!("exit code: {}", report.exit_code()));
    }
    if lines.len() > before {
        lines.insert(before, String::new());
    }
}

/// The actors of a critical path and the time of each; a long one without its middle.
fn chain(critical: &[&ActorReport]) -> String {
    let link = |actor: &&ActorReport| format!("/{} {}", plain(&actor.path.name(), 30), human(actor.total));
    let links: Vec<String> = if critical.len() <= 8 {
        critical.iter().map(link).collect()
    } else {
        let (first, last) = (&critical[..4], &critical[critical.len() - 3..]);
        first.iter().map(link).chain(["…".to_owned()]).chain(last.iter().map(link)).collect()
    };
    links.join(" > ")
}

#[cfg(test)]
mod tests;
