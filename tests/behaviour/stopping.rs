//! How one actor and its subtree stop: order, limits, kill, and who waits for it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, DeadReason, ExitReason, Exited, HookOutcome, LimitHit, NotAChild, messages};
use tests::tree::{Branch, Habit, Node};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn find(system: &ActorSystem, path: &str) -> ActorRef<Node> {
    system.lookup(path).unwrap_or_else(|| panic!("{path} is there"))
}

#[tokio::test(start_paused = true)]
async fn shd_1_children_stop_in_reverse_start_order_one_after_the_other() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let names = ["delta", "alpha", "echo", "bravo", "charlie"];
    let children = names.map(|name| Branch::new(name, Habit::CleansUp(millis(10))));
    let parent = Branch::good("parent").below(children).grow(&system, &journal).await;
    let started = journal.len();
    parent.stop();
    assert_eq!(parent.stopped().await, ExitReason::Normal);
    let last_first = names.iter().rev().chain(&["parent"]);
    let expected: Vec<String> = last_first.flat_map(|name| [format!("{name} stopping"), format!("{name} stopped")]).collect();
    assert_eq!(journal.entries()[started..], expected);
    system.shutdown().await;
}

/// Counts up for ever in its handler.
#[derive(Actor)]
#[actor(stop_limit = "1s")]
struct Deaf {
    ticks: Arc<AtomicUsize>,
}

#[messages]
impl Deaf {
    #[message]
    async fn tick(&mut self) {
        loop {
            self.ticks.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(millis(100)).await;
        }
    }
}

/// Has one child of each sort that it is asked for.
#[derive(Actor)]
struct Parent;

#[messages]
impl Parent {
    #[message]
    fn adopt_deaf(&mut self, ticks: Arc<AtomicUsize>, ctx: &mut Context<Self>) -> ActorRef<Deaf> {
        ctx.actor(Deaf { ticks }).name("deaf").spawn()
    }
    #[message]
    fn adopt_staged(&mut self, place: Place, gate: Gate, journal: Journal, ctx: &mut Context<Self>) -> ActorRef<Staged> {
        ctx.spawn(Staged { place, gate, journal })
    }
    #[message]
    fn stop_child(&mut self, path: actors_core::ActorPath, ctx: &mut Context<Self>) -> Result<(), NotAChild> {
        ctx.stop_child(&path)
    }
}

#[tokio::test(start_paused = true)]
async fn shd_2_who_ignores_the_stop_is_killed_at_its_limit_and_runs_no_more() {
    let system = ActorSystem::new("house");
    let parent = system.actor(Parent).name("parent").spawn();
    let ticks = Arc::new(AtomicUsize::new(0));
    let deaf = parent.ask(AdoptDeaf { ticks: ticks.clone() }).await.expect("it answers");
    let (gate, journal) = (Gate::new(), Journal::new());
    let quick = parent.ask(AdoptStaged { place: Place::Nowhere, gate, journal }).await.expect("it answers");
    deaf.tell(Tick).await.expect("it takes messages");
    eventually("it counts", || ticks.load(Ordering::Relaxed) > 0).await;

    let began = Instant::now();
    parent.stop();
    assert_eq!(quick.stopped().await, ExitReason::Shutdown);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(deaf.stopped().await, ExitReason::Killed);
    assert_eq!(began.elapsed(), secs(1));
    let counted = ticks.load(Ordering::Relaxed);
    tokio::time::sleep(secs(10)).await;
    assert_eq!(ticks.load(Ordering::Relaxed), counted);
    system.shutdown().await;
}

