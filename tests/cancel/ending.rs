//! Waiting for an end, dropped: whoever waits leaves nothing behind, and what was begun goes on.

use std::sync::mpsc;
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, Context, ExitReason, Job, JobError, ShutdownReport, StartError, StillRunning, StopSignal, Stopping,
    messages, test_kit,
};
use tests::{Gate, Journal};

use crate::cast::{Desk, Hold};
use crate::harness::{Call, Cut, Fate, GoOn, Life, Scene, World, cancel_at_every_await, drive, promptly, settle};

// ===== of one actor =====

struct Ends {
    desk: ActorRef<Desk>,
    journal: Journal,
    gate: Gate,
}

/// A desk that is busy, and is asked to stop.
async fn stopping(world: &World) -> Scene<Ends> {
    let (desk, journal, gate) = Desk::new(world);
    let desk = world.system.spawn(desk);
    desk.tell(Hold).await.expect("there is room");
    gate.reached().await;
    desk.stop();
    let opens = gate.clone();
    Scene { subject: Ends { desk, journal, gate }, go_on: Box::new(move || opens.open()) }
}

async fn check_end(_: &World, ends: Ends) {
    ends.gate.open_wide();
    assert_eq!(promptly("the end", ends.desk.stopped()).await, ExitReason::Normal);
    assert_eq!(ends.journal.entries(), ["stopped"]);
}

#[test]
fn waiting_for_the_end_of_an_actor_can_be_dropped() {
    let check = async |world: &World, ends: Ends, fate: Fate<ExitReason>| {
        assert!(fate.done().is_none_or(|reason| reason == ExitReason::Normal));
        check_end(world, ends).await;
    };
    assert_eq!(cancel_at_every_await(stopping, |ends| Box::pin(ends.desk.stopped()), check), 1);
}

#[test]
fn waiting_for_the_end_of_a_recipient_can_be_dropped() {
    let check = async |world: &World, ends: Ends, fate: Fate<ExitReason>| {
        assert!(fate.done().is_none_or(|reason| reason == ExitReason::Normal));
        check_end(world, ends).await;
    };
    assert_eq!(cancel_at_every_await(stopping, |ends| Box::pin(ends.desk.recipient::<Hold>().stopped()), check), 1);
}

#[test]
fn waiting_for_the_end_of_an_actor_with_a_limit_can_be_dropped() {
    let check = async |world: &World, ends: Ends, fate: Fate<Result<ExitReason, StillRunning>>| {
        assert!(fate.done().is_none_or(|ended| ended == Ok(ExitReason::Normal)));
        check_end(world, ends).await;
    };
    let awaits = cancel_at_every_await(stopping, |ends| Box::pin(ends.desk.stopped().within(Duration::from_secs(5))), check);
    assert_eq!(awaits, 1);
}

// ===== of a system =====

/// A system of its own with one actor, which stops slowly.
struct Whole {
    system: ActorSystem,
    journal: Journal,
    failed: Option<StartError>,
}

/// Takes its time to stop.
#[derive(Actor)]
struct Tidy {
    journal: Journal,
    gate: Gate,
    _life: Life,
}

#[messages]
impl Tidy {
    #[message]
    fn idle(&self) {}
    #[stopped]
    async fn tidy_up(&mut self) {
        self.gate.pass().await;
        self.journal.note("tidied up");
    }
}

#[derive(Actor)]
struct Faulty;

#[messages]
impl Faulty {
    #[started]
    fn begin(&mut self) -> Result<(), tests::Broken> {
        Err(tests::Broken("no luck"))
    }
    #[message]
    fn nothing(&self) {}
}

/// What goes on is a shutdown that somebody has begun.
async fn whole(world: &World) -> Scene<Whole> {
    let system = ActorSystem::builder("whole").progress(false).build();
    let (journal, gate) = (Journal::new(), Gate::new());
    system.spawn(Tidy { journal: journal.clone(), gate: gate.clone(), _life: world.life.clone() });
    let failed = system.start(Faulty).await.err();
    Scene { subject: Whole { system, journal, failed }, go_on: Box::new(move || gate.open()) }
}

/// Nobody but the test begins the shutdown.
async fn left_alone(world: &World) -> Scene<Whole> {
    let Scene { subject, mut go_on } = whole(world).await;
    let system = subject.system.clone();
    let go_on = move || {
        system.request_shutdown();
        go_on();
    };
    Scene { subject, go_on: Box::new(go_on) }
}

/// Once it has been polled, the shutdown goes on; nobody awaits it.
async fn check_shutdown(_: &World, whole: Whole, fate: Fate<ShutdownReport>) {
    let Whole { system, journal, .. } = whole;
    assert_eq!(system.is_shutting_down(), fate.was_polled(1));
    if fate.was_polled(1) {
        settle().await;
        assert_eq!((journal.entries(), system.actors()), (vec!["tidied up".to_owned()], 0));
    }
    let again = promptly("a report for the next who asks", system.shutdown()).await;
    assert_eq!(again.actors.len(), 1);
    assert!(fate.done().is_none_or(|report| report.order() == again.order()));
}

