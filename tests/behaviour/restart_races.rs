//! Restarts beside everything else that may happen to a supervised child at the same time.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context as Poller, Waker};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, Backoff, ChildSpec, ChildState, Context, ExitReason, GroupReport, Strategy, Supervisor, messages,
};
use tests::{Gate, eventually, promptly};

/// How long a child waits that is restarted slowly.
const WAIT: Duration = Duration::from_secs(20);

/// Does what it is told, and may be slow to start.
#[derive(Actor)]
struct Worker {
    gate: Option<Gate>,
}

#[messages]
impl Worker {
    #[started]
    async fn open(&mut self) {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
    }

    #[message]
    fn ping(&self) {}

    #[message]
    fn fail(&self) {
        panic!("asked to fail");
    }
}

fn worker(name: &str) -> ChildSpec {
    ChildSpec::new(name, || Worker { gate: None })
}

/// A worker that is told apart by how often it was made.
fn counted(name: &str, made: &Arc<AtomicU32>, gate: &Gate) -> ChildSpec {
    let (made, gate) = (made.clone(), gate.clone());
    ChildSpec::new(name, move || {
        made.fetch_add(1, Ordering::Relaxed);
        Worker { gate: Some(gate.clone()) }
    })
}

fn slowly() -> Backoff {
    Backoff::constant(WAIT).no_jitter()
}

async fn start(system: &ActorSystem, supervisor: Supervisor) -> ActorRef<Supervisor> {
    system.actor(supervisor).name("sup").start().await.expect("it starts")
}

fn child(system: &ActorSystem, name: &str) -> ActorRef<Worker> {
    system.lookup(&format!("/sup/{name}")).expect("it is there")
}

fn state(sup: &ActorRef<Supervisor>, name: &str) -> ChildState {
    let children = sup.supervised_children();
    children.iter().find(|child| child.name.as_deref() == Some(name)).expect("it is in the list").state
}

