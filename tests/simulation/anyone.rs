//! A reference to an actor of any set of hooks, and what is done with one.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actors_core::{ActorId, ActorPath, ActorRef, ActorSystem, AskError, Context, Exit, LinkKind, MonitorRef, Protocol, Stopped, TellError};

use crate::journal::{Note, Number, Sender, Sent};
use crate::node::{Node, Urgent, Work};
use crate::program::{How, Order, Way};
use crate::world::World;

/// A reference to one of the types of actors.
#[derive(Clone)]
pub enum Anyone {
    H0(ActorRef<Node<0>>),
    H1(ActorRef<Node<1>>),
    H2(ActorRef<Node<2>>),
    H4(ActorRef<Node<4>>),
    H5(ActorRef<Node<5>>),
    H7(ActorRef<Node<7>>),
    H8(ActorRef<Node<8>>),
    H10(ActorRef<Node<10>>),
    H12(ActorRef<Node<12>>),
    H15(ActorRef<Node<15>>),
}

/// Does the same with whichever reference it is.
macro_rules! each {
    ($anyone:expr, $actor:ident => $body:expr) => {
        match $anyone {
            $crate::anyone::Anyone::H0($actor) => $body,
            $crate::anyone::Anyone::H1($actor) => $body,
            $crate::anyone::Anyone::H2($actor) => $body,
            $crate::anyone::Anyone::H4($actor) => $body,
            $crate::anyone::Anyone::H5($actor) => $body,
            $crate::anyone::Anyone::H7($actor) => $body,
            $crate::anyone::Anyone::H8($actor) => $body,
            $crate::anyone::Anyone::H10($actor) => $body,
            $crate::anyone::Anyone::H12($actor) => $body,
            $crate::anyone::Anyone::H15($actor) => $body,
        }
    };
}

pub(crate) use each;

/// Does the same with whichever set of hooks it is; `$into` makes a reference into [`Anyone`].
macro_rules! with_hooks {
    ($hooks:expr, ($node:ident, $into:ident) => $body:expr) => {
        match $hooks {
            0 => $crate::anyone::with_hooks!(@ 0, H0, $node, $into, $body),
            1 => $crate::anyone::with_hooks!(@ 1, H1, $node, $into, $body),
            2 => $crate::anyone::with_hooks!(@ 2, H2, $node, $into, $body),
            4 => $crate::anyone::with_hooks!(@ 4, H4, $node, $into, $body),
            5 => $crate::anyone::with_hooks!(@ 5, H5, $node, $into, $body),
            7 => $crate::anyone::with_hooks!(@ 7, H7, $node, $into, $body),
            8 => $crate::anyone::with_hooks!(@ 8, H8, $node, $into, $body),
            10 => $crate::anyone::with_hooks!(@ 10, H10, $node, $into, $body),
            12 => $crate::anyone::with_hooks!(@ 12, H12, $node, $into, $body),
            _ => $crate::anyone::with_hooks!(@ 15, H15, $node, $into, $body),
        }
    };
    (@ $hooks:literal, $variant:ident, $node:ident, $into:ident, $body:expr) => {{
        type $node = $crate::node::Node<$hooks>;
        #[allow(unused_variables, reason = "not every use makes one")]
        let $into = |actor| $crate::anyone::Anyone::$variant(actor);
        $body
    }};
}
pub(crate) use with_hooks;

impl Anyone {
    pub fn id(&self) -> ActorId {
        each!(self, actor => actor.id())
    }

    pub fn path(&self) -> ActorPath {
        each!(self, actor => actor.path())
    }

    pub fn life(&self) -> u64 {
        each!(self, actor => actor.incarnation())
    }

    pub fn exit(&self) -> Option<Exit> {
        each!(self, actor => actor.exit())
    }

    pub fn stopped(&self) -> Stopped {
        each!(self, actor => actor.stopped())
    }

    /// Who is found under a path.
    pub fn holder_of(&self, system: &ActorSystem, path: &str) -> Option<ActorId> {
        fn look<A: Protocol>(_: &ActorRef<A>, system: &ActorSystem, path: &str) -> Option<ActorId> {
            system.lookup::<A>(path).map(|found| found.id())
        }
        each!(self, actor => look(actor, system, path))
    }

    pub fn end(&self, world: &World, by: Sender, way: Way) {
        world.note(Note::Asks { by, to: self.id(), life: self.life(), way });
        each!(self, actor => match way {
            Way::Stop => actor.stop(),
            Way::Drain => actor.drain(),
            Way::Kill => actor.kill(),
        });
    }

    pub fn link(&self, world: &World, peer: &Anyone, kind: LinkKind) {
        each!(self, actor => each!(peer, peer => actor.link_as(peer, kind)));
        world.note(Note::Linked(self.id(), peer.id(), kind));
    }

    pub fn unlink(&self, world: &World, peer: &Anyone) {
        each!(self, actor => each!(peer, peer => actor.unlink(peer)));
        world.note(Note::Unlinked(self.id(), peer.id()));
    }

    pub fn watched_by<A: Protocol>(&self, ctx: &Context<A>) -> MonitorRef {
        each!(self, actor => ctx.monitor(actor))
    }