#[test]
fn a_shutdown_goes_on_though_nobody_awaits_it() {
    assert!(cancel_at_every_await(whole, |whole| Box::pin(whole.system.shutdown()), check_shutdown) >= 1);
}

#[test]
fn a_shutdown_with_a_deadline_goes_on_though_nobody_awaits_it() {
    let deadline = Duration::from_secs(5);
    assert!(cancel_at_every_await(whole, |whole| Box::pin(whole.system.shutdown_within(deadline)), check_shutdown) >= 1);
}

#[test]
fn the_shutdown_after_a_failed_start_goes_on_though_nobody_awaits_it() {
    let check = async |world: &World, whole: Whole, fate: Fate<ShutdownReport>| {
        let system = whole.system.clone();
        let was_polled = fate.was_polled(1);
        check_shutdown(world, whole, fate).await;
        // An error of which the system was never told does not show.
        assert_eq!(system.terminated().await.exit_code(), if was_polled { 2 } else { 1 });
    };
    let awaits = cancel_at_every_await(
        whole,
        |whole| {
            let failed = whole.failed.take().expect("it did not start");
            let system = &whole.system;
            Box::pin(async move { system.start_failed(failed).await })
        },
        check,
    );
    assert!(awaits >= 1);
}

/// Waiting has begun none: somebody else has, whether it was dropped or not.
async fn check_left_alone(_: &World, whole: Whole, fate: Fate<ShutdownReport>) {
    let Whole { system, journal, .. } = whole;
    let report = promptly("a report for the next who waits", system.terminated()).await;
    assert_eq!((journal.entries(), report.actors.len()), (vec!["tidied up".to_owned()], 1));
    assert!(fate.done().is_none_or(|first| first.order() == report.order()));
}

#[test]
fn waiting_for_a_shutdown_that_somebody_begins_can_be_dropped() {
    assert!(cancel_at_every_await(left_alone, |whole| Box::pin(whole.system.terminated()), check_left_alone) >= 1);
}

#[test]
fn serving_until_a_signal_comes_can_be_dropped() {
    assert!(cancel_at_every_await(left_alone, |whole| Box::pin(whole.system.run_until_signal()), check_left_alone) >= 1);
}

#[test]
fn waiting_for_a_shutdown_begins_none_when_it_is_dropped() {
    test_kit::run(async |system| {
        for cut in [Cut::Polled(0), Cut::Polled(1)] {
            let mut go_on: GoOn = Box::new(|| ());
            drive(Box::pin(system.terminated()), cut, &mut go_on).await;
            drive(Box::pin(system.run_until_signal()), cut, &mut go_on).await;
            settle().await;
            assert!(!system.is_shutting_down(), "{cut:?}");
        }
    });
}

// ===== the stop signal =====

/// A desk's own signal, which is raised when it is stopped.
struct Signalled {
    signal: StopSignal,
    worked: Life,
}

#[derive(Actor)]
struct Signaller;

#[messages]
impl Signaller {
    #[message]
    fn signal(&self, ctx: &mut Context<Self>) -> StopSignal {
        ctx.stop_signal()
    }
}

async fn signalled(world: &World) -> Scene<Signalled> {
    let actor = world.system.spawn(Signaller);
    let signal = actor.ask(Signal).await.expect("it answers");
    Scene { subject: Signalled { signal, worked: world.life.clone() }, go_on: Box::new(move || actor.stop()) }
}

async fn check_signal(_: &World, signalled: Signalled) {
    promptly("the signal, for the next who waits", signalled.signal.stopping()).await;
    assert!(signalled.signal.is_stopping());
}

#[test]
fn waiting_for_the_stop_signal_can_be_dropped() {
    let check = async |world: &World, signalled: Signalled, _: Fate<()>| check_signal(world, signalled).await;
    assert_eq!(cancel_at_every_await(signalled, |signalled| Box::pin(signalled.signal.stopping()), check), 1);
}

#[test]
fn work_that_heeds_the_stop_signal_is_dropped_with_its_future() {
    let check = async |world: &World, signalled: Signalled, fate: Fate<Result<(), Stopping>>| {
        assert!(fate.done().is_none_or(|stopped| stopped == Err(Stopping)));
        // This one, the world's and the test's: the work has let its own go.
        assert_eq!(Life::strong_count(&signalled.worked), 3);
        check_signal(world, signalled).await;
    };
    let awaits = cancel_at_every_await(
        signalled,
        |signalled| {
            let held = signalled.worked.clone();
            Box::pin(signalled.signal.unless_stopping(async move {
                std::future::pending::<()>().await;
                drop(held);
            }))
        },
        check,
    );
    assert_eq!(awaits, 1);
}

