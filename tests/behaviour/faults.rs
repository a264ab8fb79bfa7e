//! Injected faults: they go the way of an actor's own failures, and strike when and where they were told to.

use std::time::Duration;

use actors_core::test_kit::{self, Fault, Injected, Setup};
use actors_core::{
    Actor, ActorRef, ActorSystem, AskError, BoxError, ChildSpec, Context, ExitReason, Exited, Hooks, Protocol, ReplyTo, StartFailure,
    Strategy, Supervisor, messages,
};
use tests::{Journal, complaint_of, on_1_2_and_8_workers};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Counts what it handles, and writes down what happens to it.
#[derive(Actor)]
struct Worker {
    done: u32,
    journal: Journal,
}

#[messages]
impl Worker {
    #[started]
    fn begin(&mut self) {
        self.journal.note("started");
    }

    #[message]
    fn work(&mut self) -> u32 {
        self.done += 1;
        self.done
    }

    #[message]
    fn rest(&self) {}

    #[stopped]
    fn end(&mut self, reason: &ExitReason) {
        self.journal.note(format!("stopped: {reason}"));
    }
}

/// An actor without hooks, written by hand.
struct Plain;

enum Order {
    Add(ReplyTo<u32>),
}

impl Protocol for Plain {
    type Msg = Order;
}

impl Actor for Plain {
    const HOOKS: Hooks = Hooks::NONE;

    async fn handle(&mut self, order: Order, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let Order::Add(reply) = order;
        reply.send(1);
        Ok(())
    }
}

/// A parent of workers that come as they are asked for.
#[derive(Actor)]
struct Pool;

#[messages]
impl Pool {
    #[message]
    fn add(&self, name: &'static str, ctx: &mut Context<Self>) -> ActorRef<Worker> {
        ctx.actor(worker()).name(name).spawn()
    }
}

fn worker() -> Worker {
    Worker { done: 0, journal: Journal::new() }
}

fn spawn_worker(system: &ActorSystem) -> (ActorRef<Worker>, Journal) {
    let worker = worker();
    let journal = worker.journal.clone();
    (system.actor(worker).name("worker").spawn(), journal)
}

fn panic_of(reason: &ExitReason) -> &str {
    match reason {
        ExitReason::Panicked { message, .. } => message,
        other => panic!("expected a panic, not {other}"),
    }
}

// ===== at a message =====

