//! A crowd: very many actors, each spoken to, idle, spoken to again, and shut down in order.

use std::time::{Duration, Instant};

use actors_core::{Actor, ActorRef, ActorSystem, messages};
use tokio::runtime::Handle;

use crate::gauges::{mebibytes, resident};
use crate::ledger::{Counted, STATES};

#[derive(Actor)]
struct One {
    _counted: Counted,
    heard: u32,
}

#[messages]
impl One {
    #[message]
    fn hear(&mut self) -> u32 {
        self.heard += 1;
        self.heard
    }
}

/// Long enough for the slowest machine; nothing here waits for ever.
const PATIENCE: Duration = Duration::from_secs(1_800);

pub async fn run(actors: usize) -> Result<(), String> {
    let before = resident();
    let system = ActorSystem::builder("crowd").deadline(PATIENCE).progress(false).linger(Duration::from_millis(100)).build();

    let began = Instant::now();
    let crowd: Vec<_> = (0..actors).map(|_| system.spawn(One { _counted: STATES.one(), heard: 0 })).collect();
    step("spawned", began, before, actors);
    for _ in 0..2 {
        let began = Instant::now();
        for one in &crowd {
            one.tell(Hear).await.map_err(|error| error.to_string())?;
        }
        step("told each", began, before, actors);
        let began = Instant::now();
        idle(began).await?;
        step("all idle, without a task", began, before, actors);
    }
    heard(&crowd).await?;

    let began = Instant::now();
    let report = system.shutdown().await;
    step("shut down in order", began, before, actors);
    let ended = report.actors.len();
    if !report.is_clean() || ended != actors || system.actors() != 0 {
        return Err(format!("of {actors} actors {ended} are in the report, which says {:?}", report.outcome));
    }
    drop((report, crowd, system));
    idle(Instant::now()).await?;
    match STATES.now() {
        0 => Ok(()),
        left => Err(format!("{left} states are left")),
    }
}

/// Waits until there is no task.
async fn idle(began: Instant) -> Result<(), String> {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    while tasks() > 0 {
        if began.elapsed() > PATIENCE {
            return Err(format!("there are {} tasks still", tasks()));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Asks a thousand of them what they have heard.
async fn heard(crowd: &[ActorRef<One>]) -> Result<(), String> {
    for one in crowd.iter().step_by(crowd.len() / 1_000 + 1) {
        let heard = one.ask(Hear).await.map_err(|error| error.to_string())?;
        if heard != 3 {
            return Err(format!("{} has heard {heard} of 3 messages", one.path()));
        }
    }
    Ok(())
}

fn step(what: &str, began: Instant, before: u64, actors: usize) {
    let used = resident().saturating_sub(before);
    let each = used / actors.max(1) as u64;
    crate::say(&format!("{what}: {:.2} s, {:.0} MiB, {each} bytes an actor", began.elapsed().as_secs_f64(), mebibytes(used)));
}
