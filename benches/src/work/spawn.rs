//! Making actors.

use super::{Values, each};
use crate::measure::{self, Live, live, start_clock, stop_clock, until};
use crate::system::{Behaviour, System};

/// Counts itself when it starts, and each message, for all to see.
#[derive(Debug)]
pub struct Recruit {
    told: u64,
    _live: Live,
}

impl Recruit {
    /// One more.
    #[expect(clippy::new_without_default, reason = "it is counted")]
    pub fn new() -> Self {
        Recruit { told: 0, _live: Live::new() }
    }
}

impl Behaviour for Recruit {
    fn started(&mut self) {
        measure::note_start();
    }

    fn tell(&mut self, n: u64) {
        self.told += n;
        measure::note_message();
    }

    fn ask(&mut self, _n: u64) -> u64 {
        self.told
    }
}

/// Spawns `n` actors, until all are ready for messages.
pub async fn spawn<S: System>(system: &S, n: u64) -> Values {
    let start = start_clock();
    let actors = recruit(system, n).await;
    let took = stop_clock(start);

    assert_eq!(live(), n);
    system.stop_all(actors).await;
    each(took, n)
}

/// Spawns `n` actors and tells each one message, until all have handled it.
pub async fn spawn_and_tell<S: System>(system: &S, n: u64) -> Values {
    let start = start_clock();
    let mut actors = Vec::with_capacity(n as usize);
    for value in 0..n {
        let actor = system.spawn(Recruit::new()).await;
        S::tell(S::reference(&actor), value).await;
        actors.push(actor);
    }
    until("all have handled a message", || measure::handled() == n).await;
    let took = stop_clock(start);

    system.stop_all(actors).await;
    each(took, n)
}

/// Spawns `n` recruits and waits until all are ready for messages.
pub async fn recruit<S: System>(system: &S, n: u64) -> Vec<S::Handle<Recruit>> {
    let mut actors = Vec::with_capacity(n as usize);
    for _ in 0..n {
        actors.push(system.spawn(Recruit::new()).await);
    }
    if S::HAS_START {
        until("all have started", || measure::started() == n).await;
    }
    actors
}

/// A tree of actors grows, ten below each, until it has `n` leaves, which report their numbers.
pub async fn skynet<S: System>(system: &S, n: u64) -> Option<Values> {
    let start = start_clock();
    let sum = system.skynet(n).await?;
    let took = stop_clock(start);

    assert_eq!(sum, n * (n - 1) / 2, "the sum of all numbers");
    until("all have ended", || live() == 0).await;
    Some(each(took, n))
}
