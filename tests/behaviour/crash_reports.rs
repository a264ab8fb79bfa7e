//! Crash reports: what is known of a failure, and what was decided about it (S10.9).

use std::io;
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, Backoff, BoxError, ChildSpec, Context, CrashReports, Decision, ExitReason, Exited, Outcome, Strategy,
    Supervisor, messages,
};
use tests::{Broken, Gate, eventually, promptly};

#[derive(Actor)]
struct Db {
    gate: Gate,
}

/// The query failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the page")]
struct BadPage(#[source] io::Error);

#[messages]
impl Db {
    #[message]
    async fn query(&mut self) -> Result<(), BadPage> {
        self.gate.pass().await;
        Err(BadPage(io::Error::other("disk full")))
    }

    #[message]
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    #[message]
    fn crash(&self) {
        panic!("out of cheese");
    }

    #[message]
    fn ping(&self) {}
}

struct Cast {
    system: ActorSystem,
    crashes: CrashReports,
    gate: Gate,
}

impl Cast {
    fn new() -> Self {
        let system = ActorSystem::new("t");
        Cast { crashes: system.crash_reports(), system, gate: Gate::new() }
    }

    fn spec(&self, name: &str) -> ChildSpec {
        let gate = self.gate.clone();
        ChildSpec::new(name, move || Db { gate: gate.clone() })
    }

    async fn supervise(&self, supervisor: Supervisor) -> ActorRef<Supervisor> {
        self.system.actor(supervisor).name("data").start().await.expect("it starts")
    }

    fn db(&self, name: &str) -> ActorRef<Db> {
        self.system.lookup(&format!("/data/{name}")).expect("it runs")
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_who_failed_why_in_what_and_what_was_decided() {
    let mut cast = Cast::new();
    let backoff = Backoff::constant(Duration::from_millis(400)).no_jitter();
    let sup = Supervisor::new().restarts(5, Duration::from_secs(30)).child(cast.spec("db").backoff(backoff));
    cast.supervise(sup).await;
    let (db, peer) = (cast.db("db"), cast.system.actor(Db { gate: cast.gate.clone() }).name("peer").spawn());
    db.link(&peer);
    db.tell(Query).await.unwrap();
    cast.gate.reached().await;
    db.tell(Ping).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    cast.gate.open();

    let crash = promptly("a report", cast.crashes.recv()).await.unwrap();

    assert_eq!((crash.path.to_string().as_str(), crash.id, crash.incarnation), ("/data/db", db.id(), 0));
    assert_eq!(crash.reason.to_string(), "failed: cannot read the page: disk full");
    assert_eq!(crash.handling.as_deref(), Some("Query"));
    assert!(crash.handling_for.is_some_and(|time| time.as_secs_f64().round() == 3.0), "{:?}", crash.handling_for);
    assert_eq!(crash.queued, 1);
    assert_eq!(crash.links.iter().map(ToString::to_string).collect::<Vec<_>>(), ["/peer"]);
    assert_eq!(crash.decision.to_string(), "restart 1 of 5 in 30s, after 400ms");
    let text = crash.to_string();
    for part in ["/data/db", "incarnation 0", "disk full", "handling: `Query`, for ", "queued: 1", "links: /peer", "restart 1 of 5"] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    cast.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_how_long_the_last_message_had_waited_and_no_other() {
    let mut cast = Cast::new();
    let db = cast.system.actor(Db { gate: cast.gate.clone() }).name("db").spawn();
    db.tell(Sleep { time: Duration::from_secs(60) }).await.unwrap();
    db.tell(Query).await.unwrap();
    cast.gate.reached().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    cast.gate.open();

    let crash = promptly("a report", cast.crashes.recv()).await.unwrap();

    assert_eq!(crash.handling.as_deref(), Some("Query"));
    assert_eq!(crash.handling_for.map(|time| time.as_secs_f64().round()), Some(3.0));
    cast.system.shutdown().await;
}

/// Takes its time to tidy up.
#[derive(Actor)]
struct Tidy;

#[messages]
impl Tidy {
    #[message]
    async fn trip(&self, after: Duration) -> Result<(), Broken> {
        tokio::time::sleep(after).await;
        Err(Broken("tripped"))
    }

    #[exited]
    async fn tidy_after(&mut self, _other: Exited) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }

    #[stopped]
    async fn tidy(&mut self) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_nothing_of_how_long_the_last_hook_of_the_life_before_had_waited() {
    let mut cast = Cast::new();
    cast.supervise(Supervisor::new().child(ChildSpec::new("tidy", || Tidy))).await;
    let tidy: ActorRef<Tidy> = cast.system.lookup("/data/tidy").expect("it runs");
    for incarnation in [0, 1] {
        tidy.tell(Trip { after: Duration::from_secs(3) }).await.unwrap();

        let crash = promptly("a report", cast.crashes.recv()).await.unwrap();

        assert_eq!((crash.incarnation, crash.handling_for.map(|time| time.as_secs_f64().round())), (incarnation, Some(3.0)));
    }
    cast.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_nothing_of_how_long_a_hook_had_waited_before() {
    let mut cast = Cast::new();
    let (tidy, other) = (cast.system.spawn(Tidy), cast.system.spawn(Quiet));
    tidy.monitor(&other);
    other.stop();
    tokio::time::sleep(Duration::from_secs(1)).await;
    tidy.tell(Trip { after: Duration::from_secs(3) }).await.unwrap();

    let crash = promptly("a report", cast.crashes.recv()).await.unwrap();

    assert_eq!(crash.handling_for.map(|time| time.as_secs_f64().round()), Some(3.0));
    cast.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_panic_tells_its_place() {
    let mut cast = Cast::new();
    cast.supervise(Supervisor::new().child(cast.spec("db"))).await;
    cast.db("db").tell(Crash).await.unwrap();
    let crash = promptly("a report", cast.crashes.recv()).await.unwrap();
    let ExitReason::Panicked { message, location } = &crash.reason else { panic!("{crash}") };
    assert_eq!(&**message, "out of cheese");
    assert!(location.as_deref().is_some_and(|place| place.contains("crash_reports.rs:")), "{location:?}");
    assert_eq!(crash.handling.as_deref(), Some("Crash"));
    cast.system.shutdown().await;
}

/// One that never waits.
#[derive(Actor)]
struct Quiet;

#[messages]
impl Quiet {
    #[message]
    fn hush(&self) {}

    #[message]
    fn snap(&self) -> Result<(), Broken> {
        Err(Broken("snapped"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_names_the_message_of_one_that_never_waits_too() {
    let system = ActorSystem::new("t");
    let mut crashes = system.crash_reports();

    // Its first message and a later one: both ways of running it.
    for before in [0, 40] {
        let quiet = system.spawn(Quiet);
        for _ in 0..before {
            quiet.tell(Hush).await.expect("it is open");
        }
        quiet.tell(Snap).await.expect("it is open");
        quiet.stopped().await;
        assert_eq!(promptly("a report", crashes.recv()).await.expect("it is reported").handling.as_deref(), Some("Snap"), "after {before}");
    }
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_is_taken_along_is_told_as_such() {
    let mut cast = Cast::new();
    let sup = Supervisor::new().strategy(Strategy::OneForAll).children([cast.spec("a"), cast.spec("b")]);
    cast.supervise(sup).await;
    cast.db("b").tell(Crash).await.unwrap();
    let first = promptly("a report", cast.crashes.recv()).await.unwrap();
    let second = promptly("a report", cast.crashes.recv()).await.unwrap();
    assert!(matches!(first.decision, Decision::Restart { nth: 1, along: 1, .. }), "{first}");
    assert_eq!((second.path.to_string().as_str(), &second.decision), ("/data/a", &Decision::RestartWithSibling));
    cast.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn one_failure_too_many_is_told_once_and_the_supervisor_with_its_own_report() {
    let mut cast = Cast::new();
    let sup = cast.supervise(Supervisor::new().restarts(0, Duration::from_secs(5)).child(cast.spec("db"))).await;
    cast.db("db").tell(Crash).await.unwrap();
    let of_child = promptly("a report", cast.crashes.recv()).await.unwrap();
    assert_eq!(of_child.decision, Decision::GiveUp { restarts: 0, within: Duration::from_secs(5) });
    let of_supervisor = promptly("a report", cast.crashes.recv()).await.unwrap();
    assert!(matches!(of_supervisor.reason, ExitReason::Escalated { .. }), "{of_supervisor}");
    assert_eq!(of_supervisor.decision, Decision::Unsupervised);
    sup.stopped().await;
    assert!(cast.crashes.try_recv().is_none());
    assert_eq!(cast.system.shutdown().await.outcome, Outcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_nobody_supervises_gives_a_report_too_and_a_clean_end_none() {
    let mut cast = Cast::new();
    let (fails, stops) = (cast.system.spawn(Db { gate: cast.gate.clone() }), cast.system.spawn(Db { gate: cast.gate.clone() }));
    stops.stop();
    stops.stopped().await;
    fails.tell(Crash).await.unwrap();
    let crash = promptly("a report", cast.crashes.recv()).await.unwrap();
    assert_eq!((crash.id, &crash.decision), (fails.id(), &Decision::Unsupervised));
    assert!(cast.crashes.try_recv().is_none());
    cast.system.shutdown().await;
}

#[derive(Actor)]
#[actor(restarts = 0)]
struct Parent {
    gate: Gate,
}

#[messages]
impl Parent {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let gate = self.gate.clone();
        ctx.child("db", move || Db { gate: gate.clone() }).start().await?;
        Ok(())
    }

    #[message]
    fn idle(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_a_higher_supervisor_repairs_has_not_failed_for_good() {
    let cast = Cast::new();
    let gate = cast.gate.clone();
    cast.supervise(Supervisor::new().child(ChildSpec::new("parent", move || Parent { gate: gate.clone() }))).await;
    let parent: ActorRef<Parent> = cast.system.lookup("/data/parent").unwrap();
    let db: ActorRef<Db> = cast.system.lookup("/data/parent/db").unwrap();
    db.tell(Crash).await.unwrap();
    db.stopped().await;
    parent.ask(Idle).await.unwrap();
    assert_eq!(parent.incarnation(), 1);
    let report = cast.system.shutdown().await;
    assert!(report.is_clean(), "{report}");
}

/// Has children that fail.
#[derive(Actor)]
struct Brood;

#[messages]
impl Brood {
    #[message]
    fn breed(&self, count: u32, ctx: &mut Context<Self>) {
        for _ in 0..count {
            ctx.spawn(Stuck { closes: true }).try_tell(GiveIn).unwrap();
        }
    }

    #[message]
    fn begin_anew(&self) -> Result<(), Broken> {
        Err(Broken("asked to"))
    }

    #[message]
    fn count_lives(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

#[tokio::test(start_paused = true)]
async fn s10_9_all_failures_below_one_that_begins_anew_are_repaired_though_no_more_are_remembered() {
    for (others, below) in [(0, 1_100), (1_000, 3), (990, 20)] {
        let cast = Cast::new();
        for _ in 0..others {
            cast.system.spawn(Stuck { closes: true }).try_tell(GiveIn).unwrap();
        }
        eventually("the others have failed", || cast.system.actors() == 0).await;
        cast.supervise(Supervisor::new().child(ChildSpec::new("brood", || Brood))).await;
        let brood: ActorRef<Brood> = cast.system.lookup("/data/brood").unwrap();
        brood.tell(Breed { count: below }).await.unwrap();
        eventually("those below have failed", || cast.system.actors() == 2).await;

        brood.tell(BeginAnew).await.unwrap();
        assert_eq!(brood.ask(CountLives).await.unwrap(), 1);

        assert_eq!(cast.system.shutdown().await.failed, others, "{below} below");
    }
}

/// Fails, and may never close.
#[derive(Actor)]
#[actor(hook_limit = "60s")]
struct Stuck {
    closes: bool,
}

#[messages]
impl Stuck {
    #[message]
    fn give_in(&self) -> Result<(), Broken> {
        Err(Broken("asked to"))
    }

    #[stopped]
    async fn close(&mut self) {
        if !self.closes {
            std::future::pending::<()>().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_though_the_actor_is_aborted_while_it_ends() {
    let Cast { system, mut crashes, .. } = Cast::new();
    let stuck = system.spawn(Stuck { closes: false });
    stuck.tell(GiveIn).await.unwrap();

    let report = promptly("the shutdown", system.shutdown_within(Duration::from_millis(800))).await;

    let exit = stuck.exit().expect("it has ended");
    assert!(matches!(exit.reason, ExitReason::Failed(_)) && !exit.secondary.is_empty(), "{exit:?}: {report}");
    let crash = crashes.try_recv().expect("it is told");
    assert_eq!((&crash.reason, &crash.secondary), (&exit.reason, &exit.secondary));
    assert!(crashes.try_recv().is_none());
}
