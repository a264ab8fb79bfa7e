//! References: how others reach an actor.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::ask::Ask;
use super::ask_error::AskError;
use super::cell::{Cell, by, lane, told};
use super::deadlock::waits_for_end;
use super::protocol::{Accepts, Protocol};
use super::recipient::Recipient;
use super::reply::ReplyTo;
use super::stopped::Stopped;
use super::tell::{Place, Refusal, Target, Tell, TellError, sealed};
use crate::lifecycle::cell::{AnyCell, Core};
use crate::lifecycle::current::current_owner;
use crate::lifecycle::event::MonitorRef;
use crate::lifecycle::exit::{Exit, ExitReason};
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::request::{self, Mode};
use crate::lifecycle::signal::Signals;
use crate::lifecycle::ties::LinkKind;
use crate::lifecycle::{link, monitor};
use crate::mailbox::fill;

/// A reference to an actor.
///
/// It does not keep the actor alive, and dropping it ends nothing: lives belong to the tree. It stays valid for ever; to
/// an actor that has ended, sends fail and give the message back. Cloning costs one atomic increment.
///
/// ```
/// # use actors_core::{messages, Actor, ActorSystem};
/// #[derive(Actor)]
/// struct Counter { n: u64 }
///
/// #[messages]
/// impl Counter {
///     #[message] fn add(&mut self, by: u64) { self.n += by }
///     #[message] async fn get(&self) -> u64 { self.n }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = ActorSystem::new("demo");
/// let counter = system.spawn(Counter { n: 0 });
/// counter.tell(Add { by: 2 }).await.unwrap();
/// counter.stop();
/// assert!(counter.stopped().await.is_clean());
///
/// let refused = counter.tell(Add { by: 3 }).await.unwrap_err();
/// assert!(refused.is_not_running());
/// assert_eq!(refused.into_message().by, 3);
/// # system.shutdown().await; }
/// ```
pub struct ActorRef<A: Protocol>(Arc<Cell<A>>);

impl<A: Protocol> ActorRef<A> {
    pub(crate) fn new(cell: Arc<Cell<A>>) -> Self {
        ActorRef(cell)
    }

    pub(crate) fn any(&self) -> Arc<dyn AnyCell> {
        self.0.clone()
    }

    pub(crate) fn core(&self) -> &Core {
        self.0.core()
    }

    // ===== sending =====

    /// Sends a message and goes on. Waits only while the mailbox is full.
    ///
    /// # Errors
    /// The message comes back if the actor is stopping or has stopped, if its mailbox is full and rejects, or if the wait for room would be
    /// one for the sender itself ([`Refusal::WouldDeadlock`](crate::Refusal::WouldDeadlock)).
    ///
    /// # Cancel safety
    /// A dropped future has sent nothing.
    pub fn tell<M>(&self, message: M) -> Tell<'_, <A::Reply as sealed::ReplyOf<Self>>::Target, M>
    where
        A: Accepts<M>,
    {
        Tell::new(self, message)
    }

    /// Sends a message now or not at all.
    ///
    /// # Errors
    /// The message comes back if the mailbox is full, or the actor is stopping or has stopped.
    pub fn try_tell<M>(&self, message: M) -> Result<(), TellError<M>>
    where
        A: Accepts<M>,
    {
        let posted = self.0.post(lane::<A, M>(), message, by(told::<A, M>));
        posted.map(|_| ()).map_err(|(refusal, message)| TellError::new(self.path(), refusal, message))
    }

    /// Sends a message from a thread that may block. Waits while the mailbox is full. A blocking job of an actor waits for room in that
    /// one's own mailbox only until it is asked to end, since its next incarnation waits for the job; and so with every other whose next
    /// incarnation begins only after it has ended.
    ///
    /// # Errors
    /// As for [`tell`](Self::tell).
    ///
    /// # Panics
    /// Panics on a thread that runs async code, which must not block.
    pub fn blocking_tell<M>(&self, message: M) -> Result<(), TellError<M>>
    where
        A: Accepts<M>,
    {
        self.wait_here(self.tell(message), |tell, refusal| Err(tell.give_up(refusal)))
    }

