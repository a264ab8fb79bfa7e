//! As `tokio::time`, but that no time passes before a model says that it does.

use std::cell::Cell;
use std::future::Future;
use std::ops::{Add, Sub};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::runtime::{Handle, Timer};

thread_local! {
    /// The threads of one model all run on one real thread.
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// As the real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// As the real one.
    pub fn now() -> Instant {
        Instant(NOW.get())
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, time: Duration) -> Instant {
        Instant(self.0 + time)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Time passes. Those who have slept until then are woken when a worker looks at the clock.
pub fn advance(time: Duration) {
    NOW.set(NOW.get() + time);
}

/// As the real one.
#[derive(Debug)]
pub struct Sleep(Timer);

impl Sleep {
    /// As the real one.
    pub fn is_elapsed(&self) -> bool {
        self.0.is_over()
    }
}

/// As the real one, for a task.
pub fn sleep(time: Duration) -> Sleep {
    Sleep(Timer::new(&Handle::current(), Instant::now() + time))
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_over_or_wakes(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
    }
}
