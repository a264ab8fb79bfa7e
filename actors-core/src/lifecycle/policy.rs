//! What an actor's author decides about its life: plain data, known when the program is compiled.

use std::time::Duration;

use crate::mailbox::{Capacity, Overflow};

/// How an actor receives, stops and keeps its children. `#[actor(...)]` fills it in; the builder may change it for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many messages may wait. Default: 256.
    pub mailbox: Capacity,
    /// What a full mailbox does. Default: the sender waits.
    pub overflow: Overflow,
    /// How many messages it may put aside with [`stash`](crate::Context::stash). Default: 64.
    pub stash: u32,
    /// What a stop does with the messages that wait. Default: they become dead letters.
    pub on_stop: OnStop,
    /// What a stop does with the handler in hand. Default: it finishes.
    pub in_flight: InFlight,
    /// How long the actor may take to stop when its parent stops it. Default: 5 s; if it has children of its own, as long
    /// as the parent's deadline allows, or 25 s where there is none.
    pub stop_limit: Limit,
    /// How long the `started` hook may take. Default: 60 s.
    pub start_limit: Limit,
    /// How long a handler may take, waiting included. One that takes longer is dropped, and the actor fails with
    /// [`HandlerTimedOut`](crate::HandlerTimedOut). Default: as long as it likes.
    pub handler_limit: Option<Duration>,
    /// How long the `stopped` hook may take. Default: 5 s.
    pub hook_limit: Limit,
    /// The limit of an ask that names none. Default: none.
    pub ask_limit: Option<Duration>,
    /// The order in which its children stop. Default: in reverse start order.
    pub children: Children,
    /// Whom the failure of a supervised child takes along. Default: nobody.
    pub strategy: Strategy,
    /// How many restarts of children are allowed; [`Policy::UNLIMITED`] has to be asked for by name. Default: 1...
    pub restarts: u32,
    /// ...within this time of the supervisor's own running. Default: 5 s.
    pub within: Duration,
    /// Whether the end of significant children ends it. Default: it does not.
    pub auto_shutdown: AutoShutdown,
}

impl Policy {
    /// As many restarts as it takes, for ever.
    pub const UNLIMITED: u32 = u32::MAX;

    /// The defaults.
    pub const DEFAULT: Policy = Policy {
        mailbox: Capacity::Bounded(256),
        overflow: Overflow::Wait,
        stash: 64,
        on_stop: OnStop::Discard,
        in_flight: InFlight::Finish,
        stop_limit: Limit::Default,
        start_limit: Limit::Default,
        handler_limit: None,
        hook_limit: Limit::Default,
        ask_limit: None,
        children: Children::InOrder,
        strategy: Strategy::OneForOne,
        restarts: 1,
        within: Duration::from_secs(5),
        auto_shutdown: AutoShutdown::Never,
    };

    /// Returns how long a leaf of the tree may take to stop; `None` stands for as long as its parent allows.
    pub(crate) fn stop_limit(&self, has_children: bool) -> Option<Duration> {
        match self.stop_limit {
            Limit::Default if has_children => None,
            Limit::Default => Some(Duration::from_secs(5)),
            Limit::After(limit) => Some(limit),
            Limit::Unlimited => None,
        }
    }

    pub(crate) fn start_limit(&self) -> Option<Duration> {
        self.start_limit.or(Duration::from_secs(60))
    }

    pub(crate) fn hook_limit(&self) -> Option<Duration> {
        self.hook_limit.or(Duration::from_secs(5))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy::DEFAULT
    }
}

/// A limit in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// The documented default of what is limited.
    #[default]
    Default,
    /// This long.
    After(Duration),
    /// As long as it takes; only a deadline above it ends it.
    Unlimited,
}

impl Limit {
    fn or(self, default: Duration) -> Option<Duration> {
        match self {
            Limit::Default => Some(default),
            Limit::After(limit) => Some(limit),
            Limit::Unlimited => None,
        }
    }
}

/// What a stop does with the messages that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStop {
    /// They become dead letters; asks among them fail at once. The default.
    #[default]
    Discard,
    /// All that was accepted before the stop is handled first.
    Drain,
}

/// What a stop does with the handler in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InFlight {
    /// It finishes. The default.
    #[default]
    Finish,
    /// It is dropped at its next await.
    Cancel,
}

/// The order in which the children of an actor stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Children {
    /// One after the other, in reverse start order, each with its whole subtree. The default.
    #[default]
    InOrder,
    /// All at once, under one limit.
    SideBySide,
}

/// Whom the failure of a supervised child takes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody. The default.
    #[default]
    OneForOne,
    /// All its siblings.
    OneForAll,
    /// The siblings started after it.
    RestForOne,
}

/// Whether a supervisor shuts down when significant children have ended of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// It does not. The default.
    #[default]
    Never,
    /// The first significant child to end takes it along.
    AnySignificant,
    /// The last significant child to end takes it along.
    AllSignificant,
}
