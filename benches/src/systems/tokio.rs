//! Tasks written by hand, over tokio's channels.

use std::future::Future;
use std::marker::PhantomData;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::measure::{Live, note_start, started, until};
use crate::system::{Behaviour, Mailbox, Order, Shape, StopTree, System};
use crate::work::stop::size;

/// What the tasks receive.
pub(super) enum Msg {
    Tell(u64),
    Ask(u64, oneshot::Sender<u64>),
}

/// One of tokio's two channels.
pub(super) trait Channel: Send + Sync + 'static {
    type Sender: Clone + Send + Sync + 'static;
    type Receiver: Send + 'static;
    const MAILBOX: Mailbox;

    fn new() -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, msg: Msg) -> impl Future<Output = ()> + Send;
    fn try_send(sender: &Self::Sender, msg: Msg);
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<Msg>> + Send;
}

pub(super) enum Bounded {}

impl Channel for Bounded {
    type Sender = mpsc::Sender<Msg>;
    type Receiver = mpsc::Receiver<Msg>;
    const MAILBOX: Mailbox = Mailbox::Bounded;

    fn new() -> (Self::Sender, Self::Receiver) {
        mpsc::channel(Mailbox::CAPACITY as usize)
    }

    async fn send(sender: &Self::Sender, msg: Msg) {
        assert!(sender.send(msg).await.is_ok(), "it runs");
    }

    fn try_send(sender: &Self::Sender, msg: Msg) {
        assert!(sender.try_send(msg).is_ok(), "it runs and has room");
    }

    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<Msg>> + Send {
        receiver.recv()
    }
}

pub(super) enum Unbounded {}

impl Channel for Unbounded {
    type Sender = mpsc::UnboundedSender<Msg>;
    type Receiver = mpsc::UnboundedReceiver<Msg>;
    const MAILBOX: Mailbox = Mailbox::Unbounded;

    fn new() -> (Self::Sender, Self::Receiver) {
        mpsc::unbounded_channel()
    }

    async fn send(sender: &Self::Sender, msg: Msg) {
        Self::try_send(sender, msg);
    }

    fn try_send(sender: &Self::Sender, msg: Msg) {
        assert!(sender.send(msg).is_ok(), "it runs");
    }

    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<Msg>> + Send {
        receiver.recv()
    }
}

async fn serve<C: Channel, B: Behaviour>(mut behaviour: B, mut receiver: C::Receiver) {
    behaviour.started();
    while let Some(msg) = C::receive(&mut receiver).await {
        match msg {
            Msg::Tell(n) => behaviour.tell(n),
            // Whoever asked may have given up.
            Msg::Ask(n, reply) => _ = reply.send(behaviour.ask(n)),
        }
    }
}

/// Nothing but the choice of a channel.
pub(super) struct Tokio<C>(PhantomData<C>);

/// What is kept of a task.
pub(super) struct Handle<C: Channel> {
    sender: C::Sender,
    task: JoinHandle<()>,
}

impl<C: Channel> System for Tokio<C> {
    type Ref<B: Behaviour> = C::Sender;
    type Handle<B: Behaviour> = Handle<C>;

    fn new(mailbox: Mailbox) -> Option<Self> {
        (mailbox == C::MAILBOX).then_some(Tokio(PhantomData))
    }

    async fn spawn<B: Behaviour>(&self, behaviour: B) -> Handle<C> {
        let (sender, receiver) = C::new();
        Handle { sender, task: tokio::spawn(serve::<C, B>(behaviour, receiver)) }
    }

    fn reference<B: Behaviour>(handle: &Handle<C>) -> &C::Sender {
        &handle.sender
    }

    fn tell<B: Behaviour>(actor: &C::Sender, n: u64) -> impl Future<Output = ()> + Send {
        C::send(actor, Msg::Tell(n))
    }

    fn try_tell<B: Behaviour>(actor: &C::Sender, n: u64) {
        C::try_send(actor, Msg::Tell(n));
    }

    async fn ask<B: Behaviour>(actor: &C::Sender, n: u64) -> u64 {
        let (reply, answer) = oneshot::channel();
        C::send(actor, Msg::Ask(n, reply)).await;
        answer.await.expect("it answers")
    }

    async fn stop_all<B: Behaviour>(&self, actors: Vec<Handle<C>>) {
        end_at_once(actors).await;
    }

