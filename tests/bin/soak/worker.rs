//! The one kind of actor: it does what each order says, which is often its own ruin.

use std::time::Duration;

use actors_core::{Actor, ActorRef, Context, ExitReason, Exited, ReplyTo, messages};
use tests::Broken;

use crate::ledger::{ANSWERS, ASKS, Counted, Entered, Parcel, STATES, TELLS, TIMERS, told};

#[derive(Actor)]
#[actor(mailbox = 64, stash = 16)]
pub struct Worker {
    _counted: Counted,
    /// How many come out of the stash before anything else.
    releasing: usize,
    exits: u64,
    heard: u64,
}

/// What a worker is to do.
pub struct Order {
    pub parcel: Parcel,
    pub n: u64,
    pub what: What,
}

pub enum What {
    Nothing,
    Take(Duration),
    /// Hold up its thread.
    Block(Duration),
    End(End),
    /// Put it aside, and handle it with the next.
    Stash,
    /// Set a timer.
    Later,
    Tie(Bond, ActorRef<Worker>),
    /// Tell another.
    Onward(ActorRef<Worker>),
    /// Ask another, and wait for the answer.
    Consult(ActorRef<Worker>),
    /// Start a child, which nobody supervises.
    HaveChild,
}

#[derive(Clone, Copy)]
pub enum End {
    Stop,
    Drain,
    ShutDown,
    Fail,
    Panic,
    Kill,
}

#[derive(Clone, Copy)]
pub enum Bond {
    Link,
    Unlink,
    Monitor,
}

/// What a timer sends, and a topic.
#[derive(Clone)]
pub struct Rung {
    pub parcel: Parcel,
}

/// An order that overtakes the others.
pub struct Urgent {
    pub parcel: Parcel,
}

impl Entered for Order {
    fn parcel(self) -> Parcel {
        self.parcel
    }
}

impl Entered for Urgent {
    fn parcel(self) -> Parcel {
        self.parcel
    }
}

impl Entered for Reserve {
    fn parcel(self) -> Parcel {
        self.parcel
    }
}

impl Order {
    pub fn told(what: What) -> Self {
        Order { parcel: TELLS.parcel(), n: 0, what }
    }

    pub fn asked(n: u64, what: What) -> Self {
        Order { parcel: ASKS.parcel(), n, what }
    }
}

impl Worker {
    pub fn new() -> Self {
        Worker { _counted: STATES.one(), releasing: 0, exits: 0, heard: 0 }
    }

    /// Whether a message is to be put aside: eight are, and then all come out, with the one that found them there.
    fn puts_aside(&mut self, ctx: &mut Context<Self>) -> bool {
        if self.releasing > 0 {
            self.releasing -= 1;
            return false;
        }
        if ctx.stash_len() < 8 {
            return true;
        }
        self.releasing = ctx.stash_len();
        ctx.unstash_all();
        false
    }
}

#[messages]
impl Worker {
    #[handle]
    async fn carry_out(&mut self, order: Order, ctx: &mut Context<Self>) -> Result<u64, Broken> {
        let Order { parcel, n, what } = order;
        if matches!(what, What::Stash) && self.puts_aside(ctx) {
            if let Err(full) = ctx.stash(Order { parcel, n, what }) {
                full.into_message().parcel.handled();
            }
            return Ok(n);
        }
        parcel.handled();
        match what {
            What::Nothing | What::Stash => {}
            What::Take(time) => tokio::time::sleep(time).await,
            What::Block(time) => std::thread::sleep(time),
            What::End(End::Stop) => ctx.stop(),
            What::End(End::Drain) => ctx.drain(),
            What::End(End::ShutDown) => ctx.stop_because(ExitReason::Shutdown),
            What::End(End::Fail) => return Err(Broken("asked to")),
            What::End(End::Panic) => panic!("asked to"),
            What::End(End::Kill) => ctx.actor_ref().kill(),
            What::Later => {
                ctx.send_after(Duration::from_millis(1), Rung { parcel: TIMERS.parcel() });
            }
            What::Tie(Bond::Link, other) => ctx.link(&other),
            What::Tie(Bond::Unlink, other) => ctx.unlink(&other),
            What::Tie(Bond::Monitor, other) => drop(ctx.monitor(&other)),
            What::Onward(other) => told(other.try_tell(Order::told(What::Nothing))),
            What::Consult(other) => {
                let asking = ANSWERS.asking();
                let outcome = other.ask(Order::asked(n, What::Nothing)).within(Duration::from_millis(20)).await;
                asking.answered(n, outcome);
            }
            What::HaveChild => {
                let child = ctx.spawn(Worker::new());
                told(child.try_tell(Order::told(What::End(if n % 2 == 0 { End::Stop } else { End::Panic }))));
            }
        }
        Ok(n)
    }

    /// Answers with `n`, sooner or later.
    #[message]
    pub fn reserve(&mut self, parcel: Parcel, n: u64, reply: ReplyTo<u64>, ctx: &mut Context<Self>) {
        if !self.puts_aside(ctx) {
            parcel.handled();
            return reply.send(n);
        }
        if let Err(full) = ctx.stash_ask(Reserve { parcel, n }, reply) {
            let (reserve, reply) = full.into_message();
            reserve.parcel.handled();
            reply.send(n);
        }
    }

    #[handle(control)]
    fn hurry(&mut self, urgent: Urgent) {
        urgent.parcel.handled();
    }

    #[handle]
    fn rung(&mut self, rung: Rung) {
        rung.parcel.handled();
        self.heard += 1;
    }

    #[exited]
    fn other_ended(&mut self, _exited: Exited) {
        self.exits += 1;
    }
}
