//! Which events there are: each step of a life, and what goes wrong in it, once and at its level.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, ChildSpec, Strategy, Supervisor, messages};
use tests::Broken;
use tracing::Level;

use crate::listener::Listener;

/// Ends in every way.
#[derive(Actor)]
#[actor(stop_limit = "50ms")]
struct Reckless;

#[messages]
impl Reckless {
    #[message]
    fn crash(&self) {
        panic!("as it was told");
    }

    #[message]
    async fn hang(&self) {
        pending().await
    }

    #[stopped]
    fn clean_up(&mut self) -> Result<(), Broken> {
        Err(Broken("out of soap"))
    }
}

#[derive(Actor)]
struct Calm;

#[messages]
impl Calm {
    #[started]
    fn begin(&mut self) {}

    #[message]
    fn nothing(&self) {}
}

#[tokio::test(start_paused = true)]
async fn each_step_of_a_life_is_told_once_at_its_level() {
    let listener = Listener::of_everything();
    let _listening = listener.listen();
    let system = ActorSystem::new("events");

    let calm = system.actor(Calm).name("calm").start().await.expect("it starts");
    system.actor(Calm).name("calm").start().await.expect_err("the name is taken");
    calm.stop();
    calm.stopped().await;
    let reckless = system.actor(Reckless).name("reckless").start().await.expect("it starts");
    reckless.tell(Crash).await.expect("it is open");
    reckless.stopped().await;
    let child = |name: &'static str| ChildSpec::new(name, || Reckless);
    let lazy = ChildSpec::new("lazy", || Calm).stop_limit(Duration::ZERO).policy(|policy| policy.on_stop = actors_core::OnStop::Drain);
    let top = Supervisor::new().strategy(Strategy::OneForAll).children([child("fails"), child("falls"), lazy]);
    system.actor(top).name("top").start().await.expect("it starts");
    system.lookup::<Reckless>("/top/fails").expect("it runs").tell(Crash).await.expect("it is open");
    tokio::time::sleep(Duration::from_secs(1)).await;
    system.lookup::<Reckless>("/top/falls").expect("it runs again").tell(Hang).await.expect("it is open");
    tokio::time::sleep(Duration::from_secs(1)).await;
    system.shutdown().await;

    let heard = listener.heard();
    for (parts, levels) in [
        (&["actor started", "/calm"] as &[_], &[Level::DEBUG] as &[_]),
        // It has no hook to start with.
        (&["actor started", "/reckless"], &[Level::DEBUG]),
        (&["actor started", "/top/fails"], &[Level::DEBUG; 2]),
        (&["actor not created", "/calm"], &[Level::WARN]),
        (&["actor stopping", "/calm"], &[Level::DEBUG]),
        (&["actor ended", "/calm", "normal"], &[Level::DEBUG]),
        (&["actor crashed", "/reckless", "as it was told"], &[Level::ERROR]),
        (&["went wrong while the actor ended", "/reckless", "out of soap"], &[Level::WARN]),
        (&["actor crashed, and is restarted", "/top/fails"], &[Level::WARN]),
        (&["actor taken along", "/top/falls"], &[Level::INFO]),
        (&["configuration", "/top", "killed at once"], &[Level::WARN]),
        (&["actor hit a limit while it stopped", "/top/falls", "Stop", "Hang"], &[Level::WARN]),
        (&["shutdown began", "events"], &[Level::INFO]),
        (&["shutdown done", "events"], &[Level::INFO]),
    ] {
        assert_eq!(heard.levels_of(parts), levels, "{parts:?}");
    }
}
