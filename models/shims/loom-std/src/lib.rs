//! The standard library, with the locks and atomics of loom in the place of its own.
//!
//! A crate that says `extern crate loom_std as std;` at its root gets them wherever it, or a file that it includes, says
//! `std::sync`. So the code that is modelled is the very code that is shipped, and knows nothing of models.

pub use ::std::*;

/// As `std::sync`.
pub mod sync {
    pub use ::loom::sync::{Condvar, Mutex, MutexGuard};
    // What is counted, or set before it is shared, is no protocol of ours.
    pub use ::std::sync::{Arc, LockResult, OnceLock, PoisonError, Weak};

    /// As `std::sync::atomic`.
    pub mod atomic {
        pub use ::loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
    }
}

/// As `std::thread`.
pub mod thread {
    pub use ::loom::thread::AccessError;

    /// As `std::thread::LocalKey`: one value for each thread of the model, which all run on one real thread.
    pub struct Local<T: 'static>(#[doc(hidden)] pub ::loom::thread::LocalKey<T>);

    impl<T: 'static> Local<T> {
        /// As the real one.
        pub fn try_with<R>(&'static self, work: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
            self.0.try_with(work)
        }
    }

    impl<T: 'static> Local<::std::cell::Cell<T>> {
        /// As the real one.
        pub fn set(&'static self, value: T) {
            self.0.with(|cell| cell.set(value));
        }

        /// As the real one.
        pub fn get(&'static self) -> T
        where
            T: Copy,
        {
            self.0.with(::std::cell::Cell::get)
        }

        /// As the real one.
        pub fn take(&'static self) -> T
        where
            T: Default,
        {
            self.0.with(::std::cell::Cell::take)
        }

        /// As the real one.
        pub fn replace(&'static self, value: T) -> T {
            self.0.with(|cell| cell.replace(value))
        }
    }
}

/// As `std::thread_local!`, for the one form in which it is used.
#[macro_export]
macro_rules! local_to_a_models_thread {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = const { $init:expr };)*) => {
        $($(#[$attribute])* static $name: std::thread::Local<$type> =
            std::thread::Local(std::loom::thread::LocalKey { init: || $init, _p: std::marker::PhantomData });)*
    };
}

#[doc(hidden)]
pub use ::loom;

/// As `std::time`.
pub mod time {
    pub use ::std::time::Duration;

    /// As the real one. No time passes: what a model does next does not depend on how fast the machine is.
    #[derive(Clone, Copy, Debug)]
    pub struct Instant;

    impl Instant {
        /// As the real one.
        pub fn now() -> Instant {
            Instant
        }

        /// As the real one.
        pub fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }
}

/// The locks and atomics of the real standard library, for the notes of a model: taking them is no step.
pub mod unseen {
    pub use ::std::sync::Mutex;
    pub use ::std::sync::atomic::{AtomicU64, Ordering};
}
