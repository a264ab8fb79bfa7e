//! What makes an actor run: creation, the loop, the one path by which every actor ends, the ladder that brings children
//! down.
//!
//! Only this floor calls hooks. Whatever the cause of an end, it goes through [`life::Life`]: by `end`, which may wait, or
//! by its destructor, which may not, when the task is dropped.

mod builder;
mod crash;
mod failing;
mod fault;
mod ladder;
mod life;
mod peer_group;
mod relay;
mod rest;
mod row;
mod seat;
mod serve;
mod sitter;
mod starting;
mod subtree;
mod task;
mod teardown;
mod turn;
mod turns;
mod watch;

pub use builder::{Builder, StartError};
pub use peer_group::PeerGroup;
pub use starting::Starting;

pub(crate) use builder::{Enroll, ready, revive, until_started};
pub(crate) use ladder::{Budget, Descent, Parent, bring_down, discard_all, give_up};
