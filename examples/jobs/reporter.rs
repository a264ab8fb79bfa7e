//! The reporter: says how far it is, every second and at the end.

use actors_core::{Actor, ActorRef, BoxError, messages};

use crate::queue::Counts;
use crate::store::{Count, Store};

#[derive(Actor)]
pub struct Reporter {
    pub store: ActorRef<Store>,
}

#[messages]
impl Reporter {
    #[started]
    async fn begin(&mut self) -> Result<(), BoxError> {
        self.print().await
    }

    #[tick(every = "1s")]
    async fn print(&mut self) -> Result<(), BoxError> {
        let Counts { run, queued, leased, done, failed, attempts, panics } = self.store.ask(Count).await?;
        let all = queued + leased + done + failed;
        println!(
            "run {run}: {done} of {all} done, {queued} wait, {leased} in hand, {failed} failed; {attempts} attempts, {panics} panics so far"
        );
        Ok(())
    }

    /// The store ends after this, so it can still be asked.
    #[stopped]
    async fn last_word(&mut self) -> Result<(), BoxError> {
        self.print().await
    }
}
