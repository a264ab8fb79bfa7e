//! Handlers and jobs that block: whom they hold up, and that a shutdown ends all the same.
//!
//! Here threads really block, so the clock cannot be paused. Nothing sleeps: what blocks waits for the test to let it go,
//! and the test waits for the deadline of its shutdown at most.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, ChildSpec, Context, DeadReason, ExitReason, LimitHit, Outcome, Refusal, Supervisor, messages,
};
use tests::{Gate, eventually, promptly};
use tokio::time::Instant;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn workers(count: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(count).enable_all().build().expect("a runtime can be built")
}

/// What blocks, until the other end is dropped.
#[derive(Clone)]
struct Wall(Arc<Mutex<Receiver<()>>>);

impl Wall {
    fn new() -> (Sender<()>, Wall) {
        let (hold, wall) = channel();
        (hold, Wall(Arc::new(Mutex::new(wall))))
    }

    fn stand_before(&self) {
        assert!(self.0.lock().expect("nobody panics before it").recv().is_err());
    }
}

#[derive(Actor)]
struct Blocker {
    wall: Wall,
    gate: Gate,
}

#[messages]
impl Blocker {
    /// Blocks the worker.
    #[message]
    fn block(&mut self) {
        self.gate.open();
        self.wall.stand_before();
    }
    /// Has a helper task block a worker.
    #[message]
    fn block_helper(&mut self, ctx: &mut Context<Self>) {
        let (wall, gate) = (self.wall.clone(), self.gate.clone());
        drop(ctx.spawn_task(async move {
            gate.open();
            wall.stand_before();
        }));
    }
    /// Blocks a thread of its own, deaf to the signal.
    #[message]
    fn block_aside(&mut self, ctx: &mut Context<Self>) {
        let (wall, gate) = (self.wall.clone(), self.gate.clone());
        ctx.spawn_blocking(move |_stop| {
            gate.open();
            wall.stand_before();
        });
    }
    /// Blocks a thread of its own until the signal comes.
    #[message]
    fn block_politely(&mut self, ctx: &mut Context<Self>) {
        let gate = self.gate.clone();
        ctx.spawn_blocking(move |stop| {
            gate.open();
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
        });
    }
    #[message]
    fn ping(&self) -> u8 {
        1
    }
}

fn blocker(system: &ActorSystem, name: &str) -> (ActorRef<Blocker>, Sender<()>, Gate) {
    let (hold, wall) = Wall::new();
    let gate = Gate::new();
    (system.actor(Blocker { wall, gate: gate.clone() }).name(name).spawn(), hold, gate)
}

#[test]
fn blk_1_blocking_work_has_its_own_threads() {
    let runtime = workers(2);
    runtime.block_on(async {
        let system = ActorSystem::new("works");
        let mut holds = Vec::new();
        for number in 0..8 {
            let (actor, hold, gate) = blocker(&system, &number.to_string());
            actor.tell(BlockAside).await.expect("it takes messages");
            gate.pass().await;
            holds.push((actor, hold));
        }
        let (other, _hold, _) = blocker(&system, "other");
        assert_eq!(promptly("an answer", other.ask(Ping)).await.expect("it answers"), 1);
        assert_eq!(promptly("an answer", holds[0].0.ask(Ping)).await.expect("its own actor answers too"), 1);

        holds[0].0.stop();
        assert!(holds[0].0.stopped().within(Duration::ZERO).await.is_err(), "its end waits for the job");
        for (actor, hold) in holds {
            drop(hold);
            actor.stop();
            assert_eq!(promptly("its end", actor.stopped()).await, ExitReason::Normal);
        }
        assert!(system.shutdown().await.is_clean());
    });
}

