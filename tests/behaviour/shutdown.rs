//! The shutdown of a whole system: its order, its callers, its deadlines, and what it leaves behind.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, BoxError, Children, Context, ExitReason, HookOutcome, Hooks, Limit, Outcome, Policy, Protocol,
    ShutdownReport, StartFailure, Terminated, Trigger, messages,
};
use tests::tree::{Branch, Fail, Habit, Node};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

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

// ===== two signals and a broadcast =====

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
    assert_eq!(report.total, secs(8));
    assert!(report.is_clean(), "{report}");
}

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

// ===== stop beats start =====

#[tokio::test(start_paused = true)]
async fn s7_5_a_child_that_becomes_ready_too_late_is_stopped_before_its_parent_ends() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    Branch::new("late", Habit::StartsWithin(secs(2))).below([Branch::good("never")]).under(1).grow(&system, &journal).await;
    let report = system.shutdown().await;
    assert_eq!(report.order(), ["/1/late", "/1"], "a stop that has come lets nothing more start");
    assert_eq!(journal.entries(), ["1 started", "late started", "late stopping", "late stopped", "1 stopping", "1 stopped"]);
    assert!(report.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_5_who_starts_a_child_while_it_stops_is_refused() {
    let gate = Gate::new();
    let system = ActorSystem::new("house");
    let parent = system.spawn(Nursery { gate: gate.clone() });
    let born = tokio::spawn(born_outcome(parent.clone()));
    gate.reached().await;
    parent.stop();
    gate.open_wide();
    let (started, spawned, reason) = promptly("the answer", born).await.expect("it does not panic");
    assert!(started && !spawned, "`start` says that it is stopping, `spawn` gives a dead reference");
    assert_eq!(reason, ExitReason::StartFailed(StartFailure::Stopping));
    assert_eq!(parent.stopped().await, ExitReason::Normal);
    assert_eq!(system.actors(), 0);
    system.shutdown().await;
}

/// Starts children when it should not.
#[derive(Actor)]
struct Nursery {
    gate: Gate,
}

#[messages]
impl Nursery {
    /// Whether `start` was refused, whether what `spawn` gave is alive, and why not.
    #[message]
    async fn bear(&mut self, ctx: &mut Context<Self>) -> (bool, bool, ExitReason) {
        self.gate.pass().await;
        let refused = ctx.start(Suicidal).await.is_err_and(|error| error.is_stopping());
        let child = ctx.spawn(Suicidal);
        (refused, child.is_alive(), child.stopped().await)
    }
}

async fn born_outcome(parent: ActorRef<Nursery>) -> (bool, bool, ExitReason) {
    parent.ask(Bear).await.expect("the handler in hand finishes")
}

#[test]
fn s7_5_nobody_slips_through_a_shutdown_amid_a_storm_of_starts() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..20 {
            let system = ActorSystem::new("storm");
            let stop = Arc::new(AtomicBool::new(false));
            let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let storms: Vec<_> = (0..4)
                .map(|_| {
                    let (system, stop, begun, ended) = (system.clone(), stop.clone(), begun.clone(), ended.clone());
                    std::thread::spawn(move || {
                        let mut born = Vec::new();
                        while !stop.load(Ordering::Relaxed) && born.len() < 2_000 {
                            born.push(system.spawn(Mayfly { begun: begun.clone(), ended: ended.clone() }));
                        }
                        born
                    })
                })
                .collect();
            eventually("the storm has begun", || begun.load(Ordering::Relaxed) > 50).await;
            let report = promptly("the shutdown", system.shutdown()).await;
            stop.store(true, Ordering::Relaxed);
            let (begun, ended) = (begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed));
            assert_eq!((begun, system.actors()), (ended, 0), "whoever began has ended when the report is there");
            assert_eq!(report.outcome, Outcome::Clean);
            for born in storms.into_iter().flat_map(|storm| storm.join().expect("it does not panic")) {
                let reason = promptly("its end", born.stopped()).await;
                let refused = reason == ExitReason::StartFailed(StartFailure::Stopping);
                assert!(refused || reason == ExitReason::Shutdown, "{reason}");
            }
        }
    });
}

struct Mayfly {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Protocol for Mayfly {
    type Msg = ();
}

impl Actor for Mayfly {
    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        ctx.spawn(Suicidal);
        Ok(())
    }

    async fn handle(&mut self, (): (), _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        Ok(())
    }

