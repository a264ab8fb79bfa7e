//! Destructors of states and messages: they run within the runtime of their system, and what they panic with is told.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Backoff, ChildSpec, Context, ExitReason, PeerGroup, Supervisor, messages};
use tests::{Broken, Gate, promptly};

use crate::cast::Peer;

/// Says good-bye from a task.
#[derive(Actor)]
struct Polite {
    to: Sender<&'static str>,
}

#[messages]
impl Polite {
    #[message]
    fn be_polite(&self) {}
}

impl Drop for Polite {
    fn drop(&mut self) {
        let to = self.to.clone();
        tokio::spawn(async move { to.send("good-bye") });
    }
}

#[test]
fn a_destructor_runs_within_the_runtime_though_the_actor_is_stopped_from_outside() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    let system = ActorSystem::builder("outside").runtime(runtime.handle().clone()).build();
    let (to, heard) = channel();
    let polite = system.spawn(Polite { to });

    polite.stop();

    assert_eq!(runtime.block_on(polite.stopped()), ExitReason::Normal);
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok("good-bye"));
    runtime.block_on(system.shutdown());
}

/// Waits in its handler, so that it has a task whenever there is something to do.
#[derive(Actor)]
struct Patient {
    _polite: Polite,
}

#[messages]
impl Patient {
    #[message]
    async fn linger(&self) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_destructor_runs_within_the_runtime_though_the_actor_is_killed_or_tied_or_its_system_is_dropped_outside() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    for way in ["kill", "stop, with somebody who waits", "drop"] {
        let system = ActorSystem::builder("outside").runtime(runtime.handle().clone()).build();
        let (to, heard) = channel();
        let patient = system.spawn(Patient { _polite: Polite { to } });
        let mut waiting = std::pin::pin!(patient.stopped());
        match way {
            "kill" => patient.kill(),
            "drop" => drop(system),
            _ => {
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(waiting.as_mut().poll(&mut cx).is_pending());
                patient.stop();
            }
        }

        let reason = runtime.block_on(waiting);

        assert!(matches!(reason, ExitReason::Killed | ExitReason::Normal), "{way}: {reason}");
        assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok("good-bye"), "{way}");
    }
}

/// Fails, and is sent what says good-bye.
#[derive(Actor)]
struct Addressee;

#[messages]
impl Addressee {
    #[message]
    fn fall(&self) -> Result<(), Broken> {
        Err(Broken("as it was told"))
    }

    #[message]
    fn receive(&self, polite: Polite) {
        drop(polite);
    }
}

#[derive(Actor)]
struct Boss;

#[messages]
impl Boss {
    #[message]
    async fn hire(&self, ctx: &mut Context<Self>) -> ActorRef<Addressee> {
        let hour = Backoff::constant(Duration::from_secs(3_600));
        ctx.child("addressee", || Addressee).backoff(hour).start().await.expect("it starts")
    }

    #[message]
    fn open_group(&self, ctx: &mut Context<Self>) -> PeerGroup {
        ctx.peer_group("peers")
    }
}

#[test]
fn a_message_to_a_child_that_is_down_is_dropped_within_the_runtime_though_its_system_is_dropped_outside() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    let system = ActorSystem::builder("outside").runtime(runtime.handle().clone()).build();
    let (to, heard) = channel();
    runtime.block_on(async {
        let mut crashes = system.crash_reports();
        let addressee = system.spawn(Boss).ask(Hire).await.unwrap();
        addressee.tell(Fall).await.unwrap();
        promptly("its fall", crashes.recv()).await.expect("the system is there");
        addressee.tell(Receive { polite: Polite { to } }).await.unwrap();
    });

    drop(system);

    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok("good-bye"));
}

#[test]
fn what_a_refused_actor_leaves_and_what_a_group_does_at_its_end_run_within_the_runtime_though_their_cause_is_outside() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    let system = ActorSystem::builder("outside").runtime(runtime.handle().clone()).build();
    let (to, heard) = channel();
    let group = runtime.block_on(async { system.spawn(Boss).ask(OpenGroup).await.unwrap() });
    let cleanup = Polite { to: to.clone() };
    group.on_end(|_| drop(cleanup));
    let member = group.spawn(Addressee);

    system.actor(Polite { to }).name("no/name").spawn();
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok("good-bye"));
    member.stop();
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok("good-bye"));

    runtime.block_on(system.shutdown());
}

/// Its destructor panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("boom");
    }
}

#[derive(Actor)]
struct Keeper {
    _bomb: Bomb,
}

