//! The jobs example: each job is done exactly once in the database, whatever happens to the workers and to the program.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::{Ended, Process};

/// A database of one test, made anew.
struct Database(PathBuf);

impl Database {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("jobs-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made where the tests are built");
        Database(folder)
    }

    fn start(&self, args: &[&str]) -> Process {
        let path = self.0.join("jobs.db");
        Process::start("jobs", &[&["--db", path.to_str().expect("the path is text")], args].concat())
    }

    /// Starts it, and sends it a signal when it has been working for a while.
    async fn interrupt(&self, args: &[&str], after: Duration, signal: &str) -> Ended {
        let process = self.start(args);
        process.stdout.has("run ", 1).await;
        tokio::time::sleep(after).await;
        process.signal(signal);
        process.ended().await
    }

    async fn check(&self) -> Check {
        Check(self.start(&["--check"]).ended().await)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is left of it does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `--check` has found.
struct Check(Ended);

impl Check {
    fn figure(&self, of: &str) -> u64 {
        let mut lines = self.0.stdout.lines();
        let figure = lines.find_map(|line| line.trim().strip_prefix(of)?.trim().parse().ok());
        figure.unwrap_or_else(|| panic!("no figure `{of}` in {}", self.0.stdout))
    }

    /// Whether it says that each of so many jobs is done exactly once.
    fn confirms(&self, jobs: u64) -> bool {
        let figures = [self.figure("jobs"), self.figure("done"), self.figure("completions")];
        self.0.code == Some(0) && figures == [jobs; 3] && self.0.stdout.contains("each job is done exactly once")
    }
}

/// Moments drawn from a seed: up to so many milliseconds.
fn moments(mut seed: u64, upto: u64) -> impl Iterator<Item = Duration> {
    std::iter::repeat_with(move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((seed >> 33) % upto)
    })
}

#[tokio::test]
async fn each_job_is_done_exactly_once_though_the_program_is_terminated_ten_times() {
    let database = Database::new("terminated");
    let args = ["--jobs", "2500", "--workers", "4", "--work-ms", "4", "--panic-rate", "0.05"];

    for (number, moment) in moments(7, 300).take(10).enumerate() {
        let ended = database.interrupt(&args, moment, "TERM").await;
        assert_eq!(ended.code, Some(0), "run {}: {}{}", number + 1, ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("shutdown complete in"), "{}", ended.stderr);
        let halfway = database.check().await;
        assert_eq!((halfway.figure("leased"), halfway.figure("runs")), (0, number as u64 + 1), "what is not done goes back");
        assert_eq!(halfway.figure("done"), halfway.figure("completions"));
    }
    let left = 2500 - database.check().await.figure("done");
    let last = database.start(&args).ended().await;

    let check = database.check().await;
    assert!(left > 0, "it was terminated in the middle of its work");
    assert_eq!(last.code, Some(0), "{}{}", last.stdout, last.stderr);
    assert!(check.confirms(2500), "{}", check.0.stdout);
    assert!(check.figure("panics") > 0 && check.figure("attempts") > 2500, "{}", check.0.stdout);
}

#[tokio::test]
async fn each_job_is_done_exactly_once_though_the_program_is_killed_and_leaves_its_leases_behind() {
    let database = Database::new("killed");
    let args = ["--jobs", "400", "--workers", "4", "--work-ms", "10", "--panic-rate", "0.2"];

    for moment in moments(11, 200).take(3) {
        let ended = database.interrupt(&args, Duration::from_millis(50) + moment, "KILL").await;
        assert_eq!(ended.code, None, "a signal ended it");
    }
    let left_behind = database.check().await.figure("leased");
    let last = database.start(&args).ended().await;

    let check = database.check().await;
    assert!(left_behind > 0, "it was killed in the middle of its work");
    assert_eq!(last.code, Some(0), "{}{}", last.stdout, last.stderr);
    assert!(check.confirms(400), "{}", check.0.stdout);
}

#[tokio::test]
async fn a_job_that_costs_too_many_workers_has_failed_for_good_and_the_exit_code_says_so() {
    let database = Database::new("hopeless");

    let ended = database.start(&["--jobs", "3", "--work-ms", "1", "--panic-rate", "1", "--retries", "2"]).ended().await;

    let check = database.check().await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert_eq!((check.figure("failed"), check.figure("panics"), check.figure("completions")), (3, 9, 0), "{}", check.0.stdout);
    assert_eq!(check.0.code, Some(1), "{}", check.0.stdout);
}

#[tokio::test]
async fn a_database_that_is_done_is_left_as_it_is() {
    let database = Database::new("done");
    let first = database.start(&["--jobs", "20", "--work-ms", "1"]).ended().await;

    let second = database.start(&["--jobs", "500", "--work-ms", "1"]).ended().await;

    let check = database.check().await;
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{}{}", second.stdout, second.stderr);
    assert!(check.confirms(20), "{}", check.0.stdout);
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_a_failed_start() {
    let database = Database::new("nowhere");
    std::fs::create_dir(database.0.join("jobs.db")).expect("the folder is new");

    let ended = database.start(&[]).ended().await;

    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("/store"), "{}", ended.stderr);
}