    /// Sends a message from a thread that may block, and waits for the reply: within the actor's `ask_limit`, if it has one. A blocking
    /// job of the actor itself waits only until that is asked to end.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem};
    /// # #[derive(Actor)] struct Counter { n: u64 }
    /// # #[messages] impl Counter { #[message] fn get(&self) -> u64 { self.n } }
    /// # #[tokio::main] async fn main() {
    /// # let system = ActorSystem::new("demo");
    /// let counter = system.spawn(Counter { n: 7 });
    /// let asker = std::thread::spawn(move || counter.blocking_ask(Get));
    /// # let asker = tokio::task::spawn_blocking(move || asker.join().unwrap());
    /// assert_eq!(asker.await.unwrap().unwrap(), 7);
    /// # system.shutdown().await; }
    /// ```
    ///
    /// # Errors
    /// As for [`ask`](Self::ask). A job of the actor itself that has waited until the stop is told what it is where the time is over.
    ///
    /// # Panics
    /// As for [`blocking_tell`](Self::blocking_tell).
    pub fn blocking_ask<M>(&self, message: M) -> Result<A::Reply, AskError<M, A::Error>>
    where
        A: Accepts<M>,
        M: 'static,
    {
        self.wait_here(self.ask(message), |ask, _| Err(ask.give_up()))
    }

    /// Waits on a thread that may block; in a blocking job until its actor is asked to end, if this one lets it wait for that.
    fn wait_here<F: Future + Unpin>(&self, mut work: F, give_up: fn(&mut F, Refusal) -> F::Output) -> F::Output {
        let me = self.any();
        let owner = current_owner().map(|owner| (owner.core().incarnation(), owner));
        let mut waiter = None;
        let done = me.env().runtime.block_on(poll_fn(|cx| match (Pin::new(&mut work).poll(cx), &owner) {
            (Poll::Pending, Some((incarnation, owner))) => {
                std::task::ready!(request::poll_asked(owner.core(), *incarnation, &mut waiter, cx));
                if owner.id() == self.id() {
                    Poll::Ready(give_up(&mut work, Refusal::Stopping))
                } else if waits_for_end(&me, owner) {
                    Poll::Ready(give_up(&mut work, Refusal::WouldDeadlock))
                } else {
                    Poll::Pending
                }
            }
            (done, _) => done,
        }));
        if let Some((_, owner)) = &owner {
            request::forget_waiter(owner.core(), waiter);
        }
        done
    }

    /// Sends a message and awaits the reply. [`within`](Ask::within) sets a limit.
    ///
    /// # Errors
    /// See [`AskError`](crate::AskError): each way in which there can be no answer is told apart.
    ///
    /// # Cancel safety
    /// See [`Ask`].
    pub fn ask<M>(&self, message: M) -> Ask<'_, A, M, A::Reply, A::Error>
    where
        A: Accepts<M>,
        M: 'static,
    {
        Ask::new(&self.0, lane::<A, M>(), message, A::KEEPS_REPLIES, |message, reply, slot| {
            fill(slot, A::accept(message, ReplyTo::to(reply)));
        })
    }

    /// Asks an actor whose messages are an enum of its author's: `make` puts the [`ReplyTo`] where it belongs.
    ///
    /// ```
    /// use actors_core::{Actor, ActorSystem, BoxError, Context, Protocol, ReplyTo};
    ///
    /// struct Counter { n: u64 }
    /// enum Msg { Add(u64), Get(ReplyTo<u64>) }
    ///
    /// impl Protocol for Counter { type Msg = Msg; }
    /// impl Actor for Counter {
    ///     async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
    ///         match msg {
    ///             Msg::Add(by) => self.n += by,
    ///             Msg::Get(reply) => reply.send(self.n),
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = ActorSystem::new("by hand");
    /// let counter = system.spawn(Counter { n: 0 });
    /// counter.tell(Msg::Add(2)).await.unwrap();
    /// assert_eq!(counter.ask_with(Msg::Get).await.unwrap(), 2);
    /// # system.shutdown().await; }
    /// ```
    ///
    /// # Cancel safety
    /// See [`Ask`].
    pub fn ask_with<R>(&self, make: impl FnOnce(ReplyTo<R>) -> A::Msg) -> Ask<'_, A, A::Msg, R, Infallible>
    where
        R: Send + 'static,
    {
        Ask::prepared(&self.0, make)
    }

