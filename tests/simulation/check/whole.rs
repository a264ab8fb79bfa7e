//! The shutdown: in order, in time, with nothing left and a report that says what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actors_core::test_kit::{LifeEvent, LifeStep};
use actors_core::{ActorId, DeadReason, ExitReason, LinkKind, Outcome, ShutdownReport, StartFailure};

use super::Wrong;
use super::facts::{Facts, Pos, slot_of};
use crate::execute::{Left, Run};
use crate::journal::{Note, Who};
use crate::program::{Act, Deed, Kind, Knot, Manage, Order, Program, Slot};

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    wrong.unless(run.left == Left::default(), "S2.2", || format!("left over: {:?}", run.left));
    if run.in_order {
        deadline(run, wrong);
    }
    panics(run, facts, wrong);
    if let Some(report) = &run.report {
        agrees(run, facts, report, wrong);
        failures(run, report, wrong);
        order(run, facts, wrong);
        if run.in_order {
            stop_limits(run, facts, report, wrong);
        }
    }
}

/// Nothing panics but what is to: the library's own assertions hold.
fn panics(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let lives = run.lives.iter().filter_map(|event| match &event.step {
        LifeStep::Down(reason) | LifeStep::Ended(reason) => Some(reason),
        _ => None,
    });
    for reason in lives.chain(facts.actors.values().flat_map(|actor| &actor.secondary)) {
        let text = match reason {
            ExitReason::Panicked { message, .. } | ExitReason::StartFailed(StartFailure::Panicked { message, .. }) => message,
            _ => continue,
        };
        wrong.unless(text.starts_with("simulated"), "S2", || format!("something panicked that should not: {reason}"));
    }
}

/// A shutdown is over by its deadline, save for the moment that each actor may take at the rungs of the ladder.
fn deadline(run: &Run, wrong: &mut Wrong) {
    let slack = Duration::from_millis(20 + 6 * run.program.actors.len() as u64);
    let mut due: Option<Duration> = None;
    for entry in &run.journal {
        match &entry.note {
            Note::ShutdownBegins { within, .. } => {
                let until = |within: Duration| entry.at + within;
                due = match (due, within) {
                    (None, within) => Some(until(within.unwrap_or(Duration::from_millis(run.program.ending.deadline)))),
                    (Some(due), Some(within)) => Some(due.min(until(*within))),
                    // Whoever names no deadline takes nothing of the time there is.
                    (due, None) => due,
                };
            }
            Note::ShutdownReturned { began } => {
                let latest = due.unwrap_or_default().max(*began) + slack;
                wrong.unless(entry.at <= latest, "S7.4", || format!("a shutdown that was due at {due:?} returned at {:?}", entry.at));
            }
            _ => {}
        }
    }
}

