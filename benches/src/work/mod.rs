//! How each workload goes: written once, for any system.

pub mod hops;
pub mod memory;
pub mod messages;
pub mod spawn;
pub mod stop;

use std::time::Duration;

use crate::measure::{Took, live, until};
use crate::system::System;
use crate::workload::Work;

/// What came out: a name for each value, which the workload's row is called by.
pub type Values = Vec<(&'static str, f64)>;

/// Does `n` of a workload, checks what came of it, and that nothing is left alive. `None` if the system has no such thing.
pub async fn perform<S: System>(system: S, work: Work, n: u64) -> Option<Values> {
    let values = match work {
        Work::Tell { yields } => messages::tell(&system, 1, n, yields).await,
        Work::FanIn { producers, yields } => messages::tell(&system, producers, n, yields).await,
        Work::Ask { at_once } => messages::ask(&system, at_once, n).await,
        Work::Ring { actors } => hops::ring(&system, actors, n).await,
        Work::Big { actors } => hops::big(&system, actors, n).await,
        Work::Skynet => spawn::skynet(&system, n).await?,
        Work::Spawn => spawn::spawn(&system, n).await,
        Work::SpawnAndTell => spawn::spawn_and_tell(&system, n).await,
        Work::Stop => stop::stop(&system, n).await,
        Work::Shutdown { shape, order } => stop::shutdown(&system, shape.levels(n), order).await?,
        Work::Memory { rest } => memory::memory(&system, n, rest).await,
    };
    system.finish().await;
    until("nothing is left alive", || live() == 0).await;
    Some(values)
}

/// Nanoseconds for each of so many: by the clock, and on the processors.
pub fn each(took: Took, times: u64) -> Values {
    let each = |took: Duration| took.as_nanos() as f64 / times as f64;
    vec![("ns", each(took.time)), ("cpu", each(took.cpu))]
}
