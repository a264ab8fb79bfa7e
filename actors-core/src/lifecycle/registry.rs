//! Names: who is called what below which parent. Generic in what is named.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::id::ActorId;

/// Names to actors. A name is unique among the children of one parent; anonymous actors have no entry.
pub(crate) struct Registry<T> {
    names: DashMap<(ActorId, Arc<str>), T>,
}

impl<T: Clone> Registry<T> {
    pub(crate) fn new() -> Self {
        Registry { names: DashMap::new() }
    }

    /// Takes a name; returns who has it already.
    pub(crate) fn claim(&self, parent: ActorId, name: Arc<str>, named: T) -> Result<(), T> {
        match self.names.entry((parent, name)) {
            Entry::Occupied(taken) => Err(taken.get().clone()),
            Entry::Vacant(free) => {
                free.insert(named);
                Ok(())
            }
        }
    }

    /// Frees the name, if it belongs to whom `is_it` says.
    pub(crate) fn release(&self, parent: ActorId, name: &Arc<str>, is_it: impl Fn(&T) -> bool) {
        let freed = self.names.remove_if(&(parent, name.clone()), |_, named| is_it(named));
        drop(freed);
    }

    /// The child of `parent` with that name.
    pub(crate) fn find(&self, parent: ActorId, name: &str) -> Option<T> {
        self.names.get(&(parent, Arc::from(name))).map(|entry| entry.value().clone())
    }
}
