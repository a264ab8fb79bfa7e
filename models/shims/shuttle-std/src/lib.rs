//! The standard library, with the locks, atomics and threads of shuttle in the place of its own.
//!
//! A crate that says `extern crate shuttle_std as std;` at its root gets them wherever it, or a file that it includes, says
//! `std::sync` or `std::thread`.

pub use ::std::*;

/// As `std::sync`.
pub mod sync {
    pub use ::shuttle::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};
    // What happens once in a process is no part of a schedule.
    pub use ::std::sync::{Arc, LockResult, Once, PoisonError, Weak, mpsc};

    /// As `std::sync::atomic`.
    pub mod atomic {
        pub use ::shuttle::sync::atomic::{AtomicBool, AtomicIsize, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    }

    /// As `std::sync::OnceLock`: whoever comes while another makes the value waits as shuttle has it wait.
    #[derive(Debug)]
    pub struct OnceLock<T> {
        value: ::std::sync::OnceLock<T>,
        making: Mutex<()>,
    }

    impl<T> OnceLock<T> {
        /// As the real one.
        #[allow(clippy::new_without_default, reason = "below")]
        pub const fn new() -> Self {
            OnceLock { value: ::std::sync::OnceLock::new(), making: Mutex::new(()) }
        }

        /// As the real one.
        pub fn get(&self) -> Option<&T> {
            self.value.get()
        }

        /// As the real one.
        pub fn set(&self, value: T) -> Result<(), T> {
            let _making = self.making.lock().expect("nothing panics here");
            self.value.set(value)
        }

        /// As the real one.
        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            if let Some(value) = self.get() {
                return value;
            }
            let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
            if self.get().is_none() {
                // It was not there under the lock.
                let _ = self.value.set(make());
            }
            self.get().expect("just made")
        }
    }

    impl<T> Default for OnceLock<T> {
        fn default() -> Self {
            OnceLock::new()
        }
    }
}

/// As `std::thread`.
pub mod thread {
    pub use ::shuttle::thread::{Builder, JoinHandle, Thread, current, park, park_timeout, sleep, spawn};
    pub use ::std::thread::{AccessError, panicking};

    /// As `std::thread::LocalKey`: one value for each thread of the model, which all run on one real thread.
    pub struct Local<T: 'static>(#[doc(hidden)] pub ::shuttle::thread::LocalKey<T>);

    impl<T: 'static> Local<T> {
        /// As the real one.
        pub fn with<R>(&'static self, work: impl FnOnce(&T) -> R) -> R {
            self.0.with(work)
        }

        /// As the real one. There is none outside of a model.
        pub fn try_with<R>(&'static self, work: impl FnOnce(&T) -> R) -> Result<R, NoSuchThread> {
            if ::shuttle::current::get_current_task().is_none() {
                return Err(NoSuchThread);
            }
            self.0.try_with(work).map_err(|_| NoSuchThread)
        }
    }

    /// There is no thread of a model here.
    #[derive(Debug)]
    pub struct NoSuchThread;

    impl<T: 'static> Local<::std::cell::Cell<T>> {
        /// As the real one.
        pub fn set(&'static self, value: T) {
            self.with(|cell| cell.set(value));
        }

        /// As the real one.
        pub fn get(&'static self) -> T
        where
            T: Copy,
        {
            self.with(::std::cell::Cell::get)
        }

        /// As the real one.
        pub fn replace(&'static self, value: T) -> T {
            self.with(|cell| cell.replace(value))
        }

        /// As the real one.
        pub fn take(&'static self) -> T
        where
            T: Default,
        {
            self.with(::std::cell::Cell::take)
        }
    }

    impl<T: 'static> Local<::std::cell::RefCell<T>> {
        /// As the real one.
        pub fn with_borrow_mut<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> R {
            self.with(|cell| work(&mut cell.borrow_mut()))
        }
    }
}

/// As `std::thread_local!`, for the one form in which it is used.
#[macro_export]
macro_rules! local_to_a_models_thread {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = const { $init:expr };)*) => {
        $($(#[$attribute])* static $name: std::thread::Local<$type> =
            std::thread::Local(std::shuttle::thread::LocalKey { init: || $init, _p: std::marker::PhantomData });)*
    };
}

#[doc(hidden)]
pub use ::shuttle;