#[messages]
impl Keeper {
    #[message]
    fn nothing(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_state_that_panics_when_it_is_dropped_is_told_of_whether_its_actor_had_anything_to_do_or_not() {
    for asked in [false, true] {
        let system = ActorSystem::new("destructors");
        let mut crashes = system.crash_reports();
        let keeper = system.actor(Keeper { _bomb: Bomb }).name("keeper").spawn();
        if asked {
            keeper.ask(Nothing).await.unwrap();
        }
        keeper.stop();

        let exit = promptly("its end", keeper.stopped()).await;

        assert!(matches!(&exit, ExitReason::Panicked { message, .. } if **message == *"boom"), "{exit}, asked: {asked}");
        let crash = promptly("a report", crashes.recv()).await.unwrap();
        assert_eq!((crash.path.to_string(), &crash.reason), ("/keeper".to_owned(), &exit));
        assert_eq!(system.shutdown().await.failures.len(), 1);
    }
}

/// Waits, and keeps what it is sent waiting.
#[derive(Actor)]
struct Busy;

#[messages]
impl Busy {
    #[message]
    async fn wait(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    fn take(&self, bomb: Bomb) {
        std::mem::forget(bomb);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_message_panics_with_that_is_discarded_is_told_at_the_end_and_costs_no_other() {
    let system = ActorSystem::new("destructors");
    let (busy, gate) = (system.spawn(Busy), Gate::new());
    busy.tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    for _ in 0..2 {
        busy.try_tell(Take { bomb: Bomb }).unwrap();
    }
    busy.stop();
    gate.open();

    promptly("its end", busy.stopped()).await;

    let exit = busy.exit().unwrap();
    let told = std::iter::once(&exit.reason).chain(&exit.secondary).filter(|reason| reason.to_string().contains("boom")).count();
    assert_eq!(told, 2, "{exit:?}");
    assert_eq!(system.dead_letter_count(), 2);
    system.shutdown().await;
}

/// Its last hook never ends, and what it holds panics when it is dropped.
#[derive(Actor)]
#[actor(hook_limit = "100ms")]
struct Clinging;

#[messages]
impl Clinging {
    #[stopped]
    async fn end(&self) {
        let _bomb = Bomb;
        std::future::pending::<()>().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_panics_with_that_is_cut_short_is_told() {
    let system = ActorSystem::new("destructors");
    let clinging = system.start(Clinging).await.unwrap();
    clinging.stop();

    promptly("its end", clinging.stopped()).await;

    let exit = clinging.exit().unwrap();
    assert!(std::iter::once(&exit.reason).chain(&exit.secondary).any(|reason| reason.to_string().contains("boom")), "{exit:?}");
    system.shutdown().await;
}

/// Is done at once, and panics when it is dropped.
struct DoneBomb {
    _bomb: Bomb,
}

impl Future for DoneBomb {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<u32> {
        Poll::Ready(7)
    }
}

/// Has work beside it.
#[derive(Actor)]
struct Employer;

#[messages]
impl Employer {
    #[message]
    async fn employ(&self, ctx: &mut Context<Self>) -> bool {
        ctx.spawn_task(DoneBomb { _bomb: Bomb }).await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_panics_when_it_is_dropped_has_failed_though_it_was_done() {
    let system = ActorSystem::new("destructors");
    let employer = system.spawn(Employer);

    assert!(!promptly("an answer", employer.ask(Employ)).await.expect("it lives on"));
    system.shutdown().await;
}

/// Asks a supervisor who is there.
struct Curious(Arc<OnceLock<ActorRef<Supervisor>>>);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(supervisor) = self.0.get() {
            assert_eq!(supervisor.count_children().specs, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_with_the_spec_of_a_child_that_is_removed_may_ask_its_supervisor() {
    let (system, place) = (ActorSystem::new("test"), Arc::new(OnceLock::new()));
    let curious = Curious(place.clone());
    let spec = ChildSpec::new("a", move || {
        let _captured = &curious;
        Peer
    });
    let supervisor = system.start(Supervisor::new().child(spec)).await.expect("it starts");
    place.set(supervisor.clone()).expect("it is set once");
    supervisor.terminate_child("a").await.expect("it runs");

    supervisor.remove_child("a").expect("it is there");

    assert!(promptly("the report", system.shutdown()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn what_the_spec_of_a_child_panics_with_that_is_removed_is_the_concern_of_nobody() {
    let (system, bomb) = (ActorSystem::new("test"), Bomb);
    let spec = ChildSpec::new("a", move || {
        let _captured = &bomb;
        Peer
    });
    let supervisor = system.start(Supervisor::new().child(spec)).await.expect("it starts");
    supervisor.terminate_child("a").await.expect("it runs");

    supervisor.remove_child("a").expect("it is there");

    assert!(promptly("the report", system.shutdown()).await.is_clean());
}