// There is no stop mode `kill` of its own: a stop limit of zero is that, and a killed actor's hook still has half a second
// (S6.2).
#[tokio::test(start_paused = true)]
async fn shd_3_a_limit_of_zero_kills_at_once_and_an_unlimited_child_is_waited_for() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let children = [
        Branch::new("unlimited", Habit::Works(secs(10))).unlimited(),
        Branch::new("limited", Habit::Works(secs(1))).stop_limit(secs(2)),
        Branch::new("kill", Habit::HangsInHandler).stop_limit(Duration::ZERO),
        Branch::new("kill in hook", Habit::CleansUp(secs(1))).stop_limit(Duration::ZERO),
    ];
    let parent = Branch::good("p").below(children).grow(&system, &journal).await;
    let [unlimited, limited, kill, kill_in_hook] =
        ["unlimited", "limited", "kill", "kill in hook"].map(|name| find(&system, &format!("/p/{name}")));
    let began = Instant::now();
    parent.stop();
    assert_eq!(kill.stopped().await, ExitReason::Killed);
    assert!(began.elapsed() <= millis(510), "{:?}", began.elapsed());
    assert_eq!(parent.stopped().await, ExitReason::Normal);
    assert!(began.elapsed() >= millis(9_990), "{:?}", began.elapsed());
    let reasons = [unlimited, limited, kill_in_hook].map(|actor| actor.exit().expect("it has ended").reason);
    assert_eq!(reasons, [ExitReason::Shutdown, ExitReason::Shutdown, ExitReason::Killed]);
    assert_eq!(journal.count("kill in hook stopped"), 0, "half a second was not enough");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn shd_4_every_waiter_returns_after_the_stop_hook_and_then_at_once() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let slow = Branch::new("slow", Habit::CleansUp(secs(1))).grow(&system, &journal).await;
    let wait = || {
        let (slow, journal) = (slow.clone(), journal.clone());
        tokio::spawn(async move { (slow.stopped().await, journal.count("slow stopped"), Instant::now()) })
    };
    let waiters = [wait(), wait()];
    tokio::task::yield_now().await;
    let began = Instant::now();
    slow.stop();
    assert_eq!(slow.stopped().await, ExitReason::Normal);
    assert_eq!(began.elapsed(), secs(1));
    for waiter in waiters {
        let (reason, hooks, at) = waiter.await.expect("it does not panic");
        assert_eq!((reason, hooks, at - began), (ExitReason::Normal, 1, secs(1)));
    }
    for _ in 0..100 {
        assert_eq!(slow.stopped().await, ExitReason::Normal);
    }
    assert_eq!(began.elapsed(), secs(1));
    system.shutdown().await;
}

/// Where an actor stands at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Handler,
    Started,
    Exited,
    Stopped,
}

#[derive(Actor)]
struct Staged {
    place: Place,
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Staged {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        if self.place == Place::Exited {
            ctx.spawn(Parent).stop();
        }
        self.pass(Place::Started).await;
    }
    #[message]
    async fn wait(&mut self) {
        self.pass(Place::Handler).await;
    }
    #[exited]
    async fn exited(&mut self, _exited: Exited) {
        self.pass(Place::Exited).await;
    }
    #[stopped]
    async fn end(&mut self) {
        self.pass(Place::Stopped).await;
        self.journal.note("stopped");
    }
}

impl Staged {
    async fn pass(&self, place: Place) {
        if self.place == place {
            self.gate.pass().await;
            self.journal.note(format!("passed {place:?}"));
        }
    }
}

/// An actor that stands at the gate in the given place.
async fn stage(system: &ActorSystem, place: Place) -> (ActorRef<Staged>, Gate, Journal) {
    let (gate, journal) = (Gate::new(), Journal::new());
    let actor = system.spawn(Staged { place, gate: gate.clone(), journal: journal.clone() });
    match place {
        Place::Handler => actor.tell(Wait).await.expect("it takes messages"),
        Place::Stopped => {
            eventually("it runs", || actor.has_started()).await;
            actor.stop();
        }
        _ => {}
    }
    gate.reached().await;
    (actor, gate, journal)
}

const PLACES: [Place; 4] = [Place::Handler, Place::Started, Place::Exited, Place::Stopped];

