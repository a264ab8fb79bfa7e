//! What a system has to be able to do, and what its actors do, whatever the system.

use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Builder;
use tokio::task::JoinHandle;

/// What an actor does with its messages. The body is the same in all systems; each brings its own loop and its own handlers.
/// `Sync` and `Unpin` are asked for by some of them.
pub trait Behaviour: Send + Sync + Unpin + 'static {
    /// Runs first, in systems or kinds of actors that have such a hook.
    fn started(&mut self) {}

    /// Handles a message that nobody waits for.
    fn tell(&mut self, n: u64);

    /// Handles a request.
    fn ask(&mut self, n: u64) -> u64;
}

/// How much the mailboxes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// [`CAPACITY`](Self::CAPACITY) messages.
    Bounded,
    /// As many as memory holds.
    Unbounded,
}

impl Mailbox {
    /// How much a bounded one holds.
    pub const CAPACITY: u32 = 1024;
}

/// On which of tokio's runtimes it all runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rt {
    /// `current_thread`.
    Ct,
    /// `multi_thread`, with two workers.
    Mt,
}

impl Rt {
    /// Both.
    pub const ALL: [Rt; 2] = [Rt::Ct, Rt::Mt];

    /// What it is called on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Rt::Ct => "ct",
            Rt::Mt => "mt",
        }
    }

    /// Runs a future on a new runtime, as a task: on `mt`, the thread that waits in `block_on` is none of the workers.
    pub fn run<F>(self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let mut builder = match self {
            Rt::Ct => Builder::new_current_thread(),
            Rt::Mt => Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime can be built");
        runtime.block_on(async { tokio::spawn(work).await.expect("the workload does not panic") })
    }
}

/// In which order the children of one parent end. In either case they end before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One after the other, the last that was started first.
    OneByOne,
    /// All at once.
    AtOnce,
}

/// A tree below one root: how many children an actor has on each level.
pub type Shape = &'static [u64];

/// What stops a tree from its root, and has ended when the system says that the root has.
pub type StopTree = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A way to have actors: a framework, or hand-written tasks.
pub trait System: Send + Sync + Sized + 'static {
    /// What actors are sent to by.
    type Ref<B: Behaviour>: Clone + Send + Sync + 'static;
    /// What whoever spawned one keeps of it, to wait for its end.
    type Handle<B: Behaviour>: Send + Sync + 'static;

    /// Whether an actor is ready for messages only when its task has run: then `Behaviour::started` says so.
    const HAS_START: bool = true;

    /// Whether an actor handles the messages of one sender in the order in which they were sent.
    const IN_ORDER: bool = true;

    /// Makes one whose actors have such mailboxes, if there are such.
    fn new(mailbox: Mailbox) -> Option<Self>;

    /// Runs a workload, if it can run there.
    fn run<F>(rt: Rt, work: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Some(rt.run(work))
    }

    /// Runs a part of the workload beside the others, as a task.
    fn go<F>(work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        tokio::spawn(work)
    }

    /// Makes an actor.
    fn spawn<B: Behaviour>(&self, behaviour: B) -> impl Future<Output = Self::Handle<B>> + Send;

    /// Returns what the actor is sent to by.
    fn reference<B: Behaviour>(handle: &Self::Handle<B>) -> &Self::Ref<B>;

    /// Sends, and waits while the mailbox is full.
    fn tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64) -> impl Future<Output = ()> + Send;

    /// Sends to a mailbox that has room.
    fn try_tell<B: Behaviour>(actor: &Self::Ref<B>, n: u64);

    /// Sends a request and awaits the answer.
    fn ask<B: Behaviour>(actor: &Self::Ref<B>, n: u64) -> impl Future<Output = u64> + Send;

    /// Stops actors that nobody else has a reference to, and returns when they have ended.
    fn stop_all<B: Behaviour>(&self, actors: Vec<Self::Handle<B>>) -> impl Future<Output = ()> + Send;

    /// Has an actor make ten, each of them ten, and so on, until there are `leaves` that each report their number; returns the
    /// sum of these, added up level by level. Not in all systems.
    fn skynet(&self, leaves: u64) -> impl Future<Output = Option<u64>> + Send {
        let _ = leaves;
        async { None }
    }

    /// Makes a tree, and returns what stops it when awaited. Not in all systems.
    fn tree(&self, shape: Shape, order: Order) -> impl Future<Output = Option<StopTree>> + Send {
        let _ = (shape, order);
        async { None }
    }

    /// Ends the system itself, if there is such a thing.
    fn finish(self) -> impl Future<Output = ()> + Send {
        async {}
    }
}