    /// Sends as the program says, and notes what becomes of it.
    pub async fn send(&self, world: &Arc<World>, by: Sender, how: How, order: &Order) {
        let number = world.number();
        let asks = matches!(how, How::Ask | How::AskWithin(_) | How::AskAndLeave(_));
        world.note(Note::Sends { by, to: self.id(), message: number, control: order.control, asks });
        let mut outcome = Outcome { world: world.clone(), number, result: Some(Sent::Abandoned) };
        if matches!(how, How::Tell | How::TellWithin(_)) {
            world.tells(number, Some(self.id()));
        }
        let began = world.now();
        let work = Work::new(world, number, order);
        let sending = self.deliver(world, number, how, order.control, work);
        let result = match how {
            How::TellAndForget(turns) => poll_once_and_forget(sending, turns).await,
            How::AskAndLeave(after) => {
                tokio::select! {
                    biased;
                    result = sending => Some(result),
                    () = world.pass(after) => None,
                }
            }
            _ => Some(sending.await),
        };
        outcome.result = Some(result.unwrap_or(Sent::Abandoned));
        drop(outcome);
        if let How::AskWithin(limit) | How::TellWithin(limit) = how {
            let late = world.now().saturating_sub(began);
            if late > world.limit(limit) + Duration::from_millis(2) {
                world.wrong(format!("S4.6: message {number} with a limit of {limit} ms came back after {late:?}"));
            }
        }
    }

    async fn deliver(&self, world: &World, number: Number, how: How, control: bool, work: Work) -> Sent {
        each!(self, actor => {
            if control {
                let work = Urgent(work);
                match how {
                    How::Tell | How::TellAndForget(_) => told(number, actor.tell(work).await),
                    How::TellWithin(limit) => told(number, actor.tell(work).within(world.limit(limit)).await),
                    How::TryTell => told(number, actor.try_tell(work)),
                    How::Ask | How::AskAndLeave(_) => asked(number, actor.ask(work).await),
                    How::AskWithin(limit) => asked(number, actor.ask(work).within(world.limit(limit)).await),
                }
            } else {
                match how {
                    How::Tell | How::TellAndForget(_) => told(number, actor.tell(work).await),
                    How::TellWithin(limit) => told(number, actor.tell(work).within(world.limit(limit)).await),
                    How::TryTell => told(number, actor.try_tell(work)),
                    How::Ask | How::AskAndLeave(_) => asked(number, actor.ask(work).await),
                    How::AskWithin(limit) => asked(number, actor.ask(work).within(world.limit(limit)).await),
                }
            }
        })
    }
}

impl fmt::Debug for Anyone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id())
    }
}

/// Notes the outcome, also when the future is dropped.
struct Outcome {
    world: Arc<World>,
    number: Number,
    result: Option<Sent>,
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if let Some(result) = self.result.take() {
            self.world.tells(self.number, None);
            self.world.note(Note::Sent { message: self.number, result });
        }
    }
}

/// Polls a future once; then it is not looked at for so many turns, and dropped.
async fn poll_once_and_forget(sending: impl Future<Output = Sent>, turns: u8) -> Option<Sent> {
    let mut sending = pin!(sending);
    let first = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await;
    if let Poll::Ready(result) = first {
        return Some(result);
    }
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    None
}

pub fn told<M: Numbered>(number: Number, result: Result<(), TellError<M>>) -> Sent {
    match result {
        Ok(()) => Sent::Accepted,
        Err(refused) => {
            let reason = refused.reason();
            if refused.into_message().number() == number { Sent::Refused(reason) } else { Sent::Mixed }
        }
    }
}

pub fn asked<M: Numbered, E>(number: Number, result: Result<Number, AskError<M, E>>) -> Sent {
    let error = match result {
        Ok(answer) if answer == number => return Sent::Answered,
        Ok(_) => return Sent::Mixed,
        Err(error) => error,
    };
    let (result, comes_back) = match &error {
        AskError::Failed(_) => (Sent::Failed, false),
        AskError::NotDelivered(refused) => (Sent::Refused(refused.reason()), true),
        AskError::Lost(_) => (Sent::Lost, false),
        AskError::Crashed { .. } => (Sent::Crashed, false),
        AskError::NoReply { .. } => (Sent::NoReply, false),
        AskError::TimedOutInQueue { .. } => (Sent::TimedOutInQueue, false),
        AskError::TimedOutInHandler { .. } => (Sent::TimedOutInHandler, false),
        AskError::WouldDeadlock(cycle) => {
            let paths = cycle.cycle();
            if paths.first() != paths.last() {
                return Sent::Mixed;
            }
            (Sent::WouldDeadlock, false)
        }
        _ => (Sent::Mixed, false),
    };
    match error.into_message() {
        Some(message) if message.number() != number => Sent::Mixed,
        None if comes_back => Sent::Mixed,
        _ => result,
    }
}

/// A message with a number.
pub trait Numbered {
    fn number(&self) -> Number;
}

impl Numbered for Work {
    fn number(&self) -> Number {
        self.number
    }
}

impl Numbered for Urgent {
    fn number(&self) -> Number {
        self.0.number
    }
}
