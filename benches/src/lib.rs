//! One set of workloads for all systems: ours, tokio by hand, and other frameworks.
//!
//! - [`system`]: what a system has to be able to do, and what its actors do.
//! - [`systems`]: each system in one file.
//! - [`workload`]: the list of what is measured; [`work`] has how, with the arithmetic and the checks, once for all.
//! - [`child`]: one measurement, in a process of its own.
//! - [`driver`]: all of them, in turns, and [`report`] and [`plot`] for what comes out.

pub mod args;
pub mod child;
pub mod driver;
pub mod measure;
pub mod plan;
pub mod plot;
pub mod report;
pub mod results;
pub mod system;
pub mod systems;
pub mod work;
pub mod workload;
