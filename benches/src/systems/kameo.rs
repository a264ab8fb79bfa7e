//! kameo.

use std::convert::Infallible;

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message};
use tokio::sync::oneshot;

use crate::measure::{Live, live, until};
use crate::system::{Behaviour, Mailbox, Order, Shape, StopTree, System};
use crate::work::stop::size;

pub(super) struct Adapter<B>(B);

struct Tell(u64);
struct Ask(u64);

impl<B: Behaviour> Actor for Adapter<B> {
    type Args = B;
    type Error = Infallible;

    async fn on_start(mut behaviour: B, _actor: ActorRef<Self>) -> Result<Self, Infallible> {
        behaviour.started();
        Ok(Adapter(behaviour))
    }
}

impl<B: Behaviour> Message<Tell> for Adapter<B> {
    type Reply = ();

    async fn handle(&mut self, Tell(n): Tell, _ctx: &mut Context<Self, ()>) {
        self.0.tell(n);
    }
}

impl<B: Behaviour> Message<Ask> for Adapter<B> {
    type Reply = u64;

    async fn handle(&mut self, Ask(n): Ask, _ctx: &mut Context<Self, u64>) -> u64 {
        self.0.ask(n)
    }
}

/// Nothing but the choice of a mailbox.
pub(super) struct Kameo(Mailbox);

impl System for Kameo {
    type Ref<B: Behaviour> = ActorRef<Adapter<B>>;
    type Handle<B: Behaviour> = ActorRef<Adapter<B>>;

    fn new(mailbox: Mailbox) -> Option<Self> {
        Some(Kameo(mailbox))
    }

    async fn spawn<B: Behaviour>(&self, behaviour: B) -> Self::Handle<B> {
        let mailbox = match self.0 {
            Mailbox::Bounded => mailbox::bounded(Mailbox::CAPACITY as usize),
            Mailbox::Unbounded => mailbox::unbounded(),
        };
        Adapter::spawn_with_mailbox(behaviour, mailbox)
    }

    fn reference<B: Behaviour>(handle: &Self::Handle<B>) -> &Self::Ref<B> {
        handle
    }

    async fn tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        actor.tell(Tell(n)).send().await.expect("it runs");
    }

    fn try_tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        actor.tell(Tell(n)).try_send().expect("it runs and has room");
    }

    async fn ask<B: Behaviour>(actor: &Self::Ref<B>, n: u64) -> u64 {
        actor.ask(Ask(n)).send().await.expect("it answers")
    }

    async fn stop_all<B: Behaviour>(&self, actors: Vec<Self::Handle<B>>) {
        for actor in &actors {
            actor.stop_gracefully().await.expect("it runs");
        }
        for actor in &actors {
            actor.wait_for_shutdown().await;
        }
    }

    async fn skynet(&self, leaves: u64) -> Option<u64> {
        let (sum, added_up) = oneshot::channel();
        Node::grow(Above::Asker(Some(sum)), 0, leaves);
        added_up.await.ok()
    }

    /// It stops the children of a supervisor at once, and has no other order.
    async fn tree(&self, shape: Shape, order: Order) -> Option<StopTree> {
        if order == Order::OneByOne {
            return None;
        }
        let root = Member::spawn_with_mailbox(shape, mailbox::unbounded());
        let actors = size(shape);
        until("the tree has grown", || live() == actors).await;
        Some(Box::pin(async move {
            root.stop_gracefully().await.expect("it runs");
            root.wait_for_shutdown().await;
        }))
    }
}

// ===== trees =====

/// To whom a node of the skynet reports.
enum Above {
    Parent(ActorRef<Node>),
    Asker(Option<oneshot::Sender<u64>>),
}

/// A node of the skynet: a leaf reports its number, and the others what they are told of ten children. It ends when its children,
/// who alone refer to it, have ended.
struct Node {
    above: Above,
    missing: u64,
    sum: u64,
    _live: Live,
}

struct Add(u64);

impl Node {
    fn grow(above: Above, first: u64, leaves: u64) {
        Node::spawn_with_mailbox((above, first, leaves), mailbox::unbounded());
    }

    fn report(&mut self, number: u64) {
        match &mut self.above {
            Above::Parent(parent) => parent.tell(Add(number)).try_send().expect("it runs"),
            Above::Asker(asker) => asker.take().expect("reported once").send(number).expect("it is waited for"),
        }
    }
}

impl Actor for Node {
    type Args = (Above, u64, u64);
    type Error = Infallible;

    async fn on_start((above, first, leaves): Self::Args, me: ActorRef<Self>) -> Result<Self, Infallible> {
        let mut node = Node { above, missing: 10, sum: 0, _live: Live::new() };
        if leaves == 1 {
            node.report(first);
        } else {
            let share = leaves / 10;
            (0..10).for_each(|child| Node::grow(Above::Parent(me.clone()), first + child * share, share));
        }
        Ok(node)
    }
}

impl Message<Add> for Node {
    type Reply = ();

    async fn handle(&mut self, Add(number): Add, _ctx: &mut Context<Self, ()>) {
        self.sum += number;
        self.missing -= 1;
        if self.missing == 0 {
            self.report(self.sum);
        }
    }
}

/// An actor of a tree, with the children that it supervises.
struct Member {
    _children: Vec<ActorRef<Member>>,
    _live: Live,
}

impl Actor for Member {
    type Args = Shape;
    type Error = Infallible;

    async fn on_start(shape: Shape, me: ActorRef<Self>) -> Result<Self, Infallible> {
        let mut children = Vec::new();
        if let Some((&width, below)) = shape.split_first() {
            for _ in 0..width {
                children.push(Member::supervise(&me, below).spawn_with_mailbox(mailbox::unbounded()).await);
            }
        }
        Ok(Member { _children: children, _live: Live::new() })
    }
}
