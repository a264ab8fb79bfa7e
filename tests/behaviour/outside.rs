//! Threads on which no runtime runs: limits hold there (S4.6), and time is that of the actors' runtime (S11).

use std::sync::Arc;
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Refusal, ReplyTo, WorkerPool, messages};
use tests::{Gate, Journal, goes_on, promptly};
use tokio::runtime::Runtime;
use tokio::time::advance;

/// Holds messages up, and answers.
#[derive(Actor)]
#[actor(mailbox = 1, ask_limit = "50ms")]
struct Desk {
    kept: Vec<ReplyTo<u32>>,
}

#[messages]
impl Desk {
    #[message]
    fn get(&self) -> u32 {
        7
    }

    /// Never answers.
    #[message]
    fn put_off(&mut self, reply: ReplyTo<u32>) {
        self.kept.push(reply);
    }

    #[message]
    async fn hold(&self, gate: Gate) {
        gate.pass().await;
    }
}

/// A system on a runtime of its own, and an actor of it. This thread is in none.
fn stage() -> (Runtime, ActorSystem, ActorRef<Desk>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be built");
    let system = ActorSystem::builder("desk").runtime(runtime.handle().clone()).build();
    let desk = system.spawn(Desk { kept: Vec::new() });
    (runtime, system, desk)
}

/// Waits on this thread, with nothing of tokio's.
fn wait_for<F: Future>(future: F) -> F::Output {
    goes_on();
    futures_util::pin_mut!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut task::Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

const SHORT: Duration = Duration::from_millis(20);

#[test]
fn s4_6_an_ask_has_its_limit_outside_of_a_runtime() {
    let (_runtime, _system, desk) = stage();

    // By the policy, and by the call.
    assert_eq!(wait_for(desk.ask(Get)).unwrap(), 7);
    assert_eq!(wait_for(desk.ask(Get).within(Duration::from_secs(10))).unwrap(), 7);
    assert!(matches!(wait_for(desk.ask(PutOff)), Err(AskError::TimedOutInHandler { .. })));
    assert!(matches!(wait_for(desk.ask(PutOff).within(SHORT)), Err(AskError::TimedOutInHandler { .. })));
}

#[test]
fn s4_3_a_tell_and_a_wait_for_an_end_have_their_limits_outside_of_a_runtime() {
    let (runtime, _system, desk) = stage();
    let gate = Gate::new();
    desk.try_tell(Hold { gate: gate.clone() }).unwrap();
    runtime.block_on(gate.reached());
    desk.try_tell(Get).unwrap();

    assert_eq!(wait_for(desk.tell(Get).within(SHORT)).unwrap_err().reason(), Refusal::TimedOut);
    assert_eq!(wait_for(desk.recipient::<Get>().tell(Get).within(SHORT)).unwrap_err().reason(), Refusal::TimedOut);
    assert_eq!(wait_for(desk.stopped().within(SHORT)).unwrap_err().limit, SHORT);
}

#[test]
fn s13_a_pool_is_asked_within_a_limit_outside_of_a_runtime() {
    let (_runtime, system, _desk) = stage();
    let pool = system.spawn(WorkerPool::new(2, || Desk { kept: Vec::new() })).workers();

    assert_eq!(wait_for(pool.ask_within(Duration::from_secs(10), Get)).unwrap(), 7);
    assert!(matches!(wait_for(pool.ask_within(SHORT, PutOff)), Err(AskError::TimedOutInHandler { .. })));
}

#[tokio::test(start_paused = true)]
async fn s11_a_shutdown_that_a_bare_thread_asks_for_has_the_time_there_is() {
    let (system, journal) = (ActorSystem::new("desk"), Journal::new());
    system.spawn(Slow(journal.clone()));
    advance(Duration::from_secs(3_600)).await;

    let asking = system.clone();
    thread::spawn(move || asking.request_shutdown()).join().unwrap();

    let report = promptly("the report", system.terminated()).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(journal.entries(), ["at leisure"]);
}

#[tokio::test(start_paused = true)]
async fn s11_what_a_bare_thread_has_sent_later_is_sent_later() {
    let system = ActorSystem::new("desk");
    let (journal, told) = (Journal::new(), Duration::from_secs(60));
    let slow = system.spawn(Slow(journal.clone()));
    advance(Duration::from_secs(3_600)).await;

    let asking = system.clone();
    thread::spawn(move || drop(asking.send_after(&slow, told, Note))).join().unwrap();

    tokio::time::sleep(told - SHORT).await;
    assert!(journal.is_empty(), "not before its time");
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(journal.entries(), ["noted"]);
}

/// Takes its time to stop.
#[derive(Actor)]
struct Slow(Journal);

#[messages]
impl Slow {
    #[message]
    fn note(&self) {
        self.0.note("noted");
    }

    #[stopped]
    async fn stopped(&self) {
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.0.note("at leisure");
    }
}
