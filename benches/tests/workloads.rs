//! Every workload, in a small way: what it checks holds, and nothing is left alive.

use benches::system::Rt;
use benches::systems;
use benches::workload::{Tree, WORKLOADS, Work};

/// One test for all, since what is alive is counted for the whole process.
#[test]
fn every_system_does_every_workload_and_leaves_nothing_alive() {
    for workload in WORKLOADS {
        let n = match workload.work {
            Work::Skynet => 100,
            Work::Shutdown { shape: Tree::Two(supervisors), .. } => 2 * supervisors,
            _ => workload.n / 1_000,
        };
        for &system in systems::NAMES {
            for rt in Rt::ALL {
                benches::measure::reset();
                let values = systems::measure(system, workload, rt, n).expect("there is such a system");
                eprintln!("{system} {} {}: {values:?}", workload.name, rt.name());
            }
        }
    }
}
