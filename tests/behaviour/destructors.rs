//! Where the destructor of a state runs: within the runtime of its system, whoever asks the actor to end.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, ExitReason, messages};

/// Says good-bye from a task.
#[derive(Actor)]
struct Polite {
    to: Sender<&'static str>,
}

#[messages]
impl Polite {
    #[message]
    fn nothing(&self) {}
}

impl Drop for Polite {
    fn drop(&mut self) {
        let to = self.to.clone();
        tokio::spawn(async move { to.send("good-bye") });
    }
}

#[test]
fn a_destructor_runs_within_the_runtime_though_the_actor_is_stopped_from_outside() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    let system = ActorSystem::builder("outside").runtime(runtime.handle().clone()).build();
    let (to, heard) = channel();
    let polite = system.spawn(Polite { to });

    polite.stop();

    assert_eq!(runtime.block_on(polite.stopped()), ExitReason::Normal);
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok("good-bye"));
    runtime.block_on(system.shutdown());
}
