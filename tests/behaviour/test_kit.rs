//! The test kit: probes, paused time, the tree, the log of lives. That what fails, fails with the right words, is tested too.

use std::future::pending;
use std::time::Duration;

use actors_core::test_kit::{self, LifeStep, Probe, Setup};
use actors_core::{Actor, ActorSystem, Context, ExitReason, OnStop, Recipient, StartError, messages};
use tests::{Broken, Journal, complaint_of, on_1_2_and_8_workers};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// What a panic on a task of its own said.
async fn complaint(failing: impl Future<Output = ()> + Send + 'static) -> String {
    let payload = tokio::spawn(failing).await.expect_err("it panics").into_panic();
    payload.downcast_ref::<String>().expect("the panic has a text").clone()
}

fn line_of(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Passes on what it gets, some time later.
#[derive(Actor)]
struct Echo {
    to: Recipient<u32>,
}

#[messages]
impl Echo {
    #[message]
    async fn say(&self, number: u32, after: Duration) {
        tokio::time::sleep(after).await;
        let _ = self.to.tell(number).await;
    }

    #[message]
    fn fall(&self) -> Result<(), Broken> {
        Err(Broken("asked to"))
    }

    #[message]
    async fn hang(&self) {
        pending().await
    }
}

/// A parent of the actors it is told to have.
#[derive(Actor)]
struct Parent {
    names: Vec<&'static str>,
}

#[messages]
impl Parent {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        for name in std::mem::take(&mut self.names) {
            ctx.actor(Parent { names: Vec::new() }).name(name).start().await?;
        }
        Ok(())
    }

    #[message]
    fn add(&self, ctx: &mut Context<Self>) {
        ctx.spawn(Parent { names: Vec::new() });
    }
}

async fn family(system: &ActorSystem) {
    system.actor(Parent { names: vec!["first", "second"] }).name("top").start().await.unwrap();
}

// ===== probes =====

