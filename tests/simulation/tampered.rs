//! Journals that were tampered with: each invariant has to notice what it is there for.

use std::time::Duration;

use actors_core::test_kit::LifeStep;
use actors_core::{ExitReason, Refusal};

use crate::check::check;
use crate::execute::{Run, on_paused_time};
use crate::generate;
use crate::journal::{Entry, Note, Place, Sent, Tied};

/// What is done to a run, if that has something to do it to.
type Tamper = fn(&mut Run) -> bool;

const TAMPERED: &[(&str, &str, Tamper)] = &[
    ("a dead letter is lost", "S4.4", |run| remove(run, |note| matches!(note, Note::Dead { message: Some(_), .. }))),
    ("a message is handled twice", "S4.4", |run| repeat(run, |note| matches!(note, Note::Took { .. }))),
    ("a refused message is handled", "S4.3", |run| {
        let took = |note: &Note| if let Note::Took { message, .. } = note { Some(*message) } else { None };
        let Some(number) = run.journal.iter().find_map(|entry| took(&entry.note)) else { return false };
        let sent = run.journal.iter_mut().find(|entry| matches!(entry.note, Note::Sent { message, .. } if message == number));
        sent.is_some_and(|entry| {
            entry.note = Note::Sent { message: number, result: Sent::Refused(Refusal::Full) };
            true
        })
    }),
    ("a message is overtaken", "S4.1", overtaken),
    ("a handler never ends", "S2.2", |run| remove(run, |note| matches!(note, Note::Leaves(_, Place::Handler)))),
    ("an exit is told twice", "S6", |run| repeat(run, |note| matches!(note, Note::Told { tie: Tied::Child, .. }))),
    ("a notice comes twice", "S9", |run| repeat(run, |note| matches!(note, Note::Told { tie: Tied::Monitor(_), .. }))),
    ("another reason is told", "S5.3", |run| {
        let told =
            run.journal.iter_mut().find_map(|entry| if let Note::Told { reason, .. } = &mut entry.note { Some(reason) } else { None });
        told.is_some_and(|reason| {
            *reason = ExitReason::NoSuchActor;
            true
        })
    }),
    ("a state is never dropped", "S2.2", |run| remove(run, |note| matches!(note, Note::Gone { .. }))),
    ("a state is dropped after the end was told", "S6.1", |run| {
        let Some(at) = run.journal.iter().position(|entry| matches!(entry.note, Note::Is { .. })) else { return false };
        let Note::Is { state, .. } = run.journal[at].note else { return false };
        let Some(gone) = run.journal.iter().position(|entry| entry.note == Note::Gone { state }) else { return false };
        let entry = run.journal.remove(gone);
        run.journal.push(entry);
        true
    }),
    ("a stopped hook does not run", "S6.2", |run| {
        let stopped = |note: &Note| matches!(note, Note::Enters(_, Place::Stopped) | Note::Leaves(_, Place::Stopped));
        let had = run.journal.iter().any(|entry| stopped(&entry.note));
        run.journal.retain(|entry| !stopped(&entry.note));
        had
    }),
    ("an end is not told", "S6.3", |run| remove(run, |note| matches!(note, Note::Ended { .. }))),
    ("a cleanup runs twice", "S8.4", |run| repeat(run, |note| matches!(note, Note::GroupEnded { .. }))),
    ("a cleanup does not run", "S8.4", |run| remove(run, |note| matches!(note, Note::GroupEnded { .. }))),
    ("a shutdown is late", "S7.4", |run| {
        let over = run.journal.iter_mut().find(|entry| matches!(entry.note, Note::ShutdownReturned { .. }));
        over.is_some_and(|entry| {
            entry.at += Duration::from_secs(100);
            true
        })
    }),
    ("the report gives another reason", "S7.8", |run| {
        let last = run.lives.iter_mut().rev().find(|event| matches!(event.step, LifeStep::Ended(_)));
        last.is_some_and(|event| {
            event.step = LifeStep::Ended(ExitReason::NoSuchActor);
            true
        })
    }),
    ("an actor has two ends", "S6.3", |run| {
        let again = run.lives.last().cloned();
        run.lives.extend(again);
        !run.lives.is_empty()
    }),
    ("a task is left", "S2.2", |run| {
        run.left.tasks = 1;
        true
    }),
];

#[test]
fn what_was_tampered_with_is_noticed() {
    crate::hush();
    for (what, rule, tamper) in TAMPERED {
        let noticed = (0..500).any(|seed| {
            let mut run = on_paused_time(&generate::program(seed));
            let wrong = |run: &Run| check(run).iter().any(|wrong| wrong.starts_with(&format!("{rule}:")));
            !wrong(&run) && tamper(&mut run) && wrong(&run)
        });
        assert!(noticed, "{what}, and nobody notices that {rule} is broken");
    }
}

fn remove(run: &mut Run, is_it: fn(&Note) -> bool) -> bool {
    let place = run.journal.iter().position(|entry| is_it(&entry.note));
    place.map(|place| run.journal.remove(place)).is_some()
}

fn repeat(run: &mut Run, is_it: fn(&Note) -> bool) -> bool {
    let place = run.journal.iter().position(|entry| is_it(&entry.note));
    place.map(|place| run.journal.insert(place, run.journal[place].clone())).is_some()
}

/// Exchanges two messages of one sender to one receiver.
fn overtaken(run: &mut Run) -> bool {
    let key = |run: &Run, number: u64| {
        run.journal.iter().find_map(|entry| match entry.note {
            Note::Sends { by, to, message, control, .. } if message == number => Some((by, to, control)),
            _ => None,
        })
    };
    let taken = |entry: &Entry| if let Note::Took { message, .. } = entry.note { Some(message) } else { None };
    let all: Vec<(usize, u64)> = run.journal.iter().enumerate().filter_map(|(place, entry)| Some((place, taken(entry)?))).collect();
    for (nth, (place, number)) in all.iter().enumerate() {
        let other = all[nth + 1..].iter().find(|(_, later)| later != number && key(run, *later) == key(run, *number));
        if let Some((other, _)) = other {
            run.journal.swap(*place, *other);
            return true;
        }
    }
    false
}
