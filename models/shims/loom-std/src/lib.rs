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

/// The locks and atomics of the real standard library, for the notes of a model: taking them is no step.
pub mod unseen {
    pub use ::std::sync::Mutex;
    pub use ::std::sync::atomic::{AtomicU64, Ordering};
}