    async fn stopped(&mut self, _reason: &ExitReason, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

// ===== SYS =====

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
        handle.shutdown().await;
    };
    system.on_terminated(nested).expect("it is taken");
    let report = system.shutdown().await;
    assert_eq!((report.total, report.failed), (secs(25), 1));
    assert_eq!(journal.entries()[0], "outer");
    assert_eq!(journal.count("nested"), 1);
}

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
async fn sys_3_a_terminated_system_refuses_work_and_leaves_no_task() {
    let idle = alive_tasks();
    let system = ActorSystem::new("wood");
    let left = Branch::new("left", Habit::HasHelper).under(3).grow(&system, &Journal::new()).await;
    assert!(alive_tasks() > idle);
    system.shutdown().await;

    let dead = system.spawn(Suicidal);
    assert_eq!(dead.stopped().await, ExitReason::StartFailed(StartFailure::Stopping));
    assert!(system.start(Suicidal).await.is_err_and(|error| error.is_stopping()));
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

#[tokio::test(start_paused = true)]
async fn sys_4_a_shutdown_right_after_creation_completes() {
    let nothing = ActorSystem::new("nothing").shutdown().await;
    assert_eq!((nothing.total, nothing.actors.len(), nothing.is_clean()), (Duration::ZERO, 0, true));

    let system = ActorSystem::new("wood");
    let begun = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let actor = system.spawn(Mayfly { begun: begun.clone(), ended: ended.clone() });
    let report = system.shutdown().await;
    assert_eq!(begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed), "a stop hook runs only if the start hook had run");
    assert_eq!(actor.stopped().await, ExitReason::Shutdown);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn sys_4_a_stop_hook_runs_only_if_the_start_hook_had_run() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..200 {
            let system = ActorSystem::new("wood");
            let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            system.spawn(Mayfly { begun: begun.clone(), ended: ended.clone() });
            let report = promptly("the shutdown", system.shutdown()).await;
            assert_eq!(begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed));
            let mayfly = report.actors.last().expect("one at least");
            let ran = begun.load(Ordering::Relaxed) == 1;
            assert_eq!(mayfly.hook_outcome, if ran { HookOutcome::Ran } else { HookOutcome::Skipped });
        }
    });
}

#[tokio::test(start_paused = true)]
async fn sys_5_the_end_of_a_significant_actor_ends_the_system_in_order() {
    let journal = Journal::new();
    let system = ActorSystem::new("wood");
    Branch::good("below").under(1).grow(&system, &journal).await;
    let root = system.actor(Suicidal).name("root").significant().spawn();
    root.stop();
    let report = promptly("the shutdown", system.terminated()).await;
    assert_eq!(report.trigger, Trigger::ActorEnded { path: root.path(), reason: ExitReason::Normal });
    assert_eq!((report.order().len(), report.exit_code()), (2, 0));
    assert_eq!(report.order(), ["/1/below", "/1"]);
}

