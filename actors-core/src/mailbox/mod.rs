//! Where messages wait: a queue for many senders and one receiver, generic in its item, that knows no actor.
//!
//! One lock guards the queue, the place of the sleeping receiver and the line of waiting senders, so that no wake-up can
//! fall between two of them. The receiver takes the whole queue at a time ([`Batch`]), so it seldom meets the senders.
//!
//! Invariants:
//!
//! 1. Messages are numbered in the order in which they enter; `pushed`, the last number, grows under the lock. `taken`,
//!    the number of the last message taken, is written by the receiver alone. What is queued has the last numbers, without
//!    a gap; only where the oldest message is dropped are numbers between `taken` and the queue missing.
//! 2. A bounded mailbox never holds more than `capacity` messages, granted room included.
//! 3. A sender that waits is in line once. Room is granted from the front, and what was granted is kept for whoever it
//!    was granted to; where there is more, a newcomer may put his message in before those who were granted room have.
//! 4. A receiver sleeps only if, under the lock, the queue was empty and nothing urgent was pending; or if it took the only message
//!    under the lock and said there that it would sleep after it. Then whoever comes wakes it, though it may not sleep yet, and it
//!    looks at what is urgent before it does. That saves the second look of one that gets messages one at a time.
//! 5. No waker is woken and no item is dropped while the lock is held: both may run code of others.
//! 6. Control messages stand in a lane of their own, with numbers of their own, and count for neither 1 nor 2. While there
//!    is one, the caller's mark is set: both change together, under the lock.

mod capacity;
mod control;
mod line;
mod queue;
mod receive;
mod ring;

pub use capacity::{Capacity, Overflow};
pub(crate) use control::{Flags, Lane, lane_of};
pub(crate) use line::{Admitted, Ticket};
pub(crate) use queue::{Admission, Closed, Door, Full, Mailbox, Pushed, Wakeup};
pub(crate) use receive::{Batch, Refill};
pub(crate) use ring::fill;
