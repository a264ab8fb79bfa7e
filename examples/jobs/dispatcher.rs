//! The dispatcher: leases jobs, has an attempt made at each, and stops when there is nothing left to do.

use std::collections::VecDeque;

use actors_core::{Actor, ActorRef, BoxError, Context, ExitReason, Exited, PoolRef, Tie, messages};

use crate::attempt::{Attempt, SeeThrough};
use crate::job::Job;
use crate::store::{Count, GiveBack, Lease, Recover, Store};
use crate::worker::Worker;

#[derive(Actor)]
#[actor(children = "side_by_side")]
pub struct Dispatcher {
    store: ActorRef<Store>,
    workers: PoolRef<Worker>,
    /// How many jobs may be in hand at a time.
    places: usize,
    forgiven: i64,
    /// Leased, and not in hand yet.
    leased: VecDeque<Job>,
    in_hand: usize,
}

impl Dispatcher {
    pub fn new(store: ActorRef<Store>, workers: PoolRef<Worker>, places: usize, forgiven: i64) -> Self {
        Dispatcher { store, workers, places, forgiven, leased: VecDeque::new(), in_hand: 0 }
    }
}

#[messages]
impl Dispatcher {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        // Nothing is in hand yet: a lease that there is was left by somebody who is gone.
        self.store.ask(Recover).await?;
        // A new mailbox has room; it is refused only if all stops already.
        let _ = ctx.actor_ref().try_tell(Look);
        Ok(())
    }

    /// Looks for jobs that have become due.
    #[message]
    pub async fn look(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.hand_out(ctx).await
    }

    /// An attempt has ended, and its place is free.
    #[exited]
    async fn over(&mut self, exit: Exited, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        if !matches!(exit.tie, Tie::Child) {
            return Ok(());
        }
        self.in_hand -= 1;
        match exit.reason {
            ExitReason::Normal | ExitReason::Shutdown => self.hand_out(ctx).await,
            // Its job is leased by nobody now. To start anew is to put all such jobs back.
            reason => Err(format!("{} {reason}", exit.path).into()),
        }
    }

    /// What is in hand has been seen through by now. The rest goes back.
    #[stopped]
    async fn give_back(&mut self) -> Result<(), BoxError> {
        if !self.leased.is_empty() {
            self.store.ask(GiveBack { jobs: self.leased.drain(..).collect() }).await?;
        }
        Ok(())
    }
}

impl Dispatcher {
    async fn hand_out(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        while self.in_hand < self.places && !ctx.is_quiescing() {
            let Some(job) = self.leased.pop_front() else { if self.lease(ctx).await? { continue } else { return Ok(()) } };
            let attempt = Attempt { job, forgiven: self.forgiven, workers: self.workers.clone(), store: self.store.clone() };
            self.in_hand += 1;
            // A new mailbox has room; if it is refused because all stops, the exit says so.
            let _ = ctx.spawn(attempt).try_tell(SeeThrough);
        }
        Ok(())
    }

    /// Leases what is due, and says whether there was something.
    async fn lease(&mut self, ctx: &mut Context<Self>) -> Result<bool, BoxError> {
        let leased = self.store.ask(Lease { upto: 2 * self.places }).await?;
        self.leased.extend(leased.jobs);
        if !self.leased.is_empty() {
            return Ok(true);
        }
        match leased.next_in {
            Some(delay) => {
                ctx.set_timer("look", delay, Look);
            }
            None if self.in_hand == 0 => self.finish(ctx).await?,
            // The end of an attempt makes it look again.
            None => {}
        }
        Ok(false)
    }

    /// Nothing waits and nothing is in hand.
    async fn finish(&self, ctx: &Context<Self>) -> Result<(), BoxError> {
        let failed = self.store.ask(Count).await?.failed;
        if failed > 0 {
            return Err(format!("{failed} jobs have failed for good").into());
        }
        ctx.stop();
        Ok(())
    }
}
