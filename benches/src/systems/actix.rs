//! actix: one thread only.

use std::future::Future;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};

use crate::measure::{Live, live, until};
use crate::system::{Behaviour, Mailbox, Rt, System};

pub(super) struct Adapter<B> {
    behaviour: B,
    mailbox: Mailbox,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Tell(u64);

#[derive(Message)]
#[rtype(result = "u64")]
struct Ask(u64);

impl<B: Behaviour> Actor for Adapter<B> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(capacity(self.mailbox));
        self.behaviour.started();
    }
}

/// No messages at all stand for any number.
fn capacity(mailbox: Mailbox) -> usize {
    match mailbox {
        Mailbox::Bounded => Mailbox::CAPACITY as usize,
        Mailbox::Unbounded => 0,
    }
}

impl<B: Behaviour> Handler<Tell> for Adapter<B> {
    type Result = ();

    fn handle(&mut self, Tell(n): Tell, _ctx: &mut Context<Self>) {
        self.behaviour.tell(n);
    }
}

impl<B: Behaviour> Handler<Ask> for Adapter<B> {
    type Result = u64;

    fn handle(&mut self, Ask(n): Ask, _ctx: &mut Context<Self>) -> u64 {
        self.behaviour.ask(n)
    }
}

/// Nothing but the choice of a mailbox.
pub(super) struct Actix(Mailbox);

impl System for Actix {
    type Ref<B: Behaviour> = Addr<Adapter<B>>;
    type Handle<B: Behaviour> = Addr<Adapter<B>>;

    fn new(mailbox: Mailbox) -> Option<Self> {
        Some(Actix(mailbox))
    }

    fn run<F>(rt: Rt, work: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        if rt == Rt::Mt {
            return None;
        }
        let work = async { actix::spawn(work).await.expect("the workload does not panic") };
        Some(actix::System::new().block_on(work))
    }

    fn go<F>(work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        actix::spawn(work)
    }

    async fn spawn<B: Behaviour>(&self, behaviour: B) -> Self::Handle<B> {
        Adapter { behaviour, mailbox: self.0 }.start()
    }

    fn reference<B: Behaviour>(handle: &Self::Handle<B>) -> &Self::Ref<B> {
        handle
    }

    /// It has no sending that waits for room and not for the answer.
    async fn tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        while actor.try_send(Tell(n)).is_err() {
            yield_now().await;
        }
    }

    fn try_tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        actor.try_send(Tell(n)).expect("it runs and has room");
    }

    async fn ask<B: Behaviour>(actor: &Self::Ref<B>, n: u64) -> u64 {
        actor.send(Ask(n)).await.expect("it answers")
    }

    /// It has no waiting for an actor's end.
    async fn stop_all<B: Behaviour>(&self, actors: Vec<Self::Handle<B>>) {
        drop(actors);
        until("all have been dropped", || live() == 0).await;
    }

    async fn skynet(&self, leaves: u64) -> Option<u64> {
        let (sum, added_up) = oneshot::channel();
        Node::new(Above::Asker(Some(sum)), 0, leaves).start();
        added_up.await.ok()
    }
}

// ===== trees =====

/// To whom a node of the skynet reports.
enum Above {
    Parent(Addr<Node>),
    Asker(Option<oneshot::Sender<u64>>),
}

/// A node of the skynet: a leaf reports its number, and the others what they are told of ten children. It ends when its children,
/// who alone have its address, have ended.
struct Node {
    above: Above,
    first: u64,
    leaves: u64,
    missing: u64,
    sum: u64,
    _live: Live,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Add(u64);

impl Node {
    fn new(above: Above, first: u64, leaves: u64) -> Self {
        Node { above, first, leaves, missing: 10, sum: 0, _live: Live::new() }
    }

    fn report(&mut self, number: u64) {
        match &mut self.above {
            Above::Parent(parent) => parent.do_send(Add(number)),
            Above::Asker(asker) => asker.take().expect("reported once").send(number).expect("it is waited for"),
        }
    }
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if self.leaves == 1 {
            self.report(self.first);
            return;
        }
        let share = self.leaves / 10;
        for child in 0..10 {
            Node::new(Above::Parent(ctx.address()), self.first + child * share, share).start();
        }
    }
}

impl Handler<Add> for Node {
    type Result = ();

    fn handle(&mut self, Add(number): Add, _ctx: &mut Context<Self>) {
        self.sum += number;
        self.missing -= 1;
        if self.missing == 0 {
            self.report(self.sum);
        }
    }
}
