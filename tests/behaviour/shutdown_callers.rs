//! Who calls for a shutdown, from where and how often, and what a later call changes (S7.3, S7.4).

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, ExitReason, Outcome, ShutdownReport, Trigger, messages};
use tests::tree::{Branch, Habit};
use tests::{Broken, Journal, promptly};
use tokio::time::Instant;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// ===== callers =====

#[tokio::test(start_paused = true)]
async fn s7_3_concurrent_calls_share_one_shutdown_and_one_report() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    Branch::new("a", Habit::CleansUp(secs(2))).grow(&system, &journal).await;
    let calls: Vec<_> = (0..10)
        .map(|number| {
            let system = system.clone();
            tokio::spawn(async move {
                tokio::time::sleep(millis(number * 100)).await;
                system.shutdown().await
            })
        })
        .collect();
    let mut reports: Vec<ShutdownReport> = Vec::new();
    for call in calls {
        reports.push(call.await.expect("it does not panic"));
    }
    reports.push(system.shutdown().await);
    reports.push(system.terminated().await);
    for report in &reports {
        assert_eq!((report.total, report.order()), (secs(2), reports[0].order()));
    }
    assert_eq!(journal.count("a stopped"), 1);
}

#[tokio::test(start_paused = true)]
async fn s7_3_a_shutdown_whose_future_is_dropped_goes_on() {
    let system = ActorSystem::new("wood");
    Branch::new("a", Habit::CleansUp(secs(2))).grow(&system, &Journal::new()).await;
    assert!(tokio::time::timeout(secs(1), system.shutdown()).await.is_err());
    let report = system.terminated().await;
    assert_eq!(report.total, secs(2));
    assert!(report.is_clean());
}

/// Shuts its own system down, from wherever it is told to.
#[derive(Actor)]
struct Suicidal;

#[messages]
impl Suicidal {
    #[message]
    async fn shut_down(&self, ctx: &mut Context<Self>) -> Outcome {
        ctx.system().shutdown().await.outcome
    }
    #[message]
    async fn shut_down_within(&self, ctx: &mut Context<Self>) -> Outcome {
        ctx.system().shutdown_within(secs(1)).await.outcome
    }
    #[message]
    async fn shut_down_in_helper(&self, ctx: &mut Context<Self>) -> Outcome {
        let system = ctx.system();
        ctx.spawn_task(async move { system.shutdown().await.outcome }).await.expect("it is not dropped")
    }
    #[message]
    async fn fail_to_start(&self, ctx: &mut Context<Self>) -> Outcome {
        let failed = ctx.system().actor(Suicidal).name("a/b").start().await.expect_err("that is no name");
        ctx.system().start_failed(failed).await.outcome
    }
    #[message]
    async fn shut_down_other(&self, other: ActorSystem) -> Outcome {
        other.shutdown().await.outcome
    }
    #[message]
    fn request(&self, ctx: &mut Context<Self>) {
        ctx.system().request_shutdown();
    }
}

