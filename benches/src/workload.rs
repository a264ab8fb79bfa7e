//! The list of what is measured, and how much of it.

use std::time::Duration;

use crate::system::{Mailbox, Order, Shape};

/// One row of the tables; or several, if it yields several values.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is called on the command line and in tables.
    pub name: &'static str,
    /// What is measured, in a few words.
    pub about: &'static str,
    /// Of what is counted.
    pub unit: &'static str,
    /// What is done...
    pub work: Work,
    /// ...with such mailboxes...
    pub mailbox: Mailbox,
    /// ...so many times.
    pub n: u64,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// One producer, one actor. The producer yields after so many messages.
    Tell {
        /// After how many.
        yields: u64,
    },
    /// Several producers, one actor.
    FanIn {
        /// How many.
        producers: u64,
        /// After how many messages each of them yields.
        yields: u64,
    },
    /// Requests to one actor, so many at once.
    Ask {
        /// How many.
        at_once: u64,
    },
    /// One message goes around.
    Ring {
        /// How many actors hand it on.
        actors: u64,
    },
    /// All send to all.
    Big {
        /// How many they are.
        actors: u64,
    },
    /// A tree grows and reports.
    Skynet,
    /// Actors are made.
    Spawn,
    /// Actors are made, and told something.
    SpawnAndTell,
    /// Actors are stopped.
    Stop,
    /// A tree is stopped.
    Shutdown {
        /// What it looks like.
        shape: Tree,
        /// How siblings end.
        order: Order,
    },
    /// Actors take up memory.
    Memory {
        /// How long they have nothing to do at last.
        rest: Duration,
    },
}

/// What a tree looks like.
#[derive(Clone, Copy, Debug)]
pub enum Tree {
    /// `n` below the root.
    Flat,
    /// So many supervisors below the root, with `n` actors among them.
    Two(u64),
    /// One below the other, `n` of them.
    Chain,
}

impl Tree {
    /// Returns how many children there are on each level of a tree of about `n`. Made once in a process, and kept.
    pub fn levels(self, n: u64) -> Shape {
        match self {
            Tree::Flat => vec![n].leak(),
            Tree::Two(supervisors) => vec![supervisors, n / supervisors].leak(),
            Tree::Chain => vec![1; n as usize].leak(),
        }
    }
}

impl Workload {
    /// Returns how much of it is done when it only has to be seen that it works.
    pub fn quick(&self) -> u64 {
        match self.work {
            // Ten to the power of something.
            Work::Skynet => self.n / 100,
            Work::Shutdown { shape: Tree::Two(_), .. } => self.n / 10,
            _ => self.n / 20,
        }
    }
}

/// A producer that has not run ahead when the actor gets its turn...
const SOON: u64 = 64;
/// ...one that has...
const LATE: u64 = 512;
/// ...and one that only a full mailbox holds up.
const NEVER: u64 = u64::MAX;
/// Long enough for whoever gives up something that is not used.
const REST: Duration = Duration::from_millis(2_500);

use Mailbox::{Bounded, Unbounded};
use Order::{AtOnce, OneByOne};

const fn row(name: &'static str, about: &'static str, unit: &'static str, work: Work, mailbox: Mailbox, n: u64) -> Workload {
    Workload { name, about, unit, work, mailbox, n }
}

const fn shutdown(name: &'static str, about: &'static str, shape: Tree, order: Order, n: u64) -> Workload {
    row(name, about, "ns per actor", Work::Shutdown { shape, order }, Unbounded, n)
}

const MESSAGE: &str = "ns per message";
const ACTOR: &str = "ns per actor";

