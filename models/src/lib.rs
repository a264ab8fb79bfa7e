//! Runs models, two at a time, and says how many schedules of each were explored.

use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// One model: the sentence that would be false, and what explores it and returns how many schedules it has seen.
pub type Model = (&'static str, fn() -> u64);

/// Explores the models whose names contain one of the program's arguments, or all if there are none.
///
/// A model fails by panicking. The summary has the form of `cargo test`'s own.
pub fn explore(models: &[Model]) -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen: Vec<Model> =
        models.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))).copied().collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, model)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let began = Instant::now();
                    let outcome = catch_unwind(*model);
                    let seconds = began.elapsed().as_secs_f32();
                    let line = match outcome {
                        Ok(schedules) => format!("{schedules:>9} schedules in {seconds:>5.1} s: {name}\n"),
                        Err(_) => {
                            failed.lock().expect("nothing panics here").push(*name);
                            format!("   FAILED after {seconds:>5.1} s: {name}\n")
                        }
                    };
                    // Nobody is left to be told if this cannot be written.
                    let _ = std::io::stdout().write_all(line.as_bytes());
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nothing panics here");
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    let passed = chosen.len() - failed.len();
    println!(
        "test result: {verdict}. {passed} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s",
        failed.len(),
        models.len() - chosen.len(),
        began.elapsed().as_secs_f32()
    );
    if failed.is_empty() && !chosen.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
