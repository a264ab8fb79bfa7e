//! Limits that no clock can count, limits of no time at all, and clocks that jump by years (S4.6, S7.4, S11).

use std::time::Duration;

use actors_core::test_kit::{self, Fault, Probe, Setup};
use actors_core::{
    Actor, ActorSystem, AskError, Asks, Backoff, CatchUp, ChildSpec, Context, Every, ExitReason, Outcome, Refusal, Supervisor, WorkerPool,
    messages,
};
use tests::{Gate, Journal, eventually, promptly};
use tokio::time::Instant;

const NEVER: Duration = Duration::MAX;
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A test may take as long as it likes, of its own time.
fn patiently() -> Setup {
    Setup::new().limit(NEVER)
}

/// Has one of each source, set to `time`.
#[derive(Actor)]
struct Timed {
    journal: Journal,
    gate: Gate,
}

#[messages]
impl Timed {
    #[message]
    fn set(&mut self, time: Duration, ctx: &mut Context<Self>) {
        ctx.send_after(time, Note { what: "after" });
        ctx.set_timer("key", time, Note { what: "keyed" });
        if !time.is_zero() {
            ctx.send_every(Every::new(time).catch_up(CatchUp::Skip), || Note { what: "skip" });
            ctx.send_every(Every::new(time).catch_up(CatchUp::Delay), || Note { what: "delay" });
        }
        ctx.set_inactivity_timeout(time, || Note { what: "inactive" });
    }

    #[message]
    fn note(&mut self, what: &'static str) {
        self.journal.note(what);
    }

    #[message]
    async fn pass(&mut self) {
        self.gate.pass().await;
    }

    #[message]
    fn crash(&mut self) {
        panic!("as it was told");
    }
}

fn timed() -> (Timed, Journal, Gate) {
    let (journal, gate) = (Journal::new(), Gate::new());
    (Timed { journal: journal.clone(), gate: gate.clone() }, journal, gate)
}

// ===== no clock can count it =====

#[test]
fn limits_that_no_clock_can_count_are_waited_out_by_nobody() {
    patiently().run(async |system| {
        let (actor, _, gate) = timed();
        let actor =
            system.actor(actor).mailbox(1).stop_limit(NEVER).start_limit(NEVER).handler_limit(NEVER).hook_limit(NEVER).ask_limit(NEVER);
        let actor = actor.start().await.unwrap();
        actor.tell(Pass).await.unwrap();
        gate.reached().await;
        actor.tell(Note { what: "fills it" }).await.unwrap();
        gate.open();

        promptly("a tell", actor.tell(Note { what: "waits" }).within(NEVER)).await.unwrap();
        promptly("an ask", actor.ask(Note { what: "asked" })).await.unwrap();
        promptly("an ask within", actor.ask(Note { what: "asked" }).within(NEVER)).await.unwrap();
        let mut asks = Asks::new().within(NEVER);
        asks.add("one", actor.ask(Note { what: "asked" }).within(NEVER));
        assert!(promptly("all asks", asks.join()).await[0].1.is_ok());
        actor.stop();
        assert_eq!(promptly("its end", actor.stopped().within(NEVER)).await, Ok(ExitReason::Normal));
    });
}

#[test]
fn timers_that_no_clock_can_count_wait_and_can_be_cancelled_by_the_end() {
    patiently().run(async |system| {
        let (actor, journal, _) = timed();
        let actor = system.spawn(actor);
        actor.ask(Set { time: NEVER }).await.unwrap();
        let _schedule = system.send_after(&actor, NEVER, Note { what: "scheduled" });
        let _interval = system.send_every(&actor, NEVER, || Note { what: "scheduled" });

        tokio::time::sleep(9 * YEAR).await;

        assert!(journal.is_empty());
    });
}

