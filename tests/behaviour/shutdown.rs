//! The shutdown of a whole system: its order, what runs after it, what goes wrong in it, and that nothing is left (S7.1).

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, BoxError, Children, Context, ExitReason, Hooks, Limit, Outcome, Policy, Protocol, StartFailure,
    Terminated,
};
use tests::tree::{Branch, Fail, Habit, Node};
use tests::{Journal, eventually, on_1_2_and_8_workers};
use tokio::time::Instant;

use crate::cast::Peer;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

// ===== order =====

#[tokio::test(start_paused = true)]
async fn s7_1_a_tree_stops_depth_first_in_reverse_start_order() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let slow = |name: &str| Branch::new(name, Habit::CleansUp(millis(10)));
    slow("a").below([slow("b").below([slow("c"), slow("d")]), slow("e")]).grow(&system, &journal).await;
    slow("f").below([slow("g")]).grow(&system, &journal).await;
    let started = journal.len();
    let report = system.shutdown().await;
    let stops = ["g", "f", "e", "d", "c", "b", "a"].map(|name| [format!("{name} stopping"), format!("{name} stopped")]);
    assert_eq!(journal.entries()[started..], stops.concat());
    assert_eq!(report.order(), ["/f/g", "/f", "/a/e", "/a/b/d", "/a/b/c", "/a/b", "/a"]);
}

#[tokio::test(start_paused = true)]
async fn s7_1_children_side_by_side_stop_together_and_before_their_parent() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let children = (1..=9).map(|number| Branch::new(format!("c{number}"), Habit::CleansUp(secs(number))));
    Branch::good("p").side_by_side().below(children).grow(&system, &journal).await;
    let report = system.shutdown_within(secs(60)).await;
    // Those that need longer are cut at 5 s, the limit of a leaf and of its hook.
    assert_eq!((report.total, journal.count("c4 stopped"), journal.count("c6 stopped")), (secs(5), 1, 0));
    assert_eq!(report.order().last().map(|path| path.name()).as_deref(), Some("p"));
    assert_eq!(journal.entries().last().map(String::as_str), Some("p stopped"));
}

/// One of many: it starts and stops, and counts that.
struct Link {
    below: usize,
    wide: usize,
    children: Children,
    seen: Arc<Seen>,
}

/// How many have started and stopped.
#[derive(Default)]
struct Seen {
    starts: AtomicUsize,
    stops: AtomicUsize,
}

impl Link {
    fn leaf(seen: &Arc<Seen>) -> Self {
        Link { below: 0, wide: 0, children: Children::InOrder, seen: seen.clone() }
    }
}

impl Protocol for Link {
    type Msg = ();
}

impl Actor for Link {
    const HOOKS: Hooks = Hooks { exited: false, ..Hooks::ALL };
    // On a busy machine, so many may need more than the five seconds of a leaf.
    const POLICY: Policy = Policy { stop_limit: Limit::After(secs(300)), ..Policy::DEFAULT };

    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        if self.below > 0 {
            ctx.spawn(Link { below: self.below - 1, ..Link::leaf(&self.seen) });
        }
        for _ in 0..self.wide {
            ctx.spawn(Link::leaf(&self.seen));
        }
        self.seen.starts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn handle(&mut self, (): (), _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        Ok(())
    }

    async fn stopped(&mut self, _reason: &ExitReason, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.seen.stops.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Starts a tree of `count` actors and the one above them, stops it, and returns how long that took.
fn rise_and_fall(count: usize, link: impl FnOnce(Link) -> Link) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let began = std::time::Instant::now();
        let system = ActorSystem::builder("many").deadline(secs(300)).build();
        let seen = Arc::new(Seen::default());
        let top = link(Link::leaf(&seen));
        let policy = top.children;
        system.actor(top).children(policy).unlimited_stop().spawn();
        eventually("all have started", || seen.starts.load(Ordering::Relaxed) > count).await;
        let report = system.shutdown().await;
        assert_eq!((&report.outcome, report.actors.len()), (&Outcome::Clean, count + 1), "{report}");
        assert_eq!(seen.stops.load(Ordering::Relaxed), count + 1);
        drop(report);
        began.elapsed()
    })
}

/// Whether the larger of two trees, ten times the other, takes about ten times as long; a quadratic step would make it a
/// hundred times. The small one is measured before and after, for the machine may have been busy.
fn assert_linear(small: impl Fn() -> Duration, large: impl Fn() -> Duration) {
    let before = small();
    let large = large();
    let small = before.max(small());
    assert!(large < small * 40 + millis(500), "{small:?}, then {large:?}");
}

