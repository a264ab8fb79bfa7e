//! Actors that the watchdog gave up, or that were to end before they began: nobody else waits for ever (S4.6).

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use actors_core::{Actor, ActorSystem, Context, ExitReason, LimitHit, StopSignal, messages};
use tests::{Broken, DropNote, Journal, eventually, promptly};

#[derive(Actor)]
struct Mason {
    _state: DropNote,
}

#[messages]
impl Mason {
    #[message]
    fn block(&self, until: Receiver<()>) {
        let _ = until.recv();
    }

    #[message]
    fn ping(&self) -> u32 {
        7
    }
}

/// An actor whose start takes a turn, and whose handler a stop would cut short.
#[derive(Actor)]
#[actor(in_flight = "cancel")]
struct Hasty;

#[messages]
impl Hasty {
    #[started]
    async fn begin(&mut self) {
        tokio::task::yield_now().await;
    }

    #[message]
    fn greet(&self) -> u32 {
        7
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ask_queued_at_an_unresponsive_actor_is_told() {
    let journal = Journal::new();
    let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(400)).progress(false).build();
    let mason = system.spawn(Mason { _state: journal.drop_note("dropped") });
    let (done, until) = channel();
    mason.tell(Block { until }).await.expect("it takes messages");
    eventually("it has begun", || mason.queued() == 0).await;
    let asked = tokio::spawn({
        let mason = mason.clone();
        async move { mason.ask(Ping).await.map_err(|error| error.is_not_running()) }
    });
    eventually("the ask waits", || mason.queued() == 1).await;
    let report = system.shutdown().await;
    assert_eq!(report.exit_code(), 4);
    let of_it = report.get(&mason.path().to_string()).expect("it is in the report");
    assert!(of_it.total > Duration::from_millis(100), "it has held the others up for {:?}", of_it.total);
    assert_eq!((of_it.limit, of_it.held_by.as_deref(), of_it.discarded), (Some(LimitHit::Abort), Some("Block"), 1));
    assert_eq!(mason.stopped().await, ExitReason::Unresponsive);
    let answer = promptly("the ask ends before the handler", asked).await;
    assert_eq!(answer.expect("it does not panic"), Err(true));
    assert_eq!(mason.queued(), 0);
    drop(done);
}

#[tokio::test]
async fn an_idle_actor_that_was_given_up_drops_its_state_once_it_can() {
    let journal = Journal::new();
    let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build();
    let idle = system.spawn(Mason { _state: journal.drop_note("dropped") });
    assert_eq!(idle.ask(Ping).await.expect("it answers"), 7);
    system.request_shutdown();
    // The one thread of this runtime is blocked until the watchdog has given up.
    let began = Instant::now();
    while idle.exit().is_none() {
        assert!(began.elapsed() < Duration::from_secs(10), "the watchdog does not give up");
        std::thread::yield_now();
    }
    assert_eq!(system.terminated().await.exit_code(), 4);
    eventually("its state is dropped", || journal.count("dropped") == 1).await;
    assert_eq!(idle.stopped().await, ExitReason::Unresponsive);
}

/// Never waits, in its last hook neither.
#[derive(Actor)]
struct Neat {
    journal: Journal,
    _state: DropNote,
}

#[messages]
impl Neat {
    #[message]
    fn greet_back(&self) -> u32 {
        7
    }

    /// Blocks its thread until it is given up.
    #[message]
    fn hold_on(&self, ctx: &mut Context<Self>) {
        while ctx.actor_ref().exit().is_none() {
            std::thread::yield_now();
        }
    }

    /// Hands its signal out, has work beside it, and blocks its thread until it is given up.
    #[message]
    fn hold_on_with_work(&self, signal: Sender<StopSignal>, ctx: &mut Context<Self>) {
        let held = self.journal.drop_note("work dropped");
        drop(ctx.spawn_task(async move {
            let _held = held;
            pending::<()>().await;
        }));
        signal.send(ctx.stop_signal()).expect("it is wanted");
        self.hold_on(ctx);
    }

    /// Blocks its thread until it is given up, and has work done beside it from then on.
    #[message]
    fn hold_on_and_begin(&self, ctx: &mut Context<Self>) {
        self.hold_on(ctx);
        let held = self.journal.drop_note("work dropped");
        drop(ctx.spawn_task(async move {
            let _held = held;
            pending::<()>().await;
        }));
    }