#[tokio::test(start_paused = true)]
async fn sys_5_the_failure_of_a_significant_actor_is_the_result() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    Branch::good("other").grow(&system, &journal).await;
    let root = system.actor(Failing).name("root").significant().spawn();
    root.tell(Fall).await.expect("it takes messages");
    let report = promptly("the shutdown", system.terminated()).await;
    let Trigger::ActorEnded { path, reason } = &report.trigger else { panic!("{report}") };
    assert_eq!(path, &"/root");
    assert_eq!(reason.error().and_then(|error| error.downcast_ref()), Some(&Broken("fallen")));
    assert_eq!((&report.outcome, report.exit_code(), journal.count("other stopped")), (&Outcome::Failed, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn sys_5_the_failure_of_any_other_actor_does_not_end_the_system() {
    let system = ActorSystem::new("wood");
    let actor = system.spawn(Failing);
    actor.tell(Fall).await.expect("it takes messages");
    assert!(actor.stopped().await.is_failure());
    tokio::time::sleep(secs(100)).await;
    assert!(!system.is_shutting_down());
    assert_eq!(system.shutdown().await.exit_code(), 1);
}

#[derive(Actor)]
struct Failing;

#[messages]
impl Failing {
    #[message]
    fn fall(&self) -> Result<(), Broken> {
        Err(Broken("fallen"))
    }
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

// ===== without a shutdown =====

#[tokio::test(start_paused = true)]
async fn s2_3_a_dropped_system_kills_its_tree() {
    let idle = alive_tasks();
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let working = Branch::new("working", Habit::Works(secs(10)));
    let top = working.under(2).grow(&system, &journal).await;
    let lowest: ActorRef<Node> = system.lookup("/1/2/working").expect("it is there");
    let clone = system.clone();
    drop(system);
    assert!(top.is_alive(), "a handle is left");
    drop(clone);
    assert!(!top.is_alive() && !lowest.is_alive());
    let began = Instant::now();
    assert_eq!((promptly("its end", top.stopped()).await, lowest.stopped().await), (ExitReason::Killed, ExitReason::Killed));
    assert!(began.elapsed() < secs(1), "it does not complete its work");
    assert_eq!(journal.count("working stopped"), 1);
    eventually("all tasks have gone", || alive_tasks() == idle).await;
}

#[tokio::test(start_paused = true)]
async fn s2_3_a_handle_inside_an_actor_does_not_keep_the_system() {
    let system = ActorSystem::new("house");
    let keeper = system.spawn(Keeper { system: None });
    keeper.ask(Keep).await.expect("it answers");
    assert!(keeper.ask(Keeps).await.expect("it answers"));
    drop(system);
    assert_eq!(promptly("its end", keeper.stopped()).await, ExitReason::Killed);
}

#[derive(Actor)]
struct Keeper {
    system: Option<ActorSystem>,
}

#[messages]
impl Keeper {
    #[message]
    fn keep(&mut self, ctx: &mut Context<Self>) {
        self.system = Some(ctx.system());
    }
    #[message]
    fn keeps(&self) -> bool {
        self.system.is_some()
    }
}

#[tokio::test(start_paused = true)]
async fn s2_3_a_shutdown_that_runs_goes_on_when_the_system_is_dropped() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let top = Branch::new("a", Habit::CleansUp(secs(2))).grow(&system, &journal).await;
    system.request_shutdown();
    drop(system);
    assert_eq!(promptly("its end", top.stopped()).await, ExitReason::Shutdown);
    assert_eq!(journal.count("a stopped"), 1);
}

#[test]
fn s6_5_a_dropped_runtime_ends_its_actors_and_their_shutdown_is_told_promptly() {
    let (mine, theirs) = (runtime(), runtime());
    let began = std::time::Instant::now();
    let system = ActorSystem::builder("wood").runtime(theirs.handle().clone()).build();
    let journal = Journal::new();
    let top = theirs.block_on(Branch::new("a", Habit::HangsInHandler).under(2).grow(&system, &journal));
    drop(theirs);
    let reason = mine.block_on(promptly("its end", top.stopped()));
    assert_eq!(reason, ExitReason::Aborted { by: actors_core::AbortedBy::Runtime });
    assert_eq!(journal.count("1 stopping"), 0, "nothing can be awaited any more");
    mine.block_on(promptly("the shutdown", system.shutdown()));
    assert_eq!(system.actors(), 0);
    assert!(began.elapsed() < secs(10), "it does not take the deadline");
}

#[test]
fn s6_5_a_runtime_dropped_amid_a_shutdown_lets_its_waiters_go_promptly() {
    let (mine, theirs) = (runtime(), runtime());
    let began = std::time::Instant::now();
    let system = ActorSystem::builder("wood").runtime(theirs.handle().clone()).build();
    theirs.block_on(Branch::new("a", Habit::HangsInHandler).unlimited().grow(&system, &Journal::new()));
    let waiting = mine.spawn({
        let system = system.clone();
        async move { system.shutdown().await }
    });
    mine.block_on(eventually("it has begun", || system.is_shutting_down()));
    drop(theirs);
    mine.block_on(promptly("the report", waiting)).expect("it does not panic");
    assert!(began.elapsed() < secs(10), "it does not take the deadline");
    assert_eq!(system.actors(), 0);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built")
}

// ===== idle =====

#[test]
fn an_idle_system_costs_no_wakeups() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be built");
    let system = ActorSystem::builder("idle").runtime(runtime.handle().clone()).build();
    let journal = Journal::new();
    let children = (0..100).map(|number| Branch::new(number.to_string(), Habit::HasHelper));
    let top = runtime.block_on(Branch::good("p").below(children).grow(&system, &journal));
    let metrics = runtime.metrics();
    let parked = || metrics.worker_park_count(0);
    // Once two looks in a row agree, the worker sleeps; then whatever the actors did by themselves would be seen.
    let mut last = parked();
    runtime.block_on(eventually("the worker is at rest", || parked() == std::mem::replace(&mut last, parked())));
    let (parks, busy) = (parked(), metrics.worker_total_busy_duration(0));
    let (rest, wake) = std::sync::mpsc::channel::<()>();
    assert!(wake.recv_timeout(millis(300)).is_err(), "nobody sends");
    drop(rest);
    let ran = metrics.worker_total_busy_duration(0) - busy;
    assert!(parked() - parks <= 2 && ran < millis(10), "{} wake-ups and {ran:?} of work while nothing happened", parked() - parks);
    assert!(top.is_alive());
    assert!(runtime.block_on(system.shutdown()).is_clean());
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_waits_to_be_stopped_does_nothing_meanwhile() {
    let system = ActorSystem::new("wood");
    let top = Branch::good("leaf").under(5).grow(&system, &Journal::new()).await;
    let polls = Arc::new(AtomicUsize::new(0));
    let slow = system.spawn(Counting { polls: polls.clone() });
    slow.tell(CountPolls).await.expect("it takes messages");
    eventually("it is in hand", || polls.load(Ordering::Relaxed) == 1).await;
    tokio::time::sleep(secs(1_000_000)).await;
    assert_eq!(polls.load(Ordering::Relaxed), 1, "the handler in hand is polled when it is woken only");
    for _ in 0..100 {
        slow.tell(CountPolls).await.expect("it takes messages");
    }
    tokio::time::sleep(secs(1)).await;
    assert_eq!(polls.load(Ordering::Relaxed), 1, "further messages do not wake a handler");
    top.stop();
    let report = system.shutdown().await;
    assert_eq!(report.total, secs(5));
    assert!(polls.load(Ordering::Relaxed) < 10, "nor does the shutdown poll it over and over");
}

#[derive(Actor)]
struct Counting {
    polls: Arc<AtomicUsize>,
}

#[messages]
impl Counting {
    #[message]
    async fn count_polls(&mut self) {
        std::future::poll_fn(|_| {
            self.polls.fetch_add(1, Ordering::Relaxed);
            std::task::Poll::<()>::Pending
        })
        .await;
    }
}
