//! Where a test may have an actor fail: before its hooks, and before the handling of each message.
//!
//! The choice between on and off is made here and nowhere else on this floor; both have the same functions, and the macro
//! `first`: what strikes before a message may have to wait, and even a wait that never comes has its place in a future.

#[cfg(feature = "test-kit")]
mod on;
#[cfg(feature = "test-kit")]
pub(super) use on::{POSSIBLE, around_start, around_stop, first, threatens_messages, threatens_start, threatens_stop};

#[cfg(not(feature = "test-kit"))]
mod off;
#[cfg(not(feature = "test-kit"))]
pub(super) use off::{POSSIBLE, around_start, around_stop, first, threatens_messages, threatens_start, threatens_stop};
