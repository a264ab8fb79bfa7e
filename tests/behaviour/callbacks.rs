//! Callbacks for the end of a system: whatever becomes of one, the others run.

use std::future::pending;
use std::time::Duration;

use actors_core::ActorSystem;
use tests::Journal;
use tokio::time::timeout;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_breaks_when_it_is_dropped_does_not_keep_the_others_from_running() {
    for ends in [true, false] {
        let (system, journal) = (ActorSystem::new("quarry"), Journal::new());
        let noting = journal.clone();
        system.on_terminated(async move || noting.note("called")).expect("it is not over");
        let bomb = Bomb;
        system
            .on_terminated(move || async move {
                let _bomb = bomb;
                if !ends {
                    pending::<()>().await;
                }
            })
            .expect("it is not over");

        let report = timeout(Duration::from_secs(30), system.shutdown()).await.expect("it is bounded");

        assert_eq!(journal.entries(), ["called"], "{report}");
        assert!(report.failed > 0, "{report}");
    }
}
