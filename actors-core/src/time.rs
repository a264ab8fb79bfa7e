//! Moments to come, however long a user's limit is.

use std::time::Duration;

use tokio::time::Instant;

/// As good as never, and still a moment: thirty years.
pub(crate) const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The moment `wait` after `from`; a wait that no clock can count ends in the far future.
pub(crate) fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait.min(FAR)).unwrap_or(from)
}
