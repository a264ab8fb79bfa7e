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
mod tests {
    use super::*;
    use crate::lifecycle::exit::{AbortedBy, Failure};
    use crate::lifecycle::path::Node;
    use crate::system::report::ReportParts;
    use crate::system::report::tests::{actor, parts, reports};
    use crate::system::text::tests::named;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn panicked() -> ExitReason {
        ExitReason::Panicked { message: "assertion failed\n  left: 1".into(), location: Some("src/db.rs:12:5".into()) }
    }

    #[test]
    fn a_clean_shutdown_is_complete() {
        let chat = named(&Node::root(), "chat");
        let mut room = actor(named(&chat.node(), "room-1"), ExitReason::Shutdown, 100, 200);
        (room.handler, room.drain, room.drained) = (millis(100), millis(100), 3);
        let mut chat = actor(chat, ExitReason::Shutdown, 0, 400);
        (chat.handler, chat.children, chat.hook, chat.discarded) = (millis(100), millis(200), millis(100), 2);
        let report = ReportParts { trigger: Trigger::Signal("SIGTERM".to_owned()), ..parts(vec![room, chat]) };
        let expected = "\
chat: shutdown complete in 400 ms (SIGTERM, deadline 25 s)

  /chat/room-1  shutdown       █████▓▓▓▓▓       200 ms  drained 3
  /chat         shutdown  █████──────────░░░░░  400 ms  discarded 2
  a bar spans 400 ms  █ handler  ▓ drain  ─ children  ░ hook

critical path: /chat 400 ms > /room-1 200 ms";
        assert_eq!(ShutdownReport::new(report).to_string(), expected);
    }

    #[test]
    fn what_did_not_stop_is_named_and_complete_is_not_said() {
        let root = Node::root();
        let mut stuck = actor(named(&root, "stuck"), ExitReason::Unresponsive, 0, 20_000);
        (stuck.limit, stuck.held_by, stuck.handler) = (Some(LimitHit::Abort), Some("Say".to_owned()), millis(20_000));
        let mut slow = actor(named(&root, "slow"), ExitReason::Killed, 20_000, 5_000);
        (slow.limit, slow.leaked_blocking, slow.hook_outcome) = (Some(LimitHit::Stop), 0, HookOutcome::Skipped);
        (slow.drained, slow.discarded, slow.held_by) = (10, 20, Some("Import".to_owned()));
        let mut report = parts(vec![stuck, slow, actor(named(&root, "db"), panicked(), 25_000, 0)]);
        report.failures = vec![(named(&root, "db"), panicked())];
        (report.failed, report.dead_letters, report.quiesce) = (3, 20, millis(500));
        let expected = "\
chat: finished with 3 failed, 1 aborted, 1 unresponsive in 25 s (requested, deadline 25 s, quiesced
500 ms)