// Who is stuck can be seen (S7.8); that one is replaced at its `handler_limit` (S4.13) is tested in `frozen`.
#[tokio::test(start_paused = true)]
async fn blk_2_who_makes_no_progress_is_seen_in_the_tree_and_who_is_idle_is_not() {
    let system = ActorSystem::new("house");
    let gate = Gate::new();
    let stuck = system.actor(Summing { sum: 0, gate: gate.clone() }).name("stuck").spawn();
    system.actor(Summing { sum: 0, gate: Gate::new() }).name("idle").spawn();
    stuck.tell(WaitAtGate).await.expect("it takes messages");
    stuck.tell(Add { millis: 1 }).await.expect("it takes messages");
    gate.reached().await;
    tokio::time::sleep(millis(3_000)).await;
    let tree = system.tree();
    let seen = |path| tree.find(path).map(|node| (node.handling.clone(), node.handling_for, node.queued)).expect("it is there");
    assert!(
        matches!(seen("/stuck"), (Some(message), Some(time), 1) if message == "WaitAtGate" && time.as_millis().abs_diff(3_000) <= 1),
        "{:?}",
        seen("/stuck")
    );
    assert_eq!(seen("/idle"), (None, None, 0));
    gate.open();
    assert_eq!(stuck.ask(Add { millis: 1 }).await.expect("it goes on"), 2);
    assert_eq!(system.tree().find("/stuck").expect("it is there").handling, None);
    system.shutdown().await;
}

#[derive(Actor)]
struct Summing {
    sum: u64,
    gate: Gate,
}

#[messages]
impl Summing {
    #[message]
    async fn add(&mut self, millis: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.sum += millis;
        self.sum
    }
    #[message]
    async fn wait_at_gate(&mut self) {
        self.gate.pass().await;
    }
}

