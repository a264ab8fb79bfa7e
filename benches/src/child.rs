//! One measurement, in a process of its own.

use std::process;
use std::thread;
use std::time::Duration;

use crate::plan::Measurement;
use crate::systems;

/// No measurement takes longer.
const LIMIT: Duration = Duration::from_secs(180);

/// Measures, and returns the line that says what came out: `ns=28.5`, or `-` where a system has no such thing.
///
/// # Errors
/// There may be no such system.
pub fn run(Measurement { system, workload, rt, n }: &Measurement) -> Result<String, String> {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!("bench: not done after {LIMIT:?}");
        process::exit(1);
    });
    let Some(values) = systems::measure(system, workload, *rt, *n)? else {
        return Ok("-\n".to_owned());
    };
    let values: Vec<_> = values.iter().map(|(name, value)| format!("{name}={value:.2}")).collect();
    Ok(values.join(" ") + "\n")
}
