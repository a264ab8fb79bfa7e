//! The names of the topics, or of the groups, of one system. A name lasts as long as what it names.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::sync::{Mutex, lock};

#[derive(Default)]
pub(super) struct Names(Mutex<Table>);

/// By type first: the same name stands once for each.
type Table = HashMap<TypeId, HashMap<Arc<str>, Weak<dyn Any + Send + Sync>>>;

/// The entry of what is named; it goes with it.
pub(super) struct Named {
    pub(super) name: Arc<str>,
    names: Arc<Names>,
    kind: TypeId,
}

impl Names {
    /// What is called `name`; makes it if there is none. `make` must be plain: it is called under the lock.
    pub(super) fn get<T: Send + Sync + 'static>(self: &Arc<Self>, name: &str, make: impl FnOnce(Named) -> T) -> Arc<T> {
        let kind = TypeId::of::<T>();
        let mut table = lock(&self.0);
        let of_kind = table.entry(kind).or_default();
        let known = of_kind.get(name).and_then(Weak::upgrade);
        let named = known.unwrap_or_else(|| {
            let name: Arc<str> = Arc::from(name);
            let made: Arc<dyn Any + Send + Sync> = Arc::new(make(Named { name: name.clone(), names: self.clone(), kind }));
            of_kind.insert(name, Arc::downgrade(&made));
            made
        });
        drop(table);
        named.downcast().unwrap_or_else(|_| unreachable!("it stands there by its type"))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        lock(&self.0).values().map(HashMap::len).sum()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let mut table = lock(&self.names.0);
        let Some(of_kind) = table.get_mut(&self.kind) else { return };
        // Somebody may have made it anew since nobody holds this one any more.
        if of_kind.get(&self.name).is_some_and(|named| named.strong_count() == 0) {
            of_kind.remove(&self.name);
        }
        if of_kind.is_empty() {
            table.remove(&self.kind);
        }
    }
}
