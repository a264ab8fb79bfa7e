//! xtra.

use std::future::Future;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use xtra::{Actor, Address, Context, Handler};

use crate::measure::{Live, live, until};
use crate::system::{Behaviour, Mailbox, Order, Shape, StopTree, System};
use crate::work::stop::size;

pub(super) struct Adapter<B>(B);

struct Tell(u64);
struct Ask(u64);

impl<B: Behaviour> Actor for Adapter<B> {
    type Stop = ();

    async fn started(&mut self, _mailbox: &xtra::Mailbox<Self>) -> Result<(), ()> {
        self.0.started();
        Ok(())
    }

    async fn stopped(self) {}
}

impl<B: Behaviour> Handler<Tell> for Adapter<B> {
    type Return = ();

    async fn handle(&mut self, Tell(n): Tell, _ctx: &mut Context<Self>) {
        self.0.tell(n);
    }
}

impl<B: Behaviour> Handler<Ask> for Adapter<B> {
    type Return = u64;

    async fn handle(&mut self, Ask(n): Ask, _ctx: &mut Context<Self>) -> u64 {
        self.0.ask(n)
    }
}

/// Nothing but the choice of a mailbox.
pub(super) struct Xtra(Mailbox);

/// What is kept of an actor.
pub(super) struct Handle<A> {
    address: Address<A>,
    task: JoinHandle<()>,
}

impl System for Xtra {
    type Ref<B: Behaviour> = Address<Adapter<B>>;
    type Handle<B: Behaviour> = Handle<Adapter<B>>;

    // Its queue is a heap by priority, and all have the same.
    const IN_ORDER: bool = false;

    fn new(mailbox: Mailbox) -> Option<Self> {
        Some(Xtra(mailbox))
    }

    async fn spawn<B: Behaviour>(&self, behaviour: B) -> Self::Handle<B> {
        let (address, mailbox) = match self.0 {
            Mailbox::Bounded => xtra::Mailbox::bounded(Mailbox::CAPACITY as usize),
            Mailbox::Unbounded => xtra::Mailbox::unbounded(),
        };
        Handle { address, task: tokio::spawn(xtra::run(mailbox, Adapter(behaviour))) }
    }

    fn reference<B: Behaviour>(handle: &Self::Handle<B>) -> &Self::Ref<B> {
        &handle.address
    }

    async fn tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        // The answer would come by what this yields.
        drop(actor.send(Tell(n)).detach().await.expect("it runs"));
    }

    fn try_tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        now(Self::tell(actor, n));
    }

    async fn ask<B: Behaviour>(actor: &Self::Ref<B>, n: u64) -> u64 {
        actor.send(Ask(n)).await.expect("it answers")
    }

    async fn stop_all<B: Behaviour>(&self, actors: Vec<Self::Handle<B>>) {
        end(actors).await;
    }

    async fn skynet(&self, leaves: u64) -> Option<u64> {
        let (sum, added_up) = oneshot::channel();
        Node::spawn(Above::Asker(Some(sum)), 0, leaves);
        added_up.await.ok()
    }

    /// It has no trees. This is one by hand, as with tasks.
    async fn tree(&self, shape: Shape, order: Order) -> Option<StopTree> {
        if order == Order::OneByOne {
            return None;
        }
        let root = Member::spawn(shape);
        let actors = size(shape);
        until("the tree has grown", || live() == actors).await;
        Some(Box::pin(end(vec![root])))
    }
}

/// Drops all addresses, then waits for the actors, which end by that.
async fn end<A>(actors: Vec<Handle<A>>) {
    let tasks: Vec<_> = actors.into_iter().map(|actor| actor.task).collect();
    for task in tasks {
        task.await.expect("it does not panic");
    }
}

/// Sends at once: there is room.
fn now(sending: impl Future<Output = ()>) {
    let polled = pin!(sending).poll(&mut TaskContext::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(()), "there is room");
}

// ===== trees =====

/// To whom a node of the skynet reports.
enum Above {
    Parent(Address<Node>),
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

struct Grow(Address<Node>);
struct Add(u64);

impl Node {
    fn spawn(above: Above, first: u64, leaves: u64) {
        let node = Node { above, first, leaves, missing: 10, sum: 0, _live: Live::new() };
        let address = xtra::spawn_tokio(node, xtra::Mailbox::unbounded());
        now(async { drop(address.send(Grow(address.clone())).detach().await.expect("it runs")) });
    }

    fn report(&mut self, number: u64) {
        match &mut self.above {
            Above::Parent(parent) => now(async { drop(parent.send(Add(number)).detach().await.expect("it runs")) }),
            Above::Asker(asker) => asker.take().expect("reported once").send(number).expect("it is waited for"),
        }
    }
}

impl Actor for Node {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Grow> for Node {
    type Return = ();

    async fn handle(&mut self, Grow(me): Grow, _ctx: &mut Context<Self>) {
        if self.leaves == 1 {
            self.report(self.first);
            return;
        }
        let share = self.leaves / 10;
        for child in 0..10 {
            Node::spawn(Above::Parent(me.clone()), self.first + child * share, share);
        }
    }
}

impl Handler<Add> for Node {
    type Return = ();

    async fn handle(&mut self, Add(number): Add, _ctx: &mut Context<Self>) {
        self.sum += number;
        self.missing -= 1;
        if self.missing == 0 {
            self.report(self.sum);
        }
    }
}

/// An actor of a tree, which ends its children before itself.
struct Member {
    children: Vec<Handle<Member>>,
    shape: Shape,
    _live: Live,
}

impl Member {
    fn spawn(shape: Shape) -> Handle<Member> {
        let (address, mailbox) = xtra::Mailbox::unbounded();
        let member = Member { children: Vec::new(), shape, _live: Live::new() };
        Handle { address, task: spawn_boxed(mailbox, member) }
    }
}

/// Hides from the compiler that members spawn members.
fn spawn_boxed(mailbox: xtra::Mailbox<Member>, member: Member) -> JoinHandle<()> {
    tokio::spawn(xtra::run(mailbox, member))
}

impl Actor for Member {
    type Stop = ();

    async fn started(&mut self, _mailbox: &xtra::Mailbox<Self>) -> Result<(), ()> {
        if let Some((&width, below)) = self.shape.split_first() {
            self.children = (0..width).map(|_| Member::spawn(below)).collect();
        }
        Ok(())
    }

    async fn stopped(self) {
        end(self.children).await;
    }
}
