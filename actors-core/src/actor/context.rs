//! The context: what a hook or a handler can do as the actor that it belongs to.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::shelves::AnyStash;
use super::source::AnySources;
use super::stop_signal::{StopSignal, Stopping, WaitForStop};
use crate::address::{ActorRef, Protocol};
use crate::lifecycle::cell::{AnyCell, Core};
use crate::lifecycle::event::MonitorRef;
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::{ActorPath, Node, Segment};
use crate::lifecycle::request::{self, Mode};
use crate::lifecycle::signal::Signals;
use crate::lifecycle::ties::LinkKind;
use crate::lifecycle::{lookup, monitor};

/// What an actor can do from inside its hooks and handlers.
///
/// Children are made with [`spawn`](Self::spawn), [`start`](Self::start) and [`actor`](Self::actor); work beside the
/// messages with [`spawn_task`](Self::spawn_task) and [`spawn_blocking`](Self::spawn_blocking). Messages come from
/// [timers](Self::send_after), [streams](Self::attach) and [futures](Self::pipe) too. What cannot be handled yet is put
/// aside with [`stash`](Self::stash).
pub struct Context<A: Protocol> {
    me: ActorRef<A>,
    /// What yields messages beside the mailbox; most actors have nothing of it.
    pub(super) sources: Option<Box<dyn AnySources<A::Msg>>>,
    /// What the actor has put aside; most never do.
    pub(super) stash: Option<Box<dyn AnyStash<A::Msg>>>,
}

impl<A: Protocol> Context<A> {
    pub(crate) fn new(me: ActorRef<A>) -> Self {
        Context { me, sources: None, stash: None }
    }

    pub(crate) fn any(&self) -> Arc<dyn AnyCell> {
        self.me.any()
    }

    pub(crate) fn core(&self) -> &Core {
        self.me.core()
    }

    /// Returns the reference to the actor itself.
    pub fn actor_ref(&self) -> &ActorRef<A> {
        &self.me
    }

    /// Returns the actor's id.
    pub fn id(&self) -> ActorId {
        self.me.id()
    }

    /// Returns where the actor stands in its tree.
    pub fn path(&self) -> ActorPath {
        self.me.path()
    }

    /// Returns how often the actor has been restarted: 0 in its first incarnation.
    pub fn incarnation(&self) -> u64 {
        self.me.incarnation()
    }

    // ===== ending =====

    /// Ends the actor after the message in hand; the reason is [`ExitReason::Normal`].
    pub fn stop(&self) {
        self.me.stop();
    }

    /// Handles all that was accepted so far, and then ends the actor.
    pub fn drain(&self) {
        self.me.drain();
    }

    /// Ends the actor after the message in hand, for a reason of its own.
    pub fn stop_because(&self, reason: ExitReason) {
        let mode = if reason.is_clean() { Mode::AsPolicy } else { Mode::Now };
        request::stop(&self.any(), reason, mode, None);
    }

    /// Declines to start. In the `started` hook, this leaves nothing of the actor once the hook has returned, and
    /// whoever starts it gets [`StartFailure::Declined`](crate::StartFailure::Declined); nobody else is told.
    pub fn decline(&self) {
        self.any().core().signals.set(Signals::DECLINED);
    }

    /// Tells whether the actor was asked to end.
    pub fn is_stopping(&self) -> bool {
        self.any().core().is_stopping()
    }

