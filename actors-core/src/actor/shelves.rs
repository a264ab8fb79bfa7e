//! Where an actor keeps the messages that it has put aside.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::lifecycle::ties::Answer;
use crate::sync::{Mutex, lock};

/// What an actor has put aside, as its context holds it: behind a pointer, so that code for it is made only for those actors that do.
pub(crate) trait AnyStash<T>: Send + Sync {
    fn shelves(&mut self) -> &mut Shelves<T>;

    /// How many it holds.
    fn len(&self) -> usize;

    /// Takes the next message that is to be handled again, and says whether it was the last.
    fn next_released(&mut self) -> (Option<Put<T>>, bool);

    /// Takes the next message, in the order in which all would have been handled.
    fn next_of_all(&mut self) -> Option<T>;
}

/// What an actor has put aside. Behind a lock that is never waited for, so that a context can be shared between threads
/// whatever the messages are.
pub(super) struct Stash<T>(Mutex<Shelves<T>>);

pub(crate) struct Shelves<T> {
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
}

impl<T: Send> AnyStash<T> for Stash<T> {
    fn shelves(&mut self) -> &mut Shelves<T> {
        self.0.get_mut()
    }

    fn len(&self) -> usize {
        let shelves = lock(&self.0);
        shelves.kept.len() + shelves.released.len()
    }

    fn next_released(&mut self) -> (Option<Put<T>>, bool) {
        let released = &mut self.shelves().released;
        (released.pop_front(), released.is_empty())
    }

    fn next_of_all(&mut self) -> Option<T> {
        let Shelves { kept, released } = self.shelves();
        Some(released.pop_front().or_else(|| kept.pop_front())?.message)
    }
}
