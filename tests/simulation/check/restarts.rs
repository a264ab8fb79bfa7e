//! Restarts: who is restarted, and how often at most.

use std::collections::BTreeMap;

use actors_core::{ActorId, ExitReason, Restart, Strategy};

use super::Wrong;
use super::facts::{Facts, slot_of};
use crate::execute::Run;
use crate::journal::Who;
use crate::node::{RESTARTS_AT_THE_TOP, strategy_at_the_top};
use crate::program::{Kind, Plan};

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut below: BTreeMap<Who, BTreeMap<ActorId, u64>> = BTreeMap::new();
    for event in &run.lives {
        let Some(Some(above)) = facts.above.get(&event.id) else { continue };
        let lives = below.entry(*above).or_default().entry(event.id).or_default();
        *lives = (*lives).max(event.incarnation);
        restart_type(facts, event.path.to_string(), event.incarnation, Who { id: event.id, life: event.incarnation }, *above, wrong);
    }
    for (above, children) in below {
        let Some(plan) = facts.plan_of(above.id) else { continue };
        let (strategy, limit) = supervision(plan);
        let sum: u64 = children.values().sum();
        let most = children.values().max().copied().unwrap_or(0);
        let restarts = if strategy == Strategy::OneForOne { sum } else { most };
        wrong.unless(restarts <= u64::from(limit), "S10.3", || {
            format!("there were {restarts} restarts below {above:?}, which allows {limit}")
        });
    }
    for (who, end) in &facts.ends {
        if let (ExitReason::Escalated { restarts, .. }, Some(plan)) = (end.reason, facts.plan_of(who.id)) {
            let (_, limit) = supervision(plan);
            wrong.unless(*restarts == limit, "S10.3", || format!("{who:?} escalated after {restarts} restarts, and allows {limit}"));
        }
    }
}

/// Temporary children have one life; transient ones another only after they failed, if no sibling took them along.
fn restart_type(facts: &Facts<'_>, path: String, life: u64, who: Who, above: Who, wrong: &mut Wrong) {
    let Some(slot) = slot_of(&path) else { return };
    if life == 0 {
        return;
    }
    match facts.plan(slot).kind {
        Kind::Plain => wrong.add("S10.1", format!("{path} has a life {life}, and nobody restarts it")),
        Kind::Child { restart: Restart::Temporary, .. } => wrong.add("S10.1", format!("{path} is temporary, and has a life {life}")),
        Kind::Child { restart: Restart::Transient, .. } => {
            let alone = facts.plan_of(above.id).is_some_and(|plan| supervision(plan).0 == Strategy::OneForOne);
            let before = facts.ends.get(&Who { id: who.id, life: life - 1 });
            let clean = before.is_some_and(|end| end.reason.is_clean());
            wrong.unless(!(alone && clean), "S10.1", || format!("{path} is transient, ended cleanly, and has a life {life}"));
        }
        Kind::Child { .. } => {}
    }
}

/// The strategy of an actor, and how many restarts it allows.
fn supervision(plan: &Plan) -> (Strategy, u32) {
    match plan.kind {
        Kind::Plain => (strategy_at_the_top(plan.hooks), RESTARTS_AT_THE_TOP),
        Kind::Child { .. } => (plan.setup.strategy, plan.setup.restarts),
    }
}
