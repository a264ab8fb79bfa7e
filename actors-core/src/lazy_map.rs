//! A map that is empty for most of its life, and costs next to nothing then.

use std::collections::BTreeMap;

/// To make an empty tree map, and above all to drop it, costs more than what most actors do when they end.
pub(crate) struct LazyMap<K, V>(Option<BTreeMap<K, V>>);

impl<K, V> Default for LazyMap<K, V> {
    fn default() -> Self {
        LazyMap(None)
    }
}

impl<K: Ord, V> LazyMap<K, V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.get_or_insert_default().insert(key, value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.as_mut()?.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let map = self.0.as_mut()?;
        let removed = map.remove(key);
        if map.is_empty() {
            self.0 = None;
        }
        removed
    }

    /// All values, in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().flat_map(BTreeMap::values)
    }
}

impl<K: Ord, V> IntoIterator for LazyMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::iter::Flatten<std::option::IntoIter<BTreeMap<K, V>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_put_in_until_that_is_taken_out_and_nothing_is_kept_then() {
        let mut map = LazyMap::default();
        assert!(map.is_empty());
        assert_eq!((map.insert(2, "two"), map.insert(1, "one"), map.insert(2, "second")), (None, None, Some("two")));
        assert_eq!(map.get_mut(&1).map(|value| std::mem::replace(value, "first")), Some("one"));
        assert!(map.values().eq(["first", "second"].iter()));
        assert_eq!((map.remove(&3), map.remove(&1), map.is_empty()), (None, Some("first"), false));
        assert_eq!((map.remove(&2), map.is_empty(), map.0.is_none()), (Some("second"), true, true));
        assert_eq!(map.remove(&2), None);
        map.insert(5, "five");
        map.insert(4, "four");
        assert!(map.into_iter().eq([(4, "four"), (5, "five")]));
    }
}
