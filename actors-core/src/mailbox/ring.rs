//! A growing ring of items: what a queue and a batch are made of.
//!
//! It differs from `VecDeque` in how an item gets in. There is room before the item is made, so it is made in its slot. An item
//! that is made elsewhere and then moved is read again, and in other parts, while its writing is still under way, which costs a
//! processor more than all the rest of sending does.

use std::mem;

const SMALLEST: usize = 4;

pub(crate) struct Ring<T> {
    /// As many as a power of two, or none.
    slots: Box<[Option<T>]>,
    head: u32,
    len: u32,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> Self {
        Ring { slots: Box::default(), head: 0, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The slot behind the last item, which is empty. What is put into it becomes an item when it is [counted](Self::count).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn free(&mut self) -> &mut Option<T> {
        if self.len() == self.slots.len() {
            self.grow();
        }
        let place = self.place(self.len);
        &mut self.slots[place]
    }

    /// The slot behind the last item has been filled.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn count(&mut self) {
        self.len += 1;
    }

    /// Adds an item as the last, where there is no hurry.
    pub(crate) fn push(&mut self, item: T) {
        fill(self.free(), item);
        self.count();
    }

    /// The first item, where it stands.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn peek(&self) -> Option<&T> {
        if self.len == 0 { None } else { self.slots[self.place(0)].as_ref() }
    }

    /// Adds an item as the first.
    pub(crate) fn push_front(&mut self, item: T) {
        if self.len() == self.slots.len() {
            self.grow();
        }
        let place = self.place(u32::MAX);
        self.slots[place] = Some(item);
        self.head = place as u32;
        self.len += 1;
    }

    /// Takes the first item out.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let place = self.place(0);
        self.head = self.head.wrapping_add(1);
        self.len -= 1;
        self.slots[place].take()
    }

    /// Takes the only item out, and puts it into an empty slot.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn pop_only(&mut self, slot: &mut Option<T>) {
        debug_assert!(self.len == 1, "there is one");
        let place = self.place(0);
        self.head = self.head.wrapping_add(1);
        self.len = 0;
        mem::forget(mem::replace(slot, self.slots[place].take()));
    }

    /// Takes items out one after the other, and writes only at the end down how many.
    pub(crate) fn run(&mut self) -> Run<'_, T> {
        let (head, len) = (self.head, self.len);
        Run { slots: &mut self.slots, at: (head, len), written: (&mut self.head, &mut self.len) }
    }

    /// Takes the last item out.
    pub(crate) fn pop_back(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        let place = self.place(self.len);
        self.slots[place].take()
    }

    /// The slot that stands so many behind the first. There are slots.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn place(&self, behind: u32) -> usize {
        // The number of slots divides 2^32, so that places may be counted modulo that.
        self.head.wrapping_add(behind) as usize & (self.slots.len() - 1)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let wanted = (self.slots.len() * 2).max(SMALLEST);
        assert!(wanted <= 1 << 31, "a mailbox holds at most 2^31 messages");
        let mut slots = Vec::with_capacity(wanted);
        while let Some(item) = self.pop() {
            slots.push(Some(item));
        }
        self.len = slots.len() as u32;
        self.head = 0;
        while slots.len() < wanted {
            slots.push(None);
        }
        self.slots = slots.into_boxed_slice();
    }
}

/// Fills an empty slot. There is nothing to drop in it, and to say so keeps a path for panics out of every push.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn fill<T>(slot: &mut Option<T>, item: T) {
    mem::forget(slot.replace(item));
}

/// Items that are taken one after the other: which is the next is written down only when this goes.
pub(crate) struct Run<'a, T> {
    slots: &'a mut [Option<T>],
    /// The place of the next, and how many there are.
    at: (u32, u32),
    written: (&'a mut u32, &'a mut u32),
}

impl<T> Run<'_, T> {
    /// The next item, where it stands.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn peek(&self) -> Option<&T> {
        if self.at.1 == 0 { None } else { self.slots[self.place()].as_ref() }
    }

    /// Takes the next item out, if there is one.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn pop(&mut self) -> Option<T> {
        let (place, (head, len)) = (self.place(), self.at);
        self.at = (head.wrapping_add(1), len.checked_sub(1)?);
        self.slots[place].take()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn place(&self) -> usize {
        self.at.0 as usize & self.slots.len().wrapping_sub(1)
    }
}

impl<T> Drop for Run<'_, T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        (*self.written.0, *self.written.1) = self.at;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn it_holds_what_a_deque_holds_whatever_is_done_to_it() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let (mut ring, mut deque) = (Ring::new(), VecDeque::new());
            for n in 0..random.u32(0..200) {
                match random.u8(0..10) {
                    0..5 => {
                        fill(ring.free(), n);
                        ring.count();
                        deque.push_back(n);
                    }
                    5 => {
                        ring.push_front(n);
                        deque.push_front(n);
                    }
                    6 => assert_eq!(ring.pop_back(), deque.pop_back()),
                    _ => assert_eq!(ring.pop(), deque.pop_front()),
                }
                assert_eq!((ring.len(), ring.is_empty()), (deque.len(), deque.is_empty()));
                assert!(ring.capacity() >= ring.len());
            }
            assert!(std::iter::from_fn(|| ring.pop()).eq(deque));
        }
    }

    #[test]
    fn an_empty_one_has_no_slots() {
        assert_eq!(Ring::<String>::new().capacity(), 0);
    }
}