#[tokio::test(start_paused = true)]
async fn an_injected_panic_ends_the_actor_as_its_own_would() {
    let system = ActorSystem::new("faults");
    let (worker, journal) = spawn_worker(&system);
    let fault = system.inject("/worker", Fault::panic().at_message(3));
    assert_eq!(worker.ask(Work).await.unwrap(), 1);
    assert_eq!(worker.ask(Work).await.unwrap(), 2);

    let crashed = worker.ask(Work).await.unwrap_err();

    let AskError::Crashed { reason, .. } = crashed else { panic!("{crashed}") };
    assert_eq!(panic_of(&reason), "injected panic into /worker at message 3, `Work`");
    assert_eq!(worker.stopped().await, reason);
    assert_eq!(journal.entries(), ["started".to_owned(), format!("stopped: {reason}")]);
    assert_eq!(fault.struck(), 1);
    let report = system.shutdown().await;
    assert_eq!(report.failures.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_injected_error_ends_the_actor_and_can_be_told_apart() {
    let system = ActorSystem::new("faults");
    let (worker, journal) = spawn_worker(&system);
    system.inject("/worker", Fault::error("no disk"));

    let unanswered = worker.ask(Work).await.unwrap_err();

    assert!(matches!(unanswered, AskError::NoReply { .. }), "{unanswered}");
    let reason = worker.stopped().await;
    assert_eq!(reason.to_string(), "failed: injected: no disk");
    assert!(reason.error().unwrap().downcast_ref::<Injected>().is_some());
    assert_eq!(journal.entries(), ["started", "stopped: failed: injected: no disk"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_hangs_shows_it_and_can_be_killed() {
    let system = ActorSystem::new("faults");
    let (worker, journal) = spawn_worker(&system);
    system.inject("/worker", Fault::hang().on::<Work>());
    worker.ask(Rest).await.unwrap();

    let asked = tokio::spawn({
        let worker = worker.clone();
        async move { worker.ask(Work).await.unwrap_err() }
    });
    test_kit::advance(3_601 * SECOND).await;

    let tree = system.tree();
    let node = tree.find("/worker").unwrap();
    assert_eq!((node.handling.as_deref(), node.handling_for.map(|time| time.as_secs())), (Some("Work"), Some(3_600)));
    worker.kill();
    assert_eq!(worker.stopped().await, ExitReason::Killed);
    assert!(matches!(asked.await.unwrap(), AskError::Crashed { reason: ExitReason::Killed, .. }));
    assert_eq!(journal.entries(), ["started", "stopped: killed"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_hangs_outlasts_its_handler_limit_and_fails() {
    let system = ActorSystem::new("faults");
    let worker = system.actor(worker()).name("worker").handler_limit(SECOND).spawn();
    system.inject("/worker", Fault::hang());
    let began = Instant::now();

    assert!(matches!(worker.ask(Work).await.unwrap_err(), AskError::Crashed { .. }));

    assert!(matches!(worker.stopped().await, ExitReason::Failed(_)));
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_delay_and_a_block_lose_no_message() {
    let system = ActorSystem::new("faults");
    let (worker, _) = spawn_worker(&system);
    system.inject("/worker", Fault::delay(5 * SECOND).at_message(2));
    system.inject("/worker", Fault::block(Duration::from_millis(1)).at_message(3));
    let began = Instant::now();

    let mut took = Vec::new();
    for number in 1..=4 {
        assert_eq!(worker.ask(Work).await.unwrap(), number);
        took.push(began.elapsed().as_secs());
    }

    assert_eq!(took, [0, 5, 5, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_block_holds_its_thread_for_as_long_as_it_says() {
    let system = ActorSystem::new("faults");
    let (worker, _) = spawn_worker(&system);
    system.inject("/worker", Fault::block(Duration::from_millis(20)));
    let began = std::time::Instant::now();

    worker.ask(Work).await.unwrap();

    assert!(began.elapsed() >= Duration::from_millis(20), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_cut_short_where_a_handler_is() {
    let system = ActorSystem::new("faults");
    let (worker, _) = spawn_worker(&system);
    system.inject("/worker", Fault::delay(3_600 * SECOND));
    worker.tell(Work).await.unwrap();
    test_kit::advance(SECOND).await;
    let began = Instant::now();

    worker.kill();

    assert_eq!(worker.stopped().await, ExitReason::Killed);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_drains_is_struck_too() {
    let system = ActorSystem::new("faults");
    let (worker, _) = spawn_worker(&system);
    system.inject("/worker", Fault::panic().at_message(2));
    for _ in 0..3 {
        worker.try_tell(Work).unwrap();
    }

    worker.drain();

    assert!(panic_of(&worker.stopped().await).starts_with("injected"));
}

/// Handles numbers, and has a fault laid out for itself when it comes to one.
#[derive(Actor)]
struct Saboteur {
    last: u32,
    /// At which it does so.
    at: u32,
}

#[messages]
impl Saboteur {
    #[message]
    fn next(&mut self, ctx: &mut Context<Self>) {
        self.last += 1;
        if self.last == self.at {
            ctx.system().inject("/saboteur", Fault::panic().at_message(1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_strikes_at_the_very_next_message_wherever_in_a_row_it_is_laid_out() {
    for at in [1, 2, 63, 64, 65, 200] {
        let system = ActorSystem::new("faults");
        let saboteur = system.actor(Saboteur { last: 0, at }).unbounded().name("saboteur").spawn();
        for _ in 0..300 {
            saboteur.try_tell(Next).unwrap();
        }

        let reason = saboteur.stopped().await;
        assert_eq!(panic_of(&reason), "injected panic into /saboteur at message 1, `Next`");
        assert_eq!(system.shutdown().await.dead_letters, 300 - u64::from(at) - 1);
    }
}

/// Watches another, and has its next message put off when it is told to.
#[derive(Actor)]
struct Lookout {
    journal: Journal,
}

#[messages]
impl Lookout {
    #[message]
    fn watch(&self, other: ActorRef<Reporter>, ctx: &mut Context<Self>) {
        ctx.monitor(&other);
    }

    #[message]
    fn put_off(&self, ctx: &mut Context<Self>) {
        ctx.system().inject("/lookout", Fault::delay(SECOND).at_message(1));
    }

    #[message]
    fn hear(&self) {
        self.journal.note("heard");
    }

    #[exited]
    fn miss(&mut self, _exited: Exited) {
        self.journal.note("gone");
    }
}

/// Reports, and ends.
#[derive(Actor)]
struct Reporter;

#[messages]
impl Reporter {
    #[message]
    fn report(&self, to: ActorRef<Lookout>, ctx: &mut Context<Self>) {
        to.try_tell(PutOff).unwrap();
        to.try_tell(Hear).unwrap();
        ctx.stop();
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_notice_waits_for_what_was_sent_before_though_a_fault_holds_that_up() {
    let (system, journal) = (ActorSystem::new("faults"), Journal::new());
    let lookout = system.actor(Lookout { journal: journal.clone() }).name("lookout").spawn();
    let reporter = system.spawn(Reporter);
    lookout.ask(Watch { other: reporter.clone() }).await.unwrap();

    reporter.tell(Report { to: lookout }).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;

    assert_eq!(journal.entries(), ["heard", "gone"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_is_laid_out_while_an_actor_drains_strikes_at_its_next_message() {
    let system = ActorSystem::new("faults");
    let saboteur = system.actor(Saboteur { last: 0, at: 3 }).name("saboteur").spawn();
    for _ in 0..100 {
        saboteur.try_tell(Next).unwrap();
    }
    saboteur.drain();

    let reason = saboteur.stopped().await;
    assert_eq!(panic_of(&reason), "injected panic into /saboteur at message 1, `Next`");
}

#[tokio::test(start_paused = true)]
async fn a_fault_for_one_type_of_message_leaves_the_others() {
    let system = ActorSystem::new("faults");
    let (worker, _) = spawn_worker(&system);
    let fault = system.inject("/worker", Fault::panic_on::<Work>().at_message(2));
    for _ in 0..10 {
        worker.ask(Rest).await.unwrap();
    }
    assert_eq!(worker.ask(Work).await.unwrap(), 1);
    worker.ask(Rest).await.unwrap();
    assert_eq!(fault.struck(), 0);

    assert!(worker.ask(Work).await.is_err());

    assert_eq!(fault.struck(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_actor_written_by_hand_is_struck_as_well() {
    let system = ActorSystem::new("faults");
    let plain = system.actor(Plain).name("plain").spawn();
    assert_eq!(plain.ask_with(Order::Add).await.unwrap(), 1);
    system.inject("/plain", Fault::error("no disk").on::<Order>());

    assert!(plain.ask_with(Order::Add).await.is_err());

    assert_eq!(plain.stopped().await.to_string(), "failed: injected: no disk");
}

// ===== at a start =====

#[tokio::test(start_paused = true)]
async fn a_start_fails_as_its_hook_would_and_succeeds_afterwards() {
    let system = ActorSystem::new("faults");
    let fault = system.inject("/worker", Fault::fail_start("no database").times(2));

    for _ in 0..2 {
        let error = system.actor(worker()).name("worker").start().await.unwrap_err();
        assert_eq!(error.to_string(), "/worker did not start: injected: no database");
        assert!(error.error().unwrap().downcast_ref::<Injected>().is_some());
    }

    let worker = system.actor(worker()).name("worker").start().await.unwrap();
    assert_eq!(worker.ask(Work).await.unwrap(), 1);
    assert_eq!(fault.struck(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_start_counts_against_the_limit() {
    let system = ActorSystem::new("faults");
    system.inject("worker-*", Fault::slow_start(2 * SECOND).always());
    let began = Instant::now();

    let in_time = system.actor(worker()).name("worker-1").start_limit(3 * SECOND).start().await;
    let late = system.actor(worker()).name("worker-2").start_limit(SECOND).start().await;

    assert!(in_time.is_ok());
    assert!(matches!(late.unwrap_err().failure(), StartFailure::TimedOut(limit) if *limit == SECOND));
    assert_eq!(began.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_actor_without_a_start_hook_fails_to_start_too() {
    let system = ActorSystem::new("faults");
    system.inject("/plain", Fault::panic().at_start());
    let log = system.life_log();

    let error = system.actor(Plain).name("plain").start().await.unwrap_err();

    assert!(matches!(error.failure(), StartFailure::Panicked { message, .. } if **message == *"injected panic into /plain at its start"));
    log.assert_started(&[]);
    assert!(system.actor(Plain).name("plain").start().await.is_ok());
    log.assert_started(&["/plain"]);
}

// ===== at a stop =====

#[tokio::test(start_paused = true)]
async fn a_stop_hangs_until_its_limit() {
    let system = ActorSystem::new("faults");
    let (worker, journal) = spawn_worker(&system);
    worker.ask(Work).await.unwrap();
    system.inject("/worker", Fault::hang().at_stop());
    let began = Instant::now();

    worker.stop();

    assert_eq!(worker.stopped().await, ExitReason::Normal);
    assert_eq!(began.elapsed(), 5 * SECOND);
    assert_eq!(journal.entries(), ["started"], "the hook itself was not reached");
}

#[tokio::test(start_paused = true)]
async fn an_actor_without_a_stop_hook_fails_to_stop_too() {
    let system = ActorSystem::new("faults");
    let idle = system.actor(Plain).name("idle").spawn();
    let used = system.actor(Plain).name("used").spawn();
    used.ask_with(Order::Add).await.unwrap();
    system.inject("*", Fault::error("no ink").at_stop());

    for plain in [idle, used] {
        plain.stop();
        assert_eq!(plain.stopped().await.to_string(), "failed: injected: no ink");
    }
}

// ===== where, and how often =====

#[test]
fn a_fault_waits_for_those_yet_to_come() {
    Setup::new().may_fail().run(async |system| {
        let pool = system.actor(Pool).name("pool").spawn();
        let fault = system.inject("/pool/worker-*", Fault::panic());
        let other = pool.ask(Add { name: "other" }).await.unwrap();
        assert_eq!(other.ask(Work).await.unwrap(), 1);

        // Each of them once: also where the second has the name of the first.
        for name in ["worker-1", "worker-2"] {
            let worker = pool.ask(Add { name }).await.unwrap();
            assert!(worker.ask(Work).await.is_err());
            assert!(!worker.stopped().await.is_clean());
            let again = pool.ask(Add { name }).await.unwrap();
            assert_eq!(again.ask(Work).await.unwrap(), 1);
        }

        assert_eq!(fault.struck(), 2);
        system.assert_tree(&["/pool", "/pool/other", "/pool/worker-1", "/pool/worker-2"]);
    });
}

#[test]
fn a_fault_strikes_later_incarnations_too() {
    test_kit::run(async |system| {
        let children = [ChildSpec::new("worker", worker), ChildSpec::new("other", worker)];
        system.actor(Supervisor::new().restarts(9, SECOND).children(children)).name("sup").start().await.unwrap();
        let worker = system.lookup::<Worker>("/sup/worker").unwrap();
        let panics = system.inject("/sup/worker", Fault::panic().at_message(2).times(2));
        let starts = system.inject("/sup/worker", Fault::fail_start("no database"));

        // One lives, two crash it, and of the restarts the first fails.
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(worker.ask(Work).await.ok());
        }

        assert_eq!(answers, [Some(1), None, None, Some(1)]);
        assert_eq!((panics.struck(), starts.struck(), worker.incarnation()), (2, 1, 3));
        system.assert_tree(&["/sup", "/sup/worker", "/sup/other"]);
    });
}

#[test]
fn a_child_without_hooks_is_struck_when_it_is_restarted() {
    test_kit::run(async |system| {
        let plain = ChildSpec::new("plain", || Plain);
        system.actor(Supervisor::new().restarts(9, SECOND).child(plain)).name("sup").start().await.unwrap();
        let plain = system.lookup::<Plain>("/sup/plain").unwrap();
        let log = system.life_log();
        let mut crashes = system.crash_reports();
        system.inject("plain", Fault::panic());
        let starts = system.inject("plain", Fault::panic().at_start().times(2));

        assert!(plain.ask_with(Order::Add).await.is_err());
        assert_eq!(plain.ask_with(Order::Add).await.unwrap(), 1);

        assert_eq!((starts.struck(), plain.incarnation()), (2, 3));
        assert_eq!(crashes.recv().await.unwrap().handling.as_deref(), Some("Order"));
        let events: Vec<_> = log.events().iter().map(ToString::to_string).collect();
        assert!(events[0].starts_with("/sup/plain down: panicked at "), "{events:#?}");
        assert_eq!(events.last().unwrap(), "/sup/plain (incarnation 3) started");
        log.assert_started(&["/sup/plain"]);
        log.assert_ended(&["/sup/plain", "/sup/plain", "/sup/plain"]);
    });
}

#[test]
fn a_log_has_the_ends_of_incarnations_once() {
    Setup::new().may_fail().run(async |system| {
        let children = ["a", "b", "c"].map(|name| ChildSpec::new(name, worker));
        let sup = Supervisor::new().strategy(Strategy::OneForAll).restarts(1, 3_600 * SECOND).children(children);
        let sup = system.actor(sup).name("sup").start().await.unwrap();
        system.inject("b", Fault::panic().times(2));
        let log = system.life_log();
        let b = system.lookup::<Worker>("/sup/b").unwrap();

        b.tell(Work).await.unwrap();
        test_kit::advance(SECOND).await;
        log.assert_ended(&["/sup/b", "/sup/c", "/sup/a"]);
        log.assert_started(&["/sup/a", "/sup/b", "/sup/c"]);

        log.clear();
        b.tell(Work).await.unwrap();
        sup.stopped().await;
        log.assert_ended(&["/sup/b", "/sup/c", "/sup/a", "/sup"]);
    });
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_is_cleared_strikes_nobody_any_more() {
    let system = ActorSystem::new("faults");
    let (worker, _) = spawn_worker(&system);
    let delay = system.inject("/worker", Fault::delay(SECOND).always());
    let error = system.inject("/worker", Fault::error("never").at_message(3));
    worker.ask(Work).await.unwrap();
    worker.ask(Work).await.unwrap();
    assert_eq!(delay.struck(), 2);
    assert_eq!(format!("{error:?}"), "FaultRef(error `never` for /worker, struck 0 times)");

    delay.clear();
    error.clear();
    let began = Instant::now();

    assert_eq!(worker.ask(Work).await.unwrap(), 3);
    assert_eq!((delay.struck(), error.struck(), began.elapsed()), (2, 0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn of_two_faults_the_older_strikes_and_the_other_comes_later() {
    let system = ActorSystem::new("faults");
    let (worker, _) = spawn_worker(&system);
    system.inject("/worker", Fault::delay(SECOND));
    system.inject("/worker", Fault::error("later"));
    let began = Instant::now();

    assert_eq!(worker.ask(Work).await.unwrap(), 1);
    assert_eq!(began.elapsed(), SECOND);
    assert!(worker.ask(Work).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_fault_in_one_system_is_none_in_another() {
    let (here, there) = (ActorSystem::new("here"), ActorSystem::new("there"));
    let (mine, theirs) = (spawn_worker(&here).0, spawn_worker(&there).0);
    here.inject("/worker", Fault::panic().always());

    assert_eq!(theirs.ask(Work).await.unwrap(), 1);
    assert!(mine.ask(Work).await.is_err());
}

#[test]
fn every_third_message_of_many_fails_on_any_runtime() {
    on_1_2_and_8_workers(async || {
        let system = ActorSystem::new("faults");
        let fault = system.inject("worker-*", Fault::error("unlucky").every(3));
        let mut asked = Vec::new();
        for number in 0..50 {
            let worker = system.actor(worker()).name(format!("worker-{number}")).spawn();
            asked.push(tokio::spawn(async move {
                let answers = (worker.ask(Work).await.ok(), worker.ask(Work).await.ok(), worker.ask(Work).await.ok());
                (answers, worker.stopped().await.to_string())
            }));
        }

        for asked in asked {
            assert_eq!(asked.await.unwrap(), ((Some(1), Some(2), None), "failed: injected: unlucky".to_owned()));
        }
        assert_eq!(fault.struck(), 50);
    });
}

#[tokio::test]
async fn what_can_be_no_path_is_refused() {
    let system = ActorSystem::new("faults");
    for (path, expected) in [
        ("", "`` is neither a path nor a name: it is empty"),
        ("a/b", "`a/b` is neither a path nor a name: a path begins with `/`, and a name has none"),
        ("/a//b", "`/a//b` is neither a path nor a name: a part of it is empty"),
    ] {
        assert_eq!(complaint_of(|| drop(system.inject(path, Fault::panic()))), expected);
    }
}
