//! One thing at a time in each actor, and nothing after it was asked to end.

use std::collections::BTreeMap;
use std::time::Duration;

use actors_core::{ActorId, OnStop};

use super::Wrong;
use super::facts::{Facts, Pos};
use crate::execute::Run;
use crate::journal::{Note, Number, Place, Who};
use crate::program::{Kind, Way};

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    one_at_a_time(run, wrong);
    if run.in_order {
        within_limits(run, facts, wrong);
        nothing_after_the_end_was_asked(run, facts, wrong);
    }
}

fn one_at_a_time(run: &Run, wrong: &mut Wrong) {
    let mut inside: BTreeMap<ActorId, (Who, Place)> = BTreeMap::new();
    for entry in &run.journal {
        match &entry.note {
            Note::Enters(who, place) => {
                if let Some((other, at)) = inside.insert(who.id, (*who, *place)) {
                    wrong.add("S4.1", format!("{who:?} begins {place:?} while {other:?} is in {at:?}"));
                }
            }
            Note::Leaves(who, _) => _ = inside.remove(&who.id),
            _ => {}
        }
    }
    for (_, (who, place)) in inside {
        wrong.add("S2.2", format!("{who:?} never left {place:?}"));
    }
}

/// Whatever waits in a handler or a hook is cut short at its limit.
fn within_limits(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut entered: BTreeMap<ActorId, Duration> = BTreeMap::new();
    for entry in &run.journal {
        match &entry.note {
            Note::Enters(who, _) => _ = entered.insert(who.id, entry.at),
            Note::Leaves(who, place) => {
                let (Some(plan), Some(at)) = (facts.plan_of(who.id), entered.remove(&who.id)) else { continue };
                let (rule, limit) = match place {
                    Place::Started => ("S3.2", Some(plan.setup.start_limit.unwrap_or(60_000))),
                    Place::Stopped => ("S6.2", Some(plan.setup.hook_limit.unwrap_or(5_000))),
                    Place::Handler => ("S4.13", plan.setup.handler_limit),
                    Place::Exited => continue,
                };
                let (took, limit) = (entry.at - at, limit.map_or(Duration::MAX, |limit| Duration::from_millis(limit + 2)));
                wrong.unless(took <= limit, rule, || format!("{who:?} was in {place:?} for {took:?}, with a limit of {limit:?}"));
            }
            _ => {}
        }
    }
}

fn nothing_after_the_end_was_asked(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    #[derive(Clone, Copy, Default)]
    struct Asked {
        /// Since when nothing of the mailbox is handled.
        silent: Option<Pos>,
        /// Since when nothing new is.
        drains: Option<Pos>,
        any: bool,
    }
    let mut asked: BTreeMap<Who, Asked> = BTreeMap::new();
    let mut sends: BTreeMap<Number, Pos> = BTreeMap::new();
    let mut killed: BTreeMap<Who, Pos> = BTreeMap::new();
    for (pos, entry) in run.journal.iter().enumerate() {
        match &entry.note {
            Note::Sends { message, .. } => _ = sends.insert(*message, pos),
            Note::Asks { to, life, way, .. } => {
                let who = Who { id: *to, life: *life };
                let Some(plan) = facts.plan_of(*to) else { continue };
                let known = asked.entry(who).or_default();
                let drains = *way == Way::Drain || (*way == Way::Stop && plan.setup.on_stop == OnStop::Drain);
                if *way == Way::Kill {
                    killed.entry(who).or_insert(pos);
                    known.silent.get_or_insert(pos);
                } else if drains {
                    known.drains.get_or_insert(pos);
                } else if known.drains.is_none() {
                    // If something else has asked it to drain before, that counts; only the drain of a group does.
                    known.silent.get_or_insert(pos);
                }
                known.any = true;
            }
            Note::Took { who, message, .. } => {
                if let Some(above) = killed_above(facts, *who, &killed) {
                    wrong.add("S7.2", format!("{who:?} handled message {message} after {above:?} above it was killed"));
                }
                let Some(known) = asked.get(who) else { continue };
                if let Some(since) = known.silent {
                    wrong.add("S4.2", format!("{who:?} handled message {message} after it was asked to end, at {since}"));
                }
                let may_live_on = facts.plan_of(who.id).is_none_or(|plan| matches!(plan.kind, Kind::Child { .. }));
                if let (Some(mark), false) = (known.drains, may_live_on) {
                    wrong.unless(sends.get(message).is_some_and(|sent| *sent < mark), "S4.9", || {
                        format!("{who:?} handled message {message}, which was sent after it was asked to end")
                    });
                }
            }
            Note::TimerCame { who, timer: source } | Note::ItemCame { who, stream: source, .. } => {
                wrong.unless(!asked.get(who).is_some_and(|known| known.any), "S11.1", || {
                    format!("source {source} came to {who:?} after that was asked to end")
                });
            }
            Note::GotNews { who, .. } | Note::Noticed { who, .. } => {
                if let Some(since) = asked.get(who).and_then(|known| known.silent) {
                    wrong.add("S4.2", format!("{who:?} handled news after it was asked to end, at {since}"));
                }
            }
            _ => {}
        }
    }
}

/// Whoever stands above `who` and was killed since that was made.
fn killed_above(facts: &Facts<'_>, who: Who, killed: &BTreeMap<Who, Pos>) -> Option<Who> {
    let made = facts.state_of(who)?.made;
    let up = |who: &Who| facts.state_of(*who)?.above;
    std::iter::successors(up(&who), up).find(|above| killed.get(above).is_some_and(|at| made < *at))
}