/// The report has each actor that ended since the shutdown began, once, in the order of their ends, for the same reason.
fn agrees(run: &Run, facts: &Facts<'_>, report: &ShutdownReport, wrong: &mut Wrong) {
    let all: Vec<(&LifeEvent, &ExitReason)> = run.lives.iter().filter_map(|event| ended(event).map(|reason| (event, reason))).collect();
    let begun = run.journal.iter().find_map(|entry| match &entry.note {
        Note::ShutdownBegins { seen, .. } => Some(*seen),
        _ => None,
    });
    let since = run.lives.iter().skip(begun.unwrap_or(0)).filter(|event| ended(event).is_some()).count();
    wrong.unless(report.actors.len() >= since || !run.in_order, "S7.8", || {
        format!("{since} actors ended since the shutdown began, and the report has {}", report.actors.len())
    });
    if all.len() < report.actors.len() {
        wrong.add("S7.8", format!("the report has {} actors, and {} have ended", report.actors.len(), all.len()));
        return;
    }
    let reported: Vec<String> = report.actors.iter().map(|actor| format!("{} {}", actor.path, actor.exit.reason)).collect();
    if run.in_order {
        let first = all.len() - report.actors.len();
        let seen: Vec<String> = all[first..].iter().map(|(event, reason)| format!("{} {reason}", event.path)).collect();
        wrong.unless(seen == reported, "S7.8", || {
            format!("the report says\n  {}\nand there was\n  {}", reported.join("\n  "), seen.join("\n  "))
        });
    } else {
        covers(run, facts, &all, reported, wrong);
    }
    let unresponsive = report.unresponsive().count();
    wrong.unless(unresponsive == 0, "S7.4", || format!("{unresponsive} actors are unresponsive, and all of them yield"));
    wrong.unless(!matches!(report.outcome, Outcome::WouldDeadlock { .. }), "S7.3", || format!("the outcome is {:?}", report.outcome));
    let letters =
        run.journal.iter().filter(|entry| matches!(entry.note, Note::Dead { .. } | Note::DeadNews { .. } | Note::DeadJob { .. })).count()
            as u64;
    // Whoever finds a mailbox full makes a dead letter of the oldest, or of his own, a moment later on his own thread; and so does
    // whoever delivers what was published.
    let of_full = |note: &Note| {
        matches!(
            note,
            Note::DeadNews { .. } | Note::Dead { message: None, .. } | Note::Dead { reason: DeadReason::Oldest | DeadReason::Newest, .. }
        )
    };
    let late = if run.in_order { 0 } else { run.journal.iter().filter(|entry| of_full(&entry.note)).count() as u64 };
    wrong.unless((letters - late..=letters).contains(&report.dead_letters), "S7.8", || {
        format!("the report counts {} dead letters, and there were {letters}", report.dead_letters)
    });
}

/// On several workers, where the entry in the report and that in the log are two steps: nobody is in the report who did not
/// end, and nobody is left out whose state was still there when the shutdown had begun.
fn covers(run: &Run, facts: &Facts<'_>, all: &[(&LifeEvent, &ExitReason)], reported: Vec<String>, wrong: &mut Wrong) {
    let begun = run.journal.iter().position(|entry| matches!(entry.note, Note::ShutdownHasBegun)).unwrap_or(Pos::MAX);
    let mut gone: BTreeMap<String, Vec<Pos>> = BTreeMap::new();
    for (event, reason) in all {
        let state = facts.state_of(Who { id: event.id, life: event.incarnation });
        gone.entry(format!("{} {reason}", event.path)).or_default().push(state.and_then(|state| state.gone).unwrap_or(0));
    }
    gone.values_mut().for_each(|places| places.sort_unstable());
    for line in reported {
        // Of several that are alike, the last ones are those in the report.
        let place = gone.get_mut(&line).and_then(Vec::pop);
        wrong.unless(place.is_some(), "S7.8", || format!("the report says `{line}`, and nobody ended so"));
    }
    for (line, places) in gone {
        let late = places.iter().find(|place| **place > begun);
        wrong.unless(late.is_none(), "S7.8", || format!("`{line}` came after the shutdown had begun, and is not in the report"));
    }
}

/// Who failed for good is in the report, unless something above it was begun anew.
fn failures(run: &Run, report: &ShutdownReport, wrong: &mut Wrong) {
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for (at, event) in run.lives.iter().enumerate() {
        let Some(reason) = ended(event).filter(|reason| reason.is_failure()) else { continue };
        let path = event.path.to_string();
        let repaired = run.lives[at..].iter().any(|later| later.incarnation > 0 && path.starts_with(&format!("{}/", later.path)));
        if !repaired {
            *expected.entry(format!("{path} {reason}")).or_default() += 1;
        }
    }
    for (path, reason) in &report.failures {
        if let Some(left) = expected.get_mut(&format!("{path} {reason}")) {
            *left = left.saturating_sub(1);
        }
    }
    expected.retain(|_, left| *left > 0);
    wrong.unless(expected.is_empty(), "S7.8", || format!("failed for good, and not in the report: {expected:?}"));
    wrong.unless(report.failed >= report.failures.len(), "S7.8", || "fewer failed than are remembered".to_owned());
}

