//! Who restarts whom: child specs, strategies, restart intensity, backoff, and supervisors that are ready to use.
//!
//! Any actor supervises: [`Context::child`](crate::Context::child) makes a child from a function that can be repeated, and
//! the parent's policy says whom its failure takes along (`strategy`) and how often is too often (`restarts`, `within`).
//! [`Supervisor`] is an actor that does nothing else.
//!
//! Deciding is plain: the table ([`table`]), the budget ([`intensity`]) and the waits ([`backoff`]) know no actor and wait for
//! nothing. [`supervise`] carries out what they say, beside the parent's own handlers, so that a parent that is busy still
//! has its children restarted.

mod backoff;
mod child;
mod child_fn;
mod drive;
mod intensity;
mod ledger;
mod manage;
mod ready_made;
mod spec;
mod supervise;
mod table;
mod warning;

pub use backoff::Backoff;
pub use child::{Child, ChildCounts, ChildError, ChildInfo, ChildKey, ChildState};
pub use child_fn::ChildFn;
pub use ready_made::{DynamicSupervisor, Supervisor};
pub use spec::{ChildSpec, Restart};
pub use warning::ConfigWarning;
