//! The framework of this repository.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::time::Duration;

use actors_core::{Accepts, Actor, ActorRef, ActorSystem, Children, Context, messages};
use tokio::sync::oneshot;

use crate::measure::{Live, live, until};
use crate::system::{Behaviour, Mailbox, Order, Shape, StopTree, System};
use crate::work::stop::size;

pub(super) struct Tell(u64);
pub(super) struct Ask(u64);

/// An actor of a kind, with this behaviour.
pub(super) trait Kind: Send + Sync + 'static {
    type Actor<B: Behaviour>: Actor + Accepts<Tell, Reply = (), Error = Infallible> + Accepts<Ask, Reply = u64, Error = Infallible>;
    const HAS_START: bool;

    fn make<B: Behaviour>(behaviour: B) -> Self::Actor<B>;
}

/// Actors without a start hook.
pub(super) enum Plain {}

#[derive(Actor)]
pub(super) struct PlainActor<B: Behaviour>(B);

#[messages]
impl<B: Behaviour> PlainActor<B> {
    #[handle]
    fn tell(&mut self, Tell(n): Tell) {
        self.0.tell(n);
    }

    #[handle]
    fn ask(&mut self, Ask(n): Ask) -> u64 {
        self.0.ask(n)
    }
}

impl Kind for Plain {
    type Actor<B: Behaviour> = PlainActor<B>;
    const HAS_START: bool = false;

    fn make<B: Behaviour>(behaviour: B) -> PlainActor<B> {
        PlainActor(behaviour)
    }
}

/// Actors with a start hook.
pub(super) enum Hooked {}

#[derive(Actor)]
pub(super) struct HookedActor<B: Behaviour>(B);

#[messages]
impl<B: Behaviour> HookedActor<B> {
    #[started]
    fn started(&mut self) {
        self.0.started();
    }

    #[handle]
    fn tell(&mut self, Tell(n): Tell) {
        self.0.tell(n);
    }

    #[handle]
    fn ask(&mut self, Ask(n): Ask) -> u64 {
        self.0.ask(n)
    }
}

impl Kind for Hooked {
    type Actor<B: Behaviour> = HookedActor<B>;
    const HAS_START: bool = true;

    fn make<B: Behaviour>(behaviour: B) -> HookedActor<B> {
        HookedActor(behaviour)
    }
}

/// A system, and the kind of its actors.
pub(super) struct Ours<K> {
    system: ActorSystem,
    mailbox: Mailbox,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> System for Ours<K> {
    type Ref<B: Behaviour> = ActorRef<K::Actor<B>>;
    type Handle<B: Behaviour> = ActorRef<K::Actor<B>>;
    const HAS_START: bool = K::HAS_START;

    fn new(mailbox: Mailbox) -> Option<Self> {
        let system = ActorSystem::builder("bench").deadline(Duration::from_secs(60)).progress(false).build();
        Some(Ours { system, mailbox, kind: PhantomData })
    }

    async fn spawn<B: Behaviour>(&self, behaviour: B) -> Self::Handle<B> {
        let actor = self.system.actor(K::make(behaviour));
        match self.mailbox {
            Mailbox::Bounded => actor.mailbox(Mailbox::CAPACITY).spawn(),
            Mailbox::Unbounded => actor.unbounded().spawn(),
        }
    }

    fn reference<B: Behaviour>(handle: &Self::Handle<B>) -> &Self::Ref<B> {
        handle
    }

    async fn tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        actor.tell(Tell(n)).await.expect("it runs");
    }

    fn try_tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) {
        actor.try_tell(Tell(n)).expect("it runs and has room");
    }

    async fn ask<B: Behaviour>(actor: &Self::Ref<B>, n: u64) -> u64 {
        actor.ask(Ask(n)).await.expect("it answers")
    }

    async fn stop_all<B: Behaviour>(&self, actors: Vec<Self::Handle<B>>) {
        for actor in &actors {
            actor.stop();
        }
        for actor in &actors {
            assert!(actor.stopped().await.is_clean());
        }
    }

    async fn skynet(&self, leaves: u64) -> Option<u64> {
        let (sum, added_up) = oneshot::channel();
        self.system.actor(Node::new(Above::Asker(Some(sum)), 0, leaves)).unbounded().spawn();
        added_up.await.ok()
    }

    async fn tree(&self, shape: Shape, order: Order) -> Option<StopTree> {
        let order = match order {
            Order::OneByOne => Children::InOrder,
            Order::AtOnce => Children::SideBySide,
        };
        self.system.actor(Branch { shape, order, _live: Live::new() }).children(order).unbounded().spawn();
        let actors = size(shape);
        until("the tree has grown", || live() == actors).await;
        let system = self.system.clone();
        Some(Box::pin(async move { assert!(system.shutdown().await.is_clean()) }))
    }

    async fn finish(self) {
        let report = self.system.shutdown().await;
        assert!(report.is_clean(), "{report}");
    }
}

// ===== trees =====

/// To whom a node of the skynet reports.
enum Above {
    Parent(ActorRef<Node>),
    Asker(Option<oneshot::Sender<u64>>),
}

/// A node of the skynet: a leaf reports its number, and the others what they are told of ten children.
#[derive(Actor)]
struct Node {
    above: Above,
    first: u64,
    leaves: u64,
    missing: u64,
    sum: u64,
    _live: Live,
}

#[messages]
impl Node {
    fn new(above: Above, first: u64, leaves: u64) -> Self {
        Node { above, first, leaves, missing: 10, sum: 0, _live: Live::new() }
    }

    #[started]
    fn grow(&mut self, ctx: &mut Context<Self>) {
        if self.leaves == 1 {
            self.report(self.first, ctx);
            return;
        }
        let share = self.leaves / 10;
        for child in 0..10 {
            let above = Above::Parent(ctx.actor_ref().clone());
            ctx.actor(Node::new(above, self.first + child * share, share)).unbounded().spawn();
        }
    }

    #[message]
    fn add(&mut self, number: u64, ctx: &mut Context<Self>) {
        self.sum += number;
        self.missing -= 1;
        if self.missing == 0 {
            self.report(self.sum, ctx);
        }
    }

    fn report(&mut self, number: u64, ctx: &Context<Self>) {
        match &mut self.above {
            Above::Parent(parent) => parent.try_tell(Add { number }).expect("it runs"),
            Above::Asker(asker) => asker.take().expect("reported once").send(number).expect("it is waited for"),
        }
        ctx.stop();
    }
}

/// An actor of a tree that has children.
#[derive(Actor)]
struct Branch {
    shape: Shape,
    order: Children,
    _live: Live,
}

#[messages]
impl Branch {
    #[started]
    fn grow(&mut self, ctx: &mut Context<Self>) {
        let (&width, below) = self.shape.split_first().expect("a branch has children");
        for _ in 0..width {
            if below.is_empty() {
                ctx.actor(Leaf { _live: Live::new() }).unbounded().spawn();
            } else {
                let branch = Branch { shape: below, order: self.order, _live: Live::new() };
                ctx.actor(branch).children(self.order).unbounded().spawn();
            }
        }
    }

    #[message]
    fn nothing(&mut self) {}
}

/// One that has none, and nothing to do.
#[derive(Actor)]
struct Leaf {
    _live: Live,
}

#[messages]
impl Leaf {
    #[message(name = Rest)]
    fn nothing(&mut self) {}
}
