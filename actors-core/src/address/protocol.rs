//! How a message enters an actor's mailbox: what an actor receives, and which messages it accepts.

use std::any::TypeId;

use tokio::time::Instant;

use super::open_types::OpenTypes;
use super::reply::{ReplyTo, Unhandled};

/// What an actor receives.
///
/// [`#[messages]`](crate::messages) writes this for an actor. By hand it is one line, `type Msg = ...`: an enum of your
/// own. Then [`tell`](crate::ActorRef::tell) takes that enum, and [`ask_with`](crate::ActorRef::ask_with) asks with it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    label = "not an actor",
    note = "write `#[derive(Actor)]` on the type and `#[messages]` on its impl block, or implement `Protocol` and `Actor` by hand",
    note = "a generic type is one only with the bounds of its `#[messages]` block, and `Send + 'static`: a struct that knows others of its type repeats them"
)]
pub trait Protocol: Send + Sized + 'static {
    /// What waits in the mailbox.
    type Msg: Send + 'static;

    /// The names of the message types, indexed by [`tag`](Self::tag), for reports and errors.
    const MESSAGES: &'static [&'static str] = &[];

    /// The message types themselves, in the same order, if they are told apart by type.
    #[doc(hidden)]
    const TYPES: &'static [fn() -> TypeId] = &[];

    /// [`Accepts::accept`] puts the right to answer into the message, always. Where it may drop it, whoever asked is told only after
    /// the mailbox has been unlocked, which costs a little more.
    #[doc(hidden)]
    const KEEPS_REPLIES: bool = false;

    /// The types of messages beside those, if the actor is open; they stand behind them.
    #[doc(hidden)]
    fn open_types() -> Option<&'static OpenTypes> {
        None
    }

    /// Returns the tag of the messages of this type, if it is one of the actor's.
    #[doc(hidden)]
    fn tag_of<M: 'static>() -> Option<u16> {
        let place = Self::TYPES.iter().position(|of| of() == TypeId::of::<M>());
        let place = place.or_else(|| Some(Self::MESSAGES.len() + usize::from(Self::open_types()?.place_of::<M>())))?;
        u16::try_from(place).ok()
    }

    /// Returns the place of a message's type in [`MESSAGES`](Self::MESSAGES).
    fn tag(_message: &Self::Msg) -> u16 {
        0
    }

    /// Returns the instant by which whoever asked wants the answer.
    fn deadline(_message: &Self::Msg) -> Option<Instant> {
        None
    }

    /// Takes a message apart that will never be handled.
    ///
    /// An ask is told so when its [`ReplyTo`] is dropped, which the default does.
    fn unhandled(message: Self::Msg) -> Unhandled {
        drop(message);
        Unhandled::Told(None)
    }
}

/// An actor that takes messages of type `M`.
///
/// [`#[messages]`](crate::messages) writes it for every `#[message]` and `#[handle]`. Every actor accepts its own
/// [`Protocol::Msg`].
#[diagnostic::on_unimplemented(
    message = "actor `{Self}` does not handle `{M}`",
    label = "`{Self}` has no handler for this message",
    note = "what handles it is a method in the `#[messages]` block of `{Self}`, marked `#[message]` or `#[handle]`, or `#[stream]` for an item",
    note = "`impl Handler<{M}> for {Self}` handles it too, if that block is `#[messages(open)]`"
)]
pub trait Accepts<M>: Protocol {
    /// What an ask yields.
    type Reply: Send + 'static;
    /// The handler's own error; [`Infallible`](std::convert::Infallible) if it has none.
    type Error: Send + 'static;

    /// Whether it is a control message: it overtakes the ordinary ones that wait, and is taken even when the mailbox is
    /// full. `#[message(control)]` says so; by hand, an actor accepts a type of its own.
    ///
    /// ```
    /// use actors_core::{Accepts, Actor, ActorSystem, BoxError, Context, Protocol, ReplyTo};
    ///
    /// struct Player { queue: u32 }
    /// enum Msg { Play, Skip(ReplyTo<u32>) }
    /// struct Skip;
    ///
    /// impl Protocol for Player { type Msg = Msg; }
    /// impl Accepts<Skip> for Player {
    ///     type Reply = u32;
    ///     type Error = std::convert::Infallible;
    ///     const CONTROL: bool = true;
    ///     fn accept(_skip: Skip, reply: ReplyTo<u32>) -> Msg { Msg::Skip(reply) }
    /// }
    /// # impl Actor for Player {
    /// #     async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
    /// #         match msg {
    /// #             Msg::Play => self.queue += 1,
    /// #             Msg::Skip(reply) => reply.send(self.queue),
    /// #         }
    /// #         Ok(())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("by hand");
    /// # let player = system.actor(Player { queue: 0 }).mailbox(1).spawn();
    /// player.tell(Msg::Play).await.unwrap();                // its mailbox is full now
    /// assert_eq!(player.ask(Skip).await.unwrap(), 0);       // nothing has been played yet
    /// # system.shutdown().await; }
    /// ```
    const CONTROL: bool = false;

    /// Makes the message into what the mailbox holds. Called while the mailbox is locked: it must not send, nor answer. It may drop the
    /// right to answer: then whoever asked is [told so](crate::AskError::NoReply).
    fn accept(message: M, reply: ReplyTo<Self::Reply, Self::Error>) -> Self::Msg;
}

// The compiler would otherwise say of an unknown message that it is not the actor's `Msg`, rather than that nobody handles it.
#[diagnostic::do_not_recommend]
impl<A: Protocol<Msg = M>, M> Accepts<M> for A {
    type Reply = ();
    type Error = std::convert::Infallible;

    fn accept(message: M, _reply: ReplyTo<()>) -> M {
        message
    }
}

// Never applies. Of one impl alone that may accept anything the compiler takes the reply, and then has complaints of what is
// done with it; of two it says once that neither does. The bounds are on references, since one that is plainly false is an
// error. By the one on `Nobody` this crate knows that the impls are apart, and by the one on `A` the crate of the actor.
#[doc(hidden)]
#[diagnostic::do_not_recommend]
impl<A: Protocol, M> Accepts<M> for A
where
    for<'a> &'a sealed::Nobody: sealed::AcceptsAll,
    for<'a> &'a A: sealed::AcceptsAll,
{
    type Reply = ();
    type Error = std::convert::Infallible;

    fn accept(_message: M, _reply: ReplyTo<()>) -> A::Msg {
        <&sealed::Nobody as sealed::AcceptsAll>::anything()
    }
}

mod sealed {
    pub enum Nobody {}

    /// Implemented for nobody.
    pub trait AcceptsAll {
        fn anything<T>() -> T;
    }
}
