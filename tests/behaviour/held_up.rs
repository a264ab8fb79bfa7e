//! What held up an actor that had to be given up is known to the end, whatever limits it hits after the first (S7.4, S7.8).
//!
//! Here a thread really blocks, so the clock cannot be paused. The test waits for the deadline of its shutdown at most.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, ExitReason, LimitHit, messages};
use tests::{Gate, promptly};

/// Its handler never ends, and its last hook blocks.
#[derive(Actor)]
struct Stuck {
    gate: Gate,
    wall: Receiver<()>,
}

#[messages]
impl Stuck {
    #[message]
    async fn hang(&mut self) {
        self.gate.open();
        std::future::pending().await
    }

    #[stopped]
    fn clean_up(&mut self) {
        assert!(self.wall.recv().is_err());
    }
}

#[test]
fn s7_8_who_outlasts_the_stop_in_a_handler_and_the_kill_in_its_hook_was_held_up_by_the_message() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let system = ActorSystem::builder("held-up").deadline(Duration::from_millis(2_000)).progress(false).build();
        let (gate, (hold, wall)) = (Gate::new(), channel());
        let stuck = system.actor(Stuck { gate: gate.clone(), wall }).name("stuck").spawn();
        stuck.tell(Hang).await.expect("it takes messages");
        promptly("it hangs", gate.pass()).await;

        // Each rung is a part of the deadline. The other worker has something to do, and so looks at the clock.
        let busy = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });

        let report = promptly("the report", system.shutdown()).await;

        let entry = report.get("/stuck").expect("it is reported");
        assert_eq!((&entry.exit.reason, entry.limit), (&ExitReason::Unresponsive, Some(LimitHit::Abort)), "{report}");
        assert_eq!(entry.held_by.as_deref(), Some("Hang"));
        busy.abort();
        drop(hold);
    });
}
