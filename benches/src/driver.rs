//! All measurements, in turns, each in a process of its own.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::plan::Plan;
use crate::plot;
use crate::report;
use crate::results::{Key, Results};
use crate::system::Rt;
use crate::workload::{Work, Workload};

/// Measures, and writes the tables, the plot and all values. The system changes most often, so that what the machine does
/// besides strikes all alike.
///
/// # Errors
/// A measurement may fail; the others go on.
pub fn drive(plan: &Plan) -> Result<(), String> {
    let counting = build_live(plan)?;
    let begin = Instant::now();
    let mut results = Results::default();
    let mut failures = Vec::new();
    for run in 1..=plan.runs {
        for workload in &plan.workloads {
            for &rt in &plan.runtimes {
                progress(&format!("run {run} of {}, {} on {}", plan.runs, workload.name, rt.name()));
                for &system in &plan.systems {
                    match measure(plan, counting.as_deref(), system, workload, rt) {
                        Ok(values) => values
                            .into_iter()
                            .for_each(|(value, number)| results.add(run, Key { rt, workload: workload.name, value, system }, number)),
                        Err(error) => failures.push(format!("{system} {} {}: {error}", workload.name, rt.name())),
                    }
                }
            }
        }
        write(plan, run, &results)?;
    }
    progress("");
    println!("{}", report::tables(plan, &results));
    println!("after {} s; see {}", begin.elapsed().as_secs(), directory().display());
    if failures.is_empty() { Ok(()) } else { Err(format!("failed:\n{}", failures.join("\n"))) }
}

/// Has one process measure, and returns what it prints. What uses memory is done once more where an allocator counts it.
fn measure(plan: &Plan, counting: Option<&Path>, system: &str, workload: &Workload, rt: Rt) -> Result<Vec<(String, f64)>, String> {
    let n = if plan.quick { workload.quick() } else { workload.n };
    let args = ["run", system, workload.name, rt.name(), &n.to_string()];
    let mut values = run_child(&env::current_exe().map_err(|error| error.to_string())?, &args)?;
    if let (Work::Memory { .. }, Some(program)) = (workload.work, counting) {
        values.extend(run_child(program, &args)?.into_iter().map(|(name, value)| (format!("live-{name}"), value)));
    }
    Ok(values)
}

fn run_child(program: &Path, args: &[&str]) -> Result<Vec<(String, f64)>, String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}; {}", output.status, error.trim()));
    }
    if said.trim() == "-" {
        return Ok(Vec::new());
    }
    said.split_whitespace()
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(|| format!("not understood: {said}"))?;
            Ok((name.to_owned(), value.parse().map_err(|_| format!("not understood: {said}"))?))
        })
        .collect()
}

/// Builds the program with the allocator that counts, if it is needed. Cargo has built only this one.
fn build_live(plan: &Plan) -> Result<Option<PathBuf>, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?.with_file_name("live");
    if !plan.workloads.iter().any(|workload| matches!(workload.work, Work::Memory { .. })) {
        return Ok(None);
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let features: &[&str] = if cfg!(feature = "peers") { &[] } else { &["--no-default-features"] };
    let built = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--bin",
            "live",
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .args(features)
        .status();
    if built.is_ok_and(|status| status.success()) { Ok(Some(program)) } else { Err("cannot build `live`".to_owned()) }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("bench")
}

fn write(plan: &Plan, runs: usize, results: &Results) -> Result<(), String> {
    let directory = directory();
    let page = format!("{}\n{}", report::head(plan, runs), report::tables(plan, results));
    fs::create_dir_all(&directory)
        .and_then(|()| fs::write(directory.join("report.md"), page))
        .and_then(|()| fs::write(directory.join("values.tsv"), results.to_tsv()))
        .and_then(|()| fs::write(directory.join("ratios.svg"), plot::svg(plan, results)))
        .map_err(|error| format!("{}: {error}", directory.display()))
}

/// Shows what is going on, in one line that is written over.
fn progress(what: &str) {
    eprint!("\r\x1b[K{what}");
    // Nothing depends on it.
    _ = std::io::stderr().flush();
}
