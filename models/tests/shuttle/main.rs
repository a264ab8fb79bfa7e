//! Protocols between whole actors, in random orders of their steps.
//!
//! What runs is the whole library, all of its files, through its public face. What stands in are the shims under it: locks, atomics,
//! threads and tasks are shuttle's, and no time passes.

mod cast;
mod protocols;
mod turns;

use std::process::ExitCode;

fn main() -> ExitCode {
    models::explore(&[protocols::MODELS, turns::MODELS].concat())
}
