//! What the journal and the log of lives say, put in order: which states were of which lives, and what became of whom.

use std::collections::{BTreeMap, BTreeSet};

use actors_core::test_kit::{LifeEvent, LifeStep};
use actors_core::{ActorId, ExitReason};

use crate::execute::Run;
use crate::journal::{Note, Number, Who};
use crate::program::{Plan, Slot};

/// A place in the journal.
pub type Pos = usize;

pub struct Facts<'a> {
    pub states: BTreeMap<Number, State>,
    pub actors: BTreeMap<ActorId, Facing>,
    /// How each life ended, of all actors, and which was the last of its actor.
    pub ends: BTreeMap<Who, End<'a>>,
    /// Below which life each actor stood; nobody's for those at the top.
    pub above: BTreeMap<ActorId, Option<Who>>,
    /// Why those ended whose end somebody waited for, also of those who never stood in the tree.
    told: BTreeMap<ActorId, &'a ExitReason>,
    started: BTreeSet<Who>,
    run: &'a Run,
}

/// One state.
pub struct State {
    pub slot: Slot,
    pub above: Option<Who>,
    pub made: Pos,
    pub gone: Option<Pos>,
    /// Whose it was, if it ever did anything.
    pub who: Option<Who>,
}

/// One actor that has been seen.
pub struct Facing {
    pub slot: Slot,
    pub path: String,
    /// Its states, by life.
    pub lives: BTreeMap<u64, Number>,
    pub ended: Option<Pos>,
    pub secondary: Vec<ExitReason>,
}

pub struct End<'a> {
    pub reason: &'a ExitReason,
    pub is_last: bool,
    /// It was down, and never came up again.
    pub was_down: bool,
}

impl<'a> Facts<'a> {
    pub fn of(run: &'a Run) -> Self {
        let mut facts = Facts {
            states: BTreeMap::new(),
            actors: BTreeMap::new(),
            ends: BTreeMap::new(),
            above: BTreeMap::new(),
            told: BTreeMap::new(),
            started: BTreeSet::new(),
            run,
        };
        for (pos, entry) in run.journal.iter().enumerate() {
            facts.read(pos, &entry.note);
        }
        for event in &run.lives {
            if event.step == LifeStep::Started {
                facts.started.insert(Who { id: event.id, life: event.incarnation });
            }
            let (reason, is_last) = match &event.step {
                LifeStep::Down(reason) => (reason, false),
                LifeStep::Ended(reason) => (reason, true),
                _ => continue,
            };
            let who = Who { id: event.id, life: event.incarnation };
            let was_down = facts.ends.contains_key(&who);
            facts.ends.insert(who, End { reason, is_last, was_down });
        }
        facts.above = parents(&run.lives);
        facts
    }

    fn read(&mut self, pos: Pos, note: &'a Note) {
        match note {
            Note::Made { state, slot, above } => {
                self.states.insert(*state, State { slot: *slot, above: *above, made: pos, gone: None, who: None });
            }
            Note::Is { state, who, slot, path } => {
                if let Some(state) = self.states.get_mut(state) {
                    state.who = Some(*who);
                }
                let actor = self.actors.entry(who.id).or_insert_with(|| Facing {
                    slot: *slot,
                    path: path.to_string(),
                    lives: BTreeMap::new(),
                    ended: None,
                    secondary: Vec::new(),
                });
                actor.lives.insert(who.life, *state);
            }
            Note::Gone { state } => {
                if let Some(state) = self.states.get_mut(state) {
                    state.gone = Some(pos);
                }
            }
            Note::Ended { id, reason, secondary, .. } => {
                self.told.insert(*id, reason);
                if let Some(actor) = self.actors.get_mut(id) {
                    actor.ended = Some(pos);
                    actor.secondary.clone_from(secondary);
                }
            }
            _ => {}
        }
    }

    pub fn plan(&self, slot: Slot) -> &'a Plan {
        &self.run.program.actors[slot]
    }

    pub fn plan_of(&self, id: ActorId) -> Option<&'a Plan> {
        self.actors.get(&id).map(|actor| self.plan(actor.slot))
    }

    pub fn state_of(&self, who: Who) -> Option<&State> {
        self.states.get(self.actors.get(&who.id)?.lives.get(&who.life)?)
    }

    /// Why an actor ended for good.
    pub fn last_reason(&self, id: ActorId) -> Option<&'a ExitReason> {
        let lives = Who { id, life: 0 }..=Who { id, life: u64::MAX };
        self.ends.range(lives).find(|(_, end)| end.is_last).map(|(_, end)| end.reason).or_else(|| self.told.get(&id).copied())
    }

    /// Whether an actor was between two lives when it ended for good.
    pub fn was_down(&self, id: ActorId) -> bool {
        let lives = Who { id, life: 0 }..=Who { id, life: u64::MAX };
        self.ends.range(lives).any(|(_, end)| end.was_down)
    }

    /// Whether the last life of an actor had started.
    pub fn last_life_started(&self, id: ActorId) -> bool {
        let lives = Who { id, life: 0 }..=Who { id, life: u64::MAX };
        self.ends.range(lives).next_back().is_some_and(|(who, _)| self.started.contains(who))
    }

    /// Whether the task of a life was aborted, so that nothing of its end was waited for.
    pub fn was_aborted(&self, who: Who) -> bool {
        let aborted = |reason: &ExitReason| matches!(reason, ExitReason::Aborted { .. } | ExitReason::Unresponsive);
        let Some(end) = self.ends.get(&who) else { return true };
        aborted(end.reason) || (end.is_last && self.actors.get(&who.id).is_some_and(|actor| actor.secondary.iter().any(aborted)))
    }
}

/// Below which life each actor stood. Nobody outlives its parent, so it is whoever next has news under the path above.
fn parents(lives: &[LifeEvent]) -> BTreeMap<ActorId, Option<Who>> {
    let mut next: BTreeMap<String, Who> = BTreeMap::new();
    let mut above = BTreeMap::new();
    for event in lives.iter().rev() {
        let path = event.path.to_string();
        let up = &path[..path.rfind('/').unwrap_or(0)];
        above.insert(event.id, next.get(up).copied());
        next.insert(path, Who { id: event.id, life: event.incarnation });
    }
    above
}

/// The slot of a named actor.
pub fn slot_of(path: &str) -> Option<Slot> {
    path.rsplit('/').next()?.strip_prefix('a')?.parse().ok()
}