#[tokio::test(start_paused = true)]
async fn blk_3_a_slow_handler_delays_only_its_own_mailbox() {
    let system = ActorSystem::new("house");
    let [one, other] = [(); 2].map(|()| system.spawn(Summing { sum: 0, gate: Gate::new() }));
    let began = Instant::now();
    let asks = [7, 6, 5, 4, 3, 2, 1].map(|millis| one.ask(Add { millis }));
    let slow = other.ask(Add { millis: 20 });
    let (sums, slow) = tokio::join!(
        async {
            let mut sums = Vec::new();
            // All are sent before the first is answered.
            let mut asks = asks.map(Box::pin);
            std::future::poll_fn(|cx| {
                for ask in &mut asks {
                    assert!(ask.as_mut().poll(cx).is_pending());
                }
                std::task::Poll::Ready(())
            })
            .await;
            for ask in asks {
                sums.push(ask.await.expect("it answers"));
            }
            sums
        },
        slow
    );
    assert_eq!(sums, [7, 13, 18, 22, 25, 27, 28]);
    assert_eq!(slow.expect("it answers"), 20);
    assert_eq!(began.elapsed(), millis(28), "the two ran at the same time");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn blk_4_waiting_for_a_busy_actor_with_a_limit_times_out_and_the_actor_ends_later() {
    let system = ActorSystem::new("house");
    let busy = system.actor(Summing { sum: 0, gate: Gate::new() }).name("busy").spawn();
    let began = Instant::now();
    busy.tell(Add { millis: 5_000 }).await.expect("it takes messages");
    eventually("it is in hand", || busy.queued() == 0).await;
    busy.stop();
    let waited = Instant::now();
    let error = busy.stopped().within(millis(500)).await.expect_err("it is busy");
    assert_eq!((waited.elapsed(), error.limit), (millis(500), millis(500)));
    assert_eq!(error.to_string(), "/busy has not ended within 500ms");
    assert!(busy.exit().is_none());
    assert_eq!(busy.stopped().await, ExitReason::Normal);
    assert!(began.elapsed() <= millis(5_002), "{:?}", began.elapsed());
    // A limit below zero cannot be written down.
    assert!(busy.stopped().within(Duration::ZERO).await.is_ok());
    system.shutdown().await;
}

// ===== blocked for ever =====

#[test]
fn s7_7_a_shutdown_returns_though_every_worker_is_blocked() {
    for count in [1, 2] {
        let runtime = workers(count);
        let began = std::time::Instant::now();
        let holds = runtime.block_on(async {
            let system = ActorSystem::builder("stuck").deadline(millis(300)).progress(false).build();
            let mut holds = Vec::new();
            for number in 0..count {
                let (actor, hold, gate) = blocker(&system, &number.to_string());
                actor.tell(Block).await.expect("it takes messages");
                gate.pass().await;
                actor.try_tell(Ping).expect("there is room");
                holds.push((actor, hold));
            }
            let mut letters = system.dead_letters();
            let report = system.shutdown().await;
            assert_eq!((&report.outcome, report.exit_code()), (&Outcome::Unresponsive, 4), "{report}");
            assert_eq!((report.unresponsive().count(), system.actors()), (count, 0));
            for (actor, _) in &holds {
                let entry = report.unresponsive().find(|entry| entry.path == actor.path()).expect("it is reported");
                assert_eq!((&entry.exit.reason, entry.limit), (&ExitReason::Unresponsive, Some(LimitHit::Abort)));
                assert_eq!(entry.held_by.as_deref(), Some("Block"));
                assert_eq!(letters.try_recv().map(|letter| letter.reason()), Some(DeadReason::Killed));
                assert_eq!(actor.stopped().await, ExitReason::Unresponsive);
            }
            assert!(!report.to_string().contains("complete"), "{report}");
            holds
        });
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let actors: Vec<_> = holds.into_iter().map(|(actor, _hold)| actor).collect();
        // The handlers go on, find themselves given up, and the runtime can be dropped.
        drop(runtime);
        for actor in actors {
            assert_eq!(actor.try_tell(Ping).unwrap_err().reason(), Refusal::Stopped);
        }
    }
}

/// How long a shutdown takes that is brought nearer while the only worker is blocked.
fn time_of_one_brought_nearer() -> Duration {
    let runtime = workers(1);
    let (time, hold) = runtime.block_on(async {
        let system = ActorSystem::builder("stuck").deadline(Duration::from_secs(60)).progress(false).build();
        let (actor, hold, gate) = blocker(&system, "blocked");
        actor.tell(Block).await.expect("it takes messages");
        gate.pass().await;
        let began = std::time::Instant::now();
        system.request_shutdown();
        // By then whoever watches it has gone to sleep.
        while began.elapsed() < millis(50) {
            tokio::task::yield_now().await;
        }
        let report = system.shutdown_within(millis(50)).await;
        assert_eq!(report.outcome, Outcome::Unresponsive, "{report}");
        (began.elapsed(), hold)
    });
    drop(hold);
    time
}

#[test]
fn s7_7_a_shutdown_that_is_brought_nearer_is_over_in_time_though_every_worker_is_blocked() {
    // Two seconds is how long it takes to look again. A busy machine may take long now and then, and not each time.
    let in_time = (0..5).any(|_| time_of_one_brought_nearer() < millis(1_500));
    assert!(in_time);
}

#[test]
fn s7_4_a_blocked_actor_climbs_the_whole_ladder_and_the_order_goes_on_upward() {
    let runtime = workers(2);
    runtime.block_on(async {
        // Each rung is a part of it: on a busy machine, too, whoever can run has the time to.
        let system = ActorSystem::builder("stuck").deadline(millis(2_000)).build();
        let (hold, wall) = Wall::new();
        let gate = Gate::new();
        let parent = system.actor(Above { gate: gate.clone(), wall }).name("above").start().await.expect("it starts");
        gate.pass().await;
        let report = promptly("the report", system.shutdown()).await;
        assert_eq!(report.order(), ["/above/blocked", "/above"]);
        let blocked = report.get("/above/blocked").expect("it is reported");
        assert_eq!((&blocked.exit.reason, blocked.limit), (&ExitReason::Unresponsive, Some(LimitHit::Abort)));
        assert_eq!(blocked.held_by.as_deref(), Some("Block"));
        assert_eq!(parent.stopped().await, ExitReason::Shutdown, "its hook had its time");
        assert!(report.total <= millis(3_300), "{report}");
        drop(hold);
    });
}

/// Has a child that blocks a worker.
#[derive(Actor)]
struct Above {
    gate: Gate,
    wall: Wall,
}

#[messages]
impl Above {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        let blocked = ctx.actor(Blocker { wall: self.wall.clone(), gate: self.gate.clone() }).name("blocked").spawn();
        blocked.try_tell(Block).expect("there is room");
    }
    #[stopped]
    async fn end(&mut self) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn s7_7_a_blocking_job_that_ignores_its_signal_is_counted() {
    let runtime = workers(2);
    let hold = runtime.block_on(async {
        let system = ActorSystem::builder("stuck").deadline(millis(400)).build();
        let (_actor, hold, gate) = blocker(&system, "deaf");
        system.lookup::<Blocker>("/deaf").expect("it is there").tell(BlockAside).await.expect("it takes messages");
        gate.pass().await;
        let report = promptly("the report", system.shutdown()).await;
        assert_eq!((report.leaked_blocking, report.exit_code()), (1, 4), "{report}");
        let deaf = report.get("/deaf").expect("it is reported");
        assert_eq!((deaf.leaked_blocking, deaf.limit.is_some()), (1, true));
        assert_eq!(report.unresponsive().count(), 1);
        assert!(report.to_string().contains("blocking jobs left: 1"), "{report}");
        hold
    });
    drop(hold);
}

#[test]
fn s6_7_a_blocking_job_that_heeds_its_signal_is_waited_for() {
    let runtime = workers(2);
    runtime.block_on(async {
        let system = ActorSystem::new("works");
        let (actor, _hold, gate) = blocker(&system, "polite");
        actor.tell(BlockPolitely).await.expect("it takes messages");
        gate.pass().await;
        let report = promptly("the report", system.shutdown()).await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.leaked_blocking, 0);
    });
}

