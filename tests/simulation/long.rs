//! Running many seeds, or one again, and telling of those that fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::check::check;
use crate::execute::{Run, on_paused_time};
use crate::generate;
use crate::program::Program;
use crate::shrink::{Cut, shrink};
use crate::world::locked;

/// How many runs it may take to cut one program down.
const CUTS: usize = 600;

/// A number from the environment.
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// Runs so many seeds from the first on, on all cores, and panics with those that fail.
pub fn run(first: u64, count: u64) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicU64::new(first);
    let done = AtomicU64::new(0);
    let failed: Mutex<Vec<String>> = Mutex::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // A few are enough to work on.
                    if seed >= first + count || locked(&failed).len() >= 5 {
                        return;
                    }
                    if let Some(failure) = attempt(seed) {
                        eprintln!("{failure}");
                        locked(&failed).push(failure);
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done % 50_000 == 0 {
                        eprintln!("{done} of {count} seeds, {} failed, after {:?}", locked(&failed).len(), began.elapsed());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics with it");
    println!("{} seeds from {first} on, {} failed, in {:?}", done.into_inner(), failed.len(), began.elapsed());
    assert!(failed.is_empty(), "{} seeds failed; the first:\n{}", failed.len(), failed[0]);
}

/// Runs one seed; tells what is wrong, with the program cut down.
fn attempt(seed: u64) -> Option<String> {
    let program = generate::program(seed);
    let wrong = wrong_of(&program);
    let first = wrong.first()?;
    let rule = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    let cut = shrink(&program, CUTS, |smaller| wrong_of(smaller).iter().any(|other| rule(other) == rule(first)));
    let small = cut.of(&program);
    Some(format!(
        "seed {seed} fails:\n  {}\ncut down:\n  {}\n{small:#?}\nagain: SIM_SEED={seed} SIM_CUT='{cut}' cargo test -p tests --test simulation programs_keep -- --nocapture\n",
        wrong.join("\n  "),
        wrong_of(&small).join("\n  "),
    ))
}

/// What is wrong with the run of a program. The watchdog of a shutdown goes by the clock of the machine: a run in which that
/// went on for seconds is none.
fn wrong_of(program: &Program) -> Vec<String> {
    for _ in 0..3 {
        let run = on_paused_time(program);
        let wrong = check(&run);
        if wrong.is_empty() || run.took < Duration::from_secs(4) {
            return wrong;
        }
    }
    vec!["the machine is too slow".to_owned()]
}

/// Runs one seed, cut down if `SIM_CUT` says so, and prints all of it.
pub fn replay(seed: u64) {
    let cut: Cut =
        std::env::var("SIM_CUT").ok().map_or_else(Cut::default, |text| text.parse().unwrap_or_else(|error| panic!("SIM_CUT: {error}")));
    let program = cut.of(&generate::program(seed));
    println!("{program:#?}");
    let run = on_paused_time(&program);
    println!("{}", tell(&run));
    let wrong = check(&run);
    assert!(wrong.is_empty(), "seed {seed}:\n  {}", wrong.join("\n  "));
}

/// All that was seen of a run.
pub fn tell(run: &Run) -> String {
    let mut text = String::new();
    for (pos, entry) in run.journal.iter().enumerate() {
        text += &format!("{pos:4} {:>10.3?} {:?}\n", entry.at, entry.note);
    }
    for event in &run.lives {
        text += &format!("{} {event}\n", event.id);
    }
    text
}