#[tokio::test(start_paused = true)]
async fn a_probe_hands_over_messages_in_their_order() {
    let system = ActorSystem::new("kit");
    let probe = Probe::<u32>::spawn(&system);
    let echo = system.spawn(Echo { to: probe.recipient() });
    for number in 1..=6 {
        echo.tell(Say { number, after: SECOND / 10 }).await.unwrap();
    }

    assert_eq!(probe.expect().await, 1);
    probe.expect_eq(2).await;
    assert_eq!(probe.expect_where(|number| *number > 3).await, 4);
    assert_eq!(probe.expect_n(2).await, [3, 5]);
    probe.expect_all_of([6]).await;
    probe.expect_none(Duration::from_secs(60)).await;
    assert_eq!(probe.received(), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn a_probe_hands_over_messages_on_any_runtime() {
    on_1_2_and_8_workers(async || {
        let system = ActorSystem::new("kit");
        let probe = system.probe::<u32>("probe");
        for sender in 0..4 {
            let echo = system.spawn(Echo { to: probe.recipient() });
            for number in 0..100 {
                echo.tell(Say { number: sender * 100 + number, after: Duration::ZERO }).await.unwrap();
            }
        }

        // As long as a busy machine may take.
        let mut all = Vec::new();
        while all.len() < 400 {
            all.push(probe.expect_within(Duration::from_secs(60)).await);
        }

        all.sort_unstable();
        assert_eq!(all, (0..400).collect::<Vec<_>>());
        assert!(system.shutdown().await.is_clean());
    });
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_come_fails_the_test_at_its_limit() {
    let system = ActorSystem::new("kit");
    let probe = system.probe::<u32>("probe");
    probe.recipient().tell(7).await.unwrap();
    probe.expect_eq(7).await;
    let began = Instant::now();

    let expecting = async move {
        let _ = probe.expect().await;
    };
    let line = line!() - 2;
    let said = complaint(expecting).await;

    assert_eq!(began.elapsed(), 3 * SECOND);
    assert!(said.starts_with(&format!("{}:{line}:", file!())), "{said}");
    let expected =
        ": probe /probe: expected a message, which has not come within 3s\n  what had come (1 in all, 0 not expected yet):\n    7";
    assert!(said.ends_with(expected), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_given_counts() {
    let system = ActorSystem::new("kit");
    let probe = system.probe::<u32>("probe");
    let echo = system.spawn(Echo { to: probe.recipient() });
    echo.tell(Say { number: 1, after: 9 * SECOND }).await.unwrap();

    assert_eq!(probe.expect_within(10 * SECOND).await, 1);

    let began = Instant::now();
    let said = complaint(async move {
        let _ = probe.expect_within(7 * SECOND).await;
    })
    .await;
    assert_eq!(began.elapsed(), 7 * SECOND);
    assert!(said.contains("has not come within 7s"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn another_message_than_expected_fails_the_test_at_once() {
    let system = ActorSystem::new("kit");
    let began = Instant::now();
    let cases = [
        ("expected 1, but there came 7", 1),
        ("expected all of [1, 7], but there came 8", 2),
        ("expected no message for 1s, but there came 7", 3),
    ];
    for (expected, case) in cases {
        let probe = Probe::<u32>::spawn(&system);
        for number in [7, 8] {
            probe.recipient().tell(number).await.unwrap();
        }
        let said = complaint(async move {
            match case {
                1 => probe.expect_eq(1).await,
                2 => probe.expect_all_of([1, 7]).await,
                _ => probe.expect_none(SECOND).await,
            }
        })
        .await;
        assert!(line_of(&said).ends_with(expected), "{said}");
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_stays_to_be_expected() {
    let system = ActorSystem::new("kit");
    let probe = std::sync::Arc::new(system.probe::<u32>("probe"));
    for number in [1, 2, 3] {
        probe.recipient().tell(number).await.unwrap();
    }

    let same = probe.clone();
    let said = complaint(async move {
        let _ = same.expect_where(|number| *number > 3).await;
    })
    .await;

    assert!(said.contains("expected a message that fits"), "{said}");
    assert!(said.ends_with("(3 in all, 3 not expected yet):\n    1\n    2\n    3"), "{said}");
    assert_eq!(probe.take_all(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_expectation_takes_nothing() {
    let system = ActorSystem::new("kit");
    let probe = system.probe::<u32>("probe");
    let echo = system.spawn(Echo { to: probe.recipient() });
    echo.tell(Say { number: 1, after: 2 * SECOND }).await.unwrap();

    assert!(tokio::time::timeout(SECOND, probe.expect()).await.is_err());

    probe.expect_eq(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_answers_as_it_is_told() {
    let system = ActorSystem::new("kit");
    let probe = system.probe_replying("double", |number: &u32| u64::from(*number) * 2);

    assert_eq!(probe.actor_ref().ask(21).await.unwrap(), 42);
    probe.recipient().tell(1).await.unwrap();

    assert_eq!(probe.expect_n(2).await, [21, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_keeps_what_it_was_sent_before_its_end() {
    let system = ActorSystem::new("kit");
    let probe = system.probe::<u32>("probe");
    for number in 0..1_000 {
        probe.recipient().try_tell(number).unwrap();
    }

    assert!(system.shutdown().await.is_clean());

    assert_eq!(probe.expect_n(1_000).await.len(), 1_000);
    let said = complaint(async move {
        let _ = probe.expect().await;
    })
    .await;
    assert!(said.contains("probe /probe, which has ended (shutdown): expected a message"), "{said}");
    assert!(said.contains("... 980 others\n    980\n"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_expected_comes_after_the_messages() {
    let system = ActorSystem::new("kit");
    let probe = system.probe::<u32>("probe");
    let echo = system.actor(Echo { to: probe.recipient() }).on_stop(OnStop::Drain).spawn();
    probe.watch(&echo);
    echo.tell(Say { number: 1, after: SECOND }).await.unwrap();
    echo.tell(Fall).await.unwrap();

    let reason = probe.expect_end(&echo).await;

    assert_eq!(reason.to_string(), "failed: asked to");
    assert_eq!(probe.take_all(), [1]);
    assert_eq!(probe.expect_end(&echo).await, reason, "it is watched again, and has ended");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_does_not_come_fails_the_test() {
    let system = ActorSystem::new("kit");
    let probe = system.probe::<u32>("probe");
    let echo = system.actor(Echo { to: probe.recipient() }).name("echo").spawn();

    let said = complaint(async move { drop(probe.expect_end(&echo).await) }).await;

    assert!(said.contains("expected the end of /echo, which has not come within 3s"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_name_is_taken_fails_the_test() {
    let system = ActorSystem::new("kit");
    let _probe = system.probe::<u32>("probe");

    let said = complaint_of(|| drop(system.probe::<u32>("probe")));

    assert_eq!(said, "there is no probe at /probe: start failed: the name /probe is taken");
}

// ===== time =====

#[test]
fn time_that_passes_lets_everybody_run_in_turn() {
    test_kit::run(async |system| {
        let journal = Journal::new();
        let began = Instant::now();
        for tenths in [7, 3, 11] {
            let journal = journal.clone();
            tokio::spawn(async move {
                for _ in 0..2 {
                    tokio::time::sleep(SECOND * tenths / 10).await;
                    journal.note(format!("{} after {:?}", tenths, began.elapsed()));
                }
            });
        }
        let probe = system.probe::<u32>("probe");
        let echo = system.spawn(Echo { to: probe.recipient() });
        echo.tell(Say { number: 1, after: SECOND }).await.unwrap();

        test_kit::advance(SECOND).await;

        assert_eq!(began.elapsed(), SECOND);
        assert_eq!(journal.entries(), ["3 after 300ms", "3 after 600ms", "7 after 700ms"]);
        assert_eq!(probe.take_all(), [1], "what is due at the end has run");
    });
}

#[tokio::test]
async fn time_that_is_not_paused_cannot_be_moved() {
    let said = complaint(test_kit::advance(SECOND)).await;

    assert_eq!(said, "time is not frozen");
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_does_not_come_about_fails_the_test() {
    let began = Instant::now();
    test_kit::eventually("a second passes", || began.elapsed() >= SECOND).await;
    assert_eq!(began.elapsed(), SECOND);

    let said = complaint(test_kit::eventually("pigs fly", || false)).await;

    assert!(said.starts_with(file!()) && said.ends_with(": did not come about within 3s: pigs fly"), "{said}");
    assert_eq!(began.elapsed(), 4 * SECOND);
}

// ===== a whole run =====

#[test]
fn a_run_returns_what_the_test_returns() {
    let name = test_kit::run(|system| async move { system.name().to_owned() });

    assert_eq!(name, "test");
}

#[test]
fn a_run_fails_if_an_actor_has_failed_unless_it_may() {
    let fail = async |system: ActorSystem| {
        let probe = system.probe::<u32>("probe");
        let echo = system.actor(Echo { to: probe.recipient() }).name("echo").spawn();
        echo.tell(Fall).await.unwrap();
        probe.expect_end(&echo).await;
    };

    let said = complaint_of(|| test_kit::run(fail));

    assert!(line_of(&said).ends_with("the system did not come to a clean end: Failed"), "{said}");
    assert!(said.starts_with(file!()) && said.contains("/echo") && said.contains("asked to"), "{said}");
    Setup::new().may_fail().run(fail);
}

#[test]
fn a_run_fails_if_an_actor_does_not_stop_unless_it_may() {
    let hang = async |system: ActorSystem| {
        let echo = system.actor(Echo { to: system.probe::<u32>("probe").recipient() }).name("echo").spawn();
        echo.tell(Hang).await.unwrap();
        test_kit::eventually("it hangs", || system.tree().find("/echo").is_some_and(|echo| echo.handling.is_some())).await;
    };

    let said = complaint_of(|| Setup::new().may_fail().run(hang));

    assert!(line_of(&said).ends_with("the system did not come to a clean end: Aborted"), "{said}");
    assert!(said.contains("/echo") && said.contains("`Hang`"), "{said}");
    Setup::new().may_hang().run(hang);
}

#[test]
fn a_run_that_hangs_fails_with_the_tree() {
    let really = std::time::Instant::now();

    let said = complaint_of(|| {
        test_kit::run(async |system| {
            family(&system).await;
            pending::<()>().await;
        });
    });

    assert!(really.elapsed() < Duration::from_secs(60), "the hour is not a real one");
    assert!(line_of(&said).ends_with("the test has not ended within 3600s of its time; the actors are"), "{said}");
    assert!(said.contains("├─ first: Parent"), "{said}");
}

// ===== the tree =====

#[tokio::test(start_paused = true)]
async fn a_tree_is_as_expected_or_shown_with_what_differs() {
    let system = ActorSystem::new("kit");
    family(&system).await;
    let top = system.lookup::<Parent>("/top").unwrap();
    top.tell(Add).await.unwrap();
    top.tell(Add).await.unwrap();

    system.await_tree(&["/top", "/top/Parent#*", "/top/Parent#*", "/top/first: Parent", "/top/second"]).await;
    system.assert_tree(&["/top/*", "/*", "/top/*", "/top/second", "/top/first"]);

    let said = complaint_of(|| system.assert_tree(&["/top", "/top/Parent#*", "/top/first: Child", "/top/second", "/web"]));
    let expected = "the tree of `kit` is not as expected:
    /top
    /top/Parent#4
  - /top/first: Child
  + /top/Parent#5: Parent
  + /top/first: Parent
    /top/second
  - /web";
    assert_eq!(said, expected);
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_does_not_become_as_expected_fails_the_test() {
    let system = ActorSystem::new("kit");
    family(&system).await;
    let began = Instant::now();

    let same = system.clone();
    let said = complaint(async move { same.await_tree(&["/top", "/top/first"]).await }).await;

    assert_eq!(began.elapsed(), 3 * SECOND);
    assert!(said.starts_with(file!()), "{said}");
    let expected = ": within 3s the tree of `kit` did not become as expected:\n    /top\n    /top/first\n  + /top/second: Parent";
    assert!(said.ends_with(expected), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_actor_is_alive_until_it_is_asked_to_end_and_gone_when_it_has() {
    let system = ActorSystem::new("kit");
    let echo = system.actor(Echo { to: system.probe::<u32>("probe").recipient() }).name("echo").spawn();
    echo.tell(Say { number: 1, after: SECOND }).await.unwrap();
    system.assert_alive("/echo");
    assert!(complaint_of(|| system.assert_gone("/echo")).starts_with("/echo is still there\nkit: 2 actors\n"));
    test_kit::advance(SECOND / 2).await;

    echo.stop();
    assert!(complaint_of(|| system.assert_alive("/echo")).starts_with("/echo is stopping\nkit: 2 actors\n"));

    echo.stopped().await;
    system.assert_gone("/echo");
    assert!(complaint_of(|| system.assert_alive("/echo")).starts_with("there is no /echo\nkit: 1 actor\n"));
}

// ===== the log of lives =====

#[tokio::test(start_paused = true)]
async fn a_log_has_starts_and_ends_in_their_order() {
    let system = ActorSystem::new("kit");
    let log = system.life_log();
    family(&system).await;
    log.assert_started(&["/top/first", "/top/second", "/top"]);
    log.assert_started_before("/top/first", "/top");

    system.lookup::<Parent>("/top").unwrap().stop();
    system.await_tree(&[]).await;

    log.assert_ended(&["/top/second", "/top/first", "/top"]);
    log.assert_ended_before("/top/second", "/top");
    assert_eq!(log.reason("/top"), Some(ExitReason::Normal));
    assert_eq!(log.reason("/top/first"), Some(ExitReason::Shutdown));
    let last = log.events().pop().unwrap();
    assert_eq!((last.path.to_string().as_str(), last.step), ("/top", LifeStep::Ended(ExitReason::Normal)));
}

#[tokio::test(start_paused = true)]
async fn another_order_than_expected_fails_the_test() {
    let system = ActorSystem::new("kit");
    let log = system.life_log();
    family(&system).await;
    system.shutdown().await;

    let said = complaint_of(|| log.assert_ended(&["/top/first", "/top/second", "/web"]));
    let expected = "actors ended in another order than expected:
  - /top/first
    /top/second
  - /web
  + /top/first
  + /top
what happened:
    /top/first started
    /top/second started
    /top started
    /top/second ended: shutdown
    /top/first ended: shutdown
    /top ended: shutdown";
    assert_eq!(said, expected);
    let cases = [
        ("/top", "/top/first", "/top should have ended before /top/first, but /top/first ended before /top"),
        ("/top", "/web", "/top should have ended before /web, but /web has not ended"),
        ("/web", "/top", "/web should have ended before /top, but /web has not ended"),
    ];
    for (first, second, expected) in cases {
        assert_eq!(line_of(&complaint_of(|| log.assert_ended_before(first, second))), expected);
    }
}

#[test]
fn whoever_learns_of_an_end_finds_it_in_the_log() {
    on_1_2_and_8_workers(async || {
        let system = ActorSystem::new("kit");
        let log = system.life_log();
        for _ in 0..200 {
            let actor = system.actor(Parent { names: vec!["child"] }).name("top").start().await.unwrap();
            actor.kill();
            actor.stopped().await;
            log.assert_ended(&["/top/child", "/top"]);
            log.clear();
        }
    });
}

#[tokio::test(start_paused = true)]
async fn two_logs_have_what_happened_since_each_began() {
    let system = ActorSystem::new("kit");
    let first = system.life_log();
    family(&system).await;
    let second = system.life_log();

    system.shutdown().await;

    assert_eq!(first.events().len(), 6);
    assert_eq!(second.events(), first.events()[3..]);
}
