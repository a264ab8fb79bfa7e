//! An actor that ends for a reason of its own: where that is clean, its policy says what becomes of its queue (S6.1).

use actors_core::{Actor, ActorSystem, Context, ExitReason, messages};
use tests::{Journal, promptly};

#[derive(Actor)]
#[actor(on_stop = "drain")]
struct Careful {
    journal: Journal,
}

#[messages]
impl Careful {
    #[message]
    fn note(&self) {
        self.journal.note("noted");
    }

    #[message]
    fn end(&self, reason: ExitReason, ctx: &mut Context<Self>) {
        ctx.stop_because(reason);
    }
}

#[tokio::test(start_paused = true)]
async fn s6_1_one_that_ends_cleanly_drains_and_one_that_was_killed_does_not() {
    for (reason, noted) in [(ExitReason::Normal, 2), (ExitReason::Shutdown, 2), (ExitReason::Killed, 0)] {
        let (system, journal) = (ActorSystem::new("own"), Journal::new());
        let careful = system.spawn(Careful { journal: journal.clone() });
        careful.try_tell(End { reason: reason.clone() }).unwrap();
        careful.try_tell(Note).unwrap();
        careful.try_tell(Note).unwrap();

        assert_eq!(promptly("its end", careful.stopped()).await, reason);
        assert_eq!(journal.len(), noted, "{reason}");
        system.shutdown().await;
    }
}
