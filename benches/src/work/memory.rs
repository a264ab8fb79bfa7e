//! What an actor holds that has nothing to do.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;

use super::Values;
use super::spawn::recruit;
use crate::measure::{handled, memory as in_use, until};
use crate::system::System;

/// How many messages a burst has.
const BURST: u64 = 128;

/// Bytes per actor, of `n`: before the first message, after one, after a burst, of one actor after the other, and after a rest.
pub async fn memory<S: System>(system: &S, n: u64, rest: Duration) -> Values {
    let before = in_use();
    let actors = recruit(system, n).await;
    let idle = in_use();

    for actor in &actors {
        S::try_tell(S::reference(actor), 1);
    }
    until("all have handled a message", || handled() == n).await;
    let told_one = in_use();

    for (done, actor) in actors.iter().enumerate() {
        for _ in 0..BURST {
            S::try_tell(S::reference(actor), 1);
        }
        let expected = n + (done as u64 + 1) * BURST;
        while handled() < expected {
            yield_now().await;
        }
    }
    let after_burst = in_use();

    sleep(rest).await;
    let rested = in_use();

    system.stop_all(actors).await;
    let each = |now: u64| (now.saturating_sub(before)) as f64 / n as f64;
    vec![("idle", each(idle)), ("told", each(told_one)), ("burst", each(after_burst)), ("rested", each(rested))]
}
