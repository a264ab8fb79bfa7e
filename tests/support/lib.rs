//! What the tests share: a journal, a gate, waiting for a condition, and actors that are ready to misbehave.

pub mod lived;
mod patience;
pub mod tree;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

pub use patience::goes_on;

/// A list that many actors write to and a test reads.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub fn new() -> Self {
        goes_on();
        Self::default()
    }

    pub fn note(&self, entry: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.into());
    }

    pub fn entries(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn len(&self) -> usize {
        self.entries().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn count(&self, entry: &str) -> usize {
        self.entries().iter().filter(|known| *known == entry).count()
    }

    /// A value that notes its own drop.
    pub fn drop_note(&self, entry: impl Into<String>) -> DropNote {
        DropNote { journal: self.clone(), entry: entry.into() }
    }
}

/// Notes its own drop in a journal.
#[derive(Debug)]
pub struct DropNote {
    journal: Journal,
    entry: String,
}

impl Drop for DropNote {
    fn drop(&mut self) {
        self.journal.note(std::mem::take(&mut self.entry));
    }
}

/// Holds up whoever passes until it is opened.
#[derive(Clone, Debug)]
pub struct Gate {
    entered: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    pub fn new() -> Self {
        goes_on();
        Gate { entered: Arc::new(Semaphore::new(0)), opened: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until the gate lets one more pass.
    pub async fn pass(&self) {
        self.entered.add_permits(1);
        self.opened.acquire().await.expect("a gate is never closed").forget();
    }

    /// Waits until somebody stands at the gate.
    pub async fn reached(&self) {
        self.entered.acquire().await.expect("a gate is never closed").forget();
    }

    /// Lets one pass.
    pub fn open(&self) {
        self.opened.add_permits(1);
    }

    /// Lets everybody pass from now on.
    pub fn open_wide(&self) {
        self.opened.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

/// Waits until `condition` holds; panics if it does not within ten seconds of the runtime's clock.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    goes_on();
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("did not come about: {what}");
}

/// Awaits `future`, but not for ever: ten seconds of the runtime's clock.
pub async fn promptly<F: Future>(what: &str, future: F) -> F::Output {
    goes_on();
    let (mut future, mut time) = (pin!(future), pin!(tokio::time::sleep(Duration::from_secs(10))));
    poll_fn(|cx| {
        // The time first: what has come and has woken nobody is not found by looking once more.
        assert!(time.as_mut().poll(cx).is_pending(), "did not come about: {what}");
        future.as_mut().poll(cx)
    })
    .await
}

/// Whether `future` still waits after a second of the runtime's clock.
pub async fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    tokio::time::timeout(Duration::from_secs(1), future).await.is_err()
}

/// What a panic of `failing` said.
pub fn complaint_of(failing: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(failing)).expect_err("it panics");
    payload.downcast_ref::<String>().expect("the panic has a text").clone()
}

/// An error with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

/// Runs `test` on a multi-thread runtime of `workers` workers, each in turn: 1, 2 and 8.
pub fn on_1_2_and_8_workers<F: Future<Output = ()>>(test: impl Fn() -> F) {
    for workers in [1, 2, 8] {
        goes_on();
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .expect("a runtime can be built")
            .block_on(test());
    }
}
