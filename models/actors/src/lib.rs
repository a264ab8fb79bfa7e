//! The files of actors-core as they are, all of them, with the locks, atomics, threads and tasks of shuttle.
//!
//! The names `std`, `tokio` and `parking_lot` mean the shims here, and `thread_local!` is one for each thread of the model. The rest repeats the head
//! of `actors-core/src/lib.rs`.

#![allow(dead_code, unused_imports, missing_docs, clippy::all, reason = "the library itself is linted elsewhere")]

extern crate shuttle_parking_lot as parking_lot;
extern crate shuttle_std as std;
extern crate shuttle_tokio as tokio;

macro_rules! thread_local {
    ($($locals:tt)*) => { std::local_to_a_models_thread! { $($locals)* } };
}

#[path = "../../../actors-core/src/actor/mod.rs"]
mod actor;
#[path = "../../../actors-core/src/address/mod.rs"]
mod address;
#[path = "../../../actors-core/src/caught.rs"]
mod caught;
#[path = "../../../actors-core/src/lazy_map.rs"]
mod lazy_map;
#[path = "../../../actors-core/src/lifecycle/mod.rs"]
mod lifecycle;
#[path = "../../../actors-core/src/mailbox/mod.rs"]
mod mailbox;
#[path = "../../../actors-core/src/runtime/mod.rs"]
mod runtime;
#[path = "../../../actors-core/src/services/mod.rs"]
mod services;
#[path = "../../../actors-core/src/supervisor/mod.rs"]
mod supervisor;
#[path = "../../../actors-core/src/sync.rs"]
mod sync;
#[path = "../../../actors-core/src/system/mod.rs"]
mod system;
#[path = "../../../actors-core/src/telemetry/mod.rs"]
mod telemetry;
#[path = "../../../actors-core/src/time.rs"]
mod time;

pub use actor::{
    Actor, CatchUp, Context, Every, Handler, Hooks, InactivityTimeout, Job, JobError, NotAChild, SignalMessages, StashFull, StopSignal,
    Stopping, StreamRef, TimerRef, WaitForStop,
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

/// What the macros need, and nobody else.
#[doc(hidden)]
pub mod __private {
    pub use crate::actor::{
        Derived, Fallible, HandlerError, Messages, Open, Opened, Sent, Stays, Travels, Unsent, at_once, begin_tick, fits,
    };
    pub use crate::address::OpenTypes;
    pub use tokio::time::Instant;
}
