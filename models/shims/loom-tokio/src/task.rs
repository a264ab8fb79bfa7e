//! As `tokio::task`.

/// As the real one, but for the id itself.
pub fn try_id() -> Option<()> {
    crate::runtime::worker().map(|_| ())
}
