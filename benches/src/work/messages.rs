//! Messages and requests to one actor.

use tokio::task::yield_now;

use super::{Values, each};
use crate::measure::{Live, start_clock, stop_clock};
use crate::system::{Behaviour, System};

/// Adds up what it is told.
#[derive(Debug)]
pub struct Counter {
    sum: u64,
    _live: Live,
}

impl Counter {
    /// Starts from nothing.
    #[expect(clippy::new_without_default, reason = "it is counted")]
    pub fn new() -> Self {
        Counter { sum: 0, _live: Live::new() }
    }
}

impl Behaviour for Counter {
    fn tell(&mut self, n: u64) {
        self.sum += n;
    }

    fn ask(&mut self, n: u64) -> u64 {
        self.sum += n;
        self.sum
    }
}

/// Producers, each a task, send `n` messages in all to one counter. Each yields after every `yields` messages.
pub async fn tell<S: System>(system: &S, producers: u64, n: u64, yields: u64) -> Values {
    let counter = system.spawn(Counter::new()).await;
    let actor = S::reference(&counter).clone();
    S::ask(&actor, 0).await;
    let share = n / producers;

    let start = start_clock();
    let tasks: Vec<_> = (0..producers).map(|_| S::go(produce::<S>(actor.clone(), share, yields))).collect();
    for task in tasks {
        task.await.expect("producers do not panic");
    }
    let expected = producers * share * (share + 1) / 2;
    let mut sum = S::ask(&actor, 0).await;
    while !S::IN_ORDER && sum < expected {
        sum = S::ask(&actor, 0).await;
    }
    let took = stop_clock(start);

    assert_eq!(sum, expected, "the sum of all messages, all sent before it was asked for");
    drop(actor);
    system.stop_all(vec![counter]).await;
    each(took, producers * share)
}

async fn produce<S: System>(actor: S::Ref<Counter>, share: u64, yields: u64) {
    let mut until_yield = yields;
    for n in 1..=share {
        S::tell(&actor, n).await;
        until_yield -= 1;
        if until_yield == 0 {
            yield_now().await;
            until_yield = yields;
        }
    }
}

/// Askers, each a task, send `n` requests in all to one counter, each the next when it has been answered.
pub async fn ask<S: System>(system: &S, askers: u64, n: u64) -> Values {
    let counter = system.spawn(Counter::new()).await;
    let actor = S::reference(&counter).clone();
    S::ask(&actor, 0).await;
    let share = n / askers;

    let start = start_clock();
    let tasks: Vec<_> = (0..askers).map(|_| S::go(inquire::<S>(actor.clone(), share))).collect();
    let mut last = 0;
    for task in tasks {
        last = last.max(task.await.expect("askers do not panic"));
    }
    let took = stop_clock(start);

    assert_eq!(last, askers * share, "the last answer");
    drop(actor);
    system.stop_all(vec![counter]).await;
    each(took, askers * share)
}

async fn inquire<S: System>(actor: S::Ref<Counter>, share: u64) -> u64 {
    let mut last = 0;
    for _ in 0..share {
        let sum = S::ask(&actor, 1).await;
        assert!(sum > last, "answers come in order");
        last = sum;
    }
    last
}