#[test]
fn a_system_and_its_plan_take_limits_that_no_clock_can_count() {
    patiently().may_fail().run(async |_| {
        let system = ActorSystem::builder("patient").deadline(NEVER).quiesce(NEVER).progress(false).build();
        let spec = |name: &str| ChildSpec::new(name, || timed().0).stop_limit(NEVER).start_limit(NEVER).handler_limit(NEVER);
        let backoff = Backoff::exponential(NEVER, NEVER).reset_after(NEVER);
        let supervisor = Supervisor::new().restarts(3, NEVER).child(spec("a").backoff(backoff)).child(spec("b"));
        let supervisor = system.actor(supervisor).name("sup").start().await.unwrap();
        system.lookup::<Timed>("/sup/a").unwrap().tell(Crash).await.unwrap();

        let plan = system.shutdown_plan();
        assert!(!plan.to_string().is_empty() && !system.tree().to_string().is_empty());

        let report = promptly("a nearer deadline counts", system.shutdown_within(Duration::from_secs(2))).await;
        assert_eq!((supervisor.stopped().await, report.actors.len()), (ExitReason::Shutdown, 3), "{report}");
    });
}

#[test]
fn a_shutdown_without_an_end_in_sight_ends_when_all_have() {
    patiently().run(async |_| {
        let system = ActorSystem::builder("patient").deadline(NEVER).progress(false).build();
        system.actor(timed().0).stop_limit(NEVER).start().await.unwrap();
        assert!(promptly("the shutdown", system.shutdown_within(NEVER)).await.is_clean());
    });
}

#[test]
fn services_and_the_test_kit_take_limits_that_no_clock_can_count() {
    patiently().run(async |system| {
        let pool = WorkerPool::new(1, || timed().0).restarts(3, NEVER);
        let workers = system.actor(pool).start().await.unwrap().workers();
        promptly("an answer", workers.ask_within(NEVER, Note { what: "asked" })).await.unwrap();

        let probe = Probe::<u32>::spawn(&system);
        probe.recipient().tell(7).await.unwrap();
        assert_eq!(promptly("a message", probe.expect_within(NEVER)).await, 7);
        let topic = system.topic::<u32>("numbers");
        topic.subscribe(probe.recipient());
        assert_eq!(promptly("it is published", topic.publish_and_wait(8, NEVER)).await.delivered, 1);
        let nothing = tokio::time::timeout(YEAR, async {
            probe.expect_eq(8).await;
            probe.expect_none(NEVER).await;
        });
        assert!(nothing.await.is_err(), "it goes on expecting nothing");
    });
}

#[test]
fn a_fault_that_lasts_for_ever_is_ended_like_any_other() {
    patiently().may_hang().run(async |system| {
        let actor = system.actor(timed().0).name("slow").spawn();
        system.inject("/slow", Fault::delay(NEVER));
        actor.tell(Note { what: "never" }).await.unwrap();
        assert!(actor.stopped().within(YEAR).await.is_err());
    });
}

// ===== no time at all =====

#[test]
fn limits_of_no_time_at_all_have_passed_at_once() {
    patiently().may_hang().run(async |system| {
        let (actor, _, gate) = timed();
        let actor = system.actor(actor).mailbox(1).spawn();
        actor.tell(Pass).await.unwrap();
        gate.reached().await;
        let waits = promptly("an ask", actor.ask(Note { what: "asked" }).within(Duration::ZERO)).await;
        assert!(matches!(waits, Err(AskError::TimedOutInQueue { .. })));
        let told = promptly("a tell", actor.tell(Note { what: "told" }).within(Duration::ZERO)).await;
        assert_eq!(told.unwrap_err().reason(), Refusal::TimedOut);
        assert!(promptly("its end", actor.stopped().within(Duration::ZERO)).await.is_err());

        // It may be over on the thread that watches it, for which the clock of the test does not wait.
        let report = system.shutdown_within(Duration::ZERO).await;

        assert!(matches!(report.outcome, Outcome::Aborted | Outcome::Unresponsive), "{report}");
        assert_eq!(system.actors(), 0);
    });
}

