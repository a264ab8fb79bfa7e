//! How an actor lives and ends, whatever its type: ids, paths, exit reasons, signals, links, monitors, groups.
//!
//! Nothing here knows what an actor handles. Invariants:
//!
//! 1. The end of an actor is claimed once ([`conclude::claim`]) and published once ([`conclude::conclude`]), with one exit.
//! 2. An exit reaches each link, monitor and group member once: the entry is taken out under the lock of its holder.
//! 3. Two ties are locked together in one place only ([`link`]), the smaller id first. No waker is woken, no callback
//!    called and no value of a user's dropped under a lock.
//! 4. An actor is down only between two incarnations: under the lock of its ties, either its overseer begins the next one,
//!    or whoever asks it to end for good claims it.
//! 5. Whoever marks an actor as ending does so before looking at its children; whoever admits a child looks at the mark
//!    under the lock of the family. So no child slips through.

pub(crate) mod cell;
pub(crate) mod conclude;
pub(crate) mod crash;
pub(crate) mod current;
pub(crate) mod dead_letter;
pub(crate) mod env;
pub(crate) mod event;
pub(crate) mod exit;
pub(crate) mod feed;
pub(crate) mod group;
pub(crate) mod id;
pub(crate) mod kit;
pub(crate) mod linger;
pub(crate) mod link;
pub(crate) mod lookup;
pub(crate) mod monitor;
pub(crate) mod panic;
pub(crate) mod path;
pub(crate) mod policy;
pub(crate) mod post_mortem;
pub(crate) mod record;
pub(crate) mod registry;
pub(crate) mod request;
pub(crate) mod restart;
mod row;
pub(crate) mod run_queue;
pub(crate) mod signal;
pub(crate) mod slots;
pub(crate) mod ties;

pub use crash::{CrashReport, CrashReports, Decision};
pub use dead_letter::{DeadLetter, DeadLetters, DeadReason};
pub use event::{Exited, GroupReport, MonitorRef, Tie};
pub use exit::{AbortedBy, BoxError, Exit, ExitReason, Failure, HandlerTimedOut, StartFailure};
pub use id::ActorId;
pub use path::ActorPath;
pub use policy::{AutoShutdown, Children, InFlight, Limit, OnStop, Policy, Strategy};
pub use record::{ActorReport, HookOutcome, LimitHit};
pub use ties::LinkKind;
