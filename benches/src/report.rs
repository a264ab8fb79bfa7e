//! The tables, in Markdown.

use std::fs;
use std::process::Command;

use crate::plan::Plan;
use crate::results::{Key, Results};
use crate::system::Rt;
use crate::workload::Workload;

/// Says when, where and with what it was measured.
pub fn head(plan: &Plan, runs: usize) -> String {
    let quick = if plan.quick { ", with `--quick`: less of everything than the tables say" } else { "" };
    let clock = if plan.cpu { " Times are those on the processors, all threads together." } else { "" };
    let rustc = Command::new("rustc")
        .arg("--version")
        .output()
        .map_or_else(|_| "rustc".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!(
        "# Measured\n\nMedians of {runs} runs{quick}.{clock} In parentheses: the ratio to tokio, the median of the ratios within each run. \
         `-`: there is no such thing.\n\n- {}\n- {rustc}; {}\n- load now: {}\n",
        processor(),
        versions().join(", "),
        fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
    )
}

/// Returns a table for each runtime.
pub fn tables(plan: &Plan, results: &Results) -> String {
    plan.runtimes.iter().map(|&rt| table(plan, results, rt)).collect()
}

fn table(plan: &Plan, results: &Results, rt: Rt) -> String {
    let title = match rt {
        Rt::Ct => "current_thread",
        Rt::Mt => "multi_thread, two workers",
    };
    let mut table = format!(
        "\n## {title}\n\n| workload | | unit | {} |\n|---|---|---|{}\n",
        plan.systems.join(" | "),
        "---:|".repeat(plan.systems.len())
    );
    for workload in &plan.workloads {
        for value in results.values_of(workload.name).filter(|value| is_shown(plan, value)) {
            let key = Key { rt, workload: workload.name, value: value.to_owned(), system: "" };
            let cells: Vec<_> = plan.systems.iter().map(|&system| cell(results, &Key { system, ..key.clone() })).collect();
            let name = row_name(workload, &key.value);
            table += &format!("| {name} | {} | {} | {} |\n", workload.about, workload.unit, cells.join(" | "));
        }
    }
    table
}

/// Whether a value has a row of its own.
pub fn is_shown(plan: &Plan, value: &str) -> bool {
    match value {
        LEFT => false,
        "ns" => !plan.cpu,
        "cpu" => plan.cpu,
        _ => true,
    }
}

/// What a row is called.
pub fn row_name(workload: &Workload, value: &str) -> String {
    if value == "ns" || value == "cpu" { workload.name.to_owned() } else { format!("{}-{value}", workload.name) }
}

/// How many actors were left when all should have ended: it stands in the cell of the time.
const LEFT: &str = "left";

fn cell(results: &Results, key: &Key) -> String {
    let Some(median) = results.median(key) else {
        return "-".to_owned();
    };
    let mut cell = number(median);
    if let Some(ratio) = results.ratio(key) {
        cell += &format!(" ({ratio:.2})");
    }
    match results.median(&Key { value: LEFT.to_owned(), ..key.clone() }) {
        Some(left) if left > 0.0 => cell + &format!(", {left} left alive"),
        _ => cell,
    }
}

/// Three digits, and no false ones.
fn number(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")).map_or("", |model| model.trim_start_matches([' ', '\t', ':']));
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{count} processors, {model}")
}

/// The versions that have been built, out of the lock file.
fn versions() -> Vec<String> {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let package = lock.split("[[package]]").find(|package| package.contains(&format!("name = \"{name}\"\n")))?;
        let version = package.lines().find_map(|line| line.strip_prefix("version = "))?;
        Some(format!("{name} {}", version.trim_matches('"')))
    };
    ["tokio", "kameo", "ractor", "actix", "xtra"].into_iter().filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::{number, versions};

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([7.26, 28.54, 312.7, 4021.2].map(number), ["7.3", "28.5", "313", "4021"]);
    }

    #[test]
    fn the_versions_of_all_systems_are_known() {
        assert_eq!(versions().len(), 5, "{:?}", versions());
    }
}
