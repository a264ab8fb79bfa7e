//! The actors that the tests on ties and ends share: one that falls as it is told to, one that writes down what it hears.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors_core::{Accepts, Actor, ActorRef, Context, ExitReason, Exited, Protocol, Tie, messages};
use tests::{Broken, Gate, promptly};
use tokio::sync::oneshot;

/// Something to be done with the context of an `A`.
pub struct Act<A: Protocol>(Work<A>);

type Work<A> = Box<dyn FnOnce(&mut Context<A>) + Send>;

impl<A: Protocol> Act<A> {
    pub fn new(work: impl FnOnce(&mut Context<A>) + Send + 'static) -> Self {
        Act(Box::new(work))
    }

    pub fn play(self, ctx: &mut Context<A>) {
        (self.0)(ctx);
    }
}

/// Does `work` as `actor`, in its turn, and returns what came of it.
pub async fn within<A, T>(actor: &ActorRef<A>, work: impl FnOnce(&mut Context<A>) -> T + Send + 'static) -> T
where
    A: Accepts<Act<A>>,
    T: Send + 'static,
{
    let (result, done) = oneshot::channel();
    let act = Act::new(move |ctx: &mut Context<A>| drop(result.send(work(ctx))));
    assert!(actor.tell(act).await.is_ok(), "{actor:?} takes messages");
    promptly("the actor does as it is told", done).await.expect("the work is done")
}

/// Lets everybody run until nothing moves. The clock is paused, so an hour is a matter of microseconds.
pub async fn settle() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

/// An actor without hooks, which falls as it is told to.
#[derive(Actor, Default)]
pub struct Peer;

#[messages]
impl Peer {
    #[message]
    pub fn fail(&self, error: Broken) -> Result<(), Broken> {
        Err(error)
    }

    #[message]
    pub fn explode(&self) {
        panic!("exploded");
    }

    #[message]
    pub fn end(&self, ctx: &mut Context<Self>) {
        ctx.stop();
    }

    #[message]
    pub async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    pub fn ping(&self) {}

    #[handle]
    pub fn act(&self, act: Act<Peer>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

/// What a witness has heard, in order.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Vec<Exited>>>);

impl Heard {
    pub fn add(&self, exited: Exited) {
        self.0.lock().unwrap().push(exited);
    }

    pub fn all(&self) -> Vec<Exited> {
        self.0.lock().unwrap().clone()
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// What came over links.
    pub fn links(&self) -> Vec<Exited> {
        self.all().into_iter().filter(|exited| matches!(exited.tie, Tie::Link)).collect()
    }

    /// What came over monitors.
    pub fn monitors(&self) -> Vec<Exited> {
        self.all().into_iter().filter(|exited| matches!(exited.tie, Tie::Monitor(_))).collect()
    }

    /// What came of children.
    pub fn children(&self) -> Vec<Exited> {
        self.all().into_iter().filter(|exited| matches!(exited.tie, Tie::Child)).collect()
    }

    /// What came of groups.
    pub fn groups(&self) -> Vec<Exited> {
        self.all().into_iter().filter(|exited| matches!(exited.tie, Tie::Group(_))).collect()
    }

    /// The only notice there is.
    pub fn only(&self) -> Exited {
        let all = self.all();
        assert_eq!(all.len(), 1, "exactly one notice: {all:?}");
        all.into_iter().next().expect("there is one")
    }
}

/// An actor that traps exits and writes them down.
#[derive(Actor, Default)]
pub struct Witness {
    pub heard: Heard,
}

impl Witness {
    pub fn new(heard: &Heard) -> Self {
        Witness { heard: heard.clone() }
    }
}

#[messages]
impl Witness {
    #[exited]
    fn hear(&mut self, exited: Exited) {
        self.heard.add(exited);
    }

    #[message(name = WitnessWaitsAt)]
    pub async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    /// Answers with what it has heard so far.
    #[message]
    pub fn heard_so_far(&self) -> usize {
        self.heard.len()
    }

    #[handle]
    pub fn act(&self, act: Act<Witness>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

pub fn broken(text: &'static str) -> Fail {
    Fail { error: Broken(text) }
}

/// Asserts that `reason` is a `LinkDown` by `peer`, and returns the cause.
pub fn link_down<A: Actor>(reason: &ExitReason, peer: &ActorRef<A>) -> ExitReason {
    match reason {
        ExitReason::LinkDown { peer: path, cause } => {
            assert_eq!(*path, peer.path(), "the actor on the other end is named");
            (**cause).clone()
        }
        other => panic!("expected a link down, not {other}"),
    }
}

pub fn error_of(reason: &ExitReason) -> &Broken {
    let failure = reason.error().unwrap_or_else(|| panic!("expected an error, not {reason}"));
    failure.downcast_ref().expect("the error is still what it was")
}
