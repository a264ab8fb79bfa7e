//! The actor of the tests on helper tasks and blocking jobs: it does what it is told in its own turn.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, Context, ExitReason, Job, JobError, Limit, Policy, Protocol, ReplyTo, Stopping};
use tests::{Journal, promptly};

pub type Work = Box<dyn FnOnce(&mut Owner, &Context<Owner>) + Send>;

/// Does what it is told in its own turn, and notes its end.
#[derive(Default)]
pub struct Owner {
    pub journal: Journal,
    pub kept: Vec<Job<()>>,
    pub on_stopped: Option<Work>,
}

pub enum Order {
    Do(Work),
    /// Awaits a panicking helper, or blocking job, in the handler.
    AwaitPanic {
        blocking: bool,
        reply: ReplyTo<Result<(), JobError>>,
    },
    /// Waits in the handler until it is asked to end.
    WaitForStop,
    /// Waits in the handler for ever.
    Hang,
    /// Polls work that is always ready, for as long as it may.
    Spin {
        reply: ReplyTo<Stopping>,
    },
}

impl Protocol for Owner {
    type Msg = Order;
}

impl Actor for Owner {
    const POLICY: Policy = Policy { stop_limit: Limit::After(Duration::from_secs(2)), ..Policy::DEFAULT };

    async fn handle(&mut self, order: Order, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match order {
            Order::Do(work) => work(self, ctx),
            Order::AwaitPanic { blocking: false, reply } => reply.send(ctx.spawn_task(async { panic!("helper") }).await),
            Order::AwaitPanic { blocking: true, reply } => reply.send(ctx.spawn_blocking(|_| panic!("job")).await),
            Order::WaitForStop => {
                ctx.stopping().await;
                self.journal.note("the handler saw the stop");
            }
            Order::Hang => pending().await,
            Order::Spin { reply } => loop {
                // Always ready, and still the signal gets through.
                if let Err(stopping) = ctx.unless_stopping(tokio::task::yield_now()).await {
                    reply.send(stopping);
                    return Ok(());
                }
            },
        }
        Ok(())
    }

    async fn stopped(&mut self, _reason: &ExitReason, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.journal.note("hook");
        if let Some(work) = self.on_stopped.take() {
            work(self, ctx);
        }
        Ok(())
    }
}

pub fn owner(system: &ActorSystem, journal: &Journal) -> ActorRef<Owner> {
    system.actor(Owner { journal: journal.clone(), ..Owner::default() }).name("owner").spawn()
}

/// Has the actor do `work` in its own turn, and waits until it has.
pub async fn have(owner: &ActorRef<Owner>, work: impl FnOnce(&mut Owner, &Context<Owner>) + Send + 'static) {
    let done = owner.ask_with(|reply: ReplyTo<()>| {
        Order::Do(Box::new(move |owner, ctx| {
            work(owner, ctx);
            reply.send(());
        }))
    });
    promptly("the actor does the work", done).await.expect("the actor is there");
}