#[test]
fn s7_7_one_blocked_worker_does_not_hold_up_the_rest_of_the_tree() {
    let runtime = workers(2);
    runtime.block_on(async {
        let system = ActorSystem::builder("stuck").deadline(millis(800)).build();
        let (others, _, _) = blocker(&system, "other");
        let (actor, hold, gate) = blocker(&system, "blocked");
        actor.tell(Block).await.expect("it takes messages");
        gate.pass().await;
        let report = promptly("the report", system.shutdown()).await;
        assert_eq!(report.order(), ["/blocked", "/other"]);
        assert_eq!(others.stopped().await, ExitReason::Shutdown);
        assert_eq!(report.exit_code(), 4);
        drop(hold);
    });
}

#[test]
fn what_outlives_a_life_that_was_killed_is_not_waited_for_by_the_next() {
    let runtime = workers(2);
    let hold = runtime.block_on(async {
        let system = ActorSystem::new("stuck");
        let ((hold, wall), gate) = (Wall::new(), Gate::new());
        let made = gate.clone();
        let child = ChildSpec::new("child", move || Blocker { wall: wall.clone(), gate: made.clone() });
        system.actor(Supervisor::new().child(child)).name("sup").start().await.expect("it starts");
        let child = system.lookup::<Blocker>("/sup/child").expect("it is there");
        child.tell(BlockHelper).await.expect("it takes messages");
        child.tell(BlockAside).await.expect("it takes messages");
        gate.pass().await;
        gate.pass().await;
        child.kill();
        assert_eq!(child.ask(Ping).await.expect("the next life answers"), 1);
        assert_eq!(child.incarnation(), 1);

        system.lookup::<Supervisor>("/sup").expect("it is there").stop();

        assert_eq!(promptly("its end", child.stopped()).await, ExitReason::Shutdown, "it was not killed for want of an end");
        hold
    });
    drop(hold);
}
