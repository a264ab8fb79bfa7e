//! Worker pools: each job is accounted for, equal keys go to the same worker, and restarts stay within what is allowed.

use std::collections::{BTreeMap, BTreeSet};

use actors_core::test_kit::LifeStep;
use actors_core::{ActorId, ExitReason};

use super::Wrong;
use super::facts::{Facts, Pos};
use crate::execute::Run;
use crate::journal::{Note, Number, Sent, Who};
use crate::program::{Deed, JobHow, Pool};

struct Job {
    by: u8,
    how: JobHow,
    key: Option<u8>,
    results: Option<Vec<Sent>>,
    took: Vec<(Pos, Who)>,
    dead: usize,
    /// It was sent after the pool had been asked to end for good.
    too_late: bool,
}

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let Some(pool) = &run.program.pool else { return };
    let jobs = read(run, pool);
    for (number, job) in &jobs {
        account(*number, job, wrong);
        if run.in_order {
            wrong.unless(!job.too_late || (job.took.is_empty() && job.dead == 0), "S13.6", || {
                format!("job {number} was taken, and sent after the pool had been asked to end")
            });
        }
    }
    in_order(&jobs, wrong);
    if run.in_order {
        keys(run, &jobs, wrong);
    }
    restarts(run, facts, pool, wrong);
}

fn read(run: &Run, pool: &Pool) -> BTreeMap<Number, Job> {
    let mut jobs = BTreeMap::new();
    let mut over = false;
    for (pos, entry) in run.journal.iter().enumerate() {
        match &entry.note {
            Note::AsksPool(_) => over |= !pool.kept,
            Note::SendsJob { by, job, how, key } => {
                let sent = Job { by: *by, how: *how, key: *key, results: None, took: Vec::new(), dead: 0, too_late: over };
                jobs.insert(*job, sent);
            }
            Note::JobSent { job, results } => {
                jobs.get_mut(job).expect("what was sent began to be").results = Some(results.clone());
            }
            Note::JobTook { who, job } => jobs.get_mut(job).expect("what is handled was sent").took.push((pos, *who)),
            Note::DeadJob { job } => jobs.get_mut(job).expect("what is dead was sent").dead += 1,
            _ => {}
        }
    }
    jobs
}

/// Accepted is handled, or a dead letter, or failed at the caller, once; asked again is handled once more for each retry.
fn account(number: Number, job: &Job, wrong: &mut Wrong) {
    let (took, dead) = (job.took.len(), job.dead);
    let Some(results) = &job.results else {
        return wrong.add("S4.4", format!("job {number} was never told how it went"));
    };
    if job.how == JobHow::Broadcast {
        let accepted = results.iter().filter(|result| **result == Sent::Accepted).count();
        let workers: BTreeSet<ActorId> = job.took.iter().map(|(_, who)| who.id).collect();
        wrong.unless(workers.len() == took && took + dead == accepted, "S13.3", || {
            format!("job {number} was accepted by {accepted} workers, handled by {:?} and dead {dead}", job.took)
        });
        return;
    }
    let most = if let JobHow::Retry(retries) = job.how { retries as usize + 1 } else { 1 };
    let (rule, holds) = match results.first() {
        Some(Sent::Accepted) => ("S4.4", took + dead == 1),
        Some(Sent::Refused(_)) if most > 1 => ("S13.4", took < most && dead == 0),
        Some(Sent::Refused(_)) => ("S4.3", took == 0 && dead == 0),
        Some(Sent::Answered | Sent::Failed | Sent::NoReply) => ("S13.4", (1..=most).contains(&took) && dead == 0),
        Some(Sent::Crashed) => ("S13.4", took == most && dead == 0),
        Some(Sent::TimedOutInQueue | Sent::TimedOutInHandler) => ("S4.6", took <= 1 && dead == 0),
        // It goes on to another worker, or is refused by the pool.
        _ => ("S13.5", false),
    };
    wrong.unless(holds, rule, || {
        format!("job {number}, sent by {:?}, came out as {results:?}, was handled {took} times and dead {dead}", job.how)
    });
}

/// What one sends to a worker comes in the order of sending.
fn in_order(jobs: &BTreeMap<Number, Job>, wrong: &mut Wrong) {
    let mut last: BTreeMap<(u8, ActorId), (Pos, Number)> = BTreeMap::new();
    for (number, job) in jobs.iter().filter(|(_, job)| !matches!(job.how, JobHow::Broadcast | JobHow::Retry(_))) {
        let Some((at, who)) = job.took.first() else { continue };
        if let Some((before, earlier)) = last.insert((job.by, who.id), (*at, *number)) {
            wrong.unless(before < *at, "S4.1", || format!("{who:?} handled job {number} before {earlier}, which was sent earlier"));
        }
    }
}

/// As long as there are as many workers, equal keys go to the same.
fn keys(run: &Run, jobs: &BTreeMap<Number, Job>, wrong: &mut Wrong) {
    if run.program.steps.iter().any(|step| matches!(step.deed, Deed::Resize(_))) {
        return;
    }
    // One that gives up has a worker less before it ends.
    let gives_up =
        |step: &LifeStep| matches!(step, LifeStep::Down(ExitReason::Escalated { .. }) | LifeStep::Ended(ExitReason::Escalated { .. }));
    if run.lives.iter().any(|event| event.path.name() == "pool" && gives_up(&event.step)) {
        return;
    }
    let paths: BTreeMap<ActorId, String> = run.lives.iter().map(|event| (event.id, event.path.to_string())).collect();
    let mut places: BTreeMap<u8, &String> = BTreeMap::new();
    for (number, job) in jobs.iter().filter(|(_, job)| matches!(job.how, JobHow::Tell | JobHow::Ask)) {
        let (Some(key), Some((_, who))) = (job.key, job.took.first()) else { continue };
        let Some(path) = paths.get(&who.id) else { continue };
        let known = places.entry(key).or_insert(path);
        wrong.unless(*known == path, "S13.2", || format!("job {number} with the key {key} went to {path}, and others to {known}"));
    }
}

/// A pool restarts its workers as often as it allows, and then ends.
fn restarts(run: &Run, facts: &Facts<'_>, pool: &Pool, wrong: &mut Wrong) {
    let mut below: BTreeMap<Who, BTreeMap<ActorId, u64>> = BTreeMap::new();
    for event in run.lives.iter().filter(|event| event.path.name().starts_with("worker-")) {
        let Some(Some(above)) = facts.above.get(&event.id) else { continue };
        let lives = below.entry(*above).or_default().entry(event.id).or_default();
        *lives = (*lives).max(event.incarnation);
    }
    for (above, workers) in below {
        let restarts: u64 = workers.values().sum();
        wrong.unless(restarts <= u64::from(pool.restarts), "S13.5", || {
            format!("there were {restarts} restarts in {above:?}, which allows {}", pool.restarts)
        });
    }
    for event in run.lives.iter().filter(|event| event.path.name() == "pool") {
        if let LifeStep::Down(reason) | LifeStep::Ended(reason) = &event.step {
            let ExitReason::Escalated { restarts, .. } = reason else { continue };
            wrong.unless(*restarts == pool.restarts, "S13.5", || {
                format!("{} escalated after {restarts} restarts, and allows {}", event.path, pool.restarts)
            });
        }
    }
}
