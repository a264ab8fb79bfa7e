//! What is to be measured.

use crate::system::Rt;
use crate::workload::Workload;

/// What is to be measured, by the driver.
#[derive(Debug)]
pub struct Plan {
    /// Which workloads.
    pub workloads: Vec<&'static Workload>,
    /// Which systems.
    pub systems: Vec<&'static str>,
    /// On which runtimes.
    pub runtimes: Vec<Rt>,
    /// How often.
    pub runs: usize,
    /// Whether only to see that it works.
    pub quick: bool,
    /// Whether to show time on the processors instead of time by the clock.
    pub cpu: bool,
}

/// One measurement.
#[derive(Debug)]
pub struct Measurement {
    /// Of which system.
    pub system: String,
    /// In which workload.
    pub workload: &'static Workload,
    /// On which runtime.
    pub rt: Rt,
    /// How much of it.
    pub n: u64,
}
