//! As much of tokio as the run queue needs: tasks on a few workers, which are threads of loom, and timers that are due when a model says so.
//!
//! What matters to the run queue is here as it is there. A task that is woken or spawned by a task stands in the *slot* of that one's worker, from where no
//! other takes it, unless another task comes into the slot after it. All other tasks, those that wake themselves while they run among them, are
//! every worker's. A timer that is due wakes whoever sleeps on the worker that looks at the clock.

pub mod runtime;
pub mod task;
pub mod time;
