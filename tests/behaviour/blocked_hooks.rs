//! A stop hook that blocks its thread past what is done about it: the rest of it does not run (S6.1, S6.2, S7.4).
//!
//! Here threads really block, so the clock cannot be paused.

use std::future::pending;
use std::thread;
use std::time::Duration;

use actors_core::{AbortedBy, Actor, ActorSystem, Context, ExitReason, messages};
use tests::{Journal, eventually, promptly};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built")
}

/// Its stop hook blocks until its end is known, and then awaits something.
#[derive(Actor)]
struct Deaf {
    journal: Journal,
    #[allow(dead_code, reason = "kept to be dropped")]
    drops: tests::DropNote,
}

#[messages]
impl Deaf {
    #[message]
    fn ping(&self) {}

    #[stopped]
    async fn stopped(&mut self, ctx: &mut Context<Self>) {
        while ctx.actor_ref().exit().is_none() {
            thread::yield_now();
        }
        tokio::task::yield_now().await;
        self.journal.note("late");
    }
}

#[test]
fn nothing_of_a_hook_runs_after_the_end_was_made_known() {
    let journal = Journal::new();
    runtime().block_on(async {
        let system = ActorSystem::builder("deaf").deadline(Duration::from_millis(400)).progress(false).build();
        let deaf = system.spawn(Deaf { journal: journal.clone(), drops: journal.drop_note("dropped") });
        deaf.ask(Ping).await.expect("it answers");

        let report = promptly("the report", system.shutdown()).await;

        assert_eq!((report.exit_code(), report.unresponsive().count()), (4, 1), "{report}");
        eventually("its state is dropped", || journal.count("dropped") == 1).await;
    });
    assert_eq!(journal.entries(), ["dropped"]);
}

/// Has to be killed. Then its stop hook blocks its thread for some time, and waits for ever.
#[derive(Actor)]
#[actor(stop_limit = "10ms")]
struct Sleepy;

#[messages]
impl Sleepy {
    #[message]
    async fn hang(&self) {
        pending().await
    }

    #[stopped]
    async fn stopped(&mut self) {
        // Until it has been aborted, and has not been given up.
        thread::sleep(Duration::from_millis(400));
        pending().await
    }
}

#[test]
fn an_abort_that_comes_while_a_hook_blocks_its_thread_is_felt_when_it_lets_go() {
    // Each is given up some forty milliseconds after it has let go: on a busy machine that may be too soon.
    let was_aborted = (0..8).any(|_| {
        runtime().block_on(async {
            let system = ActorSystem::builder("sleepy").progress(false).build();
            // Keeps a worker awake, which looks after the clock.
            tokio::spawn(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
            let sleepy = system.spawn(Sleepy);
            sleepy.tell(Hang).await.expect("it is open");
            eventually("it is in hand", || sleepy.queued() == 0).await;

            promptly("the report", system.shutdown_within(Duration::from_millis(700))).await;

            let exit = sleepy.exit().expect("it has ended");
            let aborted = ExitReason::Aborted { by: AbortedBy::Deadline };
            exit.reason == aborted || exit.secondary.contains(&aborted)
        })
    });
    assert!(was_aborted, "it was given up each time");
}
