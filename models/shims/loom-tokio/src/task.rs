//! As `tokio::task`.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// As the real one, but for the id itself.
pub fn try_id() -> Option<()> {
    crate::runtime::worker().map(|_| ())
}

/// As the real one.
pub fn yield_now() -> impl Future<Output = ()> {
    let mut has_yielded = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}
