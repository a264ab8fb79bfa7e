//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::{Long, Short, ValueExt as _};

const HELP: &str = "\
Works off a queue of jobs that is a table in an SQLite database. Stop it when you like, and start it again: it goes on.

Usage: jobs [OPTIONS]

  --db PATH           the database [jobs.db]
  --jobs N            how many jobs a new database gets [1000]
  --workers N         how many workers there are [4]
  --work-ms N         how long a job takes [5]
  --panic-rate SHARE  how often a worker panics over a job, from 0 to 1 [0.05]
  --retries N         how many panics a job is forgiven before it has failed for good [20]
  --seed N            what the chance of a panic is drawn from [1]
  --check             only look: print what is in the database, and fail unless each job is done exactly once
  --help              show this";

pub struct Args {
    pub db: PathBuf,
    pub jobs: u32,
    pub workers: usize,
    pub work: Duration,
    pub panic_rate: f64,
    pub retries: u32,
    pub seed: u64,
    pub check: bool,
}

impl Args {
    /// Reads the arguments of the process. Ends it if help was asked for, or if they make no sense.
    pub fn from_env() -> Self {
        match Self::read(std::env::args_os()) {
            Ok(Some(args)) => args,
            Ok(None) => {
                println!("{HELP}");
                std::process::exit(0);
            }
            Err(error) => {
                eprintln!("jobs: {error}; --help says what there is");
                std::process::exit(64);
            }
        }
    }

    /// Returns nothing if help was asked for.
    fn read(args: impl Iterator<Item = OsString>) -> Result<Option<Self>, lexopt::Error> {
        let mut parser = lexopt::Parser::from_iter(args);
        let mut args = Args {
            db: PathBuf::from("jobs.db"),
            jobs: 1000,
            workers: 4,
            work: Duration::from_millis(5),
            panic_rate: 0.05,
            retries: 20,
            seed: 1,
            check: false,
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("db") => args.db = parser.value()?.into(),
                Long("jobs") => args.jobs = parser.value()?.parse()?,
                Long("workers") => args.workers = parser.value()?.parse_with(workers)?,
                Long("work-ms") => args.work = Duration::from_millis(parser.value()?.parse()?),
                Long("panic-rate") => args.panic_rate = parser.value()?.parse_with(share)?,
                Long("retries") => args.retries = parser.value()?.parse()?,
                Long("seed") => args.seed = parser.value()?.parse()?,
                Long("check") => args.check = true,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(args))
    }
}

fn workers(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(workers @ 1..=1000) => Ok(workers),
        _ => Err("takes a number from 1 to 1000"),
    }
}

fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("takes a number from 0 to 1"),
    }
}