/// Polls once, and says whether that was enough.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    future.poll(&mut Poller::from_waker(Waker::noop())).is_ready()
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_supervisor_is_left_once_it_has_ended() {
    let token = Arc::new(());
    let held = token.clone();
    let system = ActorSystem::new("t");
    let spec = ChildSpec::new("a", move || {
        let _held = &held;
        Worker { gate: None }
    });
    let sup = start(&system, Supervisor::new().child(spec)).await;
    sup.stop();
    sup.stopped().await;
    drop(sup);
    system.shutdown().await;
    drop(system);
    eventually("all is dropped", || Arc::strong_count(&token) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_ends_a_transient_child_that_is_down() {
    let system = ActorSystem::new("t");
    let sup = start(&system, Supervisor::new().child(worker("a").transient().backoff(slowly()))).await;
    let a = child(&system, "a");
    a.tell(Fail).await.unwrap();
    eventually("it is down", || state(&sup, "a") == ChildState::Restarting).await;
    a.stop();
    let reason = promptly("its end", a.stopped()).await;
    assert_eq!(reason, ExitReason::Normal);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_by_hand_in_the_midst_of_a_group_restart_makes_the_child_once() {
    let system = ActorSystem::new("t");
    let (made, gate) = (Arc::new(AtomicU32::new(0)), Gate::new());
    gate.open();
    let sup = Supervisor::new().strategy(Strategy::OneForAll).child(counted("a", &made, &gate)).child(worker("b").backoff(slowly()));
    let sup = start(&system, sup).await;
    sup.terminate_child("a").await.unwrap();
    child(&system, "b").tell(Fail).await.unwrap();
    eventually("b is down", || state(&sup, "b") == ChildState::Restarting).await;
    let (again, a_sup) = (gate.clone(), sup.clone());
    let by_hand = tokio::spawn(async move { a_sup.restart_child("a").await });
    gate.reached().await;
    gate.reached().await;
    tokio::time::sleep(2 * WAIT).await;
    assert_eq!(made.load(Ordering::Relaxed), 2);
    again.open_wide();
    by_hand.await.unwrap().unwrap();
    eventually("b is up", || state(&sup, "b") == ChildState::Running).await;
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_removed_in_the_midst_of_a_group_restart_holds_up_nobody() {
    let system = ActorSystem::new("t");
    let sup = Supervisor::new().strategy(Strategy::OneForAll).child(worker("a")).child(worker("b").backoff(slowly())).child(worker("c"));
    let sup = start(&system, sup).await;
    sup.terminate_child("a").await.unwrap();
    child(&system, "b").tell(Fail).await.unwrap();
    eventually("c is down", || state(&sup, "c") == ChildState::Restarting).await;
    sup.remove_child("a").unwrap();
    tokio::time::sleep(2 * WAIT).await;
    assert_eq!((state(&sup, "b"), state(&sup, "c")), (ChildState::Running, ChildState::Running));
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_restart_by_hand_is_told_when_the_supervisor_ends() {
    let system = ActorSystem::new("t");
    let sup = start(&system, Supervisor::new().child(worker("a"))).await;
    sup.terminate_child("a").await.unwrap();
    // The supervisor's turn comes before that of the task that would start the child.
    sup.kill();
    let mut restarted = pin!(sup.restart_child("a"));
    assert!(!poll_once(restarted.as_mut()));
    sup.stopped().await;
    assert!(promptly("an answer", restarted).await.is_err());
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_could_not_be_made_again_can_be_terminated() {
    let system = ActorSystem::new("t");
    let made = Arc::new(AtomicU32::new(0));
    let spec = ChildSpec::new("a", move || {
        assert!(made.fetch_add(1, Ordering::Relaxed) == 0, "only once");
        Worker { gate: None }
    });
    let sup = start(&system, Supervisor::new().child(spec)).await;
    sup.terminate_child("a").await.unwrap();
    let mut restarted = pin!(sup.restart_child("a"));
    assert!(!poll_once(restarted.as_mut()));
    promptly("the end of what never was", sup.terminate_child("a")).await.unwrap();
    assert!(promptly("an answer", restarted).await.is_err());
    assert_eq!(state(&sup, "a"), ChildState::NotRunning);
    assert!(system.shutdown().await.is_clean());
}

/// Has work that cannot be stopped, and a hook that takes too long: it has to be aborted.
#[derive(Actor)]
#[actor(stop_limit = "1s", hook_limit = "1h")]
struct Stubborn {
    free: Arc<Mutex<Receiver<()>>>,
    begun: Gate,
}

#[messages]
impl Stubborn {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        let (free, begun) = (self.free.clone(), self.begun.clone());
        drop(ctx.spawn_blocking(move |_| {
            begun.open();
            free.lock().unwrap().recv()
        }));
    }

    #[stopped]
    async fn stay(&mut self) {
        std::future::pending::<()>().await;
    }

    #[message]
    fn nothing(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_child_that_was_aborted_for_a_restart_can_be_terminated_while_it_waits() {
    let system = ActorSystem::new("t");
    let ((go, free), begun) = (channel(), Gate::new());
    let (free, begins) = (Arc::new(Mutex::new(free)), begun.clone());
    let stubborn = ChildSpec::new("a", move || Stubborn { free: free.clone(), begun: begins.clone() });
    let sup = Supervisor::new().strategy(Strategy::OneForAll).child(stubborn).child(worker("b").backoff(slowly()));
    let sup = start(&system, sup).await;
    let a = system.lookup::<Stubborn>("/sup/a").unwrap();
    // One that has not begun would be given up.
    promptly("the job begins", begun.pass()).await;
    child(&system, "b").tell(Fail).await.unwrap();
    // The clock does not move by itself while a job runs.
    while a.exit().is_none() {
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    drop(go);
    assert_eq!(state(&sup, "a"), ChildState::Restarting);
    promptly("the termination of what has ended", sup.terminate_child("a")).await.unwrap();
    tokio::time::sleep(2 * WAIT).await;
    assert_eq!((state(&sup, "a"), state(&sup, "b")), (ChildState::NotRunning, ChildState::Running));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_can_never_be_made_again_leaves_room_for_others() {
    let system = ActorSystem::new("t");
    let made = Arc::new(AtomicU32::new(0));
    let seen = made.clone();
    let spec = ChildSpec::new("a", move || {
        let nth = seen.fetch_add(1, Ordering::Relaxed);
        assert!(nth == 0 || nth > 5_000, "not yet");
        Worker { gate: None }
    });
    let sup = start(&system, Supervisor::new().unlimited_restarts().child(spec)).await;
    child(&system, "a").tell(Fail).await.unwrap();
    // The clock stands still while there is always something to do.
    while made.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    promptly("the end", sup.terminate_child("a")).await.unwrap();
    assert!(made.load(Ordering::Relaxed) < 5_000, "it was tried again and again before anybody else had a turn");
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_waited_for_leaves_no_spec() {
    let system = ActorSystem::new("t");
    let sup = start(&system, Supervisor::new()).await;
    let gate = Gate::new();
    let made = Arc::new(AtomicU32::new(0));
    {
        let mut added = pin!(sup.add_child(counted("a", &made, &gate)));
        assert!(!poll_once(added.as_mut()));
        gate.open();
        eventually("it has started", || state(&sup, "a") == ChildState::Running).await;
    }
    eventually("it is gone", || system.lookup::<Worker>("/sup/a").is_none()).await;
    tokio::task::yield_now().await;
    assert_eq!(sup.count_children().specs, 0);
    sup.add_child(worker("a")).await.unwrap();
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_ended_knows_how_often_it_was_restarted() {
    let system = ActorSystem::new("t");
    let sup = start(&system, Supervisor::new().child(worker("a"))).await;
    let a = child(&system, "a");
    a.tell(Fail).await.unwrap();
    a.ask(Ping).await.unwrap();
    sup.terminate_child("a").await.unwrap();
    assert_eq!(a.incarnation(), 1);
    assert_eq!(sup.supervised_children()[0].restarts, 1);
    sup.restart_child("a").await.unwrap();
    assert_eq!(sup.supervised_children()[0].restarts, 2);
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn the_report_times_a_child_that_was_down_from_its_turn_on() {
    let system = ActorSystem::new("t");
    let sup = start(&system, Supervisor::new().child(worker("a").backoff(slowly()))).await;
    let a = child(&system, "a");
    a.tell(Fail).await.unwrap();
    eventually("it is down", || state(&sup, "a") == ChildState::Restarting).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let report = system.shutdown().await;
    let a = report.get("/sup/a").expect("it is in the report");
    assert_eq!((a.exit.reason.clone(), a.total), (ExitReason::Shutdown, Duration::ZERO));
}

/// Supervises a significant child, drains, and fails on demand.
#[derive(Actor)]
#[actor(on_stop = "drain", auto_shutdown = "any_significant")]
struct Owner;

#[messages]
impl Owner {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) {
        ctx.child("kid", || Worker { gate: None }).transient().significant().start().await.expect("it starts");
    }

    #[message]
    fn break_down(&self) {
        panic!("asked to break down");
    }

    #[message]
    fn hello(&self) {}
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_significant_child_in_a_failure_of_its_parent_is_no_reason_against_a_restart() {
    let system = ActorSystem::new("t");
    start(&system, Supervisor::new().child(ChildSpec::new("owner", || Owner).transient())).await;
    let owner = system.lookup::<Owner>("/sup/owner").unwrap();
    owner.tell(BreakDown).await.unwrap();
    owner.ask(Hello).await.expect("it is restarted");
    assert_eq!(owner.incarnation(), 1);
    assert!(system.shutdown().await.is_clean());
}

/// Opens a group of its children, drains, and fails on demand.
#[derive(Actor)]
#[actor(on_stop = "drain")]
struct Host;

#[messages]
impl Host {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        let group = ctx.peer_group("pair");
        group.on_end(|_: GroupReport| {});
        group.spawn(Worker { gate: None });
        group.spawn(Worker { gate: None });
    }

    #[message]
    fn crash(&self) {
        panic!("asked to crash");
    }

    #[message]
    fn greet(&self) {}
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_group_in_a_failure_of_its_owner_is_no_reason_against_a_restart() {
    let system = ActorSystem::new("t");
    start(&system, Supervisor::new().child(ChildSpec::new("host", || Host).transient())).await;
    let host = system.lookup::<Host>("/sup/host").unwrap();
    host.tell(Crash).await.unwrap();
    host.ask(Greet).await.expect("it is restarted");
    assert_eq!(host.incarnation(), 1);
    assert!(system.shutdown().await.is_clean());
}

/// Runs a job that does not look at the stop signal.
#[derive(Actor)]
struct Digger {
    life: u64,
}

#[messages]
impl Digger {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        self.life = ctx.incarnation();
    }

    #[message]
    fn dig(&self, until: Receiver<()>, begun: Gate, ctx: &mut Context<Self>) {
        drop(ctx.spawn_blocking(move |_| {
            begun.open();
            let _ = until.recv();
            panic!("dug too deep");
        }));
    }

    #[message]
    fn life(&self) -> u64 {
        self.life
    }
}

#[test]
fn a_job_that_outlived_its_incarnation_does_not_concern_the_next() {
    // One thread for jobs: the next has its turn when all of the one before is over.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).max_blocking_threads(1).build();
    runtime.expect("it can be built").block_on(async {
        let system = ActorSystem::new("t");
        start(&system, Supervisor::new().child(ChildSpec::new("digger", || Digger { life: 0 }))).await;
        let digger = system.lookup::<Digger>("/sup/digger").unwrap();
        let ((go, until), begun) = (channel(), Gate::new());
        digger.tell(Dig { until, begun: begun.clone() }).await.unwrap();
        promptly("the job begins", begun.pass()).await;
        digger.kill();
        // The clock does not move by itself while the job runs.
        while digger.incarnation() == 0 {
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(digger.ask(Life).await.unwrap(), 1);
        drop(go);
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert_eq!(digger.ask(Life).await.unwrap(), 1);
        assert!(system.shutdown().await.is_clean());
    });
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_can_be_stopped_while_its_first_child_is_starting() {
    let system = ActorSystem::new("t");
    let (gate, made) = (Gate::new(), Arc::new(AtomicU32::new(0)));
    let sup = system.actor(Supervisor::new().child(counted("a", &made, &gate))).name("sup").spawn();
    gate.reached().await;
    let before = tokio::time::Instant::now();
    sup.stop();
    sup.stopped().await;
    assert!(before.elapsed() < Duration::from_secs(7), "{:?}", before.elapsed());
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_destructor_of_a_spec_holds_up_nobody() {
    struct Mine(Arc<AtomicU32>);
    impl Drop for Mine {
        fn drop(&mut self) {
            if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
                panic!("a destructor that panics");
            }
        }
    }
    let system = ActorSystem::new("t");
    let sup = start(&system, Supervisor::new()).await;
    let mine = Mine(Arc::new(AtomicU32::new(0)));
    let spec = ChildSpec::new("a", move || {
        let _mine = &mine;
        Worker { gate: None }
    });
    sup.add_child(spec).await.unwrap();
    let a = child(&system, "a");
    sup.stop();
    promptly("the end of the supervisor", sup.stopped()).await;
    promptly("the end of the child", a.stopped()).await;
    drop((sup, a));
    assert!(promptly("the end", system.shutdown()).await.is_clean());
}