/// Siblings stop in reverse start order, if nothing but their parent stops them.
fn order(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut stopped: BTreeMap<_, Vec<(ActorId, usize, String)>> = BTreeMap::new();
    for (at, event) in run.lives.iter().enumerate() {
        let Some(ExitReason::Shutdown) = ended(event) else { continue };
        let path = event.path.to_string();
        let Some(Some(above)) = facts.above.get(&event.id) else { continue };
        let Some(slot) = slot_of(&path) else { continue };
        let in_order = facts.plan_of(above.id).is_some_and(|plan| !plan.setup.side_by_side);
        let was_down = facts.was_down(event.id);
        let killed = facts.actors.get(&event.id).is_none_or(|actor| !actor.secondary.is_empty());
        if in_order && !was_down && !killed && !is_stopped_by_others(&run.program, slot) {
            stopped.entry(*above).or_default().push((event.id, at, path));
        }
    }
    for siblings in stopped.into_values() {
        for (place, (id, at, path)) in siblings.iter().enumerate() {
            let later = siblings[place + 1..].iter().find(|(other, when, _)| other > id && when > at);
            if let Some((_, _, later)) = later {
                wrong.add("S7.1", format!("{path} was stopped before {later}, which was started after it"));
            }
        }
    }
}

/// One without children, whom nothing but its parent stops, is killed at its stop limit, and aborted soon after.
fn stop_limits(run: &Run, facts: &Facts<'_>, report: &ShutdownReport, wrong: &mut Wrong) {
    // A second after the kill until the abort, and a quarter of one after that.
    const GRACE: Duration = Duration::from_millis(1_250 + 50);
    let asked: BTreeSet<String> = run
        .journal
        .iter()
        .filter_map(|entry| if let Note::Asks { to, .. } = entry.note { facts.actors.get(&to) } else { None })
        .map(|actor| actor.path.clone())
        .collect();
    for actor in &report.actors {
        let path = actor.path.to_string();
        let Some(slot) = slot_of(&path) else { continue };
        let is_leaf = run.program.below(Some(slot)).next().is_none();
        if !is_leaf || asked.contains(&path) || actor.exit.reason != ExitReason::Shutdown || is_stopped_by_others(&run.program, slot) {
            continue;
        }
        let limit = Duration::from_millis(facts.plan(slot).setup.stop_limit.unwrap_or(5_000));
        wrong.unless(actor.total <= limit + GRACE, "S7.4", || format!("{path} took {:?} to stop, with a limit of {limit:?}", actor.total));
    }
}

/// Whether something in the program but its parent may end an actor with `Shutdown`.
fn is_stopped_by_others(program: &Program, slot: Slot) -> bool {
    let plan = &program.actors[slot];
    let has_significant =
        program.actors.iter().any(|child| child.above == Some(slot) && matches!(child.kind, Kind::Child { significant: true, .. }));
    let mut others = plan.group.is_some() || !matches!(plan.kind, Kind::Plain) || has_significant;
    let mut link = |knot: &Knot, from: Option<Slot>| {
        if let Knot::Link(to, LinkKind::OnExit) = knot {
            others |= *to == slot || from == Some(slot);
        }
    };
    for (from, plan) in program.actors.iter().enumerate() {
        plan.ties.iter().for_each(|knot| link(knot, Some(from)));
    }
    for step in &program.steps {
        if let Deed::Send { to, work, .. } = &step.deed {
            visit(*to, work, &mut |at, act| match act {
                Act::Tie(knot) => link(knot, Some(at)),
                Act::Manage(child, Manage::Stop | Manage::Terminate) if *child == slot => link(&Knot::Link(slot, LinkKind::OnExit), None),
                _ => {}
            });
        }
    }
    others
}

fn visit(at: Slot, order: &Order, see: &mut impl FnMut(Slot, &Act)) {
    see(at, &order.act);
    if let Act::Send(to, _, further) = &order.act {
        visit(*to, further, see);
    }
}

fn ended(event: &LifeEvent) -> Option<&ExitReason> {
    match &event.step {
        LifeStep::Ended(reason) => Some(reason),
        _ => None,
    }
}
