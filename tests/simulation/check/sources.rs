//! Timers, intervals and streams: in their own life, not before their time, in order, and not once they were taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actors_core::{ActorId, CatchUp};

use super::Wrong;
use crate::execute::Run;
use crate::journal::{Note, Number, Place, Who};

pub(super) fn check(run: &Run, wrong: &mut Wrong) {
    timers(run, wrong);
    if run.in_order {
        timers_come(run, wrong);
    }
    streams(run, wrong);
}

/// A timer comes once at most, an interval once in each period at most, in their own life, and never before their time.
fn timers(run: &Run, wrong: &mut Wrong) {
    struct Timer {
        setter: Who,
        due: Duration,
        again: Option<(Duration, CatchUp)>,
        over: bool,
    }
    let mut timers: BTreeMap<Number, Timer> = BTreeMap::new();
    for entry in &run.journal {
        match &entry.note {
            Note::SetsTimer { who, timer, after } => {
                timers.insert(*timer, Timer { setter: *who, due: entry.at + *after, again: None, over: false });
            }
            Note::SetsInterval { who, timer, period, catch_up } => {
                let again = Some((*period, *catch_up));
                timers.insert(*timer, Timer { setter: *who, due: entry.at + *period, again, over: false });
            }
            Note::TimerCame { who, timer } => {
                let Some(known) = timers.get_mut(timer) else {
                    wrong.add("S11.3", format!("timer {timer} came, and was never set"));
                    continue;
                };
                wrong.unless(!known.over, "S11.3", || format!("timer {timer} came again, or was taken back before"));
                wrong.unless(known.setter == *who, "S11.1", || format!("timer {timer} of {:?} came to {who:?}", known.setter));
                let rule = if known.again.is_some() { "S11.4" } else { "S11.3" };
                wrong.unless(!run.in_order || entry.at >= known.due, rule, || format!("timer {timer} came before its time"));
                match known.again {
                    None => known.over = true,
                    // Ticks that were missed make the next one later than this, and never earlier.
                    Some((period, CatchUp::Delay)) => known.due = entry.at + period,
                    Some((period, _)) => known.due += period,
                }
            }
            Note::TakenBack { source, was_to_come, .. } => {
                if let Some(timer) = timers.get_mut(source) {
                    wrong.unless(!timer.over || !was_to_come, "S11.3", || format!("timer {source} was still to come after it had come"));
                    timer.over = true;
                }
            }
            _ => {}
        }
    }
}

/// A timer that is due comes as soon as its actor has nothing else to do.
fn timers_come(run: &Run, wrong: &mut Wrong) {
    const MOMENT: Duration = Duration::from_millis(2);
    let mut due: BTreeMap<Who, BTreeMap<Number, Duration>> = BTreeMap::new();
    let mut idle_since: BTreeMap<Who, Duration> = BTreeMap::new();
    for entry in &run.journal {
        match &entry.note {
            // The results of futures are due at a time of their own.
            Note::SetsTimer { who, timer, after } if *after > Duration::ZERO => {
                due.entry(*who).or_default().insert(*timer, entry.at + *after);
            }
            Note::TimerCame { who, timer } | Note::TakenBack { who, source: timer, .. } => {
                due.entry(*who).or_default().remove(timer);
            }
            Note::Leaves(who, _) => _ = idle_since.insert(*who, entry.at),
            Note::Enters(who, Place::Handler | Place::Exited) => {
                let Some(since) = idle_since.remove(who) else { continue };
                for (timer, at) in due.get(who).into_iter().flatten() {
                    wrong.unless(entry.at <= since.max(*at) + MOMENT, "S11.2", || {
                        format!("timer {timer} of {who:?} was due at {at:?}, and has not come though that had nothing to do")
                    });
                }
            }
            _ => {}
        }
    }
}

/// Items come in order, in their own life, each after the one before was handled; the end comes last, and once.
fn streams(run: &Run, wrong: &mut Wrong) {
    struct Stream {
        of: Who,
        items: u8,
        /// What is yielded next, and comes next; the end is one past the last item.
        yields: u8,
        comes: u8,
        over: bool,
    }
    let mut streams: BTreeMap<Number, Stream> = BTreeMap::new();
    let mut inside: BTreeSet<ActorId> = BTreeSet::new();
    for entry in &run.journal {
        match &entry.note {
            Note::Enters(who, Place::Handler | Place::Exited) => _ = inside.insert(who.id),
            Note::Leaves(who, Place::Handler | Place::Exited) => _ = inside.remove(&who.id),
            Note::Attaches { who, stream, items } => {
                streams.insert(*stream, Stream { of: *who, items: *items, yields: 0, comes: 0, over: false });
            }
            Note::Yields { stream, nth } => {
                let known = streams.get_mut(stream).expect("what yields was attached");
                let next = nth.unwrap_or(known.items);
                wrong.unless(next == known.yields, "S11.8", || format!("stream {stream} yielded {nth:?} in the place of {}", known.yields));
                wrong.unless(known.comes == known.yields && !inside.contains(&known.of.id), "S11.9", || {
                    format!("stream {stream} was polled for {nth:?} before the item before was handled")
                });
                known.yields += 1;
            }
            Note::ItemCame { who, stream, nth } => {
                let Some(known) = streams.get_mut(stream) else {
                    wrong.add("S11.8", format!("{nth:?} came to {who:?} of a stream that it never had, or that has ended"));
                    continue;
                };
                let next = nth.unwrap_or(known.items);
                let holds = next == known.comes && known.comes < known.yields && !known.over;
                wrong.unless(holds, "S11.8", || format!("{nth:?} of stream {stream} came in the place of {}", known.comes));
                wrong.unless(known.of == *who, "S11.1", || format!("an item for {:?} came to {who:?}", known.of));
                known.comes += 1;
                known.over = nth.is_none();
            }
            Note::TakenBack { source, was_to_come, .. } => {
                if let Some(known) = streams.get_mut(source) {
                    wrong.unless(!known.over || !was_to_come, "S11.8", || format!("stream {source} was still to come after its end"));
                    known.over = true;
                }
            }
            _ => {}
        }
    }
}
