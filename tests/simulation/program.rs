//! A program: what a tree of actors is made of, and what is done to it, as data.

use actors_core::{AutoShutdown, CatchUp, LinkKind, OnStop, Overflow, Restart, Routing, Strategy};

/// Which actor of a program is meant: its place in [`Program::actors`]. An actor that is made anew has the same.
pub type Slot = usize;

/// Among the hooks: what says that the handlers of an actor never wait.
pub const NEVER_WAITS: u8 = 8;

/// All that a run does, but for the turns it gives up on the way, which `seed` decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub seed: u64,
    pub actors: Vec<Plan>,
    pub steps: Vec<Step>,
    pub ending: Ending,
    /// How long an actor keeps its task when it has nothing to do, in milliseconds, if not as long as usual.
    pub linger: Option<u64>,
    pub pool: Option<Pool>,
}

/// A pool of workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    pub workers: usize,
    pub routing: Routing,
    pub capacity: Option<u32>,
    /// The mailboxes of the workers reject what they have no room for.
    pub rejects: bool,
    /// Restarts within an hour, which no program lasts.
    pub restarts: u32,
    /// It stands below a supervisor, which restarts it.
    pub kept: bool,
    /// Which makings of a worker fail, by their number.
    pub bad_starts: Vec<usize>,
}

/// What comes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Done,
    Takes(u64),
    Fails,
    /// The first so many attempts panic.
    Panics(u32),
    /// The answer is an error.
    Refuses,
}

/// How a job is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobHow {
    Tell,
    TryTell,
    Ask,
    AskWithin(u64),
    /// It is asked again so many times.
    Retry(u32),
    Broadcast,
}

/// What one actor is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whose child it is; nobody's if it stands at the top of the tree.
    pub above: Option<Slot>,
    /// A program that was cut down leaves out some.
    pub left_out: bool,
    /// Which hooks it has: 1 for `started`, 2 for `exited`, 4 for `stopped`. With [`NEVER_WAITS`] its handlers never wait, and nor does
    /// `exited`, unless there is a `started`.
    pub hooks: u8,
    pub named: bool,
    pub kind: Kind,
    /// Whether whoever makes it waits until it is ready.
    pub awaited: bool,
    /// It is not made with its parent, but when a message says so.
    pub later: bool,
    /// How each making of it starts; after the last, all is well.
    pub starts: Vec<Start>,
    pub stop: Stop,
    /// Its destructor panics.
    pub bad_drop: bool,
    /// Its end is that of the system.
    pub significant: bool,
    /// Its end is looked at when all is over, and nobody waits for it: so it may end where it is stopped, without a task.
    pub unwatched: bool,
    pub setup: Setup,
    /// To whom it ties itself when it starts.
    pub ties: Vec<Knot>,
    /// The peer group of its parent to which it belongs.
    pub group: Option<u8>,
}

/// What an actor is to its parent.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A child that nobody restarts.
    Plain,
    /// A supervised child.
    Child { restart: Restart, backoff: Option<u64>, significant: bool },
}

/// The policy of an actor, where it is not the default. All times are in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    pub capacity: Option<u32>,
    pub overflow: Overflow,
    pub stash: u32,
    pub on_stop: OnStop,
    pub cancels: bool,
    pub stop_limit: Option<u64>,
    pub hook_limit: Option<u64>,
    pub start_limit: Option<u64>,
    pub handler_limit: Option<u64>,
    pub ask_limit: Option<u64>,
    pub side_by_side: bool,
    pub strategy: Strategy,
    /// Restarts within an hour, which no program lasts.
    pub restarts: u32,
    pub auto_shutdown: AutoShutdown,
}

/// How an actor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Ready,
    Takes(u64),
    Hangs,
    Fails,
    Panics,
    Declines,
    /// It asks for its own end.
    Leaves,
}

/// How the `stopped` hook goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    AtOnce,
    Takes(u64),
    Hangs,
    Fails,
    Panics,
}

/// A tie to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knot {
    Link(Slot, LinkKind),
    Unlink(Slot),
    Monitor(Slot),
    /// Cancels the last monitor.
    Demonitor,
}

/// One thing that is done from outside. Each client does its own one after the other, all clients at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub client: u8,
    pub deed: Deed,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Send {
        to: Slot,
        how: How,
        work: Order,
    },
    End {
        who: Slot,
        how: Way,
    },
    Link(Slot, Slot, LinkKind),
    Unlink(Slot, Slot),
    Serve(Slot, Serve),
    /// Sends a job to the pool, with a key if one is given.
    Job(JobHow, Option<u8>, Fate),
    Resize(usize),
    EndPool(Way),
    EndWorker(usize, Way),
    Publish(u8),
    /// Publishes, and waits so long until all have it.
    PublishAndWait(u8, u64),
    Wait(u64),
    /// Asks for the plan and for the tree.
    Look,
    RequestShutdown,
    /// Shuts down, within a time if one is given.
    ShutDown(Option<u64>),
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Tell,
    TellWithin(u64),
    TryTell,
    Ask,
    AskWithin(u64),
    /// The future is dropped after a time.
    AskAndLeave(u64),
    /// The future is polled once and then dropped after so many turns, whatever has come of it meanwhile.
    TellAndForget(u8),
}

