//! Messages sent to an actor later, or again and again, from outside of it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::ActorSystem;
use crate::actor::Every;
use crate::address::{Target, Tell};
use crate::lifecycle::env::Env;
use crate::lifecycle::panic::guard;
use crate::sync::note_wake;
use crate::time::after;

/// What sends an actor a message later, or again and again. Made by [`ActorSystem::send_after`] and
/// [`ActorSystem::send_every`].
///
/// Dropping this changes nothing.
pub struct Schedule {
    over: CancellationToken,
}

impl ActorSystem {
    // ===== schedules =====

    /// Sends `message` to an actor once `delay` has passed, not before.
    ///
    /// A schedule is no actor's own: it outlives the restarts of whom it is addressed to, and ends when that actor has
    /// ended for good, when the system has shut down, or when it is [cancelled](Schedule::cancel). It keeps neither of
    /// them alive. The message waits for room in a full mailbox; if the mailbox rejects it, it becomes a dead letter.
    pub fn send_after<T, M>(&self, to: &T, delay: Duration, message: M) -> Schedule
    where
        T: Target<M> + Clone + Send + Sync + 'static,
        M: Send + 'static,
    {
        let mut message = Some(message);
        self.schedule(to, after(self.shared.env.in_time(Instant::now), delay), move || message.take(), None)
    }

    /// Sends an actor what `make` makes, again and again: once in every period, or as the [`Every`] says, where a message
    /// counts as handled once the mailbox has it. For the rest as [`send_after`](Self::send_after).
    ///
    /// A panic in `make` ends the schedule, and counts as a failure in the [report](crate::ShutdownReport).
    ///
    /// # Panics
    /// Panics if the period is no time at all.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Context};
    /// # use std::time::Duration;
    /// # #[derive(Actor)] struct Cache { swept: u32 }
    /// # #[messages] impl Cache { #[message] fn sweep(&mut self) { self.swept += 1 } #[message] fn swept(&self) -> u32 { self.swept } }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let system = ActorSystem::new("cache");
    /// let cache = system.spawn(Cache { swept: 0 });
    /// let sweeps = system.send_every(&cache, Duration::from_secs(60), || Sweep);
    /// tokio::time::sleep(Duration::from_secs(150)).await;
    /// sweeps.cancel();
    /// tokio::time::sleep(Duration::from_secs(150)).await;
    /// assert_eq!(cache.ask(Swept).await.unwrap(), 2);
    /// # system.shutdown().await; }
    /// ```
    #[track_caller]
    pub fn send_every<T, M>(&self, to: &T, every: impl Into<Every>, make: impl FnMut() -> M + Send + 'static) -> Schedule
    where
        T: Target<M> + Clone + Send + Sync + 'static,
        M: Send + 'static,
    {
        let (every, mut make) = (every.into(), make);
        self.schedule(to, every.first_after(self.shared.env.in_time(Instant::now)), move || Some(make()), Some(every))
    }

    fn schedule<T, M>(&self, to: &T, first: Instant, make: impl FnMut() -> Option<M> + Send + 'static, every: Option<Every>) -> Schedule
    where
        T: Target<M> + Clone + Send + Sync + 'static,
        M: Send + 'static,
    {
        let over = self.shared.over_token();
        let (to, env, ended) = (to.clone(), self.shared.env.clone(), over.clone());
        let counted = env.count_task();
        note_wake();
        self.shared.env.runtime.spawn(async move {
            let _ = ended.run_until_cancelled(send(env, to, first, make, every)).await;
            drop(counted);
        });
        Schedule { over }
    }
}

/// Sends messages when they are due, until nobody takes them any more.
async fn send<T, M>(env: Arc<Env>, to: T, first: Instant, mut make: impl FnMut() -> Option<M>, every: Option<Every>)
where
    T: Target<M>,
    M: Send + 'static,
{
    let mut stopped = pin!(to.stopped_of());
    let mut due = first;
    loop {
        tokio::select! {
            biased;
            _ = stopped.as_mut() => return,
            () = sleep_until(due) => {}
        }
        let turn = Instant::now();
        let message = match guard(&mut make) {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(reason) => return env.note_failure(to.path_of(), reason),
        };
        if let Err(refused) = Tell::new(&to, message).await {
            if refused.is_not_running() {
                return;
            }
            refused.bury(&env);
        }
        let Some(every) = every else { return };
        due = every.next_after(due, turn).unwrap_or_else(|| every.next_after_handling(Instant::now()));
    }
}

impl Schedule {
    /// Ends the schedule. Nothing more is sent; a message that was sent already is still handled.
    pub fn cancel(&self) {
        self.over.cancel();
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule").field("over", &self.over.is_cancelled()).finish_non_exhaustive()
    }
}
