//! The actor of the tests on time: it writes down what it handles, and when.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, messages};
use tests::{Broken, Gate, Journal};
use tokio::time::{Instant, sleep};

use crate::cast::Act;

/// Writes down what it handles, and when: in milliseconds since it was made.
#[derive(Actor)]
pub struct Clock {
    pub journal: Journal,
    pub began: Instant,
    pub last_words: Duration,
}

impl Clock {
    pub fn new(journal: &Journal) -> Self {
        Clock { journal: journal.clone(), began: Instant::now(), last_words: Duration::ZERO }
    }
}

#[messages]
impl Clock {
    #[message]
    pub fn note(&self, text: &'static str) {
        self.journal.note(text);
    }

    #[message]
    pub fn note_time(&self, text: &'static str) {
        self.journal.note(format!("{text} at {}", self.began.elapsed().as_millis()));
    }

    /// Notes when it begins, and is busy for a while.
    #[message]
    pub async fn work(&self, lasts: Duration) {
        self.journal.note(format!("work at {}", self.began.elapsed().as_millis()));
        sleep(lasts).await;
    }

    #[message(name = ClockWaitsAt)]
    pub async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    pub fn fail(&self) -> Result<(), Broken> {
        Err(Broken("worn out"))
    }

    #[handle]
    pub fn act(&self, act: Act<Clock>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }

    #[stopped]
    async fn last_words(&self) {
        self.journal.note("stopped");
        sleep(self.last_words).await;
    }
}

pub fn stage() -> (ActorSystem, Journal, ActorRef<Clock>) {
    let system = ActorSystem::new("timers");
    let journal = Journal::new();
    let clock = system.spawn(Clock::new(&journal));
    (system, journal, clock)
}

/// Has the clock stand at a gate, with its hands full.
pub async fn busy(clock: &ActorRef<Clock>) -> Gate {
    let gate = Gate::new();
    clock.tell(ClockWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    gate
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
