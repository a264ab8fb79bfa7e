//! One attempt at one job: sees it through, from the worker to the database.

use actors_core::{Actor, ActorRef, AskError, BoxError, Context, PoolRef, messages};

use crate::job::Job;
use crate::queue::Retry;
use crate::store::{Complete, GiveBack, Panicked, Store, delay};
use crate::worker::{Run, Worker};

/// Lives as long as the attempt. The shutdown lets a handler finish, and `drain` lets it begin: so what is in hand when the
/// program is told to end is done and noted.
#[derive(Actor)]
#[actor(on_stop = "drain")]
pub struct Attempt {
    pub job: Job,
    /// How many panics of its workers a job is forgiven.
    pub forgiven: i64,
    pub workers: PoolRef<Worker>,
    pub store: ActorRef<Store>,
}

#[messages]
impl Attempt {
    #[message]
    pub async fn see_through(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let Job { id, attempt, panics, .. } = self.job;
        let held = match self.workers.ask(Run { job: self.job.clone() }).await {
            Ok(result) => self.store.ask(Complete { id, attempt, result }).await?,
            Err(AskError::Crashed { reason, .. }) => {
                let retry = if panics < self.forgiven { Retry::After(delay(panics + 1)) } else { Retry::Never };
                self.store.ask(Panicked { id, attempt, error: reason.to_string(), retry }).await?
            }
            // No worker has begun it.
            Err(error) if error.is_not_running() => {
                self.store.ask(GiveBack { jobs: vec![self.job.clone()] }).await?;
                true
            }
            // One may be at it still.
            Err(error) => return Err(error.into()),
        };
        if !held {
            eprintln!("jobs: attempt {attempt} at job {id} came too late, and does not count");
        }
        ctx.stop();
        Ok(())
    }
}