    #[stopped]
    fn end(&mut self) {
        self.journal.note("stopped");
    }
}

#[tokio::test]
async fn an_idle_actor_that_was_given_up_does_not_run_its_hook_when_it_could() {
    let journal = Journal::new();
    let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build();
    let idle = system.spawn(Neat { _state: journal.drop_note("dropped"), journal: journal.clone() });
    assert_eq!(idle.ask(GreetBack).await.expect("it answers"), 7);
    system.request_shutdown();
    // The one thread of this runtime is blocked until the watchdog has given up.
    while idle.exit().is_none() {
        std::thread::yield_now();
    }

    eventually("its state is dropped", || journal.count("dropped") == 1).await;

    assert_eq!(journal.entries(), ["dropped"]);
}

#[tokio::test]
async fn an_actor_that_was_given_up_in_its_handler_goes_when_that_is_over_though_nobody_could_ask_it_to() {
    let journal = Journal::new();
    let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build();
    let blocked = system.spawn(Neat { _state: journal.drop_note("dropped"), journal: journal.clone() });
    blocked.try_tell(HoldOn).expect("there is room");

    system.request_shutdown();

    promptly("its state is dropped", async {
        while journal.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(journal.entries(), ["dropped"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_actor_begins_after_it_was_given_up_is_dropped_when_its_handler_is_over() {
    let journal = Journal::new();
    let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build();
    let blocked = system.spawn(Neat { _state: journal.drop_note("dropped"), journal: journal.clone() });
    blocked.tell(HoldOnAndBegin).await.expect("it takes messages");

    assert_eq!(system.shutdown().await.exit_code(), 4);

    eventually("its work is dropped", || journal.count("work dropped") == 1).await;
}

/// May wait, and blocks its thread until it is given up.
#[derive(Actor)]
struct Tidy {
    journal: Journal,
    _state: DropNote,
}

#[messages]
impl Tidy {
    #[message]
    async fn hold_out(&self, ctx: &mut Context<Self>) {
        tokio::task::yield_now().await;
        while ctx.actor_ref().exit().is_none() {
            std::thread::yield_now();
        }
    }

    #[message]
    fn hold_out_and_fail(&self) -> Result<(), Broken> {
        Err(Broken("it holds out"))
    }

    #[message]
    fn wait_for_the_stop(&self, ctx: &mut Context<Self>) {
        while !ctx.is_stopping() {
            std::thread::yield_now();
        }
    }

    #[message]
    fn wait_for_the_stop_and_fail(&self, ctx: &mut Context<Self>) -> Result<(), Broken> {
        self.wait_for_the_stop(ctx);
        self.hold_out_and_fail()
    }

    #[stopped]
    fn end(&mut self, ctx: &mut Context<Self>) {
        self.journal.note("stopped");
        if self.journal.count("fails") > 0 {
            while ctx.actor_ref().exit().is_none() {
                std::thread::yield_now();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_may_wait_and_was_given_up_does_not_run_its_hook_either() {
    let journal = Journal::new();
    let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build();
    let blocked = system.spawn(Tidy { _state: journal.drop_note("dropped"), journal: journal.clone() });
    blocked.tell(HoldOut).await.expect("it takes messages");

    system.request_shutdown();

    eventually("its state is dropped", || journal.count("dropped") == 1).await;
    assert_eq!(journal.entries(), ["dropped"]);
    assert_eq!(blocked.stopped().await, ExitReason::Unresponsive);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_has_failed_and_is_given_up_has_failed_first_and_that_is_told() {
    let journal = Journal::new();
    let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build();
    let mut crashes = system.crash_reports();
    let blocked = system.spawn(Tidy { _state: journal.drop_note("dropped"), journal: journal.clone() });
    journal.note("fails");
    blocked.tell(HoldOutAndFail).await.expect("it takes messages");
    eventually("it ends", || journal.count("stopped") == 1).await;

    assert_eq!(system.shutdown().await.exit_code(), 4);

    let exit = blocked.exit().expect("it has ended");
    assert!(matches!(exit.reason, ExitReason::Failed(_)), "{exit:?}");
    assert_eq!(exit.secondary, [ExitReason::Unresponsive]);
    let crash = crashes.try_recv().expect("it is told");
    assert_eq!((&crash.reason, &crash.secondary), (&exit.reason, &exit.secondary));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_after_the_stop_was_asked_for_is_told_of_one_that_is_given_up_then() {
    // In its handler, or in a drain.
    for drains in [false, true] {
        let journal = Journal::new();
        let system = ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build();
        let mut crashes = system.crash_reports();
        let blocked = system.spawn(Tidy { _state: journal.drop_note("dropped"), journal: journal.clone() });
        journal.note("fails");
        if drains {
            blocked.tell(WaitForTheStop).await.expect("it takes messages");
            blocked.tell(HoldOutAndFail).await.expect("it takes messages");
            blocked.drain();
        } else {
            blocked.tell(WaitForTheStopAndFail).await.expect("it takes messages");
        }

        assert_eq!(system.shutdown().await.exit_code(), 4);

        let exit = blocked.exit().expect("it has ended");
        assert!(matches!(exit.reason, ExitReason::Failed(_)), "drains: {drains}, {exit:?}");
        assert_eq!(exit.secondary, [ExitReason::Unresponsive]);
        let crash = crashes.try_recv().expect("it is told");
        assert_eq!((&crash.reason, &crash.secondary), (&exit.reason, &exit.secondary));
    }
}

#[test]
fn whoever_waits_for_the_stop_of_one_that_is_given_up_hears_of_it_and_what_it_had_begun_is_dropped() {
    let [stuck, other] = [1, 1].map(|count| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(count).enable_all().build().expect("a runtime can be built")
    });
    let (journal, (signal, signals)) = (Journal::new(), channel());
    let system = stuck.block_on(async { ActorSystem::builder("quarry").deadline(Duration::from_millis(200)).progress(false).build() });
    let blocked = system.spawn(Neat { _state: journal.drop_note("dropped"), journal: journal.clone() });
    blocked.try_tell(HoldOnWithWork { signal }).expect("there is room");
    let signal = signals.recv().expect("it has begun");
    let told = other.spawn(async move { signal.stopping().await });

    system.request_shutdown();

    other.block_on(promptly("whoever waits hears of it", told)).expect("it does not panic");
    other.block_on(eventually("its work is dropped", || journal.count("work dropped") == 1));
    assert_eq!(journal.count("stopped"), 0);
}

#[tokio::test]
async fn a_drain_before_the_start_handles_what_was_accepted_also_where_a_stop_cancels() {
    let system = ActorSystem::new("quarry");
    let hasty = system.spawn(Hasty);
    let mut asked = pin!(async { hasty.ask(Greet).await.ok() });
    assert!(poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx).is_pending())).await);
    hasty.drain();
    assert_eq!(promptly("the answer", asked).await, Some(7));
    assert!(system.shutdown().await.is_clean());
}

/// Cannot be dropped while its lock is held.
struct Locked(Arc<Mutex<()>>);

impl Drop for Locked {
    fn drop(&mut self) {
        drop(self.0.lock());
    }
}

/// Holds a lock until it is let go.
#[derive(Actor)]
struct Holder;

#[messages]
impl Holder {
    #[message]
    fn hold(&self, lock: Arc<Mutex<()>>, until: Receiver<()>) {
        let _held = lock.lock();
        let _ = until.recv();
    }

    #[handle]
    fn take(&self, _locked: Locked) {}
}

#[test]
fn s7_7_a_message_whose_destructor_waits_for_the_handler_that_hangs_does_not_hold_the_report_up() {
    let [stuck, other] = [1, 1].map(|count| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(count).enable_all().build().expect("a runtime can be built")
    });
    let system = stuck.block_on(async { ActorSystem::builder("quarry").deadline(Duration::from_millis(400)).progress(false).build() });
    let (holder, lock, (done, until)) = (system.spawn(Holder), Arc::new(Mutex::new(())), channel());
    holder.try_tell(Hold { lock: lock.clone(), until }).expect("there is room");
    other.block_on(eventually("it holds the lock", || lock.try_lock().is_err()));
    holder.try_tell(Locked(lock.clone())).expect("there is room");

    system.request_shutdown();
    let report = other.block_on(promptly("the report", system.terminated()));
    drop(done);

    assert_eq!((report.exit_code(), report.get(&holder.path().to_string()).map(|holder| holder.discarded)), (4, Some(1)), "{report}");
    other.block_on(eventually("what is left is dropped", || Arc::strong_count(&lock) == 1));
}

/// Has a child, and blocks its thread, as that does.
#[derive(Actor)]
struct Host;

#[messages]
impl Host {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Holder).name("guest").spawn();
    }

    #[message]
    fn block_as_well(&self, until: Receiver<()>) {
        let _ = until.recv();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn s7_1_of_those_who_are_given_up_the_lowest_end_first() {
    let system = ActorSystem::builder("inn").deadline(Duration::from_millis(400)).progress(false).build();
    let host = system.actor(Host).name("host").start().await.expect("it starts");
    let guest = system.lookup::<Holder>("/host/guest").expect("it is there");
    let ((done, until), (also_done, also_until)) = (channel(), channel());
    guest.tell(Hold { lock: Arc::default(), until }).await.expect("it takes messages");
    eventually("it has begun", || guest.queued() == 0).await;
    host.tell(BlockAsWell { until: also_until }).await.expect("it takes messages");
    eventually("it has begun", || host.queued() == 0).await;

    let report = system.shutdown().await;
    drop((done, also_done));

    let order: Vec<_> = report.order().iter().map(ToString::to_string).collect();
    assert_eq!((order, report.unresponsive().count()), (vec!["/host/guest".to_owned(), "/host".to_owned()], 2), "{report}");
}
