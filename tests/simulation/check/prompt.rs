//! One that never waits has done all that it can do before any time passes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actors_core::ActorId;

use super::Wrong;
use super::facts::{Facts, Pos};
use crate::execute::Run;
use crate::journal::{Note, Number, Tied, Who};

/// By how much a timer may come late: the runtime's clock has ticks.
const TICK: Duration = Duration::from_millis(2);

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    if run.in_order {
        released(run, facts, wrong);
        ends(run, facts, wrong);
    }
}

/// What was released is handled at the same moment.
fn released(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut kept: BTreeMap<Who, BTreeSet<Number>> = BTreeMap::new();
    let mut due: BTreeMap<Who, BTreeMap<Number, Duration>> = BTreeMap::new();
    for entry in &run.journal {
        match &entry.note {
            Note::PutAside { who, message } => {
                kept.entry(*who).or_default().insert(*message);
            }
            Note::Released(who) if never_waits(facts, who.id) => {
                let messages = kept.remove(who).unwrap_or_default();
                due.entry(*who).or_default().extend(messages.into_iter().map(|message| (message, entry.at)));
            }
            Note::Enters(who, _) => late(due.get(who), entry.at, *who, wrong),
            Note::Took { who, message, .. } => {
                late(due.get(who), entry.at, *who, wrong);
                if let Some(due) = due.get_mut(who) {
                    due.remove(message);
                }
            }
            // Whoever ends may take time for that.
            Note::Asks { to, life, .. } => _ = due.remove(&Who { id: *to, life: *life }),
            _ => {}
        }
    }
}

fn late(due: Option<&BTreeMap<Number, Duration>>, now: Duration, who: Who, wrong: &mut Wrong) {
    if let Some((message, since)) = due.into_iter().flatten().find(|(_, since)| **since < now) {
        wrong.add("S4.11", format!("{who:?} came only at {now:?} to message {message}, which it had released at {since:?}"));
    }
}

/// An end is heard at the moment at which it is known.
fn ends(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut ended: BTreeMap<ActorId, (Pos, Duration)> = BTreeMap::new();
    let mut tied_since: BTreeMap<(Who, ActorId), Pos> = BTreeMap::new();
    for (pos, entry) in run.journal.iter().enumerate() {
        match &entry.note {
            Note::Ended { id, .. } => {
                ended.entry(*id).or_insert((pos, entry.at));
            }
            Note::Watches { watcher, target, .. } => _ = tied_since.insert((*watcher, *target), pos),
            Note::Told { who, ended: id, tie: Tied::Monitor(_), .. } if never_waits(facts, who.id) => {
                let (Some((known, at)), Some(tied)) = (ended.get(id), tied_since.get(&(*who, *id))) else { continue };
                wrong.unless(tied > known || entry.at <= *at + TICK, "S9", || {
                    format!("{who:?} heard only at {:?} of the end of {id}, which was known at {at:?}", entry.at)
                });
            }
            _ => {}
        }
    }
}

fn never_waits(facts: &Facts<'_>, id: ActorId) -> bool {
    facts.plan_of(id).is_some_and(|plan| plan.never_waits())
}