#[test]
fn s7_1_a_hundred_thousand_children_start_and_stop_in_linear_time() {
    for children in [Children::InOrder, Children::SideBySide] {
        let wide = |wide| rise_and_fall(wide, |link| Link { wide, children, ..link });
        assert_linear(|| wide(10_000), || wide(100_000));
    }
}

#[test]
fn s7_1_a_chain_of_ten_thousand_parents_stops_without_a_deep_stack_in_linear_time() {
    let deep = |below| rise_and_fall(below, |link| Link { below, ..link });
    assert_linear(|| deep(1_000), || deep(10_000));
}

// ===== a kill =====

#[tokio::test(start_paused = true)]
async fn s7_2_a_kill_reaches_all_below_at_once() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let hung = |name: &str| Branch::new(name, Habit::HangsInHandler);
    let top = hung("a").below([hung("b").below([hung("c")]), hung("d")]).grow(&system, &journal).await;
    let below: Vec<ActorRef<Node>> = ["/a/b", "/a/b/c", "/a/d"].map(|path| system.lookup(path).expect("it is there")).into();
    top.kill();
    assert!(below.iter().all(|actor| !actor.is_alive()), "marked before `kill` returns");
    let began = Instant::now();
    assert_eq!(top.stopped().await, ExitReason::Killed);
    assert!(began.elapsed() < millis(100));
    assert_eq!(below.iter().filter_map(ActorRef::exit).filter(|exit| exit.reason == ExitReason::Killed).count(), 3);
    assert!(system.shutdown().await.is_clean());
}

// ===== callbacks, errors, and what is left =====

#[tokio::test(start_paused = true)]
async fn sys_1_the_report_comes_after_all_actors_and_all_callbacks() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    Branch::new("a", Habit::CleansUp(secs(1))).under(1).grow(&system, &journal).await;
    let before = journal.len();
    for number in 0..10 {
        let (journal, handle) = (journal.clone(), system.clone());
        let callback = move || async move {
            tokio::time::sleep(millis(100)).await;
            journal.note(format!("callback {number} with {} actors", handle.actors()));
        };
        system.on_terminated(callback).expect("it is taken");
    }
    let report = system.shutdown().await;
    let actors = ["a stopping", "a stopped", "1 stopping", "1 stopped"].map(String::from);
    let callbacks: Vec<String> = (0..10).rev().map(|number| format!("callback {number} with 0 actors")).collect();
    assert_eq!(journal.entries()[before..], [&actors[..], &callbacks[..]].concat(), "the last registered runs first");
    assert_eq!((report.total, report.is_clean()), (secs(2), true));
}

#[tokio::test(start_paused = true)]
async fn sys_1_a_callback_that_fails_or_hangs_does_not_stop_the_others() {
    let system = ActorSystem::new("house");
    let journal = Journal::new();
    for number in 0..3 {
        let journal = journal.clone();
        let callback = move || async move {
            tokio::time::sleep(millis(100)).await;
            journal.note(format!("callback {number}"));
        };
        system.on_terminated(callback).expect("it is taken");
    }
    system.on_terminated(pending::<()>).expect("it is taken");
    system.on_terminated(|| async { panic!("no thanks") }).expect("it is taken");
    let report = system.shutdown().await;
    assert_eq!(journal.entries(), ["callback 2", "callback 1", "callback 0"]);
    assert!(report.total <= secs(25), "{report}");
    let failures: Vec<_> = report.failures.iter().map(|(path, reason)| format!("{path} {reason}")).collect();
    assert!(failures[0].contains("no thanks") && failures[1].ends_with("failed: a callback outlasted its time"), "{failures:?}");
    assert_eq!(report.exit_code(), 1);
}

#[tokio::test(start_paused = true)]
async fn sys_1_a_callback_may_register_another_and_awaits_no_shutdown_for_ever() {
    let system = ActorSystem::new("house");
    let journal = Journal::new();
    let (handle, notes) = (system.clone(), journal.clone());
    let nested = move || async move {
        let again = notes.clone();
        handle.on_terminated(move || async move { again.note("nested") }).expect("it is taken");
        notes.note("outer");
        // It waits for itself; the deadline ends that.
        handle.terminated().await;
    };
    system.on_terminated(nested).expect("it is taken");
    let report = system.shutdown().await;
    // A moment before the deadline, so that the report says so.
    assert_eq!((report.total, report.failed), (Duration::from_millis(24_900), 1));
    assert_eq!(journal.entries()[0], "outer");
    assert_eq!(journal.count("nested"), 1);
}

