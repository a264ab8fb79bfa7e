//! What is counted: actors that live, hooks that have run, memory.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

static LIVE: AtomicU64 = AtomicU64::new(0);
static STARTED: AtomicU64 = AtomicU64::new(0);
static HANDLED: AtomicU64 = AtomicU64::new(0);
static LIVE_BYTES: OnceLock<fn() -> u64> = OnceLock::new();

/// When something began.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    at: Instant,
    cpu: Duration,
}

/// How long something took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// By the clock.
    pub time: Duration,
    /// On the processors, all threads together: what other processes do matters less for it.
    pub cpu: Duration,
}

/// Starts the clock. A function of its own, so that `.ci/instructions` can count from here...
#[inline(never)]
pub fn start_clock() -> Start {
    Start { at: Instant::now(), cpu: cpu() }
}

/// ...to here.
#[inline(never)]
pub fn stop_clock(start: Start) -> Took {
    Took { time: start.at.elapsed(), cpu: cpu() - start.cpu }
}

fn cpu() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.try_into().expect("no process has used less than nothing")
}

/// A part of an actor's state that is counted while it lives. Takes no room.
#[derive(Debug)]
pub struct Live(());

impl Live {
    /// Counts one more.
    #[expect(clippy::new_without_default, reason = "it has an effect")]
    pub fn new() -> Self {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Live(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Pairs with the load in `live`: who reads 0 has seen whatever the actors did.
        LIVE.fetch_sub(1, Ordering::Release);
    }
}

/// Returns how many actors have not been dropped.
pub fn live() -> u64 {
    LIVE.load(Ordering::Acquire)
}

/// Notes that one more actor has run its first lines.
pub fn note_start() {
    STARTED.fetch_add(1, Ordering::Release);
}

/// Returns how many have.
pub fn started() -> u64 {
    STARTED.load(Ordering::Acquire)
}

/// Notes that one more message has been handled.
pub fn note_message() {
    HANDLED.fetch_add(1, Ordering::Release);
}

/// Returns how many have.
pub fn handled() -> u64 {
    HANDLED.load(Ordering::Acquire)
}

/// Begins anew, in a process that measures more than once.
pub fn reset() {
    for count in [&LIVE, &STARTED, &HANDLED] {
        count.store(0, Ordering::Relaxed);
    }
}

/// Yields until something is so.
///
/// # Panics
/// Panics if it is not so within a minute.
pub async fn until(what: &str, so: impl Fn() -> bool + Send) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(60), "not within a minute: {what}; {} live, {} started", live(), started());
        tokio::task::yield_now().await;
    }
}

/// Says how bytes in use are known, if they are.
pub fn count_bytes_by(count: fn() -> u64) {
    LIVE_BYTES.set(count).expect("said once");
}

/// Returns the memory in use: the bytes that are allocated where an allocator counts them, else what the process has resident.
pub fn memory() -> u64 {
    LIVE_BYTES.get().map_or_else(resident, |count| count())
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says how much memory a process has");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it says so for every process");
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("in kB");
    kilobytes * 1024
}
