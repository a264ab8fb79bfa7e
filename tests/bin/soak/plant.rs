//! Wrongs that are done on purpose, each of which the soak has to find.

use std::future::pending;
use std::time::Duration;

use actors_core::ActorSystem;
use tokio::time::interval;

use crate::ledger::{TELLS, told};
use crate::worker::{Order, What, Worker};

#[derive(Clone, Copy)]
pub enum Plant {
    /// Memory is kept.
    Memory,
    /// Tasks never end.
    Task,
    /// Actors are started and never stopped.
    Actor,
    /// Messages are kept by the handful, outside all mailboxes.
    Queue,
    /// A message vanishes.
    Loss,
    /// A handler blocks its thread, for longer than a shutdown waits.
    Hang,
}

impl Plant {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "memory" => Plant::Memory,
            "task" => Plant::Task,
            "actor" => Plant::Actor,
            "queue" => Plant::Queue,
            "loss" => Plant::Loss,
            "hang" => Plant::Hang,
            _ => return None,
        })
    }

    /// Does it; every two milliseconds where once would not show, and as often on a machine that is busy.
    pub async fn spoil(self, system: ActorSystem) {
        let mut kept: (Vec<Vec<u8>>, Vec<Order>) = Default::default();
        let mut steps = interval(Duration::from_millis(2));
        loop {
            steps.tick().await;
            match self {
                Plant::Memory => kept.0.push(vec![1; 100_000]),
                Plant::Task => drop(tokio::spawn(pending::<()>())),
                Plant::Actor => drop(system.spawn(Worker::new())),
                Plant::Queue => kept.1.extend((0..10).map(|_| Order::told(What::Nothing))),
                Plant::Loss => {
                    drop(TELLS.parcel());
                    return pending().await;
                }
                Plant::Hang => {
                    let stuck = system.spawn(Worker::new());
                    told(stuck.try_tell(Order::told(What::Block(Duration::from_secs(20)))));
                    return pending().await;
                }
            }
        }
    }
}