#[tokio::test(start_paused = true)]
async fn shd_5_a_stop_lets_whatever_runs_finish() {
    let system = ActorSystem::new("stage");
    for place in PLACES {
        let (actor, gate, journal) = stage(&system, place).await;
        actor.stop();
        tokio::time::sleep(secs(1)).await;
        assert!(actor.exit().is_none(), "{place:?}");
        gate.open();
        assert_eq!(promptly("its end", actor.stopped()).await, ExitReason::Normal);
        assert_eq!(journal.entries(), [format!("passed {place:?}"), "stopped".to_owned()]);
    }
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn shd_5_a_kill_ends_whatever_runs_also_after_a_stop() {
    let system = ActorSystem::new("stage");
    for place in PLACES {
        for stop_first in [false, true] {
            let (actor, _gate, journal) = stage(&system, place).await;
            if stop_first {
                actor.stop();
            }
            let began = Instant::now();
            actor.kill();
            assert_eq!(promptly("its end", actor.stopped()).await, ExitReason::Killed, "{place:?} {stop_first}");
            assert!(began.elapsed() <= secs(1), "{place:?}: {:?}", began.elapsed());
            assert_eq!(journal.count(&format!("passed {place:?}")), 0);
        }
    }
    assert!(system.shutdown().await.is_clean());
}

// Here nobody supervises. That a supervisor above starts a new middle with a new worker is tested with the managing of
// children.
#[tokio::test(start_paused = true)]
async fn shd_6_a_killed_parent_takes_its_subtree_along() {
    let system = ActorSystem::new("wood");
    let worker = Branch::new("worker", Habit::HangsInHandler);
    let top = Branch::good("top").below([Branch::good("middle").below([worker])]).grow(&system, &Journal::new()).await;
    let (middle, worker) = (find(&system, "/top/middle"), find(&system, "/top/middle/worker"));
    middle.kill();
    assert_eq!(middle.stopped().await, ExitReason::Killed);
    assert_eq!(worker.exit().map(|exit| exit.reason), Some(ExitReason::Killed), "it ended before its parent");
    assert!(top.is_alive());
    assert_eq!(system.actors(), 1);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn shd_6_a_failed_parent_takes_its_subtree_along_in_order() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let children = ["a", "b"].map(|name| Branch::new(name, Habit::CleansUp(secs(1))));
    let middle = Branch::good("middle").below(children).grow(&system, &journal).await;
    middle.tell(tests::tree::Fail).await.expect("it takes messages");
    assert!(middle.stopped().await.is_failure());
    let stops: Vec<String> = journal.entries().into_iter().filter(|entry| entry.ends_with("stopped")).collect();
    assert_eq!(stops, ["b stopped", "a stopped", "middle stopped"]);
    assert_eq!(system.actors(), 0);
    system.shutdown().await;
}

// There are no detached actors: one made at the top of the system is what comes nearest, and it goes on.
#[tokio::test(start_paused = true)]
async fn shd_7_stopping_a_subtree_leaves_the_rest_running() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let three = Branch::new("3", Habit::FailsInHook);
    let one = Branch::good("1").below([Branch::good("2").below([three])]).grow(&system, &journal).await;
    let detached = Branch::good("detached").grow(&system, &journal).await;
    let (two, three) = (find(&system, "/1/2"), find(&system, "/1/2/3"));
    two.stop();
    assert_eq!(two.stopped().await, ExitReason::Normal);
    assert_eq!(three.exit().map(|exit| exit.reason.to_string()).as_deref(), Some("failed: cleaning up"));
    assert!(one.is_alive() && detached.is_alive() && !system.is_shutting_down());
    assert_eq!(system.actors(), 2);
    detached.stop();
    assert_eq!(detached.stopped().await, ExitReason::Normal);
    assert_eq!(system.shutdown().await.failures.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn shd_7_only_children_are_stopped_by_their_path() {
    let system = ActorSystem::new("house");
    let parent = system.spawn(Parent);
    let child = parent.ask(AdoptDeaf { ticks: Arc::default() }).await.expect("it answers");
    let stranger = system.spawn(Parent);
    let refused = parent.ask(StopChild { path: stranger.path() }).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("is not a child")));
    assert!(stranger.is_alive());
    parent.ask(StopChild { path: child.path() }).await.expect("it is its child");
    assert_eq!(child.stopped().await, ExitReason::Shutdown);
    assert!(parent.ask(StopChild { path: child.path() }).await.is_err(), "it has gone");
    system.shutdown().await;
}

// ===== at the wrong moment =====