/// How an actor is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Stop,
    Drain,
    Kill,
}

/// What a message has its receiver do.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub act: Act,
    pub answer: Answer,
    /// How often it is put aside before it is done.
    pub stash: u8,
    /// It is a control message.
    pub control: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Nothing,
    Sleep(u64),
    Hang,
    Fail,
    Panic,
    Unstash,
    /// Sends on.
    Send(Slot, How, Box<Order>),
    /// Is sent to itself after a time.
    Later(u64),
    /// Is sent to itself again and again, so many times.
    Every(u64, CatchUp, u8),
    /// Takes so many items of a stream, each after a time.
    Stream(u8, u64),
    /// Has a helper task find something out within a time.
    Pipe(u64),
    /// Takes back the last timer, interval or stream.
    TakeBack,
    Serve(Serve),
    Publish(u8),
    End(Way),
    Tie(Knot),
    /// Has a helper task work for a time.
    Help(u64),
    /// Has a helper task panic.
    BadHelp,
    Manage(Slot, Manage),
    RequestShutdown,
    /// Awaits the shutdown inside the system, which is refused.
    AwaitShutdown,
}

/// What an actor is to a topic, or to a group that is found under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// So many messages are kept for it.
    Subscribe(u8, usize),
    Unsubscribe(u8),
    Join(u8),
    Leave(u8),
    Watch(u8),
    Unwatch(u8),
}

/// What is done with a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manage {
    Make,
    Terminate,
    Restart,
    Remove,
    Stop,
}

/// What an asker gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Echo,
    Error,
    None,
    Later(u64),
}

/// How all of it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// When it begins.
    pub after: u64,
    /// How long a shutdown may take unless it is said otherwise.
    pub deadline: u64,
    /// The shutdowns, each after some time and within some.
    pub shutdowns: Vec<(u64, Option<u64>)>,
    /// The system is dropped instead.
    pub dropped: bool,
}

impl Program {
    /// The actors directly below `above`, in the order in which they are made.
    pub fn below(&self, above: Option<Slot>) -> impl Iterator<Item = Slot> + '_ {
        self.actors.iter().enumerate().filter(move |(_, plan)| plan.above == above && !plan.left_out).map(|(slot, _)| slot)
    }

    pub fn name(slot: Slot) -> String {
        format!("a{slot}")
    }

    /// Leaves out an actor and all below it.
    pub fn leave_out(&mut self, slot: Slot) {
        self.actors[slot].left_out = true;
        for place in slot + 1..self.actors.len() {
            if self.actors[place].above.is_some_and(|above| self.actors[above].left_out) {
                self.actors[place].left_out = true;
            }
        }
    }
}

impl Plan {
    /// An actor without any peculiarity, in the place of this one.
    pub fn plain(&self) -> Plan {
        Plan {
            above: self.above,
            left_out: self.left_out,
            hooks: self.hooks,
            named: true,
            kind: self.kind.clone(),
            awaited: false,
            later: false,
            starts: Vec::new(),
            stop: Stop::AtOnce,
            bad_drop: false,
            significant: false,
            unwatched: self.unwatched,
            setup: Setup { restarts: self.setup.restarts, strategy: self.setup.strategy, ..Setup::default() },
            ties: Vec::new(),
            group: None,
        }
    }

    /// Whether nothing that it does ever waits, but for its `stopped` hook.
    pub fn never_waits(&self) -> bool {
        self.hooks & (NEVER_WAITS | 1) == NEVER_WAITS
    }

    pub fn has_started(&self) -> bool {
        self.hooks & 1 != 0
    }

    pub fn has_exited(&self) -> bool {
        self.hooks & 2 != 0
    }

    pub fn has_stopped(&self) -> bool {
        self.hooks & 4 != 0
    }

    /// The name, if its spec or its actor has one. A supervised child always has.
    pub fn has_name(&self) -> bool {
        self.named || matches!(self.kind, Kind::Child { .. })
    }
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            capacity: Some(256),
            overflow: Overflow::Wait,
            stash: 64,
            on_stop: OnStop::Discard,
            cancels: false,
            stop_limit: None,
            hook_limit: None,
            start_limit: None,
            handler_limit: None,
            ask_limit: None,
            side_by_side: false,
            strategy: Strategy::OneForOne,
            restarts: 3,
            auto_shutdown: AutoShutdown::Never,
        }
    }
}
