//! ractor.

use std::marker::PhantomData;

use ractor::{Actor, ActorProcessingErr, ActorRef, ActorRuntime, RpcReplyPort, call};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::measure::{Live, live, until};
use crate::system::{Behaviour, Mailbox, Order, Shape, StopTree, System};
use crate::work::stop::size;

pub(super) enum Msg {
    Tell(u64),
    Ask(u64, RpcReplyPort<u64>),
}

struct Adapter<B>(PhantomData<fn() -> B>);

impl<B: Behaviour> Actor for Adapter<B> {
    type Msg = Msg;
    type State = B;
    type Arguments = B;

    async fn pre_start(&self, _me: ActorRef<Msg>, mut behaviour: B) -> Result<B, ActorProcessingErr> {
        behaviour.started();
        Ok(behaviour)
    }

    async fn handle(&self, _me: ActorRef<Msg>, msg: Msg, behaviour: &mut B) -> Result<(), ActorProcessingErr> {
        match msg {
            Msg::Tell(n) => behaviour.tell(n),
            Msg::Ask(n, reply) => reply.send(behaviour.ask(n))?,
        }
        Ok(())
    }
}

/// All its mailboxes are unbounded.
pub(super) struct Ractor(());

/// What is kept of an actor.
pub(super) struct Handle {
    actor: ActorRef<Msg>,
    task: JoinHandle<()>,
}

impl System for Ractor {
    type Ref<B: Behaviour> = ActorRef<Msg>;
    type Handle<B: Behaviour> = Handle;

    fn new(mailbox: Mailbox) -> Option<Self> {
        (mailbox == Mailbox::Unbounded).then_some(Ractor(()))
    }

    async fn spawn<B: Behaviour>(&self, behaviour: B) -> Handle {
        let (actor, task) = Actor::spawn(None, Adapter(PhantomData), behaviour).await.expect("it starts");
        Handle { actor, task }
    }

    fn reference<B: Behaviour>(handle: &Handle) -> &ActorRef<Msg> {
        &handle.actor
    }

    async fn tell<B: Behaviour>(actor: &ActorRef<Msg>, n: u64) {
        Self::try_tell::<B>(actor, n);
    }

    fn try_tell<B: Behaviour>(actor: &ActorRef<Msg>, n: u64) {
        actor.send_message(Msg::Tell(n)).expect("it runs");
    }

    async fn ask<B: Behaviour>(actor: &ActorRef<Msg>, n: u64) -> u64 {
        call!(actor, Msg::Ask, n).expect("it answers")
    }

    async fn stop_all<B: Behaviour>(&self, actors: Vec<Handle>) {
        for handle in &actors {
            handle.actor.stop(None);
        }
        for handle in actors {
            handle.task.await.expect("it does not panic");
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
        let (root, task) = Actor::spawn(None, Member, shape).await.expect("it starts");
        let actors = size(shape);
        until("the tree has grown", || live() == actors).await;
        Some(Box::pin(async move {
            root.stop(None);
            task.await.expect("it does not panic");
        }))
    }
}

// ===== trees =====

/// To whom a node of the skynet reports.
enum Above {
    Parent(ActorRef<u64>),
    Asker(Option<oneshot::Sender<u64>>),
}

impl Above {
    fn report(&mut self, number: u64) {
        match self {
            Above::Parent(parent) => parent.send_message(number).expect("it runs"),
            Above::Asker(asker) => asker.take().expect("reported once").send(number).expect("it is waited for"),
        }
    }
}

/// A node of the skynet: a leaf reports its number, and the others what they are told of ten children.
struct Node;

struct NodeState {
    above: Above,
    missing: u64,
    sum: u64,
    _live: Live,
}

impl Node {
    fn grow(above: Above, first: u64, leaves: u64) {
        ActorRuntime::spawn_instant(None, Node, (above, first, leaves)).expect("it has no name that could be taken");
    }
}

impl Actor for Node {
    type Msg = u64;
    type State = NodeState;
    type Arguments = (Above, u64, u64);

    async fn pre_start(&self, me: ActorRef<u64>, (mut above, first, leaves): Self::Arguments) -> Result<NodeState, ActorProcessingErr> {
        let live = Live::new();
        if leaves == 1 {
            above.report(first);
            me.stop(None);
        } else {
            let share = leaves / 10;
            (0..10).for_each(|child| Node::grow(Above::Parent(me.clone()), first + child * share, share));
        }
        Ok(NodeState { above, missing: 10, sum: 0, _live: live })
    }

    async fn handle(&self, me: ActorRef<u64>, number: u64, state: &mut NodeState) -> Result<(), ActorProcessingErr> {
        state.sum += number;
        state.missing -= 1;
        if state.missing == 0 {
            state.above.report(state.sum);
            me.stop(None);
        }
        Ok(())
    }
}

/// An actor of a tree: stops its children, and waits for them, when it is stopped itself.
struct Member;

impl Actor for Member {
    type Msg = ();
    type State = Live;
    type Arguments = Shape;

    async fn pre_start(&self, me: ActorRef<()>, shape: Shape) -> Result<Live, ActorProcessingErr> {
        if let Some((&width, below)) = shape.split_first() {
            for _ in 0..width {
                let child = ActorRuntime::spawn_linked_instant(None, Member, below, me.get_cell());
                child.expect("it has no name that could be taken");
            }
        }
        Ok(Live::new())
    }

    async fn post_stop(&self, me: ActorRef<()>, _live: &mut Live) -> Result<(), ActorProcessingErr> {
        me.stop_children_and_wait(None, None).await;
        Ok(())
    }
}
