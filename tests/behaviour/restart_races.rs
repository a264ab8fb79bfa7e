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

/// Has work that cannot be stopped, and a hook that takes too long: it has to be aborted.
#[derive(Actor)]
#[actor(stop_limit = "1s", hook_limit = "1h")]
struct Stubborn {
    free: Arc<Mutex<Receiver<()>>>,
}

#[messages]
impl Stubborn {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        let free = self.free.clone();
        drop(ctx.spawn_blocking(move |_| free.lock().unwrap().recv()));
    }

    #[stopped]
    async fn stay(&mut self) {
        std::future::pending::<()>().await;
    }

    #[message]
    fn nothing(&self) {}
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
    fn dig(&self, until: Receiver<()>, ctx: &mut Context<Self>) {
        drop(ctx.spawn_blocking(move |_| {
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
        let (go, until) = channel();
        digger.tell(Dig { until }).await.unwrap();
        digger.ask(Life).await.unwrap();
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
