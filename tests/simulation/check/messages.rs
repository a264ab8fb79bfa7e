//! Each message is accounted for exactly once, in the order in which it was sent.

use std::collections::{BTreeMap, VecDeque};

use actors_core::{ActorId, DeadReason, OnStop, Restart};

use super::Wrong;
use super::facts::{Facts, Pos};
use crate::execute::Run;
use crate::journal::{Note, Number, Sender, Sent, Who};
use crate::program::{Kind, Plan};

struct Message {
    by: Sender,
    to: ActorId,
    control: bool,
    asks: bool,
    sent: Option<(Pos, Sent)>,
    sends: Pos,
    took: Vec<(Pos, Who)>,
    aside: Vec<(Pos, Who)>,
    dead: Vec<DeadReason>,
}

impl Message {
    /// How often its handling was begun and not put off, up to a place in the journal.
    fn handled(&self, until: Pos) -> usize {
        let before = |all: &[(Pos, Who)]| all.iter().filter(|(pos, _)| *pos < until).count();
        before(&self.took).saturating_sub(before(&self.aside))
    }
}

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let messages = read(run, wrong);
    for (number, message) in &messages {
        account(run, *number, message, wrong);
        drained(run, facts, *number, message, wrong);
    }
    in_order(&messages, wrong);
    if run.in_order {
        control_comes_first(&messages, wrong);
    }
    stash(run, &messages, wrong);
}

fn read(run: &Run, wrong: &mut Wrong) -> BTreeMap<Number, Message> {
    let mut messages = BTreeMap::new();
    for (pos, entry) in run.journal.iter().enumerate() {
        match &entry.note {
            Note::Sends { by, to, message, control, asks } => {
                let sent = Message {
                    by: *by,
                    to: *to,
                    control: *control,
                    asks: *asks,
                    sent: None,
                    sends: pos,
                    took: Vec::new(),
                    aside: Vec::new(),
                    dead: Vec::new(),
                };
                messages.insert(*message, sent);
            }
            Note::Sent { message, result } => {
                let message = messages.get_mut(message).expect("what was sent began to be");
                message.sent = Some((pos, result.clone()));
            }
            Note::Took { who, message, .. } => {
                let known = messages.get_mut(message).expect("what is handled was sent");
                wrong.unless(known.to == who.id, "S4.1", || format!("message {message} to {} was handled by {}", known.to, who.id));
                known.took.push((pos, *who));
            }
            Note::PutAside { who, message } => {
                messages.get_mut(message).expect("what is put aside was sent").aside.push((pos, *who));
            }
            Note::Dead { message: Some(message), reason } => {
                messages.get_mut(message).expect("what is dead was sent").dead.push(*reason);
            }
            _ => {}
        }
    }
    messages
}

/// Accepted is handled, or a dead letter, or failed at the caller; refused is neither.
fn account(run: &Run, number: Number, message: &Message, wrong: &mut Wrong) {
    let (handled, dead) = (message.handled(Pos::MAX), message.dead.len());
    let Some((at, result)) = &message.sent else {
        wrong.add("S4.4", format!("message {number} was never told how it went"));
        return;
    };
    let (rule, holds) = match result {
        Sent::Accepted => ("S4.4", handled + dead == 1),
        Sent::Refused(_) => ("S4.3", message.took.is_empty() && dead == 0),
        Sent::Abandoned if message.asks => ("S4.1", handled <= 1 && dead == 0),
        Sent::Abandoned => ("S4.3", message.took.is_empty() && dead == 0),
        Sent::Answered | Sent::Failed | Sent::Crashed | Sent::NoReply => ("S4.6", handled == 1 && dead == 0),
        Sent::Lost => ("S4.6", handled == 0 && dead == 0),
        Sent::TimedOutInQueue => ("S4.6", handled <= 1 && dead == 0 && (!run.in_order || message.handled(*at) == 0)),
        // It may still put aside what nobody waits for any more.
        Sent::TimedOutInHandler => ("S4.6", handled <= 1 && dead == 0 && (!run.in_order || message.handled(*at) == 1)),
        Sent::WouldDeadlock => ("S4.7", handled <= 1 && dead == 0),
        Sent::Mixed => ("S4.3", false),
    };
    wrong.unless(holds, rule, || {
        format!("message {number} to {} came out as {result:?}, was handled {handled} times and dead {dead}", message.to)
    });
}

