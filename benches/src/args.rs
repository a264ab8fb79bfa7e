//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};

use crate::plan::{Measurement, Plan};
use crate::system::Rt;
use crate::workload::{self, WORKLOADS, Workload};
use crate::{child, driver, systems};

const HELP: &str = "\
Measures actors: ours, tasks written by hand over tokio's channels, and other frameworks.

    bench [options]                          all of it, in turns; writes target/bench/
    bench run <system> <workload> <rt> [n]   one measurement, here; prints one line

    --only <names>      these workloads, and those whose names begin so: --only tell,ask-64
    --systems <names>   these systems: --systems ours,tokio
    --rt <ct|mt>        this runtime only: current_thread, or multi_thread with two workers
    --runs <n>          the median of so many (default 5; with --quick 1)
    --quick             less of everything: to see that it works, not how fast
    --cpu               show time on the processors instead of time by the clock: for a machine that is not idle
    --list              what there is
";

enum Command {
    Help,
    List,
    Run(Measurement),
    Drive(Plan),
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let done = parse(std::env::args_os().skip(1)).map_err(|error| error.to_string()).and_then(|command| match command {
        Command::Help => say(HELP),
        Command::List => say(&list()),
        Command::Run(measurement) => say(&child::run(&measurement)?),
        Command::Drive(plan) => driver::drive(&plan),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) -> Result<(), String> {
    print!("{text}");
    Ok(())
}

fn list() -> String {
    let mut list = format!("systems: {}; where asked for: {}\n\n", systems::NAMES.join(", "), systems::MORE.join(", "));
    for workload in WORKLOADS {
        list += &format!("{:<28}{:<48}{:<16}n = {}\n", workload.name, workload.about, workload.unit, workload.n);
    }
    list
}

fn parse(args: impl Iterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut plan = Plan {
        workloads: WORKLOADS.iter().collect(),
        systems: systems::NAMES.to_vec(),
        runtimes: Rt::ALL.to_vec(),
        runs: 0,
        quick: false,
        cpu: false,
    };
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("list") => return Ok(Command::List),
            Long("only") => plan.workloads = chosen(&parser.value()?.string()?)?,
            Long("systems") => plan.systems = known_systems(&parser.value()?.string()?)?,
            Long("rt") => plan.runtimes = vec![runtime(&parser.value()?.string()?)?],
            Long("runs") => plan.runs = parser.value()?.parse()?,
            Long("quick") => plan.quick = true,
            Long("cpu") => plan.cpu = true,
            Value(command) if command == "run" => return measurement(&mut parser),
            _ => return Err(arg.unexpected()),
        }
    }
    if plan.runs == 0 {
        plan.runs = if plan.quick { 1 } else { 5 };
    }
    Ok(Command::Drive(plan))
}

fn measurement(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let system = parser.value()?.string()?;
    let name = parser.value()?.string()?;
    let workload = workload::find(&name).ok_or_else(|| format!("there is no workload `{name}`; see --list"))?;
    let rt = runtime(&parser.value()?.string()?)?;
    let n = match parser.next()? {
        None => workload.n,
        Some(Value(n)) => n.parse()?,
        Some(more) => return Err(more.unexpected()),
    };
    Ok(Command::Run(Measurement { system, workload, rt, n }))
}

fn chosen(names: &str) -> Result<Vec<&'static Workload>, String> {
    for name in names.split(',') {
        if !WORKLOADS.iter().any(|workload| belongs(workload, name)) {
            return Err(format!("there is no workload `{name}`; see --list"));
        }
    }
    Ok(WORKLOADS.iter().filter(|workload| names.split(',').any(|name| belongs(workload, name))).collect())
}

fn belongs(workload: &Workload, name: &str) -> bool {
    workload.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn known_systems(names: &str) -> Result<Vec<&'static str>, String> {
    let known = || systems::NAMES.iter().chain(systems::MORE).copied();
    for name in names.split(',') {
        if !known().any(|known| known == name) {
            return Err(format!("there is no system `{name}`; there are {:?}", known().collect::<Vec<_>>()));
        }
    }
    Ok(known().filter(|known| names.split(',').any(|name| name == *known)).collect())
}

fn runtime(name: &str) -> Result<Rt, String> {
    Rt::ALL.into_iter().find(|rt| rt.name() == name).ok_or_else(|| format!("there is no runtime `{name}`; there are ct and mt"))
}
