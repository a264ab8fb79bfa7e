//! What a program of actors needs beside its tree: topics to publish on, groups to find each other, pools of workers.
//!
//! All of it is built on what users have too, and on one thing of the kernel: an actor that ends for good is taken out of
//! all that it belongs to, by the same list as its peer groups. Invariants:
//!
//! 1. Whoever stands in a topic or a group has an entry for it among its ties, and the reverse. Both are changed under the
//!    lock of the ties, which is taken first; then the lock of the topic or group; then that of an outbox.
//! 2. Nothing is sent, cloned or dropped that is a user's while one of these locks is held. Whoever delivers what has waited in an
//!    outbox holds one more meanwhile, for which those wait who want nothing of it any more: it is in the mailbox then, or dropped.
//! 3. What is for one actor goes through its outbox. Once something waits there, all that follows waits behind it, and one
//!    courier alone delivers: the order is that of publishing.
//! 4. A topic or group that nobody stands in and nobody holds is gone, its name with it.

mod dead_letters;
mod group;
mod names;
mod outbox;
mod pool;
mod roster;
mod topic;

pub use group::{Group, GroupChange, GroupNotice};
pub use outbox::Lagged;
pub use pool::{PoolRef, Routing, WorkerPool};
pub use topic::{Published, Subscriber, Topic};
