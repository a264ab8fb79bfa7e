//! A runtime with a paused clock and a system in it, for one test.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::LIMIT;
use crate::system::{ActorSystem, Outcome};

/// How long a test may take, of its own time.
const TEST_LIMIT: Duration = Duration::from_secs(3_600);
/// How long its system may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(25);
/// How often what is ready is let run.
const TURNS: usize = 256;

/// Runs a test with a system of its own, on a runtime of one thread whose clock is paused; see [`Setup`].
///
/// When the test is over, the system is shut down, and it is part of the test that everybody stops in time and that
/// nobody has failed. Returns what the test returns.
///
/// ```
/// use std::time::Duration;
/// use actors_core::test_kit;
///
/// test_kit::run(async |system| {
///     let probe = system.probe::<u32>("probe");
///     probe.recipient().tell(7).await.unwrap();
///     assert_eq!(probe.expect().await, 7);
///     tokio::time::sleep(Duration::from_secs(60)).await; // takes no time at all
/// });
/// ```
///
/// # Panics
/// Panics if the test does; if it has not ended after an hour of its time, which is at once where it hangs; if some
/// actor does not stop in time or has failed. Panics inside a runtime.
#[track_caller]
pub fn run<F, R>(test: impl FnOnce(ActorSystem) -> F) -> R
where
    F: Future<Output = R>,
{
    Setup::new().run(test)
}

/// How a test is [run](Setup::run).
///
/// ```
/// use actors_core::test_kit::{Fault, Setup};
/// # use actors_core::{messages, Actor};
/// # #[derive(Actor)] struct Db;
/// # #[messages] impl Db { #[message] fn ping(&self) {} }
///
/// Setup::new().may_fail().run(async |system| {
///     let db = system.actor(Db).name("db").spawn();
///     system.inject("/db", Fault::panic());
///     assert!(db.ask(Ping).await.is_err());
/// });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a test has to be `run`"]
pub struct Setup {
    limit: Duration,
    demand: Demand,
}

/// What is asked of the shutdown after the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Clean,
    MayFail,
    Nothing,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// A test as [`run`] runs it.
    pub fn new() -> Self {
        Setup { limit: TEST_LIMIT, demand: Demand::Clean }
    }

    /// Lets the test take this long of its own, paused, time. Default: an hour.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Accepts that actors have failed, as they do where failures are injected. All of them still have to stop in time.
    pub fn may_fail(mut self) -> Self {
        self.demand = Demand::MayFail;
        self
    }

    /// Accepts whatever becomes of the system after the test: actors that are killed at their limit, and worse.
    pub fn may_hang(mut self) -> Self {
        self.demand = Demand::Nothing;
        self
    }

    /// Runs the test; see [`run`].
    ///
    /// # Panics
    /// As [`run`] does.
    #[track_caller]
    pub fn run<F, R>(self, test: impl FnOnce(ActorSystem) -> F) -> R
    where
        F: Future<Output = R>,
    {
        let place = Location::caller();
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        // Not waited for: what blocks a thread of it must not hold up the test that has failed because of it.
        let runtime = InBackground(Some(runtime.expect("a runtime can be built")));
        runtime.get().block_on(async {
            let system = ActorSystem::builder("test").deadline(STOP_LIMIT).progress(false).build();
            let Ok(output) = tokio::time::timeout(self.limit, test(system.clone())).await else {
                panic!("{place}: the test has not ended within {:?} of its time; the actors are\n{}", self.limit, system.tree());
            };
            let report = system.shutdown().await;
            let accepted = match self.demand {
                Demand::Clean => report.is_clean(),
                Demand::MayFail => matches!(report.outcome, Outcome::Clean | Outcome::Failed),
                Demand::Nothing => true,
            };
            assert!(accepted, "{place}: the system did not come to a clean end: {:?}\n{report}", report.outcome);
            output
        })
    }
}

/// A runtime that is not waited for when it goes.
struct InBackground(Option<Runtime>);

impl InBackground {
    fn get(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until it goes")
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets time pass, on a paused clock: all that becomes due within `time` runs, each at its time and in its order, and what is
/// ready then runs too.
///
/// This is what `tokio::time::advance` is not: that one jumps, and whoever should have woken in between wakes late.
///
/// # Panics
/// Panics if the clock is not paused.
///
/// # Cancel safety
/// Time passes no further than it has when the future is dropped.
pub async fn advance(time: Duration) {
    // Says so if the clock is not paused.
    tokio::time::advance(Duration::ZERO).await;
    // A paused clock goes to the next timer whenever nothing is ready to run.
    tokio::time::sleep(time).await;
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Waits until `condition` holds, for 3 s at most. `what` says what is awaited, should it not come about.
///
/// # Panics
/// Panics if it does not come about.
///
/// # Cancel safety
/// A dropped future leaves nothing behind.
#[track_caller]
pub fn eventually<C>(what: &str, mut condition: C) -> impl Future<Output = ()> + use<'_, C>
where
    C: FnMut() -> bool,
{
    let place = Location::caller();
    async move {
        if until(LIMIT, || if condition() { Ok(()) } else { Err(()) }).await.is_err() {
            panic!("{place}: did not come about within {LIMIT:?}: {what}");
        }
    }
}

/// Asks again and again until it is well, or the limit is over; then the last answer is the result.
pub(super) async fn until<E>(limit: Duration, mut ask: impl FnMut() -> Result<(), E>) -> Result<(), E> {
    let end = Instant::now() + limit;
    loop {
        let answer = ask();
        if answer.is_ok() || Instant::now() >= end {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
