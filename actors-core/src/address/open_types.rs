//! The types of messages that an open actor has been sent, beside those that its block names.

use std::any::{TypeId, type_name};
use std::sync::OnceLock;

use crate::lifecycle::path::short_name;

/// A list of types that only grows: a type keeps its place. `#[messages(open)]` writes one for its actor.
#[doc(hidden)]
#[derive(Debug)]
pub struct OpenTypes {
    first: OnceLock<Box<OpenType>>,
}

#[derive(Debug)]
struct OpenType {
    id: TypeId,
    name: &'static str,
    next: OnceLock<Box<OpenType>>,
}

impl OpenTypes {
    #[allow(clippy::new_without_default, reason = "it is for a static, and a default is not constant")]
    pub const fn new() -> Self {
        OpenTypes { first: OnceLock::new() }
    }

    /// Returns the place of a type, which is at the end if it is new.
    pub(crate) fn place_of<M: 'static>(&self) -> u16 {
        let id = TypeId::of::<M>();
        let (mut slot, mut place) = (&self.first, 0_u16);
        loop {
            let found = slot.get_or_init(|| Box::new(OpenType { id, name: short_name(type_name::<M>()), next: OnceLock::new() }));
            if found.id == id {
                return place;
            }
            (slot, place) = (&found.next, place.saturating_add(1));
        }
    }

    /// Returns the name of the type at this place.
    pub(crate) fn name(&self, place: usize) -> Option<&'static str> {
        let mut found = self.first.get()?;
        for _ in 0..place {
            found = found.next.get()?;
        }
        Some(found.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_keeps_its_place_and_its_name() {
        let types = OpenTypes::new();
        assert_eq!([types.place_of::<u8>(), types.place_of::<Option<u8>>(), types.place_of::<u8>()], [0, 1, 0]);
        assert_eq!([types.name(0), types.name(1), types.name(2)], [Some("u8"), Some("Option"), None]);
    }

    #[test]
    fn types_that_come_at_once_get_a_place_each() {
        let types = OpenTypes::new();
        let places = std::thread::scope(|scope| {
            let first = scope.spawn(|| types.place_of::<u8>());
            let second = scope.spawn(|| types.place_of::<u16>());
            [first, second].map(|thread| thread.join().expect("it does not panic"))
        });
        assert_ne!(places[0], places[1]);
        assert_eq!(places, [types.place_of::<u8>(), types.place_of::<u16>()]);
    }
}
