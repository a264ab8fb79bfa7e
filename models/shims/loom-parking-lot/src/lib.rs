//! The lock of `parking_lot`, as one of loom: without poison, and with the order of its steps in loom's hands.
//!
//! A crate that says `extern crate loom_parking_lot as parking_lot;` at its root gets it wherever it, or a file that it includes, says
//! `parking_lot`.

pub use ::loom::sync::MutexGuard;

/// As `parking_lot::Mutex`.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized>(::loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// As the real one.
    pub fn new(value: T) -> Self {
        Mutex(::loom::sync::Mutex::new(value))
    }

    /// As the real one.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// As the real one.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// As the real one.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }

    /// As the real one.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
