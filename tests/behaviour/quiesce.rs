//! The quiet time before a shutdown, in which actors serve on and accept no more (S7.2).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, messages};
use tests::tree::{Branch, Habit};
use tests::{Journal, eventually};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Accepts no more when the system quiesces, and serves on.
#[derive(Actor)]
struct Door {
    journal: Journal,
}

#[messages]
impl Door {
    #[started]
    fn watch(&mut self, ctx: &mut Context<Self>) {
        let (quiescing, journal) = (ctx.quiescing(), self.journal.clone());
        ctx.spawn_task(async move {
            quiescing.await;
            journal.note("closed");
        });
    }
    #[message]
    fn knock(&self, ctx: &mut Context<Self>) -> bool {
        ctx.is_quiescing()
    }
    #[stopped]
    fn leave(&self) {
        self.journal.note("stopped");
    }
}

#[tokio::test(start_paused = true)]
async fn s7_2_quiesce_comes_before_the_first_stop_and_actors_serve_on() {
    let journal = Journal::new();
    let system = ActorSystem::builder("house").quiesce(secs(3)).build();
    let door = system.start(Door { journal: journal.clone() }).await.expect("it starts");
    assert!(!door.ask(Knock).await.expect("it answers"));
    system.request_shutdown();
    eventually("it is closed", || journal.entries() == ["closed"]).await;
    assert!(door.ask(Knock).await.expect("it serves on"));
    let late = system.start(Door { journal: Journal::new() }).await;
    assert!(late.is_ok(), "a system that quiesces still starts what it needs");
    let report = system.terminated().await;
    assert_eq!((report.total, report.quiesce, report.actors[0].turn), (secs(3), secs(3), secs(3)));
    assert_eq!(journal.entries(), ["closed", "stopped"]);
    assert!(report.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_2_quiesce_can_be_asked_for_by_itself_and_stops_nobody() {
    let journal = Journal::new();
    let system = ActorSystem::new("house");
    let door = system.start(Door { journal: journal.clone() }).await.expect("it starts");
    system.quiesce();
    system.quiesce();
    tokio::time::sleep(secs(100)).await;
    assert!(door.ask(Knock).await.expect("it serves on"));
    assert_eq!(journal.entries(), ["closed"]);
    assert!(!system.is_shutting_down());
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_2_quiesce_leaves_half_of_the_deadline_for_stopping() {
    let system = ActorSystem::builder("house").deadline(secs(10)).quiesce(secs(60)).build();
    let journal = Journal::new();
    Branch::new("slow", Habit::CleansUp(secs(3))).grow(&system, &journal).await;
    let report = system.shutdown().await;
    assert_eq!((report.total, report.quiesce), (secs(8), secs(5)));
    assert!(report.is_clean(), "{report}");
}
