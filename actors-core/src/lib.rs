//! Actors whose *stopping* is as well designed as their running.
//!
//! Every actor has a mailbox and a linked stop signal; parents own their children; links let one failure stop the peers;
//! [`ActorSystem::shutdown`] awaits the whole tree, in order, within a deadline, and says what happened to each.
//!
//! ```
//! use actors_core::{messages, Actor, ActorSystem, ShutdownReport};
//!
//! #[derive(Actor)]
//! struct Counter { n: u64 }
//!
//! #[messages]
//! impl Counter {
//!     #[message] fn add(&mut self, by: u64) { self.n += by }
//!     #[message] async fn get(&self) -> u64 { self.n }
//! }
//!
//! #[tokio::main]
//! async fn main() -> ShutdownReport {                        // prints itself, and is the exit code
//!     let system = ActorSystem::new("demo");
//!     let counter = system.spawn(Counter { n: 0 });
//!     counter.tell(Add { by: 2 }).await.unwrap();            // waits only while the mailbox is full
//!     assert_eq!(counter.ask(Get).await.unwrap(), 2);        // .within(Duration) sets a limit
//!     system.shutdown().await
//! }
//! ```
//!
//! # In reading order
//!
//! 1. **An actor**: [`Actor`] and [`macro@messages`], what it is called with ([`Context`]), what it decides about its life
//!    ([`Policy`]), every option and hook of the [macros](mod@macros), and how one is written
//!    [without macros](mod@without_macros).
//! 2. **Reaching it**: [`ActorRef`], [`Recipient`], [`ReplyTo`]; what can go wrong ([`TellError`], [`AskError`],
//!    [`DeadLetter`]); many at once ([`Asks`]).
//! 3. **Making it**: [`ActorSystem`], [`Builder`], [`StartError`].
//! 4. **Ending it**: [`ActorRef::stop`], [`drain`](ActorRef::drain), [`kill`](ActorRef::kill), the [`StopSignal`] that its
//!    code can see, and [`ExitReason`].
//! 5. **Fate**: [`link`](ActorRef::link), [`monitor`](ActorRef::monitor), [`PeerGroup`], and the one hook that hears of it
//!    ([`Exited`]).
//! 6. **Failing well**: [`Context::child`] and [`ChildSpec`] for children that are restarted, [`Supervisor`] for those who do
//!    nothing else, [`Backoff`], and the [`CrashReport`] of each failure.
//! 7. **Time**: [timers](Context::send_after), [streams](Context::attach), [futures](Context::pipe), and what is
//!    [put aside](Context::stash).
//! 8. **The whole**: [`shutdown`](ActorSystem::shutdown) and its [`ShutdownReport`], the
//!    [`ShutdownPlan`](ActorSystem::shutdown_plan), the [`Tree`](ActorSystem::tree), and
//!    [`run_until_signal`](ActorSystem::run_until_signal).
//! 9. **Beside the tree**: a [`Topic`] to publish on, a [`Group`] to be found in, a [`WorkerPool`] that shares out work.
//!
//! What may be relied on is written down, rule by rule, in [`semantics`].
//!
//! # Features
//!
//! - `serde` (default): reports, plans and trees can be serialised.
//! - `tracing` (default): a span for each actor, an event for each step of its life.
//! - `test-kit`: the module `test_kit`, for tests: probes, paused time, assertions on the tree and on the order of ends,
//!   injected failures. For `[dev-dependencies]`.

mod actor;
mod address;
mod caught;
mod lazy_map;
mod lifecycle;
mod mailbox;
mod runtime;
mod services;
mod supervisor;
mod sync;
mod system;
mod telemetry;
#[cfg(feature = "test-kit")]
pub mod test_kit;
mod time;

#[cfg(unix)]
pub use actor::SignalMessages;
pub use actor::{
    Actor, CatchUp, Context, Every, Handler, Hooks, InactivityTimeout, Job, JobError, NotAChild, StashFull, StopSignal, Stopping,
    StreamRef, TimerRef, WaitForStop,
};
pub use actors_macros::{Actor, messages};
pub use address::{
    Accepts, ActorRef, Ask, AskError, Asks, AsksError, DeadlockError, For, LostError, Protocol, Recipient, Refusal, ReplyTo, StillRunning,
    Stopped, Target, Tell, TellError, Unhandled,
};
pub use lifecycle::{
    AbortedBy, ActorId, ActorPath, ActorReport, AutoShutdown, BoxError, Children, CrashReport, CrashReports, DeadLetter, DeadLetters,
    DeadReason, Decision, Exit, ExitReason, Exited, Failure, GroupReport, HandlerTimedOut, HookOutcome, InFlight, Limit, LimitHit,
    LinkKind, MonitorRef, OnStop, Policy, StartFailure, Strategy, Tie,
};
pub use mailbox::{Capacity, Overflow};
pub use runtime::{Builder, PeerGroup, StartError, Starting};
pub use services::{Group, GroupChange, GroupNotice, Lagged, PoolRef, Published, Routing, Subscriber, Topic, WorkerPool};
pub use supervisor::{
    Backoff, Child, ChildCounts, ChildError, ChildFn, ChildInfo, ChildKey, ChildSpec, ChildState, ConfigWarning, DynamicSupervisor,
    Restart, Supervisor,
};
pub use system::{
    ActorReports, ActorState, ActorSystem, Outcome, PlanStep, Schedule, ShutdownPlan, ShutdownReport, SystemBuilder, Terminated, Tree,
    TreeNode, Trigger,
};

#[doc = include_str!("docs/semantics.md")]
pub mod semantics {}

#[doc = include_str!("docs/macros.md")]
pub mod macros {}

#[doc = include_str!("docs/without_macros.md")]
pub mod without_macros {}

/// What the macros need, and nobody else.
///
/// Two macros make one actor, and neither sees what the other does: the derive writes `Derived`, with the policy, and
/// `#[messages]` writes `Messages` and the `Actor` impl; each asks for the other's trait. `Fallible` sees through aliases of
/// `Result`. `begin_tick` sends what nobody else can. `at_once` polls what awaits nothing. `fits` complains of messages that are too large. `HandlerError`,
/// `Sent`, `Stays`, `Travels` and `Unsent` are for the compiler's messages alone. `Open`, `Opened` and `OpenTypes` are what an open actor has more than
/// others. `Instant` spares users a dependency on tokio. All else that an expansion names is public, and could have been written
/// by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::actor::{
        Derived, Fallible, HandlerError, Messages, Open, Opened, Sent, Stays, Travels, Unsent, at_once, begin_tick, fits,
    };
    pub use crate::address::OpenTypes;
    pub use tokio::time::Instant;
}
