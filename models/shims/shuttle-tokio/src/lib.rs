//! As much of tokio as actors-core needs, with the tasks of shuttle, in which no time passes.

pub use ::tokio::{select, signal, sync};

/// As `tokio::runtime`.
pub mod runtime {
    pub use ::tokio::runtime::{Builder, Runtime, RuntimeFlavor};

    use ::shuttle::rand::Rng;

    /// As `tokio::runtime::Handle`: there is one runtime, which is the model.
    #[derive(Clone, Debug)]
    pub struct Handle;

    impl Handle {
        /// As the real one.
        pub fn current() -> Handle {
            Handle
        }

        /// As the real one, which may find no runtime.
        pub fn try_current() -> Result<Handle, ::std::convert::Infallible> {
            Ok(Handle)
        }

        /// As the real one.
        pub fn enter(&self) -> Entered {
            Entered
        }

        /// As the real one.
        pub fn spawn<F>(&self, work: F) -> super::task::JoinHandle<F::Output>
        where
            F: Future + Send + 'static,
            F::Output: Send + 'static,
        {
            ::shuttle::future::spawn(work)
        }

        /// As the real one.
        pub fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> super::task::JoinHandle<T> {
            ::shuttle::future::spawn(async move { work() })
        }

        /// As the real one; here it is the one or the other by chance, so that what depends on it is tried both ways.
        pub fn runtime_flavor(&self) -> RuntimeFlavor {
            if ::shuttle::rand::thread_rng().gen_bool(0.5) { RuntimeFlavor::CurrentThread } else { RuntimeFlavor::MultiThread }
        }

        /// As the real one.
        pub fn block_on<F: Future>(&self, work: F) -> F::Output {
            ::shuttle::future::block_on(work)
        }
    }

    /// As what the real `enter` returns.
    #[derive(Debug)]
    pub struct Entered;
}

/// As `tokio::task`.
pub mod task {
    use ::shuttle::rand::Rng;

    pub use ::shuttle::future::{AbortHandle, JoinHandle, yield_now};

    /// As the real one, but for the id itself; whether a task runs is decided by chance, so that what depends on it is tried both ways.
    pub fn try_id() -> Option<()> {
        ::shuttle::rand::thread_rng().gen_bool(0.5).then_some(())
    }

    /// As `tokio::task::coop`, with a budget that is never used up: the models yield by themselves.
    pub mod coop {
        use ::std::task::{Context, Poll};

        /// As the real one, with nothing to restore.
        #[derive(Debug)]
        pub struct RestoreOnPending;

        impl RestoreOnPending {
            /// As the real one.
            pub fn made_progress(&self) {}
        }

        /// As the real one.
        pub fn poll_proceed(_cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
            Poll::Ready(RestoreOnPending)
        }
    }
}

/// As `tokio::time`. No time passes, so no limit is outrun, and whoever sleeps sleeps as long as the model runs.
pub mod time {
    use ::std::pin::Pin;
    use ::std::task::{Context, Poll};
    use ::std::time::Duration;

    pub use ::tokio::time::Instant;

    /// As `tokio::time::Sleep`, and never over.
    #[derive(Debug)]
    pub struct Sleep(Instant);

    impl Sleep {
        /// As the real one.
        pub fn deadline(&self) -> Instant {
            self.0
        }

        /// As the real one.
        pub fn is_elapsed(&self) -> bool {
            false
        }

        /// As the real one.
        pub fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
            self.0 = deadline;
        }
    }

    impl Future for Sleep {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }

    /// As the real one.
    pub fn sleep(_: Duration) -> Sleep {
        Sleep(Instant::now())
    }

    /// As the real one.
    pub fn sleep_until(deadline: Instant) -> Sleep {
        Sleep(deadline)
    }

    /// As the real one.
    #[derive(Debug)]
    pub struct Elapsed;

    /// As the real one.
    pub async fn timeout<F: Future>(_: Duration, work: F) -> Result<F::Output, Elapsed> {
        Ok(work.await)
    }

    /// As the real one.
    pub async fn timeout_at<F: Future>(_: Instant, work: F) -> Result<F::Output, Elapsed> {
        Ok(work.await)
    }
}
