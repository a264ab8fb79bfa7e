//! One hung child cannot eat the time of the others (S7.4), however long its own limit is and whenever the deadline comes nearer.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, ChildSpec, Context, ShutdownReport, Strategy, Supervisor, messages};
use tests::Journal;
use tests::lived::{End, Stage};
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

#[tokio::test(start_paused = true)]
async fn those_at_rest_that_have_ended_take_nothing_of_the_time_of_those_still_to_come() {
    let system = ActorSystem::builder("parts").deadline(Duration::from_secs(6)).progress(false).build();
    let slow = Part(Duration::from_secs(4));
    system.actor(slow).name("slow").unlimited_stop().hook_limit(Duration::from_secs(30)).start().await.expect("it starts");
    for _ in 0..20 {
        system.spawn(Quiet);
    }
    system.actor(Part(Duration::from_millis(10))).name("last").start().await.expect("it starts");

    let report = system.shutdown().await;

    let slow = report.get("/slow").expect("it ended");
    assert_eq!((slow.limit, slow.exit.reason.is_clean()), (None, true), "{report}");
}

/// Ends at once where it is asked to.
#[derive(Actor)]
struct Quiet;

#[messages]
impl Quiet {
    #[message]
    fn idle(&self) {}
}

/// Has a child that hangs and has no limit of its own, and takes a second for its own hook.
#[derive(Actor)]
#[actor(stop_limit = "20s")]
struct Parent(Journal);

#[messages]
impl Parent {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        let hung = ctx.actor(Part(Duration::ZERO)).unlimited_stop().spawn();
        hung.tell(Hang).await.expect("it is open");
        self.0.note("began");
    }

    #[message]
    fn rest(&self) {}

    #[stopped]
    async fn close(&mut self) {
        sleep(Duration::from_secs(1)).await;
        self.0.note("closed");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_along_has_its_children_gone_in_time_for_its_own_hook() {
    let stage = Stage::new();
    let journal = stage.journal.clone();
    let parent = ChildSpec::new("parent", move || Parent(journal.clone()));
    stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children([stage.spec("a"), parent])).await;

    stage.worker("a").tell(End::Panic).await.expect("it is open");
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!((stage.journal.count("began"), stage.journal.count("closed")), (2, 1), "{:?}", stage.journal);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_comes_nearer_leaves_a_parent_the_time_for_its_hook() {
    let (system, journal) = (ActorSystem::builder("parts").deadline(Duration::from_secs(60)).progress(false).build(), Journal::new());
    system.actor(Parent(journal.clone())).name("parent").unlimited_stop().start().await.expect("it starts");
    system.request_shutdown();
    sleep(Duration::from_secs(1)).await;

    let report = system.shutdown_within(Duration::from_secs(10)).await;

    let parent = report.get("/parent").expect("it ended");
    assert_eq!((parent.limit, journal.count("closed")), (None, 1), "{report}");
}
