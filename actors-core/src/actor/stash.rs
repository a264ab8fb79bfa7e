//! The stash: messages that an actor puts aside, to handle them again later.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::context::Context;
use super::shelves::{AnyStash, Put, Shelves, Stash};
use crate::address::{Accepts, Protocol, ReplyTo};
use crate::lifecycle::path::{ActorPath, short_name};
use crate::lifecycle::signal::Signals;
use crate::lifecycle::ties::Answer;
use crate::sync::Mutex;

impl<A: Protocol> Context<A> {
    /// Puts a message aside, to be handled again after [`unstash_all`](Self::unstash_all): for an actor that cannot
    /// handle it yet.
    ///
    /// It need not be the message in hand. A request, whose handler takes a [`ReplyTo`], is put aside with
    /// [`stash_ask`](Self::stash_ask). What is in the stash when the actor ends becomes a dead letter; draining does not
    /// release it.
    ///
    /// ```
    /// use actors_core::{messages, Actor, ActorSystem, Context, ReplyTo, StashFull};
    ///
    /// #[derive(Actor)]
    /// #[actor(stash = 100)]
    /// struct Store { open: bool, rows: u32 }
    ///
    /// #[messages]
    /// impl Store {
    ///     #[message]
    ///     fn write(&mut self, row: u32, ctx: &mut Context<Self>) -> Result<(), StashFull<Write>> {
    ///         if !self.open {
    ///             return ctx.stash(Write { row });
    ///         }
    ///         self.rows += 1;
    ///         Ok(())
    ///     }
    ///
    ///     #[message]
    ///     fn count(&mut self, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
    ///         if self.open {
    ///             reply.send(self.rows);
    ///         } else if let Err(full) = ctx.stash_ask(Count, reply) {
    ///             drop(full);                               // with the right to answer: whoever asked is told so
    ///         }
    ///     }
    ///
    ///     #[message]
    ///     fn open(&mut self, ctx: &mut Context<Self>) {
    ///         self.open = true;
    ///         ctx.unstash_all();                            // first the write, then the count
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("store");
    /// let store = system.spawn(Store { open: false, rows: 0 });
    /// store.tell(Write { row: 1 }).await.unwrap();
    /// let (rows, opened) = tokio::join!(store.ask(Count), store.tell(Open));
    /// opened.unwrap();
    /// assert_eq!(rows.unwrap(), 1);
    /// # system.shutdown().await; }
    /// ```
    ///
    /// # Errors
    /// The message comes back if the stash is full: it holds as many as [`Policy::stash`](crate::Policy::stash) says, what
    /// is released and not yet handled included.
    pub fn stash<M>(&mut self, message: M) -> Result<(), StashFull<M>>
    where
        A: Accepts<M>,
    {
        match self.place_for::<M, M>(message) {
            Ok((message, shelves)) => {
                shelves.kept.push_back(Put { message: A::accept(message, ReplyTo::nobody()), asker: None });
                Ok(())
            }
            Err(full) => Err(full),
        }
    }

    /// Puts a request aside together with the right to answer it.
    ///
    /// Whoever asked goes on waiting, within the limit it has set: the request waits again, as it did in the mailbox.
    ///
    /// # Errors
    /// Both come back if the stash is full. As long as the error is kept, whoever asked waits: an actor that fails with it, by `?`, keeps it
    /// as the reason of its end.
    #[allow(clippy::type_complexity, reason = "the message and the right to answer come back together")]
    pub fn stash_ask<M>(
        &mut self,
        message: M,
        reply: ReplyTo<A::Reply, A::Error>,
    ) -> Result<(), StashFull<(M, ReplyTo<A::Reply, A::Error>)>>
    where
        A: Accepts<M>,
    {
        match self.place_for::<M, _>((message, reply)) {
            Ok(((message, reply), shelves)) => {
                let asker = reply.slot().map(|slot| slot as Arc<dyn Answer>);
                if let Some(asker) = &asker {
                    asker.note_stashed();
                }
                shelves.kept.push_back(Put { message: A::accept(message, reply), asker });
                Ok(())
            }
            Err(full) => Err(full),
        }
    }

    /// Has all that is in the stash handled again after the message in hand, in the order in which it was put aside, and
    /// before anything that waits in the mailbox. Only signals and control messages come first.
    ///
    /// A message that is put aside again meanwhile stays until the next time.
    pub fn unstash_all(&mut self) {
        let Some(stash) = &mut self.stash else { return };
        let shelves = stash.shelves();
        shelves.released.append(&mut shelves.kept);
        if !shelves.released.is_empty() {
            self.any().core().signals.set(Signals::RELEASED);
        }
    }

    /// Whether anything was ever put aside in this life.
    pub(crate) fn has_stash(&self) -> bool {
        self.stash.is_some()
    }

    /// Returns how many messages the stash holds, what is released and not yet handled included.
    pub fn stash_len(&self) -> usize {
        self.stash.as_ref().map_or(0, |stash| stash.len())
    }

    /// The next message that is to be handled again.
    pub(crate) fn next_released(&mut self) -> Option<Put<A::Msg>> {
        let (next, was_last) = match &mut self.stash {
            Some(stash) => stash.next_released(),
            None => (None, true),
        };
        if was_last {
            self.core().signals.clear(Signals::RELEASED);
        }
        next
    }

    /// Takes all that was put aside.
    pub(crate) fn take_stash(&mut self) -> Option<Box<dyn AnyStash<A::Msg>>> {
        let stash = self.stash.take()?;
        self.core().signals.clear(Signals::RELEASED);
        Some(stash)
    }

    /// Finds room for `what`, which is, or holds, a message of type `M`.
    #[allow(clippy::type_complexity, reason = "what goes in, and where it goes")]
    fn place_for<M, W>(&mut self, what: W) -> Result<(W, &mut Shelves<A::Msg>), StashFull<W>> {
        let me = self.any();
        let capacity = me.policy().stash;
        if self.stash_len() >= capacity as usize {
            return Err(StashFull::new::<M>(me.path(), capacity, what));
        }
        Ok((what, self.stash.get_or_insert_with(|| Box::new(Stash::new())).shelves()))
    }
}

/// The stash of an actor was full; here is what it could not take.
pub struct StashFull<M>(Box<Refused<M>>);

struct Refused<M> {
    path: ActorPath,
    message_type: &'static str,
    capacity: u32,
    // Behind a lock, so that the error can be shared between threads whatever the message is.
    message: Mutex<M>,
}

impl<W> StashFull<W> {
    fn new<M>(path: ActorPath, capacity: u32, what: W) -> Self {
        let message_type = short_name(std::any::type_name::<M>());
        StashFull(Box::new(Refused { path, message_type, capacity, message: Mutex::new(what) }))
    }

    /// Returns the path of the actor.
    pub fn path(&self) -> &ActorPath {
        &self.0.path
    }

    /// Returns the name of the message's type.
    pub fn message_type(&self) -> &'static str {
        self.0.message_type
    }

    /// Returns how many messages the stash holds.
    pub fn capacity(&self) -> u32 {
        self.0.capacity
    }

    /// Returns the message; of a request, with the right to answer.
    pub fn into_message(self) -> W {
        self.0.message.into_inner()
    }
}

impl<M> fmt::Display for StashFull<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not stash `{}`: its stash is full, with {}", self.path(), self.message_type(), self.capacity())
    }
}

impl<M> fmt::Debug for StashFull<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StashFull({self})")
    }
}

impl<M> Error for StashFull<M> {}