#[tokio::test(start_paused = true)]
async fn s7_3_awaited_inside_an_actor_a_shutdown_would_deadlock_and_stops_nothing() {
    let system = ActorSystem::new("house");
    let actor = system.actor(Suicidal).name("me").spawn();
    let path = actor.path();
    let refused = Outcome::WouldDeadlock { path };
    assert_eq!(actor.ask(ShutDown).await.expect("it answers"), refused);
    assert_eq!(actor.ask(ShutDownWithin).await.expect("it answers"), refused);
    assert_eq!(actor.ask(ShutDownInHelper).await.expect("it answers"), refused);
    assert_eq!(actor.ask(FailToStart).await.expect("it answers"), refused);
    assert!(!system.is_shutting_down() && actor.is_alive());
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_3_an_actor_may_await_the_shutdown_of_another_system() {
    let (system, other) = (ActorSystem::new("house"), ActorSystem::new("neighbour"));
    Branch::good("a").grow(&other, &Journal::new()).await;
    let actor = system.spawn(Suicidal);
    assert_eq!(actor.ask(ShutDownOther { other: other.clone() }).await.expect("it answers"), Outcome::Clean);
    assert_eq!((other.actors(), system.actors()), (0, 1));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s7_3_a_shutdown_requested_inside_an_actor_stops_all_of_it() {
    let system = ActorSystem::new("house");
    let actor = system.spawn(Suicidal);
    actor.ask(Request).await.expect("it answers");
    assert!(system.is_shutting_down());
    let report = promptly("the shutdown", system.terminated()).await;
    assert_eq!((&report.trigger, &report.outcome), (&Trigger::Request, &Outcome::Clean));
    assert_eq!(actor.stopped().await, ExitReason::Shutdown);
}

// ===== deadlines that change =====

#[tokio::test(start_paused = true)]
async fn s7_3_a_second_call_brings_the_deadline_nearer_and_never_farther() {
    for depth in 0..=3 {
        let system = ActorSystem::new("wood");
        let hung = Branch::new("hung", Habit::HangsInHandler).stop_limit(secs(20)).under(depth);
        hung.grow(&system, &Journal::new()).await;
        let began = Instant::now();
        system.request_shutdown();
        tokio::time::sleep(secs(1)).await;
        let (report, later) = tokio::join!(system.shutdown_within(secs(2)), system.shutdown_within(secs(60)));
        assert!(began.elapsed() <= secs(3), "below {depth}: {:?}\n{report}", began.elapsed());
        assert_eq!((report.deadline, later.deadline), (secs(3), secs(3)));
        assert_eq!(report.actors.iter().filter(|actor| actor.limit.is_some()).count(), 1, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn s7_3_a_second_call_shortens_the_quiet_time_too() {
    let system = ActorSystem::builder("house").quiesce(secs(10)).build();
    Branch::good("a").grow(&system, &Journal::new()).await;
    let began = Instant::now();
    system.request_shutdown();
    tokio::time::sleep(secs(1)).await;
    assert!(system.shutdown_within(secs(1)).await.is_clean());
    assert!(began.elapsed() <= secs(2), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn s7_3_a_second_call_shortens_what_a_kill_and_a_callback_have() {
    let system = ActorSystem::new("wood");
    Branch::new("a", Habit::HangsInHook).stop_limit(millis(10)).grow(&system, &Journal::new()).await;
    system.on_terminated(pending::<()>).expect("it runs");
    let began = Instant::now();
    system.request_shutdown();
    tokio::time::sleep(millis(100)).await;
    let report = system.shutdown_within(millis(400)).await;
    assert!(began.elapsed() <= millis(500), "{:?}", began.elapsed());
    assert_eq!(report.exit_code(), 3);
}

#[tokio::test(start_paused = true)]
async fn s7_4_a_shutdown_sets_a_limit_to_those_that_stop_on_their_own_already() {
    let system = ActorSystem::builder("wood").deadline(secs(4)).build();
    let hung = Branch::new("hung", Habit::HangsInHandler).stop_limit(secs(100)).under(2);
    let top = hung.grow(&system, &Journal::new()).await;
    top.stop();
    tokio::time::sleep(secs(1)).await;
    assert!(top.exit().is_none());
    let report = system.shutdown().await;
    assert!(report.total <= secs(4), "{report}");
    assert_eq!(report.order(), ["/1/2/hung", "/1/2", "/1"]);
    assert_eq!(top.stopped().await, ExitReason::Normal, "why it ends was settled by the first who asked");
}

// ===== afterwards =====

#[tokio::test(start_paused = true)]
async fn sys_2_a_second_shutdown_changes_nothing() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let by_hand = Branch::good("by hand").grow(&system, &journal).await;
    let left = Branch::good("left").grow(&system, &journal).await;
    system
        .on_terminated({
            let journal = journal.clone();
            || async move { journal.note("callback") }
        })
        .expect("it is taken");
    by_hand.stop();
    assert_eq!(by_hand.stopped().await, ExitReason::Normal);

    let first = system.shutdown().await;
    let began = Instant::now();
    let second = system.shutdown_within(millis(1)).await;
    system.request_shutdown();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!((&second.trigger, second.deadline, second.total), (&first.trigger, first.deadline, first.total));
    for entry in ["by hand stopped", "left stopped", "callback"] {
        assert_eq!(journal.count(entry), 1, "{entry}");
    }
    assert_eq!((by_hand.stopped().await, left.stopped().await), (ExitReason::Normal, ExitReason::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn s3_4_nothing_is_started_from_the_moment_at_which_a_shutdown_is_asked_for() {
    let system = ActorSystem::new("test");
    system.request_shutdown();

    let late = system.spawn(Unwilling);

    assert!(!late.is_alive());
    assert!(system.terminated().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_8_the_report_says_how_long_the_system_served_on() {
    let system = ActorSystem::builder("test").quiesce(secs(1)).build();

    let report = system.shutdown().await;

    assert_eq!(report.quiesce, secs(1), "{report}");
}

#[tokio::test(start_paused = true)]
async fn s7_6_a_start_that_is_refused_because_all_stop_has_not_failed_and_any_other_has() {
    for (stops_first, code) in [(true, 0), (false, 2)] {
        let system = ActorSystem::new("test");
        if stops_first {
            system.request_shutdown();
        }
        let error = system.actor(Unwilling).start().await.expect_err("it does not start");
        system.request_shutdown();

        let report = system.start_failed(error).await;

        assert_eq!(report.exit_code(), code, "{report}");
    }
}

/// Fails to start.
#[derive(Actor)]
struct Unwilling;

#[messages]
impl Unwilling {
    #[started]
    fn begin(&self) -> Result<(), Broken> {
        Err(Broken("no"))
    }

    #[message]
    fn nothing(&self) {}
}
