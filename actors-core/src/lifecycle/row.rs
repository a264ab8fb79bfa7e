//! Children in a row, by id, which is start order.
//!
//! A tree map would do the same. This one takes half of its memory, since a map that is filled in order leaves its nodes half
//! empty, and the last child, which is the next to stop, is found without a search.

use super::id::ActorId;

/// Gaps are closed when there are more of them than of this, and than of what is left.
const GAPS: usize = 32;

pub(super) struct Row<T> {
    /// Sorted by id. Whoever has gone leaves a gap.
    places: Vec<(ActorId, Option<T>)>,
    len: usize,
}

impl<T> Default for Row<T> {
    fn default() -> Self {
        Row { places: Vec::new(), len: 0 }
    }
}

impl<T> Row<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All, in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|(_, value)| value.as_ref())
    }

    pub(super) fn get(&self, id: ActorId) -> Option<&T> {
        self.places[self.place(id)?].1.as_ref()
    }

    /// Adds one; ids are added once, and almost always in order.
    pub(super) fn insert(&mut self, id: ActorId, value: T) {
        let place = match self.places.last() {
            Some((last, _)) if *last > id => self.places.partition_point(|(other, _)| *other < id),
            _ => self.places.len(),
        };
        self.places.insert(place, (id, Some(value)));
        self.len += 1;
    }

    pub(super) fn remove(&mut self, id: ActorId) -> Option<T> {
        let place = self.place(id)?;
        let value = self.places[place].1.take()?;
        self.len -= 1;
        while let Some((_, None)) = self.places.last() {
            self.places.pop();
        }
        if self.places.len() - self.len > self.len.max(GAPS) {
            self.places.retain(|(_, value)| value.is_some());
        }
        if self.places.capacity() > 4 * self.places.len().max(GAPS) {
            self.places.shrink_to(2 * self.places.len());
        }
        Some(value)
    }

    fn place(&self, id: ActorId) -> Option<usize> {
        let last = self.places.len().checked_sub(1)?;
        // Mostly one id follows on the other.
        let behind = self.places[last].0.0.checked_sub(id.0)?;
        if let Some(place) = usize::try_from(behind).ok().and_then(|behind| last.checked_sub(behind)) {
            if self.places[place].0 == id {
                return Some(place);
            }
        }
        self.places.binary_search_by_key(&id, |(other, _)| *other).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_holds_what_a_map_holds_whatever_comes_and_goes() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..50 {
            let (mut row, mut map) = (Row::default(), BTreeMap::new());
            let (mut ids, mut late) = (0, Vec::new());
            for n in 0..random.u32(0..2_000) {
                match random.u8(0..10) {
                    0..5 => {
                        ids += 1;
                        // Some come a little late.
                        if random.u8(0..5) == 0 {
                            late.push(ids);
                            continue;
                        }
                        row.insert(ActorId(ids), n);
                        map.insert(ActorId(ids), n);
                    }
                    5 => {
                        for id in late.drain(..) {
                            row.insert(ActorId(id), n);
                            map.insert(ActorId(id), n);
                        }
                    }
                    6 => {
                        let last = map.keys().last().copied().unwrap_or(ActorId(0));
                        assert_eq!(row.remove(last), map.remove(&last));
                    }
                    _ => {
                        let id = ActorId(random.u64(0..=ids));
                        assert_eq!(row.get(id), map.get(&id));
                        assert_eq!(row.remove(id), map.remove(&id));
                    }
                }
                assert_eq!((row.len(), row.is_empty()), (map.len(), map.is_empty()));
            }
            assert!(row.iter().eq(map.values()));
        }
    }

    #[test]
    fn what_has_gone_leaves_no_room_behind() {
        let mut row = Row::default();
        for id in 0..100_000 {
            row.insert(ActorId(id), id);
        }
        for id in 0..99_990 {
            row.remove(ActorId(id));
        }
        assert_eq!(row.len(), 10);
        assert!(row.places.capacity() < 1_000, "{}", row.places.capacity());
    }
}
