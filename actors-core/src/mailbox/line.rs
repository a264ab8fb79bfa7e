//! The senders that wait for room: whose turn is it?

use std::collections::VecDeque;
use std::task::Waker;

use crate::sync::{renew, wake};

/// For how many an empty line, or list of those admitted, keeps room.
const KEEP: usize = 64;

/// A place in the line of senders that wait for room.
#[derive(Clone, Copy)]
pub(crate) struct Ticket(u64);

/// The senders that wait for room, in the order in which they came.
#[derive(Default)]
pub(super) struct Line {
    pub(super) wakers: VecDeque<(u64, Waker)>,
    next: u64,
    /// Room that was granted and not yet used.
    pub(super) granted: u32,
}

impl Line {
    /// Takes a place at the end.
    pub(super) fn join(&mut self, waker: &Waker) -> Ticket {
        let number = self.next;
        self.next += 1;
        self.wakers.push_back((number, waker.clone()));
        Ticket(number)
    }

    /// Whether it is not yet the turn of whoever has this ticket; if it is, the room that was granted is used. The `old` waker is to be
    /// dropped once no lock is held.
    pub(super) fn still_waits(&mut self, ticket: Ticket, waker: &Waker, old: &mut Option<Waker>) -> bool {
        match self.wakers.binary_search_by_key(&ticket.0, |(number, _)| *number) {
            Ok(place) => {
                *old = renew(&mut self.wakers[place].1, waker);
                true
            }
            Err(_) => {
                self.granted -= 1;
                false
            }
        }
    }

    /// Which place in the line this is, if room has not been granted for it.
    pub(super) fn place_of(&self, ticket: Ticket) -> Option<usize> {
        self.wakers.binary_search_by_key(&ticket.0, |(number, _)| *number).ok()
    }

    /// Gives a place up, and returns the waker that stood there, to be dropped once no lock is held; if there is none, room had been granted
    /// for it, and is free again.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        match self.wakers.binary_search_by_key(&ticket.0, |(number, _)| *number) {
            Ok(place) => {
                let (_, waker) = self.wakers.remove(place)?;
                self.give_back();
                Some(waker)
            }
            Err(_) => {
                self.granted -= 1;
                None
            }
        }
    }

    /// Grants room to the first.
    pub(super) fn grant(&mut self) -> Option<Waker> {
        let (_, waker) = self.wakers.pop_front()?;
        self.granted += 1;
        self.give_back();
        Some(waker)
    }

    /// Gives the room back of many that have gone.
    fn give_back(&mut self) {
        if self.wakers.is_empty() && self.wakers.capacity() > KEEP {
            self.wakers = VecDeque::new();
        }
    }
}

/// Senders for whom there is room, to be woken once no lock is held. Mostly there are none, and this is as small as that.
#[derive(Default)]
pub(crate) struct Admitted(Option<Box<Wakers>>);

#[derive(Default)]
struct Wakers {
    all: Vec<Waker>,
}

impl Admitted {
    #[cold]
    pub(super) fn add(&mut self, waker: Waker) {
        self.0.get_or_insert_default().all.push(waker);
    }

    /// Wakes them.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn wake(&mut self) {
        if let Some(wakers) = &mut self.0 {
            wakers.wake();
        }
    }
}

impl Wakers {
    #[cold]
    fn wake(&mut self) {
        self.all.drain(..).for_each(wake);
        if self.all.capacity() > KEEP {
            self.all = Vec::new();
        }
    }
}
