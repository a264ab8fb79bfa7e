//! What is measured while the soak runs, and whether it stays level.

use std::fmt;
use std::time::Duration;

use actors_core::ActorSystem;
use tokio::runtime::Handle;

use crate::ledger::{ASKS, PUBLISHED, TELLS, TIMERS};

/// One look at the process.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub at: Duration,
    /// Memory in use, in bytes.
    pub resident: u64,
    pub tasks: u64,
    pub actors: u64,
    /// Messages that wait, in all mailboxes.
    pub queued: u64,
    /// Messages that wait in the fullest mailbox.
    pub longest: u64,
    /// Messages that are somewhere: in mailboxes, stashes, timers, or in hand.
    pub open: u64,
    pub handled: u64,
    pub dead_letters: u64,
}

/// What must not grow: its name, how it is read, and the tolerance: so many hundredths, and so much besides.
type Gauge = (&'static str, fn(&Sample) -> u64, u64, u64);

/// The tolerance covers what is noise: the allocator's own reserves, and how many actors happen to be restarting.
const LEVEL: [Gauge; 5] = [
    ("memory", |sample| sample.resident, 10, 8 << 20),
    ("tasks", |sample| sample.tasks, 25, 100),
    ("actors", |sample| sample.actors, 10, 50),
    ("queued messages", |sample| sample.queued, 50, 500),
    ("open messages", |sample| sample.open, 50, 500),
];

impl Sample {
    pub fn take(system: &ActorSystem, at: Duration) -> Self {
        let tree = system.tree();
        Sample {
            at,
            resident: resident(),
            tasks: Handle::current().metrics().num_alive_tasks() as u64,
            actors: system.actors() as u64,
            queued: tree.nodes.iter().map(|node| node.queued).sum(),
            longest: tree.nodes.iter().map(|node| node.queued).max().unwrap_or(0),
            open: TELLS.open() + ASKS.open() + TIMERS.open() + PUBLISHED.open(),
            handled: TELLS.handled() + ASKS.handled(),
            dead_letters: system.dead_letter_count(),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sample { at, resident, tasks, actors, queued, longest, handled, dead_letters, .. } = self;
        let (seconds, resident) = (at.as_secs_f64(), mebibytes(*resident));
        write!(
            f,
            "{seconds:6.1} s  {resident:7.1} MiB  {tasks:5} tasks  {actors:5} actors  {queued:5} queued (at most {longest})  \
             {handled} handled  {dead_letters} dead letters"
        )
    }
}

/// Compares the second quarter of the samples with the last: each complaint names what has grown.
pub fn growth(samples: &[Sample]) -> Vec<String> {
    let quarter = samples.len() / 4;
    if quarter == 0 {
        return vec!["too short to be judged".to_owned()];
    }
    let (early, late) = (&samples[quarter..2 * quarter], &samples[samples.len() - quarter..]);
    let grown = LEVEL.iter().filter_map(|(what, read, hundredths, besides)| {
        let (before, after) = (median(early, read), median(late, read));
        let bound = before + before * hundredths / 100 + besides;
        (after > bound).then(|| format!("{what}: {before} in the second quarter, {after} in the last, which is more than {bound}"))
    });
    grown.collect()
}

/// Memory in use, in bytes, with pages of 4 KiB; 0 where that cannot be known.
pub fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn median(samples: &[Sample], read: &fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<_> = samples.iter().map(read).collect();
    values.sort_unstable();
    values[values.len() / 2]
}
