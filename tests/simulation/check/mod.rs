//! The invariants: what must hold of every run, each named by the rule of the semantics page that it stands for.

mod facts;
mod lives;
mod messages;
mod pools;
mod prompt;
mod restarts;
mod services;
mod sources;
mod ties;
mod turns;
mod whole;

use crate::execute::Run;
use crate::journal::Note;

use facts::Facts;

/// Returns what is wrong with a run; nothing, if all promises were kept.
pub fn check(run: &Run) -> Vec<String> {
    let facts = Facts::of(run);
    let mut wrong = Wrong(Vec::new());
    for entry in &run.journal {
        if let Note::Wrong(what) = &entry.note {
            wrong.add("", what.clone());
        }
    }
    messages::check(run, &facts, &mut wrong);
    turns::check(run, &facts, &mut wrong);
    prompt::check(run, &facts, &mut wrong);
    lives::check(run, &facts, &mut wrong);
    restarts::check(run, &facts, &mut wrong);
    ties::check(run, &facts, &mut wrong);
    services::check(run, &facts, &mut wrong);
    pools::check(run, &facts, &mut wrong);
    sources::check(run, &mut wrong);
    whole::check(run, &facts, &mut wrong);
    wrong.0
}

/// What was found.
struct Wrong(Vec<String>);

impl Wrong {
    /// Adds what breaks `rule`.
    fn add(&mut self, rule: &str, what: impl Into<String>) {
        let what = what.into();
        self.0.push(if rule.is_empty() { what } else { format!("{rule}: {what}") });
    }

    fn unless(&mut self, holds: bool, rule: &str, what: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, what());
        }
    }
}