/// All of it, in the order of the tables.
pub const WORKLOADS: &[Workload] = &[
    row("tell", "one producer, no backlog; mailboxes of 1024", MESSAGE, Work::Tell { yields: SOON }, Bounded, 3_000_000),
    row("tell-backlog", "one producer that never yields", MESSAGE, Work::Tell { yields: NEVER }, Bounded, 3_000_000),
    row("tell-u", "one producer, no backlog; unbounded mailboxes", MESSAGE, Work::Tell { yields: SOON }, Unbounded, 3_000_000),
    row("tell-u-backlog", "one producer, ahead by 512", MESSAGE, Work::Tell { yields: LATE }, Unbounded, 3_000_000),
    row("fan-in-8", "8 producers; mailboxes of 1024", MESSAGE, Work::FanIn { producers: 8, yields: SOON }, Bounded, 2_000_000),
    row("fan-in-8-u", "8 producers; unbounded mailboxes", MESSAGE, Work::FanIn { producers: 8, yields: SOON }, Unbounded, 2_000_000),
    row("fan-in-64", "64 producers; mailboxes of 1024", MESSAGE, Work::FanIn { producers: 64, yields: SOON }, Bounded, 2_000_000),
    row("fan-in-64-u", "64 producers; unbounded mailboxes", MESSAGE, Work::FanIn { producers: 64, yields: SOON }, Unbounded, 2_000_000),
    row("ask", "one asker; mailboxes of 1024", "ns per request", Work::Ask { at_once: 1 }, Bounded, 1_000_000),
    row("ask-u", "one asker; unbounded mailboxes", "ns per request", Work::Ask { at_once: 1 }, Unbounded, 1_000_000),
    row("ask-64", "64 askers; mailboxes of 1024", "ns per request", Work::Ask { at_once: 64 }, Bounded, 1_000_000),
    row("ask-64-u", "64 askers; unbounded mailboxes", "ns per request", Work::Ask { at_once: 64 }, Unbounded, 1_000_000),
    row("ping-pong", "two actors; mailboxes of 1024", "ns per hop", Work::Ring { actors: 2 }, Bounded, 1_000_000),
    row("ping-pong-u", "two actors; unbounded mailboxes", "ns per hop", Work::Ring { actors: 2 }, Unbounded, 1_000_000),
    row("ring", "503 actors; mailboxes of 1024", "ns per hop", Work::Ring { actors: 503 }, Bounded, 1_000_000),
    row("ring-u", "503 actors; unbounded mailboxes", "ns per hop", Work::Ring { actors: 503 }, Unbounded, 1_000_000),
    row("big", "120 actors, all to all; mailboxes of 1024", MESSAGE, Work::Big { actors: 120 }, Bounded, 2_400_000),
    row("big-u", "120 actors, all to all; unbounded mailboxes", MESSAGE, Work::Big { actors: 120 }, Unbounded, 2_400_000),
    row("skynet", "100,000 leaves of a tree of tens report", "ns per leaf", Work::Skynet, Unbounded, 100_000),
    row("spawn", "until 100,000 are ready for messages", ACTOR, Work::Spawn, Unbounded, 100_000),
    row("spawn-hook", "until 100,000 have run a start hook", ACTOR, Work::Spawn, Unbounded, 100_000),
    row("spawn-told", "until 100,000 have handled a message each", ACTOR, Work::SpawnAndTell, Unbounded, 100_000),
    row("stop", "stop 100,000 and wait for each", ACTOR, Work::Stop, Unbounded, 100_000),
    shutdown("shutdown-flat", "100,000 below the root, one by one", Tree::Flat, OneByOne, 100_000),
    shutdown("shutdown-1000x100", "1,000 supervisors of 100 each, one by one", Tree::Two(1_000), OneByOne, 100_000),
    shutdown("shutdown-100x1000", "100 supervisors of 1,000 each, one by one", Tree::Two(100), OneByOne, 100_000),
    shutdown("shutdown-flat-at-once", "100,000 below the root, all at once", Tree::Flat, AtOnce, 100_000),
    shutdown("shutdown-1000x100-at-once", "1,000 supervisors of 100 each, all at once", Tree::Two(1_000), AtOnce, 100_000),
    shutdown("shutdown-100x1000-at-once", "100 supervisors of 1,000 each, all at once", Tree::Two(100), AtOnce, 100_000),
    shutdown("shutdown-chain", "10,000, each the child of the one before", Tree::Chain, AtOnce, 10_000),
    row("memory", "all that an actor takes up", "bytes", Work::Memory { rest: REST }, Unbounded, 50_000),
];

/// The one row in which actors of ours have a hook that the others always have.
pub const WITH_HOOK: &str = "spawn-hook";

/// Finds a workload by its name.
pub fn find(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}
