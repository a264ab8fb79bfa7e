//! How many restarts are too many: a budget over a sliding window of the supervisor's own running time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many restarts within a period, and no more.
#[derive(Clone, Debug)]
pub(super) struct Intensity {
    limit: u32,
    period: Duration,
    /// When there were restarts, in running time; none is older than the period.
    spent: VecDeque<Duration>,
}

impl Intensity {
    /// `u32::MAX` stands for no limit.
    pub(super) fn new(limit: u32, period: Duration) -> Self {
        Intensity { limit, period, spent: VecDeque::new() }
    }

    /// Spends one restart at `now`. Returns how many there were within the period, this one included.
    ///
    /// # Errors
    /// Returns how many there had been if this one is too many.
    pub(super) fn spend(&mut self, now: Duration) -> Result<u32, u32> {
        if self.limit == u32::MAX {
            return Ok(0);
        }
        while self.spent.front().is_some_and(|&at| now.saturating_sub(at) > self.period) {
            self.spent.pop_front();
        }
        let spent = u32::try_from(self.spent.len()).unwrap_or(u32::MAX);
        if spent >= self.limit {
            return Err(spent);
        }
        self.spent.push_back(now);
        Ok(spent + 1)
    }
}

/// How long a supervisor has run, not counting the time it waited for stops, backoffs and starts.
#[derive(Clone, Debug)]
pub(super) struct RunningTime {
    gone: Duration,
    /// Since when it runs, unless it stands.
    since: Option<Instant>,
}

impl RunningTime {
    pub(super) fn begin(now: Instant) -> Self {
        RunningTime { gone: Duration::ZERO, since: Some(now) }
    }

    pub(super) fn at(&self, now: Instant) -> Duration {
        self.gone + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Counts the time since `began` as one in which it stood, as turns out only now.
    pub(super) fn stood_since(&mut self, began: Instant, now: Instant) {
        if let Some(since) = self.since {
            self.gone += began.min(now).saturating_duration_since(since);
            self.since = Some(now);
        }
    }

    /// Lets it stand or run from `now` on.
    pub(super) fn stand(&mut self, stands: bool, now: Instant) {
        if stands != self.since.is_none() {
            self.gone = self.at(now);
            self.since = (!stands).then_some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Spends at each moment in turn, and says where it was too much.
    fn refused(limit: u32, period: u64, at: &[u64]) -> Vec<u64> {
        let mut intensity = Intensity::new(limit, ms(period));
        at.iter().copied().filter(|&at| intensity.spend(ms(at)).is_err()).collect()
    }

    #[test]
    fn the_window_slides() {
        assert_eq!(refused(1, 1000, &[0, 2100, 4200, 6300]), []);
        assert_eq!(refused(2, 500, &[0, 10, 560, 570]), []);
        assert_eq!(refused(2, 500, &[0, 10, 560, 570, 580]), [580]);
        assert_eq!(refused(2, 500, &[0, 500, 500]), [500]);
        assert_eq!(refused(2, 500, &[0, 500, 501]), []);
    }

    #[test]
    fn none_is_too_many_if_none_is_allowed_and_unlimited_remembers_none() {
        assert_eq!(refused(0, 1000, &[0]), [0]);
        let mut unlimited = Intensity::new(u32::MAX, ms(1));
        assert!((0..10_000).all(|_| unlimited.spend(ms(0)).is_ok()));
        assert!(unlimited.spent.is_empty());
    }

    #[test]
    fn a_supervisor_that_waits_does_not_grow_older() {
        let start = Instant::now();
        let mut time = RunningTime::begin(start);
        time.stand(true, start + ms(100));
        time.stand(true, start + ms(200));
        assert_eq!(time.at(start + ms(5000)), ms(100));
        time.stand(false, start + ms(5000));
        time.stand(false, start + ms(5100));
        assert_eq!(time.at(start + ms(5200)), ms(300));
        // Two that ended slowly side by side, from 5200 to 5300 and from 5250 to 5350.
        time.stood_since(start + ms(5200), start + ms(5300));
        assert_eq!(time.at(start + ms(5300)), ms(300));
        time.stood_since(start + ms(5250), start + ms(5350));
        assert_eq!(time.at(start + ms(5450)), ms(400));
    }
}