    /// Passes a request on: the actor answers whoever asked the one that forwards.
    ///
    /// # Errors
    /// The message comes back, with the right to answer, if the mailbox is full or the actor is not running. As long as the error is kept,
    /// so is that right, and whoever asked waits: an actor that fails with it, by `?`, keeps it as the reason of its end.
    #[allow(clippy::type_complexity, reason = "the message and the right to answer come back together")]
    pub fn forward<M>(&self, message: M, reply: ReplyTo<A::Reply, A::Error>) -> Result<(), TellError<(M, ReplyTo<A::Reply, A::Error>)>>
    where
        A: Accepts<M>,
    {
        // Nobody is woken while the mailbox is locked, should the right to answer be dropped there.
        let _hushed = if A::KEEPS_REPLIES { None } else { reply.hush() };
        let posted = self.0.post(lane::<A, M>(), (message, reply), by(|(message, reply)| A::accept(message, reply)));
        posted.map(|_| ()).map_err(|(refusal, request)| TellError::new(self.path(), refusal, request))
    }

    /// Narrows the reference to one message type.
    pub fn recipient<M>(&self) -> Recipient<M>
    where
        A: Accepts<M>,
        M: Send + 'static,
    {
        Recipient::new(self.0.clone())
    }

    // ===== ending =====

    /// Asks the actor to end after the message in hand. What waits becomes dead letters, unless its policy is to drain.
    ///
    /// Returns at once; [`stopped`](Self::stopped) awaits the end. It is the first request that counts: stopping an
    /// actor that is stopping, draining or has stopped changes nothing.
    pub fn stop(&self) {
        request::stop(&self.any(), ExitReason::Normal, Mode::AsPolicy, None);
    }

    /// Asks the actor to handle all that it has accepted, and then to end. Nothing more is accepted from now on.
    pub fn drain(&self) {
        request::stop(&self.any(), ExitReason::Normal, Mode::Drain, None);
    }

    /// Kills the actor and all below it: the handler in hand is dropped at its next await, nothing more is handled.
    ///
    /// The `stopped` hook still runs, with half a second at most.
    pub fn kill(&self) {
        request::kill(&self.any());
    }

