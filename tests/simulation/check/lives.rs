//! Each life begins after the one before is over, ends once, in its order, and after all that stood below it.

use std::collections::{BTreeMap, BTreeSet};

use actors_core::test_kit::LifeStep;
use actors_core::{ActorId, ExitReason};

use super::Wrong;
use super::facts::{Facts, Pos};
use crate::execute::Run;
use crate::journal::{Note, Place, Who};

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    states(facts, wrong);
    hooks(run, facts, wrong);
    ends(run, facts, wrong);
    log(run, wrong);
}

fn states(facts: &Facts<'_>, wrong: &mut Wrong) {
    for (number, state) in &facts.states {
        wrong.unless(state.gone.is_some(), "S2.2", || format!("state {number} of actor {} was never dropped", state.slot));
    }
    // The lives of one actor.
    for (id, actor) in &facts.actors {
        let mut before: Option<(u64, Pos)> = None;
        for (life, number) in &actor.lives {
            let state = &facts.states[number];
            if let Some((earlier, gone)) = before {
                wrong.unless(gone < state.made, "S10.5", || format!("life {life} of {id} began before life {earlier} was over"));
            }
            before = Some((*life, state.gone.unwrap_or(Pos::MAX)));
        }
    }
    // Those who have one name after another.
    let mut places: BTreeMap<_, Vec<(Pos, Pos)>> = BTreeMap::new();
    for state in facts.states.values().filter(|state| state.who.is_some() && facts.plan(state.slot).has_name()) {
        places.entry((state.slot, state.above)).or_default().push((state.made, state.gone.unwrap_or(Pos::MAX)));
    }
    for ((slot, above), mut spans) in places {
        spans.sort_unstable();
        for pair in spans.windows(2) {
            wrong.unless(pair[0].1 < pair[1].0, "S2.6", || format!("two actors {slot} ran below {above:?} at once"));
        }
    }
    // Those who stand below another.
    for state in facts.states.values() {
        let Some(above) = state.above else { continue };
        let Some(parent) = facts.state_of(above) else { continue };
        let gone = state.gone.unwrap_or(Pos::MAX);
        wrong.unless(gone < parent.gone.unwrap_or(Pos::MAX) || facts.was_aborted(above), "S2.2", || {
            format!("the state of {above:?} was dropped before that of actor {} below it", state.slot)
        });
    }
}

/// Hooks run once at most, in their order, and run when they should.
fn hooks(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut started = BTreeSet::new();
    let mut stopping: BTreeMap<Who, Pos> = BTreeMap::new();
    for (pos, entry) in run.journal.iter().enumerate() {
        match &entry.note {
            Note::Started(who) => wrong.unless(started.insert(*who), "S3.1", || format!("{who:?} started twice")),
            Note::Enters(who, Place::Stopped) => {
                let first = stopping.insert(*who, pos).is_none();
                wrong.unless(first, "S6.2", || format!("the stopped hook of {who:?} ran twice"));
                let has_started = started.contains(who) || facts.plan_of(who.id).is_some_and(|plan| !plan.has_started());
                wrong.unless(has_started, "S6.2", || format!("the stopped hook of {who:?} ran, which had not started"));
            }
            Note::Enters(who, place @ (Place::Handler | Place::Exited)) => {
                wrong.unless(!stopping.contains_key(who), "S6", || format!("{who:?} was in {place:?} after its stopped hook"));
                let has_started = started.contains(who) || facts.plan_of(who.id).is_some_and(|plan| !plan.has_started());
                wrong.unless(has_started, "S3.1", || format!("{who:?} was in {place:?} before it had started"));
            }
            Note::Leaves(who, Place::Stopped) => {
                let gone = facts.state_of(*who).and_then(|state| state.gone);
                wrong.unless(gone.is_none_or(|gone| pos < gone), "S6", || {
                    format!("the state of {who:?} was dropped before its hook was over")
                });
            }
            _ => {}
        }
    }
    for state in facts.states.values() {
        let Some(above) = state.above else { continue };
        if let (Some(hook), Some(gone)) = (stopping.get(&above), state.gone) {
            wrong.unless(gone < *hook, "S6", || format!("the stopped hook of {above:?} ran while actor {} below it was there", state.slot));
        }
    }
    for who in started {
        if facts.plan_of(who.id).is_some_and(|plan| plan.has_stopped()) && !facts.was_aborted(who) {
            wrong.unless(stopping.contains_key(&who), "S6.2", || format!("the stopped hook of {who:?} did not run"));
        }
    }
}