/// What an actor waits for in its handler until it is stopped, dropped after it was polled so often.
#[derive(Clone, Copy, Debug)]
enum Wait {
    Stopping,
    UnlessStopping,
    Quiescing,
}

#[derive(Actor)]
struct Waiter {
    life: Life,
}

#[messages]
impl Waiter {
    /// Says whether what it waited for came about.
    #[message]
    async fn wait_and_drop(&mut self, wait: Wait, cut: Cut, system: ActorSystem, ctx: &mut Context<Self>) -> bool {
        let me = ctx.actor_ref().clone();
        let mut go_on: GoOn = match wait {
            Wait::Quiescing => Box::new(move || system.quiesce()),
            Wait::Stopping | Wait::UnlessStopping => Box::new(move || me.stop()),
        };
        let held = self.life.clone();
        let waiting: Call<'_, ()> = match wait {
            Wait::Stopping => Box::pin(ctx.stopping()),
            Wait::Quiescing => Box::pin(ctx.quiescing()),
            Wait::UnlessStopping => {
                let work = ctx.unless_stopping(async move {
                    std::future::pending::<()>().await;
                    drop(held);
                });
                Box::pin(async { _ = work.await })
            }
        };
        drive(waiting, cut, &mut go_on).await.is_done()
    }
}

#[test]
fn what_an_actor_waits_for_in_its_handler_can_be_dropped() {
    for wait in [Wait::Stopping, Wait::UnlessStopping, Wait::Quiescing] {
        for cut in [Cut::Polled(0), Cut::Polled(1), Cut::Woken(1), Cut::Polled(2)] {
            let life = Life::default();
            test_kit::run(async |system| {
                let waiter = system.spawn(Waiter { life: life.clone() });
                let waited = waiter.ask(WaitAndDrop { wait, cut, system: system.clone() });

                assert_eq!(promptly("the handler's end", waited).await.unwrap(), cut == Cut::Polled(2), "{wait:?} {cut:?}");
                waiter.stop();
                assert_eq!(promptly("its end", waiter.stopped()).await, ExitReason::Normal, "{wait:?} {cut:?}");
            });
            assert_eq!(Life::strong_count(&life), 1, "{wait:?} {cut:?}");
        }
    }
}

// ===== work =====

/// Work that an actor has begun.
struct Begun {
    job: Option<Job<Life>>,
    worker: ActorRef<Worker>,
    journal: Journal,
}

#[derive(Actor)]
struct Worker {
    journal: Journal,
    life: Life,
}

#[messages]
impl Worker {
    #[message]
    fn toil(&mut self, until: Gate, ctx: &mut Context<Self>) -> Job<Life> {
        let (journal, life) = (self.journal.clone(), self.life.clone());
        ctx.spawn_task(async move {
            until.pass().await;
            journal.note("worked");
            life
        })
    }

    #[message]
    fn toil_on_a_thread(&mut self, until: mpsc::Receiver<()>, ctx: &mut Context<Self>) -> Job<Life> {
        let (journal, life) = (self.journal.clone(), self.life.clone());
        ctx.spawn_blocking(move |_| {
            // Whoever lets it go on does so once at least.
            let _ = until.recv();
            journal.note("worked");
            life
        })
    }
}

async fn worker(world: &World) -> (ActorRef<Worker>, Journal) {
    let journal = Journal::new();
    (world.system.spawn(Worker { journal: journal.clone(), life: world.life.clone() }), journal)
}

async fn check_work(_: &World, begun: Begun, fate: Fate<Result<Life, JobError>>) {
    drop(fate.done().map(|worked| worked.expect("it works")));
    let Begun { worker, journal, .. } = begun;
    tests::eventually("it has worked", || journal.count("worked") == 1).await;
    worker.stop();
    assert_eq!(promptly("the end of the actor", worker.stopped()).await, ExitReason::Normal);
}

#[test]
fn work_goes_on_though_nobody_awaits_it() {
    let task = async |world: &World| {
        let (worker, journal) = worker(world).await;
        let gate = Gate::new();
        let job = worker.ask(Toil { until: gate.clone() }).await.expect("it answers");
        Scene { subject: Begun { job: Some(job), worker, journal }, go_on: Box::new(move || gate.open()) }
    };
    assert_eq!(cancel_at_every_await(task, |begun| Box::pin(begun.job.take().expect("it has begun")), check_work), 1);
}

#[test]
fn blocking_work_goes_on_though_nobody_awaits_it() {
    let thread = async |world: &World| {
        let (worker, journal) = worker(world).await;
        let (go_on, until) = mpsc::channel();
        let job = worker.ask(ToilOnAThread { until }).await.expect("it answers");
        Scene { subject: Begun { job: Some(job), worker, journal }, go_on: Box::new(move || _ = go_on.send(())) }
    };
    assert_eq!(cancel_at_every_await(thread, |begun| Box::pin(begun.job.take().expect("it has begun")), check_work), 1);
}
