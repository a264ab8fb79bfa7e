//! News of one kind, to any number of subscribers, none of whom can hold it up.

use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;

/// How far a subscriber may be behind before it misses something.
const BACKLOG: usize = 1_024;

/// Where news comes from. Costs nothing until somebody subscribes.
pub(crate) struct Feed<T>(OnceLock<broadcast::Sender<Arc<T>>>);

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Feed(OnceLock::new())
    }
}

impl<T> Feed<T> {
    /// Tells all who have subscribed.
    pub(crate) fn publish(&self, news: Arc<T>) {
        if let Some(subscribers) = self.0.get() {
            // No subscriber is left: nobody wants it.
            let _ = subscribers.send(news);
        }
    }

    /// Whether anybody has ever subscribed.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.get().is_some()
    }

    pub(crate) fn subscribe(&self) -> Subscription<T> {
        Subscription { news: self.0.get_or_init(|| broadcast::channel(BACKLOG).0).subscribe(), missed: 0 }
    }
}

/// One who has subscribed.
pub(crate) struct Subscription<T> {
    news: broadcast::Receiver<Arc<T>>,
    missed: u64,
}

impl<T> Subscription<T> {
    /// Waits for the next; `None` once there is no source any more.
    pub(crate) async fn recv(&mut self) -> Option<Arc<T>> {
        loop {
            match self.news.recv().await {
                Ok(news) => return Some(news),
                Err(broadcast::error::RecvError::Lagged(count)) => self.missed += count,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Returns the next if there is one now.
    pub(crate) fn try_recv(&mut self) -> Option<Arc<T>> {
        loop {
            match self.news.try_recv() {
                Ok(news) => return Some(news),
                Err(broadcast::error::TryRecvError::Lagged(count)) => self.missed += count,
                Err(_) => return None,
            }
        }
    }

    /// How many were missed because it was too slow.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }
}