/// A drain that nothing cut short handles all.
fn drained(run: &Run, facts: &Facts<'_>, number: Number, message: &Message, wrong: &mut Wrong) {
    let stopped = message.dead.iter().any(|reason| !matches!(reason, DeadReason::Oldest | DeadReason::Newest));
    let (Some(actor), Some(reason)) = (facts.actors.get(&message.to), facts.last_reason(message.to)) else { return };
    let plan = facts.plan(actor.slot);
    // One that may be restarted takes messages until the end, and only drains what was there when its turn came.
    let restarts = matches!(plan.kind, Kind::Child { restart: Restart::Permanent | Restart::Transient, .. });
    let drains = !restarts && plan.setup.on_stop == OnStop::Drain && reason.is_clean() && actor.secondary.is_empty();
    if !stopped || !drains || !message.aside.is_empty() {
        return;
    }
    // One that was down when its turn came had nobody to drain it. On several threads a message may come between the drain and the
    // closing of the mailbox, when a start without messages has been cut short already.
    // And a start that is refused a child because all stop has passed that on.
    let passes_on = |child: &Plan| child.above == Some(actor.slot) && !child.left_out && matches!(child.kind, Kind::Child { .. });
    let is_cut_short = !run.in_order || run.program.actors.iter().any(passes_on);
    let nobody = facts.was_down(message.to) || (is_cut_short && !facts.last_life_started(message.to));
    wrong.unless(nobody, "S6", || format!("message {number} to {} is a dead letter, although that drained and ended {reason}", actor.path));
}

/// What one sends to another comes in the order of sending, in each lane.
fn in_order(messages: &BTreeMap<Number, Message>, wrong: &mut Wrong) {
    let mut last: BTreeMap<(Sender, ActorId, bool), (Pos, Number)> = BTreeMap::new();
    for (number, message) in messages {
        let Some((first, _)) = message.took.first() else { continue };
        let key = (message.by, message.to, message.control);
        if let Some((before, earlier)) = last.insert(key, (*first, *number)) {
            wrong.unless(before < *first, "S4.1", || {
                format!(
                    "message {number} of {:?} to {} was handled before message {earlier}, which was sent earlier",
                    message.by, message.to
                )
            });
        }
    }
}

/// A control message that waits is handled before any ordinary one.
fn control_comes_first(messages: &BTreeMap<Number, Message>, wrong: &mut Wrong) {
    let mut waiting: BTreeMap<ActorId, Vec<(Pos, Pos, Number)>> = BTreeMap::new();
    for (number, message) in messages.iter().filter(|(_, message)| message.control) {
        if let Some((took, _)) = message.took.first() {
            waiting.entry(message.to).or_default().push((message.sends, *took, *number));
        }
    }
    for (number, message) in messages.iter().filter(|(_, message)| !message.control) {
        for (at, _) in &message.took {
            let late = waiting.get(&message.to).and_then(|control| control.iter().find(|(sent, took, _)| sent < at && at < took));
            if let Some((_, _, control)) = late {
                wrong.add("S4.10", format!("message {number} was handled before control message {control}, which waited"));
            }
        }
    }
}

/// What is put aside comes again when it is released, in its order, before all others, and in the same life.
fn stash(run: &Run, messages: &BTreeMap<Number, Message>, wrong: &mut Wrong) {
    #[derive(Default)]
    struct Stash {
        kept: VecDeque<Number>,
        released: VecDeque<Number>,
    }
    let mut stashes: BTreeMap<Who, Stash> = BTreeMap::new();
    for entry in &run.journal {
        match &entry.note {
            Note::PutAside { who, message } => stashes.entry(*who).or_default().kept.push_back(*message),
            Note::Released(who) => {
                let Stash { kept, released } = stashes.entry(*who).or_default();
                released.append(kept);
            }
            Note::Took { who, message, control: false } => {
                let stash = stashes.entry(*who).or_default();
                match stash.released.pop_front() {
                    Some(next) => wrong
                        .unless(next == *message, "S4.11", || format!("message {message} was handled before {next}, which was released")),
                    None => wrong.unless(!stash.kept.contains(message), "S4.11", || {
                        format!("message {message} was handled again without a release")
                    }),
                }
            }
            _ => {}
        }
    }
    for (number, message) in messages {
        for (_, aside) in &message.aside {
            let elsewhere = message.took.iter().find(|(_, who)| who.life != aside.life);
            wrong.unless(elsewhere.is_none(), "S4.11", || {
                format!("message {number} was put aside in life {} and handled in another", aside.life)
            });
        }
    }
}
