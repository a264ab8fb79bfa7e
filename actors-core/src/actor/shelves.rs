//! Where an actor keeps the messages that it has put aside.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::lifecycle::ties::Answer;

/// What an actor has put aside. Behind a lock that is never waited for, so that a context can be shared between threads
/// whatever the messages are.
pub(super) struct Stash<T>(pub(super) Mutex<Shelves<T>>);

pub(super) struct Shelves<T> {
    /// What stays until it is released.
    pub(super) kept: VecDeque<Put<T>>,
    /// What is to be handled next.
    pub(super) released: VecDeque<Put<T>>,
}

/// A message that was put aside.
pub(crate) struct Put<T> {
    pub(crate) message: T,
    /// Whoever asked.
    pub(crate) asker: Option<Arc<dyn Answer>>,
}

impl<T> Stash<T> {
    pub(super) fn new() -> Self {
        Stash(Mutex::new(Shelves { kept: VecDeque::new(), released: VecDeque::new() }))
    }

    pub(super) fn shelves(&mut self) -> &mut Shelves<T> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Shelves<T> {
    pub(super) fn len(&self) -> usize {
        self.kept.len() + self.released.len()
    }
}