    async fn skynet(&self, leaves: u64) -> Option<u64> {
        let (sum, added_up) = oneshot::channel();
        Node::<C>::grow(Above::Asker(Some(sum)), 0, leaves);
        added_up.await.ok()
    }

    async fn tree(&self, shape: Shape, order: Order) -> Option<StopTree> {
        let root = spawn_branch::<C>(shape, order);
        let actors = size(shape);
        until("the tree has grown", || started() == actors).await;
        Some(Box::pin(end_at_once(vec![root])))
    }
}

/// Closes all channels, then waits for all tasks.
async fn end_at_once<C: Channel>(actors: Vec<Handle<C>>) {
    let tasks: Vec<_> = actors.into_iter().map(|actor| actor.task).collect();
    for task in tasks {
        task.await.expect("it does not panic");
    }
}

/// Closes one channel after the other, the last first, and waits for its task.
async fn end_one_by_one<C: Channel>(actors: Vec<Handle<C>>) {
    for Handle { sender, task } in actors.into_iter().rev() {
        drop(sender);
        task.await.expect("it does not panic");
    }
}

// ===== trees =====

/// To whom a node of the skynet reports.
enum Above<C: Channel> {
    Parent(C::Sender),
    Asker(Option<oneshot::Sender<u64>>),
}

/// A node of the skynet: a leaf reports its number, and the others what they are told of ten children. It ends when its children,
/// who alone can send to it, have ended.
struct Node<C: Channel> {
    above: Above<C>,
    missing: u64,
    sum: u64,
    _live: Live,
}

impl<C: Channel> Node<C> {
    fn grow(above: Above<C>, first: u64, leaves: u64) {
        let (sender, receiver) = C::new();
        let node = Node { above, missing: 10, sum: 0, _live: Live::new() };
        tokio::spawn(node.run(first, leaves, sender, receiver));
    }

    async fn run(mut self, first: u64, leaves: u64, me: C::Sender, mut receiver: C::Receiver) {
        if leaves == 1 {
            self.report(first);
        } else {
            let share = leaves / 10;
            (0..10).for_each(|child| Node::<C>::grow(Above::Parent(me.clone()), first + child * share, share));
        }
        drop(me);
        while let Some(msg) = C::receive(&mut receiver).await {
            match msg {
                Msg::Tell(number) => self.add(number),
                Msg::Ask(number, reply) => _ = reply.send(number),
            }
        }
    }

    fn add(&mut self, number: u64) {
        self.sum += number;
        self.missing -= 1;
        if self.missing == 0 {
            self.report(self.sum);
        }
    }

    fn report(&mut self, number: u64) {
        match &mut self.above {
            Above::Parent(parent) => C::try_send(parent, Msg::Tell(number)),
            Above::Asker(asker) => asker.take().expect("reported once").send(number).expect("it is waited for"),
        }
    }
}

/// An actor that has nothing to do but to live in a tree.
struct Member {
    _live: Live,
}

impl Behaviour for Member {
    fn started(&mut self) {
        note_start();
    }

    fn tell(&mut self, _n: u64) {}

    fn ask(&mut self, n: u64) -> u64 {
        n
    }
}

fn spawn_branch<C: Channel>(shape: Shape, order: Order) -> Handle<C> {
    let member = Member { _live: Live::new() };
    let (sender, receiver) = C::new();
    let task = match shape.split_first() {
        None => tokio::spawn(serve::<C, _>(member, receiver)),
        Some((&width, below)) => tokio::spawn(branch::<C>(member, receiver, width, below, order)),
    };
    Handle { sender, task }
}

/// Ends its children before itself.
async fn branch<C: Channel>(mut member: Member, mut receiver: C::Receiver, width: u64, below: Shape, order: Order) {
    let children: Vec<_> = (0..width).map(|_| spawn_branch::<C>(below, order)).collect();
    member.started();
    while let Some(msg) = C::receive(&mut receiver).await {
        match msg {
            Msg::Tell(n) => member.tell(n),
            Msg::Ask(n, reply) => _ = reply.send(member.ask(n)),
        }
    }
    match order {
        Order::OneByOne => end_one_by_one(children).await,
        Order::AtOnce => end_at_once(children).await,
    }
}
