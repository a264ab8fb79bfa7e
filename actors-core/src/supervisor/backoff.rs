//! How long a supervisor waits before it restarts a child.

use std::time::Duration;

/// A wait before each restart that doubles with each failure, up to a limit.
///
/// After a child has run for a healthy period, the next failure waits the shortest time again. Jitter spreads the restarts
/// of many children that failed together. A wait does not make restarts free: each still counts against the supervisor's
/// intensity.
///
/// ```
/// use std::time::Duration;
/// use actors_core::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_millis(200), Duration::from_secs(30))
///     .jitter(0.2)                                  // between 80 and 100 % of it
///     .reset_after(Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
    pub(crate) jitter: f64,
    pub(crate) reset: Duration,
}

impl Backoff {
    /// Waits `min`, then twice as long each time, up to `max`. The jitter is 0.1; a child that has run for `max` is healthy.
    pub const fn exponential(min: Duration, max: Duration) -> Self {
        Backoff { min, max, jitter: 0.1, reset: max }
    }

    /// Waits the same time before each restart.
    pub const fn constant(wait: Duration) -> Self {
        Backoff::exponential(wait, wait)
    }

    /// Shortens each wait at random by up to this share of it, from 0 to 1. Anything outside is taken for the nearest.
    pub const fn jitter(mut self, share: f64) -> Self {
        // Written so that what is no number counts as none.
        self.jitter = if share > 1.0 {
            1.0
        } else if share > 0.0 {
            share
        } else {
            0.0
        };
        self
    }

    /// Waits exactly as long as it says, every time.
    pub const fn no_jitter(self) -> Self {
        self.jitter(0.0)
    }

    /// Sets how long a child has to run until it counts as healthy, and the next wait is the shortest again.
    pub const fn reset_after(mut self, healthy: Duration) -> Self {
        self.reset = healthy;
        self
    }

    /// The wait after so many failures in a row, the first being 0. `chance` is between 0 and 1.
    pub(crate) fn wait(&self, failures: u32, chance: f64) -> Duration {
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let wait = self.min.saturating_mul(factor).min(self.max.max(self.min));
        let share = (self.jitter * chance).clamp(0.0, 1.0);
        wait.saturating_sub(Duration::try_from_secs_f64(wait.as_secs_f64() * share).unwrap_or(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_wait_doubles_up_to_its_limit_and_never_overflows() {
        let backoff = Backoff::exponential(secs(5), secs(30)).no_jitter();
        let waits: Vec<u64> = (0..5).map(|failures| backoff.wait(failures, 0.7).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 30, 30]);
        for failures in [29, 31, 32, 63, 2_147_483_647, u32::MAX] {
            assert_eq!(backoff.wait(failures, 0.0), secs(30));
        }
        assert_eq!(Backoff::exponential(Duration::MAX, Duration::MAX).no_jitter().wait(9, 0.0), Duration::MAX);
    }

    #[test]
    fn jitter_only_shortens_within_its_share() {
        let backoff = Backoff::constant(secs(10)).jitter(0.5);
        assert_eq!(backoff.wait(0, 0.0), secs(10));
        assert_eq!(backoff.wait(0, 1.0), secs(5));
        for (asked, got) in [(7.0, 1.0), (-1.0, 0.0), (f64::NAN, 0.0)] {
            assert_eq!(backoff.jitter(asked).jitter, got);
        }
    }
}
