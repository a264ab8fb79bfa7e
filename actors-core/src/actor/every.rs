//! When something is to happen again and again, and what becomes of the times that were missed.

use std::time::Duration;

use tokio::time::Instant;

use crate::time::after;

/// How often something happens; what an interval is made of.
///
/// A plain [`Duration`] is as good where nothing else is to be said: [`Context::send_every`](crate::Context::send_every)
/// and the others take both.
///
/// ```
/// use std::time::Duration;
/// use actors_core::{CatchUp, Every};
///
/// let poll = Every::new(Duration::from_secs(30)).first(Duration::ZERO).catch_up(CatchUp::Delay);
/// assert_eq!(Every::from(Duration::from_secs(30)), Every::new(Duration::from_secs(30)));
/// # let _ = poll;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    period: Duration,
    first: Option<Duration>,
    catch_up: CatchUp,
}

/// What becomes of ticks that came due while the one before was still waiting or being handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// They are left out, and the beat is kept: ticks come at whole periods after the first, and one waits at most. The
    /// default.
    #[default]
    Skip,
    /// They are made up for, each behind what came meanwhile, until none is missing: there are as many as periods have
    /// passed.
    Burst,
    /// There are none: each tick comes one period after the one before has been handled (a fixed delay).
    Delay,
}

impl Every {
    /// Once in every `period`, for the first time after one period.
    ///
    /// # Panics
    /// Panics if the period is no time at all.
    #[track_caller]
    pub const fn new(period: Duration) -> Self {
        assert!(!period.is_zero(), "an interval needs a period longer than no time at all");
        Every { period, first: None, catch_up: CatchUp::Skip }
    }

    /// Sets when it happens for the first time, from now; zero is at once.
    #[must_use]
    pub const fn first(mut self, first: Duration) -> Self {
        self.first = Some(first);
        self
    }

    /// Sets what becomes of ticks that were missed.
    #[must_use]
    pub const fn catch_up(mut self, catch_up: CatchUp) -> Self {
        self.catch_up = catch_up;
        self
    }

    /// When it happens for the first time.
    pub(crate) fn first_after(self, now: Instant) -> Instant {
        after(now, self.first.unwrap_or(self.period))
    }

    /// When it happens next, after the time that was due at `due` and whose turn is `now`. Nothing if that is known only
    /// once it has been handled.
    pub(crate) fn next_after(self, due: Instant, now: Instant) -> Option<Instant> {
        match self.catch_up {
            CatchUp::Burst => Some(after(due, self.period)),
            CatchUp::Delay => None,
            CatchUp::Skip => {
                let since = now.saturating_duration_since(due).as_nanos() % self.period.as_nanos();
                // Less than a period, and a period is a duration.
                let into_period = Duration::new((since / 1_000_000_000) as u64, (since % 1_000_000_000) as u32);
                Some(after(now.max(due), self.period - into_period))
            }
        }
    }

    /// When it happens next, after what has been handled by `now`, if that was not known before.
    pub(crate) fn next_after_handling(self, now: Instant) -> Instant {
        after(now, self.period)
    }
}

impl From<Duration> for Every {
    #[track_caller]
    fn from(period: Duration) -> Self {
        Every::new(period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_follows_the_rule() {
        let zero = Instant::now();
        let at = |ms: u64| zero + Duration::from_millis(ms);
        let every = Every::new(Duration::from_millis(100));
        let cases = [
            // rule, due, its turn, next
            (CatchUp::Skip, 100, 100, Some(200)),
            (CatchUp::Skip, 100, 199, Some(200)),
            (CatchUp::Skip, 100, 200, Some(300)),
            (CatchUp::Skip, 100, 450, Some(500)),
            (CatchUp::Burst, 100, 450, Some(200)),
            (CatchUp::Delay, 100, 450, None),
        ];
        for (rule, due, turn, next) in cases {
            let found = every.catch_up(rule).next_after(at(due), at(turn));
            assert_eq!(found, next.map(at), "{rule:?}, due at {due}, turn at {turn}");
        }
    }

    #[test]
    fn a_period_that_no_clock_can_count_is_as_good_as_never() {
        let now = Instant::now();
        let every = Every::new(Duration::MAX);
        assert!(every.first_after(now) > now);
        assert!(every.next_after(now, now) > Some(now));
    }
}