#[test]
fn timers_of_no_time_at_all_fire_once() {
    patiently().run(async |system| {
        let (actor, journal, _) = timed();
        system.spawn(actor).ask(Set { time: Duration::ZERO }).await.unwrap();
        test_kit::advance(Duration::from_millis(5)).await;
        assert_eq!(["after", "keyed", "inactive"].map(|what| journal.count(what)), [1, 1, 1]);
    });
}

// ===== the clock jumps =====

#[test]
fn what_is_due_after_a_jump_of_years_comes_once_and_the_rest_keeps_its_beat() {
    patiently().run(async |system| {
        let (actor, journal, _) = timed();
        let actor = system.spawn(actor);
        actor.ask(Set { time: Duration::from_millis(10) }).await.unwrap();

        tokio::time::advance(9 * YEAR).await;
        actor.ask(Note { what: "now" }).await.unwrap();
        test_kit::advance(Duration::ZERO).await;

        assert_eq!(["after", "keyed"].map(|what| journal.count(what)), [1, 1]);
        assert!(["skip", "delay"].iter().all(|what| (1..=2).contains(&journal.count(what))), "{:?}", journal.entries());
        let before = journal.count("skip");
        test_kit::advance(Duration::from_millis(20)).await;
        assert_eq!(journal.count("skip"), before + 2);
    });
}

#[test]
fn limits_pass_when_the_clock_jumps_over_them_and_everybody_is_told() {
    patiently().may_hang().run(async |system| {
        let (actor, _, gate) = timed();
        let actor = system.actor(actor).mailbox(1).spawn();
        actor.tell(Pass).await.unwrap();
        gate.reached().await;
        let (asks, tells) = (actor.clone(), actor.clone());
        let asked = tokio::spawn(async move { asks.ask(Note { what: "asked" }).within(Duration::from_secs(5)).await });
        let told = tokio::spawn(async move { tells.tell(Note { what: "told" }).within(Duration::from_secs(5)).await });
        tokio::task::yield_now().await;

        tokio::time::advance(9 * YEAR).await;

        assert!(matches!(promptly("the ask", asked).await.unwrap(), Err(AskError::TimedOutInQueue { .. })));
        assert_eq!(promptly("the tell", told).await.unwrap().unwrap_err().reason(), Refusal::TimedOut);
        assert!(actor.is_alive(), "it has no limit of its own");
        let ending = system.clone();
        let report = tokio::spawn(async move { ending.shutdown().await });
        eventually("it has begun", || system.is_shutting_down()).await;
        tokio::time::advance(9 * YEAR).await;
        let report = promptly("the report", report).await.unwrap();
        assert!(report.total >= 9 * YEAR && !report.to_string().is_empty());
        assert_eq!(system.actors(), 0);
    });
}

#[test]
fn restarts_of_years_ago_are_forgotten_and_a_backoff_is_over_after_a_jump() {
    patiently().may_fail().run(async |system| {
        let backoff = Backoff::constant(Duration::from_secs(60)).no_jitter();
        let spec = ChildSpec::new("child", || timed().0).backoff(backoff);
        let supervisor = system.actor(Supervisor::new().restarts(1, Duration::from_secs(5)).child(spec)).name("sup").start().await.unwrap();
        let child = system.lookup::<Timed>("/sup/child").unwrap();
        for restarts in 1..=3 {
            let began = Instant::now();
            child.tell(Crash).await.unwrap();
            test_kit::advance(Duration::from_secs(1)).await;
            tokio::time::advance(9 * YEAR).await;
            promptly("the next incarnation", child.ask(Note { what: "again" })).await.unwrap();
            assert_eq!(child.incarnation(), restarts);
            // It has to run for the whole of the period.
            test_kit::advance(Duration::from_secs(6)).await;
            assert!(began.elapsed() >= 9 * YEAR);
        }
        assert!(supervisor.is_alive());
    });
}