    /// Waits for the end, and returns its reason: at once if the actor has ended, to any number of waiters.
    ///
    /// Whoever learns of the end may count on all that belongs to it: the hook has run, the state is dropped, the name is
    /// free. An actor that awaits its own end in a handler waits for itself, until somebody cuts the handler short. So does one that awaits
    /// there the end of another that asks it, or waits for room in its mailbox: of such waits no cycle is seen (S4.7). Set a limit, with
    /// [`within`](Stopped::within), or await the end beside the handlers, with [`ctx.pipe`](crate::Context::pipe) or a monitor.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub fn stopped(&self) -> Stopped {
        Stopped::new(self.any())
    }

    /// Returns the end of the actor, with what went wrong meanwhile, if it has ended.
    pub fn exit(&self) -> Option<Exit> {
        self.0.core().exit().map(|exit| (*exit).clone())
    }

    /// Returns how often the actor has been restarted: 0 in its first incarnation.
    pub fn incarnation(&self) -> u64 {
        self.0.core().incarnation()
    }

    /// Tells whether the actor takes messages: it has been created, and nothing has asked it to end for good. One that is
    /// restarted takes them all the time.
    pub fn is_alive(&self) -> bool {
        self.0.core().takes_messages()
    }

    // ===== ties =====

    /// Ties the two: if one ends abnormally, the other is stopped with [`ExitReason::LinkDown`], or told of it if it
    /// traps exits. Linking twice is linking once; linking to an actor that has ended acts at once.
    pub fn link<B: Protocol>(&self, peer: &ActorRef<B>) {
        self.link_as(peer, LinkKind::OnFailure);
    }

    /// Ties the two in the given way.
    pub fn link_as<B: Protocol>(&self, peer: &ActorRef<B>, kind: LinkKind) {
        link::link(&self.any(), &peer.any(), kind);
    }

    /// Unties the two. After this returns, nothing of that link arrives.
    pub fn unlink<B: Protocol>(&self, peer: &ActorRef<B>) {
        link::unlink(&self.any(), &peer.any());
    }

    /// Lets this actor know when `target` ends: its `exited` hook is called once, after everything that the target had
    /// sent it before. At once if the target has ended.
    pub fn monitor<B: Protocol>(&self, target: &ActorRef<B>) -> MonitorRef {
        monitor::monitor(&self.any(), &target.any())
    }

    /// Cancels a monitor of this actor. Harmless if it is spent.
    pub fn demonitor(&self, monitor: MonitorRef) {
        monitor::demonitor(&self.any(), monitor);
    }

    // ===== who it is =====

    /// Returns the actor's id.
    pub fn id(&self) -> ActorId {
        self.0.core().id
    }

    /// Returns where the actor stands in its tree.
    pub fn path(&self) -> ActorPath {
        self.any().path()
    }

    /// Returns how many messages wait, control messages included: none once it has ended. What the actor has stashed does not count.
    pub fn queued(&self) -> u64 {
        // Of one that was down, or was given up, somebody else has taken them out, and did not count them as taken.
        if self.core().signals.any(Signals::ENDED) { 0 } else { self.0.queued() }
    }

    /// Tells whether a handler runs.
    pub(crate) fn handles(&self) -> bool {
        self.0.core().turn().is_some()
    }

    /// Tells whether an incarnation runs that has started.
    pub(crate) fn runs(&self) -> bool {
        let signals = self.0.core().signals.get();
        signals & (Signals::STARTED | Signals::DOWN) == Signals::STARTED
    }

    /// Returns what a service keeps with the actor for all who have a reference, and makes it if there is none yet. It
    /// outlives incarnations, and goes with the last reference.
    pub(crate) fn attached<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let attached = self.0.core().with_ties(|ties| ties.attached.clone());
        let attached = attached.unwrap_or_else(|| {
            let made: Arc<dyn Any + Send + Sync> = Arc::new(make());
            // Somebody may have been faster.
            self.0.core().with_ties(|ties| ties.attached.get_or_insert(made).clone())
        });
        attached.downcast().expect("what is attached to an actor depends on its type alone")
    }

    /// Tells whether the `started` hook has succeeded.
    pub fn has_started(&self) -> bool {
        self.0.core().signals.any(Signals::STARTED)
    }
}

impl<A: Protocol> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        ActorRef(self.0.clone())
    }
}

impl<A: Protocol> PartialEq for ActorRef<A> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<A: Protocol> Eq for ActorRef<A> {}

impl<A: Protocol> Hash for ActorRef<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl<A: Protocol> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorRef({})", self.path())
    }
}

impl<A: Accepts<M>, M: Send + 'static> From<&ActorRef<A>> for Recipient<M> {
    fn from(actor: &ActorRef<A>) -> Self {
        actor.recipient()
    }
}

impl<A: Protocol> sealed::Door for ActorRef<A> {
    fn leave(&self, place: Place) {
        if let Some(ticket) = place.0 {
            self.0.mailbox.leave(ticket);
        }
    }

    fn path_of(&self) -> ActorPath {
        self.path()
    }

    fn stopped_of(&self) -> Stopped {
        self.stopped()
    }
}

impl<A: Accepts<M>, M> Target<M> for ActorRef<A> {
    fn poll_tell(&self, place: &mut Place, message: &mut Option<M>, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.0.poll_post(lane::<A, M>(), &mut place.0, message, by(told::<A, M>), cx).map_ok(drop)
    }
}