  /stuck  unresponsive  ████████████████      20 s  ignored the abort, in `Say`
  /slow   killed                        ····   5 s
      killed at its limit, in `Import`, hook skipped, drained 10, discarded 20
  /db     panicked                         ·  0 ms
  a bar spans 25 s  █ handler

failures:
  /db: panicked at src/db.rs:12:5: assertion failed left: 1
  ... and 2 more

dead letters: 20
exit code: 4";
        assert_eq!(ShutdownReport::new(report).to_string(), expected);
    }

    #[test]
    fn headlines() {
        let root = Node::root();
        let one =
            |outcome| ShutdownReport::new(ReportParts { outcome: Some(outcome), total: millis(1_500), failed: 1, ..parts(Vec::new()) });
        let cases = [
            (Outcome::Clean, "chat: shutdown complete in 1.5 s (requested, deadline 25 s)"),
            (Outcome::Failed, "chat: shutdown complete in 1.5 s, 1 actor failed (requested, deadline 25 s)"),
            (Outcome::Aborted, "chat: finished with 1 failed in 1.5 s (requested, deadline 25 s)"),
            (Outcome::Forced { signal: 2 }, "chat: cut off by SIGINT after 1.5 s (requested, deadline 25 s)"),
            (Outcome::StartFailed, "chat: start failed, stopped after 1.5 s (requested, deadline 25 s)"),
            (
                Outcome::WouldDeadlock { path: named(&root, "a") },
                "chat: nothing was stopped: /a awaits the shutdown that would wait for it",
            ),
        ];
        for (outcome, headline) in cases {
            assert_eq!(one(outcome).to_string().lines().next(), Some(headline));
        }
        let trigger = Trigger::ActorEnded { path: named(&root, "a"), reason: ExitReason::Aborted { by: AbortedBy::Runtime } };
        assert_eq!(trigger.to_string(), "/a ended: aborted");
    }

    #[test]
    fn who_was_killed_within_its_time_is_counted_apart() {
        let root = Node::root();
        let mut cut = actor(named(&root, "cut"), ExitReason::Killed, 0, 1);
        cut.limit = Some(LimitHit::Kill);
        let report = ShutdownReport::new(parts(vec![actor(named(&root, "killed"), ExitReason::Killed, 0, 1), cut]));
        let headline = "chat: finished with 1 killed, 1 aborted in 1 ms (requested, deadline 25 s)";
        assert_eq!(report.to_string().lines().next(), Some(headline));
    }

    #[test]
    fn bars_begin_with_the_first_turn_and_notes_name_what_came_next() {
        let mut late = actor(named(&Node::root(), "late"), ExitReason::Shutdown, 60_000, 100);
        late.handler = millis(100);
        late.exit.secondary = vec![panicked(), ExitReason::Killed];
        let text = ShutdownReport::new(parts(vec![late])).to_string();
        assert!(text.contains(&format!("\n  /late  shutdown  {}  100 ms  then panicked\n", "█".repeat(BAR))), "{text}");
    }

    #[test]
    fn it_is_told_how_many_of_those_that_are_not_shown_were_not_clean() {
        let node = named(&Node::root(), "top").node();
        let reason = |number| if number < 900 { ExitReason::Shutdown } else { panicked() };
        let actors = (0..1_000).map(|number| actor(named(&node, &number.to_string()), reason(number), number, 1)).collect();
        let text = ShutdownReport::new(parts(actors)).to_string();
        assert!(text.contains("\n  ... and 970 others ended, 80 of them not cleanly\n"), "{text}");
    }

    #[test]
    fn of_many_actors_the_notable_ones_are_shown() {
        let top = named(&Node::root(), "top");
        let node = top.node();
        let mut actors: Vec<ActorReport> =
            (0..1_000).map(|number| actor(named(&node, &number.to_string()), ExitReason::Shutdown, number, 1)).collect();
        actors[17].exit.reason = panicked();
        actors[500].total = millis(70);
        let mut all = actor(top, ExitReason::Shutdown, 0, 1_000);
        all.children = millis(1_000);
        actors.push(all);
        let text = ShutdownReport::new(parts(actors)).to_string();
        for shown in ["\n  /top/17 ", "\n  /top/500 ", "\n  /top  "] {
            assert!(text.contains(shown), "{text}");
        }
        assert!(text.contains("\n  ... and 989 others ended cleanly\n"), "{text}");
        assert!(text.lines().count() < 60);
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let mut path = named(&Node::root(), &"n".repeat(70));
        let mut actors = Vec::new();
        for number in 0..100 {
            let reason = if number % 2 == 0 { ExitReason::Unresponsive } else { panicked() };
            let mut one = actor(path.clone(), reason, number * 1_000_000, 50_000_000);
            (one.limit, one.held_by, one.leaked_blocking) = (Some(LimitHit::Kill), Some("M".repeat(300)), 7);
            (one.hook_outcome, one.drained, one.discarded) = (HookOutcome::TimedOut, u64::MAX, u64::MAX);
            actors.push(one);
            path = named(&path.node(), &"é".repeat(70));
        }
        let failures = actors.iter().map(|actor| (actor.path.clone(), panicked())).collect();
        let system = "s".repeat(1_000);
        let report = ShutdownReport::new(ReportParts { system, failures, failed: 100, ..parts(actors) });
        for line in report.to_string().lines() {
            assert!(columns(line) <= COLUMNS, "{line}");
        }
    }

    #[test]
    fn an_error_that_panics_when_displayed_does_no_harm() {
        #[derive(Debug)]
        struct Bad;
        impl std::error::Error for Bad {}
        impl fmt::Display for Bad {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        let reason = ExitReason::Failed(Failure::new(Box::new(Bad)));
        let report = ReportParts { failures: vec![(ActorPath::root(), reason)], failed: 1, ..parts(Vec::new()) };
        assert!(ShutdownReport::new(report).to_string().contains("failed: (it has no text)"));
    }

    #[test]
    fn extreme_times_do_no_harm() {
        let mut long = actor(named(&Node::root(), "long"), ExitReason::Shutdown, 0, 0);
        (long.turn, long.total, long.hook) = (Duration::MAX, Duration::MAX, Duration::MAX);
        let short = actor(named(&Node::root(), "short"), ExitReason::Shutdown, 0, 0);
        let report = ReportParts { total: Duration::MAX, ..parts(Vec::new()) };
        assert!(ShutdownReport::new(ReportParts { actors: reports(vec![long, short]), ..report }).to_string().contains("/short"));
    }
}
