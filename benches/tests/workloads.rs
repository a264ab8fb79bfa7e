//! Every workload, in a small way: what it checks holds, and nothing is left alive.

use std::time::Duration;

use benches::system::Rt;
use benches::systems;
use benches::workload::{Tree, WORKLOADS, Work};

/// Those that do everything, and of whom it is certain that nobody is left when they say so.
const ORDERLY: [&str; 2] = ["ours", "tokio"];

/// One test for all, since what is alive is counted for the whole process.
#[test]
fn every_system_does_every_workload_and_leaves_nothing_alive() {
    for workload in WORKLOADS {
        let mut workload = *workload;
        let n = match &mut workload.work {
            Work::Skynet => 100,
            Work::Shutdown { shape: Tree::Two(supervisors), .. } => 2 * *supervisors,
            Work::Memory { rest } => {
                *rest = Duration::ZERO;
                10
            }
            _ => workload.n / 1_000,
        };
        for &system in systems::NAMES {
            for rt in Rt::ALL {
                benches::measure::reset();
                let values = systems::measure(system, &workload, rt, n).expect("there is such a system");
                eprintln!("{system} {} {}: {values:?}", workload.name, rt.name());
                assert!(values.is_some() || !ORDERLY.contains(&system), "{system} does {}", workload.name);
                let left = values.iter().flatten().find(|(name, _)| *name == "left");
                assert!(left.is_none_or(|&(_, left)| left == 0.0 || !ORDERLY.contains(&system)), "{system} {}: {left:?}", workload.name);
            }
        }
    }
}
