//! What the author of an actor sees: the [`Actor`] trait, the [`Context`], the stop signal, sources of messages, work beside them.

mod context;
mod every;
mod inactivity;
mod messages;
mod open;
#[cfg(unix)]
mod os_signal;
mod pipe;
mod shelves;
mod source;
mod sources;
mod stash;
mod stop_signal;
mod stream;
mod timer;
mod work;

use std::future::{Future, ready};

use crate::address::Protocol;
use crate::lifecycle::event::Exited;
use crate::lifecycle::exit::{BoxError, ExitReason};
use crate::lifecycle::policy::Policy;

pub use context::{Context, NotAChild};
pub use every::{CatchUp, Every};
pub use inactivity::InactivityTimeout;
pub use messages::{Derived, Fallible, HandlerError, Messages, Sent, Stays, Travels, Unsent, at_once, begin_tick, fits};
pub use open::{Handler, Open, Opened};
#[cfg(unix)]
pub use os_signal::SignalMessages;
pub(crate) use shelves::Put;
pub(crate) use source::Found;
pub use stash::StashFull;
pub use stop_signal::{StopSignal, Stopping, WaitForStop};
pub use stream::StreamRef;
pub use timer::TimerRef;
pub(crate) use work::occupy;
pub use work::{Job, JobError};

/// A type whose values are actors: private state that handles one message at a time.
///
/// Most actors derive it and write their handlers in a [`#[messages]`](macro@crate::messages) block;
/// [`macros`](mod@crate::macros) has an example of every marker and option. By hand it takes a [`Protocol`] and
/// [`handle`](Self::handle); [`ActorRef::ask_with`](crate::ActorRef::ask_with) has an example.
///
/// # The life of an actor
///
/// ```text
/// spawn -> started -> handle, handle, exited, handle ... -> children stop -> stopped -> state dropped -> end told
/// ```
///
/// An error or a panic in any of them ends the actor; the hook `stopped` runs all the same, whatever the cause. Once it was
/// asked to end, an error that says just [that](crate::Stopping) is no failure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    label = "not an actor",
    note = "write `#[derive(Actor)]` on the type and `#[messages]` on its impl block, or implement `Protocol` and `Actor` by hand",
    note = "a generic type is one only with the bounds of its `#[messages]` block, and `Send + 'static`"
)]
pub trait Actor: Protocol {
    /// How it receives, stops and keeps its children; `#[actor(...)]` fills it in.
    const POLICY: Policy = Policy::DEFAULT;

    /// Which hooks there are. An actor without `started` needs no task before its first message, so say what is true.
    const HOOKS: Hooks = Hooks::ALL;

    /// None of its handlers ever waits: what `handle` returns is ready when it is first polled, which saves the loop the
    /// room for one that is not.
    #[doc(hidden)]
    const AT_ONCE: bool = false;

    /// Nor do `started` and `exited`: what it does is done in turns, without a task of its own.
    #[doc(hidden)]
    const TAKES_TURNS: bool = false;

    /// Runs before the first message.
    ///
    /// # Errors
    /// An error is a failure to start: nothing is left of the actor, and whoever [`start`](crate::Context::start)s it
    /// gets the error.
    fn started(&mut self, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = ctx;
        ready(Ok(()))
    }

    /// Handles one message.
    ///
    /// # Errors
    /// An error ends the actor. What should only reach whoever asked goes through the [`ReplyTo`](crate::ReplyTo).
    fn handle(&mut self, message: Self::Msg, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Runs when another actor has ended: a link, a child, one that is watched.
    ///
    /// # Errors
    /// An error ends the actor.
    fn exited(&mut self, exit: Exited, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = (exit, ctx);
        ready(Ok(()))
    }

    /// Runs last, after all children have ended, whatever the cause; not if the actor never started.
    ///
    /// It may await: the signal that ended the actor does not cut it short. It has a limit of its own.
    ///
    /// # Errors
    /// An error becomes the exit reason if the end was clean, and is kept beside it if not.
    fn stopped(&mut self, reason: &ExitReason, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = (reason, ctx);
        ready(Ok(()))
    }
}

/// Which hooks an actor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// It has a `started` hook.
    pub started: bool,
    /// It has an `exited` hook, and so it traps exits.
    pub exited: bool,
    /// It has a `stopped` hook.
    pub stopped: bool,
}

impl Hooks {
    /// It has all hooks.
    pub const ALL: Hooks = Hooks { started: true, exited: true, stopped: true };
    /// It has none.
    pub const NONE: Hooks = Hooks { started: false, exited: false, stopped: false };
}
