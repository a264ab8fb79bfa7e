//! A reference narrowed to one message type, whatever the actor behind it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::task::{Context, Poll};

use super::cell::{Cell, Patience, by, lane, told};
use super::protocol::Accepts;
use super::stopped::Stopped;
use super::tell::{Place, Refusal, Target, Tell, TellError, sealed};
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::{Exit, ExitReason};
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::request::{self, Mode};

/// Any actor that takes messages of type `M`. What is erased is the actor, not the message: sending needs no box.
///
/// ```
/// # use actors_core::{messages, Actor, ActorSystem, Recipient};
/// # #[derive(Clone)] struct Tick;
/// # #[derive(Actor)] struct Clock { n: u64 }
/// # #[messages] impl Clock { #[handle] fn on(&mut self, _tick: Tick) { self.n += 1 } #[message] fn get(&self) -> u64 { self.n } }
/// # #[derive(Actor)] struct Log;
/// # #[messages] impl Log { #[handle] fn on(&mut self, _tick: Tick) {} }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let system = ActorSystem::new("demo");
/// # let (clock, log) = (system.spawn(Clock { n: 0 }), system.spawn(Log));
/// let listeners: Vec<Recipient<Tick>> = vec![clock.recipient(), log.recipient()];
/// for listener in &listeners {
///     listener.tell(Tick).await.unwrap();
/// }
/// assert_eq!(clock.ask(Get).await.unwrap(), 1);
/// # system.shutdown().await; }
/// ```
pub struct Recipient<M>(Arc<dyn Receive<M>>);

trait Receive<M>: Send + Sync {
    fn post_now(self: Arc<Self>, message: &mut Option<M>) -> Result<(), Refusal>;
    fn poll_post_now(
        self: Arc<Self>,
        patience: Patience,
        place: &mut Place,
        message: &mut Option<M>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>>;
    fn leave_line(&self, place: Place);
    fn any(self: Arc<Self>) -> Arc<dyn AnyCell>;
}

impl<A: Accepts<M>, M> Receive<M> for Cell<A> {
    fn post_now(self: Arc<Self>, message: &mut Option<M>) -> Result<(), Refusal> {
        let ready = message.take().expect("there is one to be sent");
        self.post(lane::<A, M>(), ready, by(told::<A, M>)).map(|_| ()).map_err(|(refusal, refused)| {
            *message = Some(refused);
            refusal
        })
    }

    fn poll_post_now(
        self: Arc<Self>,
        patience: Patience,
        place: &mut Place,
        message: &mut Option<M>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        self.poll_post_with(patience, lane::<A, M>(), &mut place.0, message, by(told::<A, M>), cx).map_ok(|_| ())
    }

    fn leave_line(&self, place: Place) {
        if let Some(ticket) = place.0 {
            self.mailbox.leave(ticket);
        }
    }

    fn any(self: Arc<Self>) -> Arc<dyn AnyCell> {
        self
    }
}

impl<M: 'static> Recipient<M> {
    pub(crate) fn new<A: Accepts<M>>(cell: Arc<Cell<A>>) -> Self {
        Recipient(cell)
    }

    /// Sends a message and goes on; see [`ActorRef::tell`](crate::ActorRef::tell).
    ///
    /// # Errors
    /// As for [`ActorRef::tell`](crate::ActorRef::tell).
    ///
    /// # Cancel safety
    /// A dropped future has sent nothing.
    pub fn tell(&self, message: M) -> Tell<'_, Self, M> {
        Tell::new(self, message)
    }

    /// Sends a message now or not at all.
    ///
    /// # Errors
    /// The message comes back if the mailbox is full, or the actor is stopping or has stopped.
    pub fn try_tell(&self, message: M) -> Result<(), TellError<M>> {
        let mut message = Some(message);
        self.0.clone().post_now(&mut message).map_err(|refusal| {
            let message = message.take().expect("a refused message is still here");
            TellError::new(self.path(), refusal, message)
        })
    }

    /// Sends a message now or not at all; takes it out of `message` if it is sent.
    pub(crate) fn post(&self, message: &mut Option<M>) -> Result<(), Refusal> {
        self.0.clone().post_now(message)
    }

    /// Sends a message once there is room, also in a mailbox that rejects.
    pub(crate) fn poll_post(&self, place: &mut Place, message: &mut Option<M>, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.0.clone().poll_post_now(Patience::Courier, place, message, cx)
    }

    /// Gives a place among those who wait for room up.
    pub(crate) fn leave_line(&self, place: Place) {
        self.0.leave_line(place);
    }

    pub(crate) fn any(&self) -> Arc<dyn AnyCell> {
        self.0.clone().any()
    }

    /// Returns the actor's id.
    pub fn id(&self) -> ActorId {
        self.any().id()
    }

    /// Returns where the actor stands in its tree.
    pub fn path(&self) -> ActorPath {
        self.any().path()
    }

    /// Tells whether the actor takes messages.
    pub fn is_alive(&self) -> bool {
        self.any().core().takes_messages()
    }

    /// Asks the actor to end; see [`ActorRef::stop`](crate::ActorRef::stop).
    pub fn stop(&self) {
        request::stop(&self.any(), ExitReason::Normal, Mode::AsPolicy, None);
    }

    /// Asks the actor to handle what it has, and to end; see [`ActorRef::drain`](crate::ActorRef::drain).
    pub fn drain(&self) {
        request::stop(&self.any(), ExitReason::Normal, Mode::Drain, None);
    }

    /// Kills the actor and all below it; see [`ActorRef::kill`](crate::ActorRef::kill).
    pub fn kill(&self) {
        request::kill(&self.any());
    }

    /// Waits for the end, and returns its reason; see [`ActorRef::stopped`](crate::ActorRef::stopped).
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub fn stopped(&self) -> Stopped {
        Stopped::new(self.any())
    }

    /// Returns the end of the actor, with what went wrong meanwhile, if it has ended.
    pub fn exit(&self) -> Option<Exit> {
        self.any().core().exit().map(|exit| (*exit).clone())
    }
}

impl<M> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        Recipient(self.0.clone())
    }
}

impl<M> From<&Recipient<M>> for Recipient<M> {
    fn from(recipient: &Recipient<M>) -> Self {
        recipient.clone()
    }
}

impl<M: 'static> PartialEq for Recipient<M> {
    /// Tells whether the two are of the same actor.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.any(), &other.any())
    }
}

impl<M: 'static> Eq for Recipient<M> {}

impl<M: 'static> Hash for Recipient<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl<M: 'static> fmt::Debug for Recipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.path())
    }
}

impl<M: 'static> sealed::Door for Recipient<M> {
    fn leave(&self, place: Place) {
        self.0.leave_line(place);
    }

    fn path_of(&self) -> ActorPath {
        self.path()
    }

    fn stopped_of(&self) -> Stopped {
        Stopped::new(self.any())
    }
}

impl<M: 'static> Target<M> for Recipient<M> {
    fn poll_tell(&self, place: &mut Place, message: &mut Option<M>, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.0.clone().poll_post_now(Patience::Policy, place, message, cx)
    }
}
