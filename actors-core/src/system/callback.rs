//! What runs when all actors have ended.

use std::future::Future;

use async_trait::async_trait;

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
