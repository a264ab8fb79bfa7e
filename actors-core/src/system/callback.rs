//! What runs when all actors have ended.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use crate::lifecycle::env::Env;
use crate::lifecycle::exit::ExitReason;

/// The system has shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has shut down")]
pub struct Terminated;

/// A callback of any type.
#[async_trait]
pub(super) trait Callback: Send {
    async fn call(self: Box<Self>);
}

thread_local! {
    /// Of which system a callback is being polled on this thread; 0 if of none.
    static RUNS: Cell<usize> = const { Cell::new(0) };
}

/// Polls a callback of a system.
pub(super) fn as_callback<R>(env: &Arc<Env>, poll: impl FnOnce() -> R) -> R {
    struct Before(usize);
    impl Drop for Before {
        fn drop(&mut self) {
            RUNS.set(self.0);
        }
    }
    let _before = Before(RUNS.replace(Arc::as_ptr(env).addr()));
    poll()
}

/// Whether this is the code of a callback of the system, for which its report waits.
pub(super) fn is_callback(env: &Arc<Env>) -> bool {
    RUNS.try_with(Cell::get).is_ok_and(|runs| runs == Arc::as_ptr(env).addr())
}

/// What has gone wrong with a callback that is not waited for any longer.
pub(super) fn callback_too_late() -> ExitReason {
    ExitReason::failed("a callback outlasted its time".into())
}

struct Call<F>(F);

#[async_trait]
impl<F, Fut> Callback for Call<F>
where
    F: FnOnce() -> Fut + Send,
    Fut: Future<Output = ()> + Send,
{
    async fn call(self: Box<Self>) {
        (self.0)().await;
    }
}

impl dyn Callback {
    pub(super) fn boxed<F, Fut>(callback: F) -> Box<dyn Callback>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Box::new(Call(callback))
    }
}