/// Whoever learns of an end may count on all that belongs to it.
fn ends(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut told = BTreeSet::new();
    for (pos, entry) in run.journal.iter().enumerate() {
        let Note::Ended { id, reason, name_free, .. } = &entry.note else { continue };
        wrong.unless(told.insert(*id), "S6.3", || format!("the end of {id} was told twice to one who waited"));
        wrong.unless(*name_free, "S6.1", || format!("{id} was found by its name after its end"));
        if let Some(last) = facts.last_reason(*id) {
            wrong.unless(last == reason, "S5.3", || format!("{id} ended `{last}`, and one who waited was told `{reason}`"));
        }
        let Some(actor) = facts.actors.get(id) else { continue };
        for (life, number) in &actor.lives {
            let gone = facts.states[number].gone.unwrap_or(Pos::MAX);
            wrong.unless(gone < pos, "S6.1", || format!("the end of {id} was told before the state of life {life} was dropped"));
        }
    }
    for id in facts.actors.keys() {
        wrong.unless(told.contains(id), "S6.3", || format!("the end of {id} was never told"));
    }
}

/// The log of lives: one end for each, after all below it.
fn log(run: &Run, wrong: &mut Wrong) {
    #[derive(PartialEq)]
    enum Stage {
        Up(u64),
        Down(u64),
        Ended,
    }
    let mut stages: BTreeMap<ActorId, Stage> = BTreeMap::new();
    let mut paths: BTreeMap<ActorId, String> = BTreeMap::new();
    for event in &run.lives {
        let (id, life) = (event.id, event.incarnation);
        paths.insert(id, event.path.to_string());
        let before = stages.get(&id);
        let (holds, next) = match &event.step {
            LifeStep::Started => {
                let holds = match before {
                    None => life == 0,
                    Some(Stage::Down(last)) => life == last + 1,
                    // On several threads the next life may be noted before the end of the last.
                    Some(Stage::Up(last)) => !run.in_order && life == last + 1,
                    Some(Stage::Ended) => false,
                };
                (holds, Stage::Up(life))
            }
            LifeStep::Down(_) => {
                let next = if matches!(before, Some(Stage::Up(next)) if *next > life) { Stage::Up(life + 1) } else { Stage::Down(life) };
                (!matches!(before, Some(Stage::Ended)), next)
            }
            LifeStep::Ended(reason) => {
                if let ExitReason::LinkDown { cause, .. } = reason {
                    wrong.unless(!matches!(**cause, ExitReason::LinkDown { .. }), "S5.5", || format!("{} ended `{reason}`", event.path));
                }
                (!matches!(before, Some(Stage::Ended)), Stage::Ended)
            }
            _ => (false, Stage::Ended),
        };
        wrong.unless(holds, "S6.3", || format!("{event} comes out of turn"));
        if matches!(event.step, LifeStep::Down(_) | LifeStep::Ended(_)) {
            let below = format!("{}/", event.path);
            let left = stages.iter().find(|(child, stage)| **stage != Stage::Ended && paths[child].starts_with(&below));
            if let Some((child, _)) = left {
                wrong.add("S2.2", format!("{event}, and {} has not", paths[child]));
            }
        }
        stages.insert(id, next);
    }
    for (id, stage) in stages {
        wrong.unless(stage == Stage::Ended, "S2.2", || format!("{} has not ended", paths[&id]));
    }
}
