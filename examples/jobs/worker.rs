//! A worker: does what a job asks for, and sometimes comes to grief over it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use actors_core::{Actor, messages};

use crate::job::{self, Job};

/// The text of a panic that is meant to be, and so need not be shown in full.
pub const GRIEF: &str = "the worker came to grief";

#[derive(Actor)]
pub struct Worker {
    pub work: Duration,
    pub clumsiness: Clumsiness,
}

/// How often a worker panics. Chance is drawn from the seed, the job and the attempt: the same runs come to the same grief.
#[derive(Clone, Copy, Debug)]
pub struct Clumsiness {
    pub rate: f64,
    pub seed: u64,
}

#[messages]
impl Worker {
    /// Does a job and returns what it yields.
    #[message]
    pub async fn run(&mut self, job: Job) -> i64 {
        tokio::time::sleep(self.work / 2).await;
        if self.clumsiness.strikes(&job) {
            std::panic::panic_any(GRIEF);
        }
        tokio::time::sleep(self.work / 2).await;
        job::result(&job.payload)
    }
}

impl Clumsiness {
    fn strikes(self, job: &Job) -> bool {
        let mut hasher = DefaultHasher::new();
        (self.seed, job.id, job.attempt).hash(&mut hasher);
        // The upper 53 bits are as many as a float tells apart.
        (hasher.finish() >> 11) as f64 / ((1_u64 << 53) as f64) < self.rate
    }
}
