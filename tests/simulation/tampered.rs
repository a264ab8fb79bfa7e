//! Journals that were tampered with: each invariant has to notice what it is there for.

use std::time::Duration;

use actors_core::test_kit::LifeStep;
use actors_core::{DeadReason, ExitReason, Refusal};

use crate::check::check;
use crate::execute::{Run, on_paused_time};
use crate::generate;
use crate::journal::{Change, Entry, Note, Place, Sent, Tied, Who};
use crate::program::{JobHow, Serve, Way};

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
    ("news come twice", "S12.1", |run| repeat(run, |note| matches!(note, Note::GotNews { .. }))),
    ("news are lost", "S12.3", |run| remove(run, |note| matches!(note, Note::GotNews { .. } | Note::DeadNews { .. }))),
    ("news come out of order", "S12.2", |run| exchange(run, |note| if let Note::GotNews { news, .. } = note { Some(news) } else { None })),
    ("news come to one who does not subscribe", "S12.1", |run| {
        remove(run, |note| matches!(note, Note::Serves { what: Serve::Subscribe(..), .. }))
    }),
    ("the newest give way", "S12.3", |run| {
        let newest = run.journal.iter_mut().rev().find(|entry| matches!(entry.note, Note::DeadNews { .. }));
        newest.is_some_and(|entry| {
            if let Note::DeadNews { reason, .. } = &mut entry.note {
                *reason = DeadReason::Lagged;
            }
            true
        })
    }),
    ("a listener is told twice", "S12.8", |run| repeat(run, |note| matches!(note, Note::Noticed { change: Change::Ended(..), .. }))),
    ("a listener is not told of one who joins", "S12.8", |run| {
        remove(run, |note| matches!(note, Note::Noticed { change: Change::Joined(..), .. }))
    }),
    ("a listener is not told of the first members", "S12.8", |run| {
        remove(run, |note| matches!(note, Note::Noticed { change: Change::Members(..), .. }))
    }),
    ("a timer comes twice", "S11.3", |run| repeat(run, |note| matches!(note, Note::TimerCame { .. }))),
    ("an interval comes too soon", "S11.4", |run| {
        let interval = run.journal.iter_mut().find_map(|entry| match &mut entry.note {
            Note::SetsInterval { period, .. } => Some(period),
            _ => None,
        });
        interval.is_some_and(|period| {
            *period *= 1_000;
            true
        })
    }),
    ("an item is lost", "S11.8", |run| remove(run, |note| matches!(note, Note::ItemCame { .. }))),
    ("a stream is polled too early", "S11.9", |run| {
        let Some(late) = run.journal.iter().position(|entry| matches!(entry.note, Note::Yields { nth: Some(1), .. })) else { return false };
        let Note::Yields { stream, .. } = run.journal[late].note else { return false };
        let first = run.journal.iter().position(|entry| matches!(entry.note, Note::ItemCame { stream: of, .. } if of == stream));
        let entry = run.journal.remove(late);
        first.map(|first| run.journal.insert(first, entry)).is_some()
    }),
    ("what was taken back comes", "S11.3", |run| {
        let Some(place) = run.journal.iter().position(|entry| matches!(entry.note, Note::TimerCame { .. })) else { return false };
        let Note::TimerCame { who, timer } = run.journal[place].note else { return false };
        let at = run.journal[place].at;
        run.journal.insert(place, Entry { at, note: Note::TakenBack { who, source: timer, was_to_come: true } });
        true
    }),
    ("what was released waits", "S4.11", |run| delay_after(run, |note| matches!(note, Note::Released(_)))),
    ("an end is heard late", "S9", |run| {
        let is_told = |entry: &Entry| matches!(entry.note, Note::Told { tie: Tied::Monitor(_), .. });
        let Some(told) = run.journal.iter().position(is_told) else { return false };
        let Note::Told { ended, .. } = run.journal[told].note else { return false };
        let known = run.journal.iter().position(|entry| matches!(entry.note, Note::Ended { id, .. } if id == ended));
        let Some(known) = known.filter(|known| *known > told) else { return false };
        let at = run.journal[known].at + Duration::from_secs(1);
        let late = Entry { at, ..run.journal[told].clone() };
        run.journal.insert(known + 1, late);
        run.journal.remove(told);
        true
    }),
    ("a dead job is lost", "S4.4", |run| remove(run, |note| matches!(note, Note::DeadJob { .. }))),
    ("a job is handled twice", "S13.4", |run| {
        let asked = |note: &Note| matches!(note, Note::JobSent { results, .. } if results.as_slice() == [Sent::Answered]);
        let Some(number) = run.journal.iter().find_map(|entry| match &entry.note {
            Note::JobSent { job, .. } if asked(&entry.note) => Some(*job),
            _ => None,
        }) else {
            return false;
        };
        let took = run.journal.iter().position(|entry| matches!(entry.note, Note::JobTook { job, .. } if job == number));
        took.map(|place| run.journal.insert(place, run.journal[place].clone())).is_some()
    }),
    ("a broadcast leaves a worker out", "S13.3", |run| {
        let Some(number) = run.journal.iter().find_map(|entry| match &entry.note {
            Note::JobSent { job, results } if results.len() > 1 => Some(*job),
            _ => None,
        }) else {
            return false;
        };
        let took = run.journal.iter().position(|entry| matches!(entry.note, Note::JobTook { job, .. } if job == number));
        took.map(|place| run.journal.remove(place)).is_some()
    }),
    ("a job goes to another worker than its key says", "S13.2", |run| {
        let keyed = |note: &Note| match note {
            Note::SendsJob { job, how: JobHow::Tell | JobHow::Ask, key: Some(key), .. } => Some((*key, *job)),
            _ => None,
        };
        let mut all: Vec<_> = run.journal.iter().filter_map(|entry| keyed(&entry.note)).collect();
        all.sort_unstable();
        let Some(pair) = all.windows(2).find(|pair| pair[0].0 == pair[1].0) else { return false };
        let others: Vec<Who> =
            run.journal.iter().filter_map(|entry| if let Note::JobTook { who, .. } = entry.note { Some(who) } else { None }).collect();
        let moved = run.journal.iter_mut().find_map(|entry| match &mut entry.note {
            Note::JobTook { who, job } if *job == pair[1].1 => Some(who),
            _ => None,
        });
        let Some(who) = moved else { return false };
        others.into_iter().find(|other| other.id != who.id).map(|other| *who = other).is_some()
    }),
    ("a pool that ends takes a job", "S13.6", |run| {
        run.journal.insert(0, Entry { at: Duration::ZERO, note: Note::AsksPool(Way::Stop) });
        run.program.pool.as_ref().is_some_and(|pool| !pool.kept)
    }),
    ("a pool restarts more than it may", "S13.5", |run| {
        let worker = run.lives.iter_mut().find(|event| event.incarnation > 0 && event.path.name().starts_with("worker-"));
        worker.is_some_and(|event| {
            event.incarnation += 1_000;
            true
        })
    }),
    ("an assertion fails", "S2", |run| {
        let down = run.lives.iter_mut().find(|event| matches!(event.step, LifeStep::Down(_)));
        down.is_some_and(|event| {
            event.step = LifeStep::Down(ExitReason::Panicked { message: "what is due is told first".into(), location: None });
            true
        })
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

/// Has all that comes after something come a second later.
fn delay_after(run: &mut Run, is_it: fn(&Note) -> bool) -> bool {
    let place = run.journal.iter().position(|entry| is_it(&entry.note));
    for entry in run.journal.iter_mut().skip(place.map_or(usize::MAX, |place| place + 1)) {
        entry.at += Duration::from_secs(1);
    }
    place.is_some()
}

/// Exchanges two numbers in the journal.
fn exchange(run: &mut Run, number: fn(&mut Note) -> Option<&mut u64>) -> bool {
    let mut places = (0..run.journal.len()).filter(|place| number(&mut run.journal[*place].note.clone()).is_some());
    let (Some(first), Some(second)) = (places.next(), places.next()) else { return false };
    let (one, other) = (number(&mut run.journal[first].note).copied(), number(&mut run.journal[second].note).copied());
    for (place, value) in [(first, other), (second, one)] {
        if let (Some(place), Some(value)) = (number(&mut run.journal[place].note), value) {
            *place = value;
        }
    }
    true
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
        // Those that were both there already.
        let is_sent =
            |number: u64| run.journal[..*place].iter().any(|entry| matches!(entry.note, Note::Sends { message, .. } if message == number));
        let other = all[nth + 1..].iter().find(|(_, later)| later != number && key(run, *later) == key(run, *number) && is_sent(*later));
        if let Some((other, _)) = other {
            run.journal.swap(*place, *other);
            return true;
        }
    }
    false
}
