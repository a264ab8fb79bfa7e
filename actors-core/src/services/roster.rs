//! Who stands in a topic or a group, in the order of joining.

use std::collections::BTreeMap;

use crate::lifecycle::id::ActorId;

#[derive(Clone)]
pub(super) struct Roster<T> {
    places: BTreeMap<ActorId, u64>,
    entries: BTreeMap<u64, T>,
    next: u64,
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Roster { places: BTreeMap::new(), entries: BTreeMap::new(), next: 0 }
    }
}

impl<T> Roster<T> {
    /// Adds an actor that is not there yet.
    pub(super) fn add(&mut self, id: ActorId, entry: T) {
        let known = self.places.insert(id, self.next);
        debug_assert!(known.is_none(), "it is looked for before");
        self.entries.insert(self.next, entry);
        self.next += 1;
    }

    pub(super) fn get(&self, id: ActorId) -> Option<&T> {
        self.entries.get(self.places.get(&id)?)
    }

    pub(super) fn contains(&self, id: ActorId) -> bool {
        self.places.contains_key(&id)
    }

    pub(super) fn remove(&mut self, id: ActorId) -> Option<T> {
        self.entries.remove(&self.places.remove(&id)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.values()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
