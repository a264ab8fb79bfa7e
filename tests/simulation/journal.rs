//! What happened in a run, in the order in which it did: what the invariants are checked against.

use std::time::Duration;

use actors_core::{ActorId, ActorPath, CatchUp, DeadReason, ExitReason, LinkKind, MonitorRef, Refusal};

use crate::program::{JobHow, Serve, Slot, Way};

/// One entry: what happened, and when by the clock of the runtime.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at: Duration,
    pub note: Note,
}

/// One life of one actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    pub id: ActorId,
    pub life: u64,
}

/// Who sends, one thing after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    Client(u8),
    Actor(ActorId),
}

/// The number of a message, of a state, of an ask.
pub type Number = u64;

#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    // ===== lives =====
    /// A state was made, below a life of an actor or at the top.
    Made {
        state: Number,
        slot: Slot,
        above: Option<Who>,
    },
    /// A state turned out to be that of this life.
    Is {
        state: Number,
        who: Who,
        slot: Slot,
        path: ActorPath,
    },
    /// A state was dropped.
    Gone {
        state: Number,
    },
    Enters(Who, Place),
    Leaves(Who, Place),
    /// The `started` hook has succeeded.
    Started(Who),
    /// Somebody who waited for the end of the actor was told.
    Ended {
        id: ActorId,
        reason: ExitReason,
        /// Its name, or another actor of that name, was not to be found.
        name_free: bool,
        secondary: Vec<ExitReason>,
    },
    /// Whoever started a child was told how that went.
    StartResult {
        slot: Slot,
        ready: bool,
    },

    // ===== messages =====
    Sends {
        by: Sender,
        to: ActorId,
        message: Number,
        control: bool,
        asks: bool,
    },
    Sent {
        message: Number,
        result: Sent,
    },
    Took {
        who: Who,
        message: Number,
        control: bool,
    },
    /// The handler is over, however that came.
    LetGo {
        who: Who,
        message: Number,
    },
    PutAside {
        who: Who,
        message: Number,
    },
    Released(Who),
    Dead {
        message: Option<Number>,
        reason: DeadReason,
    },
    /// A message to itself is to come after a time.
    SetsTimer {
        who: Who,
        timer: Number,
        after: Duration,
    },
    TimerCame {
        who: Who,
        timer: Number,
    },

    /// The interval is to come again and again.
    SetsInterval {
        who: Who,
        timer: Number,
        period: Duration,
        catch_up: CatchUp,
    },
    /// A stream of so many items was attached.
    Attaches {
        who: Who,
        stream: Number,
        items: u8,
    },
    /// The stream has made an item ready, or come to its end.
    Yields {
        stream: Number,
        nth: Option<u8>,
    },
    ItemCame {
        who: Who,
        stream: Number,
        nth: Option<u8>,
    },
    /// A timer, an interval or a stream was taken back; it said so if that was still to come.
    TakenBack {
        who: Who,
        source: Number,
        was_to_come: bool,
    },

    // ===== topics and groups =====
    /// What an actor has become, or is no more.
    Serves {
        who: ActorId,
        what: Serve,
    },
    Publishes {
        by: Sender,
        topic: u8,
        news: Number,
        /// Whether it was waited until all had it.
        waits: bool,
    },
    Published {
        news: Number,
        delivered: usize,
        late: usize,
    },
    GotNews {
        who: Who,
        news: Number,
    },
    DeadNews {
        news: Number,
        path: ActorPath,
        reason: DeadReason,
    },
    /// A listener of a group was told of a change.
    Noticed {
        who: Who,
        group: u8,
        change: Change,
    },

    // ===== pools =====
    SendsJob {
        by: u8,
        job: Number,
        how: JobHow,
        key: Option<u8>,
    },
    /// What became of it, at each worker to which it was sent.
    JobSent {
        job: Number,
        results: Vec<Sent>,
    },
    JobTook {
        who: Who,
        job: Number,
    },
    DeadJob {
        job: Number,
    },
    /// The pool itself was asked to end.
    AsksPool(Way),
    Resized {
        workers: usize,
        done: bool,
    },

    // ===== ends =====
    Asks {
        by: Sender,
        to: ActorId,
        life: u64,
        way: Way,
    },

    // ===== ties =====
    Linked(ActorId, ActorId, LinkKind),
    Unlinked(ActorId, ActorId),
    Watches {
        watcher: Who,
        target: ActorId,
        monitor: MonitorRef,
    },
    Unwatches(Who, MonitorRef),
    Told {
        who: Who,
        ended: ActorId,
        reason: ExitReason,
        tie: Tied,
    },
    GroupMade {
        group: Number,
        owner: Who,
    },
    Joined {
        group: Number,
        member: ActorId,
    },
    GroupEnded {
        group: Number,
        first: (ActorPath, ExitReason),
        members: Vec<(ActorPath, ExitReason)>,
    },

    // ===== the whole =====
    ShutdownBegins {
        within: Option<Duration>,
        /// How many events of lives there had been.
        seen: usize,
    },
    /// It has begun by now, if not before.
    ShutdownHasBegun,
    ShutdownReturned {
        began: Duration,
    },
    ShutdownIsOver,
    /// Something that should not be, found while it happened.
    Wrong(String),
}

/// A change of the members of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Members(Vec<ActorId>),
    Joined(ActorId),
    Left(ActorId),
    Ended(ActorId, ExitReason),
}

/// Where the code of an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Started,
    Handler,
    Exited,
    Stopped,
}

/// What became of a message, as its sender sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    Accepted,
    Refused(Refusal),
    /// The future was dropped before it was done.
    Abandoned,
    Answered,
    Failed,
    Lost,
    Crashed,
    NoReply,
    TimedOutInQueue,
    TimedOutInHandler,
    WouldDeadlock,
    /// The answer was not the one to this message, or the message that came back another.
    Mixed,
}

/// By what an actor learned of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tied {
    Link,
    Child,
    Monitor(MonitorRef),
    Group,
}
