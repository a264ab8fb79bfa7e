//! Messages that an actor's block does not name: each in a box, with the right to answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio::time::Instant;

use super::context::Context;
use super::messages::HandlerError;
use crate::address::{Protocol, ReplyTo, Unhandled};
use crate::lifecycle::exit::BoxError;

/// Handles messages of type `M` in an open actor, beside the methods of its [`#[messages(open)]`](macro@crate::messages) block.
///
/// It is for what the block cannot name: a generic message, or one that another crate teaches this actor. To whoever sends it is like
/// any other: `tell`, `ask`, [`Recipient`](crate::Recipient), timers and streams take it, and errors and reports name its type. It waits
/// in a box, and what handles it runs in another; the messages of the block need neither.
///
/// ```
/// use std::{convert::Infallible, fmt::Display};
/// use actors_core::{messages, Actor, ActorSystem, Context, Handler};
///
/// #[derive(Actor)]
/// struct Log { lines: Vec<String> }
///
/// #[messages(open)]
/// impl Log {
///     #[message] fn count(&self) -> usize { self.lines.len() }
/// }
///
/// struct Put<T>(T);
///
/// impl<T: Display + Send> Handler<Put<T>> for Log {
///     type Reply = usize;
///     type Error = Infallible;                              // it cannot fail
///
///     async fn handle(&mut self, Put(value): Put<T>, _ctx: &mut Context<Self>) -> Result<usize, Infallible> {
///         self.lines.push(value.to_string());
///         Ok(self.lines.len())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let system = ActorSystem::new("log");
/// let log = system.spawn(Log { lines: Vec::new() });
/// log.tell(Put("text")).await.unwrap();
/// assert_eq!(log.ask(Put(7)).await.unwrap(), 2);
/// assert_eq!(log.ask(Count).await.unwrap(), 2);
/// # system.shutdown().await; }
/// ```
#[diagnostic::on_unimplemented(
    message = "actor `{Self}` does not handle `{M}`",
    label = "`{Self}` has no handler for this message",
    note = "what handles it is `impl Handler<{M}> for {Self}`, since the actor is open, or a method in its `#[messages]` block"
)]
pub trait Handler<M>: Opened {
    /// What an ask yields.
    type Reply: Send + 'static;
    /// With what it fails: a `std::error::Error`, or text; [`Infallible`](std::convert::Infallible) if it does not.
    type Error: HandlerError + Send + 'static;

    /// Whether it is a control message; see [`Accepts::CONTROL`](crate::Accepts::CONTROL).
    const CONTROL: bool = false;

    /// Handles one message.
    ///
    /// # Errors
    /// An error goes to whoever asked; if nobody did, the actor fails with it.
    fn handle(&mut self, message: M, ctx: &mut Context<Self>) -> impl Future<Output = Result<Self::Reply, Self::Error>> + Send;
}

/// An actor with a `#[messages(open)]` block.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` handles only what its `#[messages]` block names",
    label = "not an open actor",
    note = "write `#[messages(open)]` on its impl block, or handle this message there, in a method marked `#[handle]`"
)]
pub trait Opened: Protocol {
    /// Makes a message into what the mailbox holds.
    fn open(message: Open<Self>) -> Self::Msg;
}

/// A message of an open actor, in its box.
#[doc(hidden)]
pub struct Open<A: Protocol>(Box<dyn Foreign<A>>);

impl<A: Opened> Open<A> {
    pub fn new<M: Send + 'static>(message: M, reply: ReplyTo<A::Reply, A::Error>) -> Self
    where
        A: Handler<M>,
    {
        Open(Box::new(Letter { message, reply }))
    }
}

impl<A: Protocol> Open<A> {
    pub fn tag(&self) -> u16 {
        self.0.tag()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline()
    }

    pub fn unhandled(self) -> Unhandled {
        self.0.unhandled()
    }

    pub fn handle<'a>(self, actor: &'a mut A, ctx: &'a mut Context<A>) -> Handling<'a> {
        self.0.handle(actor, ctx)
    }
}

impl<A: Protocol> fmt::Debug for Open<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

/// A handler that runs, whatever it is.
type Handling<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// What is done with a message whose type is forgotten.
trait Foreign<A: Protocol>: Send {
    fn tag(&self) -> u16;
    fn deadline(&self) -> Option<Instant>;
    fn unhandled(self: Box<Self>) -> Unhandled;
    fn handle<'a>(self: Box<Self>, actor: &'a mut A, ctx: &'a mut Context<A>) -> Handling<'a>;
}

/// A message with the right to answer it.
struct Letter<M, R, E> {
    message: M,
    reply: ReplyTo<R, E>,
}

impl<A, M> Foreign<A> for Letter<M, A::Reply, A::Error>
where
    A: Handler<M>,
    M: Send + 'static,
{
    fn tag(&self) -> u16 {
        A::tag_of::<M>().unwrap_or(u16::MAX)
    }

    fn deadline(&self) -> Option<Instant> {
        self.reply.deadline()
    }

    fn unhandled(self: Box<Self>) -> Unhandled {
        self.reply.unhandled(Box::new(self.message))
    }

    fn handle<'a>(self: Box<Self>, actor: &'a mut A, ctx: &'a mut Context<A>) -> Handling<'a> {
        let Letter { message, reply } = *self;
        let handling = actor.handle(message, ctx);
        Box::pin(async move {
            let outcome = handling.await;
            reply.resolve(outcome).map_err(HandlerError::boxed)
        })
    }
}