#[tokio::test(start_paused = true)]
async fn sys_3_a_terminated_system_refuses_work_and_leaves_no_task() {
    let idle = alive_tasks();
    let system = ActorSystem::new("wood");
    let left = Branch::new("left", Habit::HasHelper).under(3).grow(&system, &Journal::new()).await;
    assert!(alive_tasks() > idle);
    system.shutdown().await;

    let dead = system.spawn(Peer);
    assert_eq!(dead.stopped().await, ExitReason::StartFailed(StartFailure::Stopping));
    assert!(system.start(Peer).await.is_err_and(|error| error.is_stopping()));
    assert_eq!(system.on_terminated(|| async {}), Err(Terminated));
    assert!(left.tell(Fail).await.is_err_and(|error| error.is_not_running()));
    assert!(system.lookup::<Node>("/1").is_none());
    assert!(system.tree().is_empty());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(alive_tasks(), idle);
}

#[test]
fn sys_3_no_task_is_left_on_any_number_of_workers() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..10 {
            let system = ActorSystem::new("wood");
            Branch::good("p")
                .below((0..50).map(|number| Branch::new(format!("c{number}"), Habit::HasHelper)))
                .grow(&system, &Journal::new())
                .await;
            assert!(system.shutdown().await.is_clean());
            eventually("all tasks have gone", || alive_tasks() == 0).await;
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn sys_3_no_thread_of_the_system_is_left() {
    on_1_2_and_8_workers(|| async {
        let threads = || {
            let tasks = std::fs::read_dir("/proc/self/task").expect("the threads can be listed");
            tasks
                .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
                .filter(|name| name.starts_with("thr3ads"))
                .count()
        };
        let plain = ActorSystem::new("thr3ads");
        plain.shutdown().await;
        eventually("its watchdog has gone", || threads() == 0).await;

        // Whoever handles signals goes on answering them as long as somebody has the system (S7.6).
        let signalled = ActorSystem::builder("thr3ads").handle_signals().build();
        signalled.shutdown().await;
        eventually("only its listener is left", || threads() == 1).await;
        drop(signalled);
        eventually("its listener has gone", || threads() == 0).await;
    });
}

// The steps of this scenario are actors: the last started is the first step. `a` has two parts that stop side by side.
#[tokio::test(start_paused = true)]
async fn sys_6_a_failing_or_hanging_step_does_not_stop_the_others() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let parts = [Branch::new("fails", Habit::FailsInHook), Branch::new("slow", Habit::CleansUp(millis(100)))];
    Branch::good("c").grow(&system, &journal).await;
    Branch::new("b", Habit::HangsInHandler).stop_limit(millis(100)).grow(&system, &journal).await;
    Branch::good("a").side_by_side().below(parts).grow(&system, &journal).await;
    let report = system.shutdown().await;
    assert_eq!(report.order(), ["/a/fails", "/a/slow", "/a", "/b", "/c"]);
    let turn = |path| report.get(path).expect("it is there").turn;
    assert_eq!((turn("/b"), turn("/c"), report.total), (millis(100), millis(200), millis(200)));
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].0, "/a/fails");
    assert_eq!((journal.count("c stopped"), report.exit_code()), (1, 3));
}

// With a longer limit than the scenario's: the watchdog goes by the machine's clock (S7.7), and a panic takes a while to print.
#[tokio::test(start_paused = true)]
async fn sys_7_all_errors_come_back_also_when_time_ran_out() {
    for (hangs, code) in [(true, 3), (false, 1)] {
        let system = ActorSystem::new("wood");
        let journal = Journal::new();
        Branch::new("panics", Habit::PanicsInHook).grow(&system, &journal).await;
        Branch::new("fails", Habit::FailsInHook).grow(&system, &journal).await;
        if hangs {
            Branch::new("hangs", Habit::HangsInHandler).unlimited().grow(&system, &journal).await;
        }
        let report = system.shutdown_within(secs(8)).await;
        let failures: Vec<_> = report.failures.iter().map(|(path, reason)| format!("{path} {reason}")).collect();
        assert_eq!((failures.len(), report.exit_code()), (2, code), "{report}");
        assert_eq!(failures[0], "/fails failed: cleaning up");
        assert!(failures[1].starts_with("/panics panicked at ") && failures[1].ends_with(": cleaning up"), "{failures:?}");
        assert!(report.total <= secs(8));
    }
    let clean = ActorSystem::new("wood");
    Branch::good("a").grow(&clean, &Journal::new()).await;
    assert_eq!(clean.shutdown_within(secs(8)).await.exit_code(), 0);
}