    /// Waits until the actor is asked to end. For `select!` in a handler.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub fn stopping(&self) -> WaitForStop {
        self.stop_signal().stopping()
    }

    /// Runs `work` unless the actor is asked to end.
    ///
    /// # Errors
    /// [`Stopping`] if the signal came first. It is looked at before the work, at every turn. Passed on with `?` it is no failure.
    ///
    /// # Cancel safety
    /// Dropping this drops the work.
    pub fn unless_stopping<F: Future>(&self, work: F) -> impl Future<Output = Result<F::Output, Stopping>> + use<A, F> {
        self.stop_signal().unless_stopping(work)
    }

    /// Returns the stop signal, to be looked at elsewhere.
    pub fn stop_signal(&self) -> StopSignal {
        StopSignal::new(self.any())
    }

    /// Returns the stop signal as a token, for libraries that take one.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop_signal().token()
    }

    /// Waits until the system quiesces: it is about to shut down, and asks those who accept new work to accept no more,
    /// while all that runs goes on.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub fn quiescing(&self) -> WaitForCancellationFutureOwned {
        self.any().env().quiescing.clone().cancelled_owned()
    }

    /// Tells whether the system quiesces or shuts down.
    pub fn is_quiescing(&self) -> bool {
        self.any().env().quiescing.is_cancelled()
    }

    // ===== ties =====

    /// Lets exits of links come to the `exited` hook instead of stopping the actor, or no more. An actor that has the
    /// hook traps exits from the beginning.
    pub fn trap_exits(&self, trap: bool) {
        let me = self.any();
        let signals = &me.core().signals;
        if trap {
            signals.set(Signals::TRAPS);
        } else {
            signals.clear(Signals::TRAPS);
        }
    }

    /// Ties this actor to another; see [`ActorRef::link`].
    pub fn link<B: Protocol>(&self, peer: &ActorRef<B>) {
        self.me.link(peer);
    }

    /// Ties this actor to another in the given way.
    pub fn link_as<B: Protocol>(&self, peer: &ActorRef<B>, kind: LinkKind) {
        self.me.link_as(peer, kind);
    }

    /// Unties this actor from another; see [`ActorRef::unlink`].
    pub fn unlink<B: Protocol>(&self, peer: &ActorRef<B>) {
        self.me.unlink(peer);
    }

    /// Watches another actor; see [`ActorRef::monitor`].
    pub fn monitor<B: Protocol>(&self, target: &ActorRef<B>) -> MonitorRef {
        self.me.monitor(target)
    }

    /// Watches the actor at `path`. If there is none, the notice comes at once, with [`ExitReason::NoSuchActor`].
    pub fn monitor_path(&self, path: &str) -> MonitorRef {
        let me = self.any();
        match lookup::find(&lookup::root_of(&me), path) {
            Some(target) => monitor::monitor(&me, &target),
            None => {
                let nobody = ActorPath { parent: Some(Node::root()), segment: Segment::Named(Arc::from(path.trim_start_matches('/'))) };
                monitor::monitor_nobody(&me, nobody)
            }
        }
    }

    /// Cancels a monitor. Harmless if it is spent.
    pub fn demonitor(&self, monitor: MonitorRef) {
        self.me.demonitor(monitor);
    }

    // ===== children =====

    /// Returns the paths of the children that are there, in start order.
    pub fn children(&self) -> Vec<ActorPath> {
        self.live_children().iter().map(|child| child.path()).collect()
    }

    /// The children, without one whose end is known and which is about to be forgotten.
    fn live_children(&self) -> Vec<Arc<dyn AnyCell>> {
        let me = self.any();
        let mut children = me.core().family().map_or_else(Vec::new, |family| family.children());
        children.retain(|child| !child.has_ended());
        children
    }

    /// Stops a child by its path, within its own limit (S7.4), and goes on. The end is announced like any other.
    ///
    /// # Errors
    /// [`NotAChild`] if no child of this actor has that path.
    pub fn stop_child(&self, path: &ActorPath) -> Result<(), NotAChild> {
        let child = self.live_children().into_iter().find(|child| child.path() == *path).ok_or_else(|| NotAChild { path: path.clone() })?;
        if let Some(overseer) = child.core().parent.overseer() {
            overseer.dismiss(&child);
        }
        child.bring_down(ExitReason::Shutdown, Mode::AsPolicy);
        Ok(())
    }
}

/// There is no such child.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not a child of this actor")]
pub struct NotAChild {
    /// What was asked for.
    pub path: ActorPath,
}

impl<A: Protocol> fmt::Debug for Context<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.path())
    }
}