#[tokio::test(start_paused = true)]
async fn a_kill_amid_a_drain_drops_the_message_in_hand_and_buries_the_rest() {
    let system = ActorSystem::new("wood");
    let mut letters = system.dead_letters();
    let journal = Journal::new();
    let drains = Branch::new("a", Habit::DrainsForEver).grow(&system, &journal).await;
    drains.stop();
    tokio::time::sleep(millis(9_500)).await;
    drains.kill();
    let began = Instant::now();
    assert_eq!(drains.stopped().await, ExitReason::Killed);
    assert_eq!((began.elapsed(), journal.count("a stopped")), (Duration::ZERO, 1));
    // Nine were handled and the tenth was in hand.
    assert_eq!(system.dead_letter_count(), 990);
    assert_eq!(letters.recv().await.map(|letter| letter.reason()), Some(DeadReason::Killed));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_amid_a_kill_waits_for_it() {
    let system = ActorSystem::new("wood");
    let hung = Branch::new("hung", Habit::HangsInHook).grow(&system, &Journal::new()).await;
    hung.kill();
    let report = system.shutdown().await;
    let hung = report.get("/hung").expect("it ended during the shutdown");
    assert_eq!((&hung.exit.reason, hung.hook_outcome, report.total), (&ExitReason::Killed, HookOutcome::TimedOut, millis(500)));
}

#[tokio::test(start_paused = true)]
async fn a_parent_killed_while_its_children_stop_does_not_wait_for_them_any_longer() {
    let system = ActorSystem::new("wood");
    let children = (0..3).map(|number| Branch::new(number.to_string(), Habit::HangsInHandler).stop_limit(secs(100)));
    let parent = Branch::good("p").below(children).grow(&system, &Journal::new()).await;
    parent.stop();
    tokio::time::sleep(secs(1)).await;
    let began = Instant::now();
    parent.kill();
    assert_eq!(parent.stopped().await, ExitReason::Killed);
    assert!(began.elapsed() < millis(100), "{:?}", began.elapsed());
    assert_eq!(system.actors(), 0);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_endless_hook_of_a_child_does_not_keep_its_parent_for_ever() {
    let system = ActorSystem::new("wood");
    let child = Branch::new("c", Habit::HangsInHook).stop_limit(secs(2)).hook_limit(secs(1_000_000));
    let parent = Branch::good("p").below([child]).grow(&system, &Journal::new()).await;
    let began = Instant::now();
    parent.stop();
    assert_eq!(parent.stopped().await, ExitReason::Normal);
    assert_eq!(began.elapsed(), millis(2_500));
    system.shutdown().await;
}

/// A handler that looks at the signal in each of the ways there are.
#[derive(Actor)]
#[actor(stop_limit = "1s")]
struct Attentive;

#[messages]
impl Attentive {
    #[message]
    async fn select(&mut self, ctx: &mut Context<Self>) {
        tokio::select! {
            () = ctx.stopping() => {}
            () = pending() => {}
        }
    }
    #[message]
    async fn poll(&mut self, ctx: &mut Context<Self>) {
        while !ctx.is_stopping() {
            tokio::time::sleep(millis(10)).await;
        }
    }
    #[message]
    async fn wrap(&mut self, ctx: &mut Context<Self>) {
        assert!(ctx.unless_stopping(pending::<()>()).await.is_err());
    }
    #[message]
    async fn token(&mut self, ctx: &mut Context<Self>) {
        ctx.stop_token().cancelled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s7_2_a_handler_that_heeds_the_signal_is_not_killed() {
    let system = ActorSystem::new("house");
    let actors = [(); 4].map(|()| system.spawn(Attentive));
    actors[0].tell(Select).await.expect("it takes messages");
    actors[1].tell(Poll).await.expect("it takes messages");
    actors[2].tell(Wrap).await.expect("it takes messages");
    actors[3].tell(Token).await.expect("it takes messages");
    eventually("all are in hand", || actors.iter().all(|actor| actor.queued() == 0)).await;
    let report = system.shutdown().await;
    assert!(report.is_clean() && report.total <= millis(20), "{report}");
}

#[test]
fn a_stop_at_any_moment_of_a_start_leaves_nothing() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("wood");
        for round in 0..300_u32 {
            let journal = Journal::new();
            let parent = system.spawn(Staged { place: Place::Nowhere, gate: Gate::new(), journal: journal.clone() });
            let stopper = tokio::spawn({
                let parent = parent.clone();
                async move {
                    for _ in 0..round % 7 {
                        tokio::task::yield_now().await;
                    }
                    if round % 2 == 0 { parent.stop() } else { parent.kill() }
                }
            });
            let reason = promptly("its end", parent.stopped()).await;
            stopper.await.expect("it does not panic");
            assert_eq!(reason, if round % 2 == 0 { ExitReason::Normal } else { ExitReason::Killed });
            assert!(journal.count("stopped") <= 1);
            assert_eq!(system.actors(), 0);
        }
        assert!(system.shutdown().await.is_clean());
    });
}

#[tokio::test(start_paused = true)]
async fn the_report_says_who_was_killed_in_a_stop_that_began_before() {
    let system = ActorSystem::new("wood");
    let hung = Branch::new("hung", Habit::HangsInHandler).grow(&system, &Journal::new()).await;
    hung.stop();
    tokio::time::sleep(secs(100)).await;
    let report = system.shutdown().await;
    let entry = report.get("/hung").expect("it ended during the shutdown");
    assert_eq!((&entry.exit.reason, entry.limit, entry.held_by.as_deref()), (&ExitReason::Killed, Some(LimitHit::Stop), Some("Hang")));
    assert_eq!((entry.turn, report.total), (Duration::ZERO, secs(5)));
}

/// A link of a chain; notes how it ended.
#[derive(Actor)]
struct Deep {
    left: u32,
    journal: Journal,
}

#[messages]
impl Deep {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        if self.left > 0 {
            ctx.spawn(Deep { left: self.left - 1, journal: self.journal.clone() });
        }
    }

    #[stopped]
    fn end(&mut self, reason: &ExitReason) {
        self.journal.note(reason.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_brings_a_deep_tree_down_and_gives_nobody_up() {
    let system = ActorSystem::new("wood");
    for depth in [12, 100, 2_000] {
        let journal = Journal::new();
        let top = system.spawn(Deep { left: depth, journal: journal.clone() });
        eventually("the chain stands", || system.actors() == depth as usize + 1).await;
        top.kill();
        assert_eq!(top.stopped().await, ExitReason::Killed);
        assert_eq!(journal.count("killed"), depth as usize + 1);
        assert_eq!(system.actors(), 0);
    }
    assert!(system.shutdown().await.is_clean());
}
