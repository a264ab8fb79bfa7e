//! Worker pools: equal workers below one parent, reached through one reference that picks who gets each message.
//!
//! The pick is made where the message is sent ([`PoolRef`]): no actor stands between sender and worker, and no message is
//! boxed. The parent ([`WorkerPool`]) only keeps the workers running and publishes who they are. Invariants:
//!
//! 1. The crew has one place for each worker, in order, and a worker keeps its place as long as it is in the crew.
//! 2. Only the parent changes the crew. It publishes a worker that has started; one that it has asked to end is passed over until it is
//!    withdrawn.
//! 3. The crew stands with the parent's cell, not with its state: a reference made in one incarnation serves in the next.

mod crew;
mod pool_ref;
mod routing;
mod worker_pool;

pub use pool_ref::PoolRef;
pub use routing::Routing;
pub use worker_pool::WorkerPool;
