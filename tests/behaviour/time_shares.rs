//! One hung child cannot eat the time of the others (S7.4), however long its own limit is and whenever the deadline comes nearer.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, ShutdownReport, messages};
use tokio::time::sleep;

/// One part of a system, that takes so long to stop.
#[derive(Actor)]
struct Part(Duration);

#[messages]
impl Part {
    #[message]
    async fn hang(&self) {
        pending::<()>().await;
    }

    #[stopped]
    async fn close(&mut self) {
        sleep(self.0).await;
    }
}

/// A system of `/a` and `/b`, which take `time` to stop, and of `/c`, started last, which hangs and may take up to `limit`.
async fn with_a_hung_child(deadline: Duration, time: Duration, limit: Duration) -> ActorSystem {
    let system = ActorSystem::builder("parts").deadline(deadline).progress(false).build();
    for name in ["a", "b"] {
        system.actor(Part(time)).name(name).start().await.expect("it starts");
    }
    let hung = system.actor(Part(Duration::ZERO)).name("c").stop_limit(limit).start().await.expect("it starts");
    hung.tell(Hang).await.expect("it is open");
    tokio::task::yield_now().await;
    system
}

#[track_caller]
fn assert_only_c_was_cut_short(report: &ShutdownReport) {
    for name in ["/a", "/b"] {
        let part = report.get(name).expect("it ended");
        assert_eq!((part.limit, part.exit.reason.is_clean()), (None, true), "{name}: {report}");
    }
    assert!(report.get("/c").is_some_and(|hung| hung.limit.is_some()), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_all_time_counts_as_none_at_all() {
    for limit in [Duration::MAX, Duration::MAX - Duration::from_secs(4), Duration::from_secs(u64::MAX / 2)] {
        let system = with_a_hung_child(Duration::from_secs(20), Duration::from_secs(3), limit).await;

        let report = system.shutdown().await;

        assert_only_c_was_cut_short(&report);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_comes_nearer_leaves_the_siblings_their_share() {
    let system = with_a_hung_child(Duration::from_secs(30), Duration::from_secs(1), Duration::from_secs(20)).await;
    system.request_shutdown();
    sleep(Duration::from_secs(1)).await;

    let report = system.shutdown_within(Duration::from_secs(6)).await;

    assert_only_c_was_cut_short(&report);
    let hung = report.get("/c").expect("it ended");
    assert!(hung.total < Duration::from_millis(3_500), "half of the time, and the second before: {report}");
}
