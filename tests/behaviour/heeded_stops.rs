//! An error that says only that the actor is stopping is no failure, where it was asked to stop (S7.5, S4.8).

use std::future::pending;
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, BoxError, Context, ExitReason, Exited, Outcome, StartError, StartFailure, Stopping, messages,
};
use tests::{Gate, Journal, promptly};

use crate::cast::Peer;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// ===== a start =====

/// Starts its children in its hook, each with `?`. The first takes its time.
#[derive(Actor)]
struct App;

/// Takes a second to start.
#[derive(Actor)]
struct SlowPeer;

#[messages]
impl App {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        ctx.start(SlowPeer).await?;
        ctx.start(Peer).await?;
        Ok(())
    }
}

#[messages]
impl SlowPeer {
    #[started]
    async fn open(&mut self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn is_starting() {
    tokio::time::sleep(millis(10)).await;
}

#[tokio::test(start_paused = true)]
async fn s7_5_a_shutdown_during_a_start_is_clean_though_the_hook_passes_on_what_it_is_told() {
    let system = ActorSystem::new("early");
    let mut crashes = system.crash_reports();
    let app = system.spawn(App);
    is_starting().await;

    let report = system.shutdown().await;

    assert_eq!(app.stopped().await, ExitReason::Shutdown);
    assert_eq!((report.outcome.clone(), report.exit_code(), report.failures.len()), (Outcome::Clean, 0, 0), "{report}");
    assert!(crashes.try_recv().is_none(), "nobody has failed");
}

#[tokio::test(start_paused = true)]
async fn s7_6_a_shutdown_during_the_start_that_main_awaits_is_no_start_that_failed() {
    let system = ActorSystem::new("early");
    let start = tokio::spawn({
        let system = system.clone();
        async move { system.start(App).await }
    });
    is_starting().await;
    system.request_shutdown();

    let error = start.await.expect("it does not panic").expect_err("it was stopped");
    assert!(error.is_stopping(), "{error}");
    let report = system.start_failed(error).await;

    assert_eq!((report.outcome.clone(), report.exit_code()), (Outcome::Clean, 0), "{report}");
}

#[tokio::test(start_paused = true)]
async fn s5_4_one_that_is_stopped_on_its_own_during_its_start_ends_as_it_was_asked() {
    let system = ActorSystem::new("early");
    let app = system.spawn(App);
    is_starting().await;
    app.stop();

    assert_eq!(app.stopped().await, ExitReason::Normal);
    assert!(system.shutdown().await.is_clean());
}

/// Has a supervised child, permanent by default.
#[derive(Actor)]
struct Above;

#[messages]
impl Above {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        ctx.child("app", || App).spawn()?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn s7_5_a_shutdown_while_a_child_starts_fails_no_restart_of_it() {
    let system = ActorSystem::new("early");
    let mut crashes = system.crash_reports();
    system.actor(Above).name("above").start().await.expect("it starts");
    is_starting().await;
    let app = system.lookup::<App>("/above/app").expect("it is being started");

    let report = system.shutdown().await;

    assert_eq!(app.stopped().await, ExitReason::Shutdown);
    assert_eq!((report.exit_code(), report.failures.len()), (0, 0), "{report}");
    assert!(crashes.try_recv().is_none(), "nobody has failed");
}

/// An error of its own, which keeps what it came from.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("a child did not start")]
    Child(#[from] StartError),
    #[error("there was no time")]
    Time(#[from] Stopping),
    #[error("out of cheese")]
    Cheese,
}

/// Says in words of its own that a child of its child's did not start, or waits for the stop and fails for another reason.
#[derive(Actor)]
struct Wordy {
    fails: bool,
}

#[messages]
impl Wordy {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), Trouble> {
        if self.fails {
            ctx.stopping().await;
            return Err(Trouble::Cheese);
        }
        ctx.start(SlowPeer).await?;
        ctx.start(Peer).await?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn s7_5_what_the_error_came_from_counts_and_an_error_of_its_own_is_a_failure() {
    for fails in [false, true] {
        let system = ActorSystem::new("early");
        let wordy = system.spawn(Wordy { fails });
        is_starting().await;

        let report = system.shutdown().await;

        let reason = wordy.stopped().await;
        let failed =
            matches!(&reason, ExitReason::StartFailed(StartFailure::Failed(failure)) if failure.downcast_ref::<Trouble>().is_some());
        assert_eq!((failed, report.exit_code()), (fails, i32::from(fails) as u8), "{reason}");
    }
}

/// Starts a child that is stopped by somebody else.
#[derive(Actor)]
struct Forsaken;

#[messages]
impl Forsaken {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        ctx.actor(App).name("app").start().await?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn s3_2_one_that_was_not_asked_itself_fails_with_what_its_child_was_asked() {
    let system = ActorSystem::new("early");
    let forsaken = system.actor(Forsaken).name("forsaken").spawn();
    is_starting().await;
    system.lookup::<App>("/forsaken/app").expect("it is being started").stop();

    let reason = forsaken.stopped().await;

    assert!(matches!(&reason, ExitReason::StartFailed(StartFailure::Failed(_))) && reason.is_failure(), "{reason}");
    assert_eq!(system.shutdown().await.exit_code(), 1);
}

// ===== handlers, ticks and the hook for exits =====

/// Never comes to an end by itself, wherever it is.
#[derive(Actor)]
struct Fetcher {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Fetcher {
    #[message]
    async fn fetch(&mut self, ctx: &mut Context<Self>) -> Result<(), Stopping> {
        self.wait(ctx).await
    }

    /// Its error is one of its own, with the same source.
    #[message]
    async fn fetch_for_long(&mut self, ctx: &mut Context<Self>) -> Result<(), Trouble> {
        Ok(self.wait(ctx).await?)
    }

    /// Starts a child too late.
    #[message]
    async fn hire(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        let _ = self.wait(ctx).await;
        ctx.start(Peer).await?;
        Ok(())
    }

    #[message]
    fn begin_ticks(&self, ctx: &mut Context<Self>) {
        ctx.send_after(millis(1), FetchNow);
    }

    #[message]
    async fn fetch_now(&mut self, ctx: &mut Context<Self>) -> Result<(), Stopping> {
        self.wait(ctx).await
    }

    #[message]
    fn have_a_child(&self, ctx: &mut Context<Self>) {
        ctx.spawn(Peer).stop();
    }

    #[exited]
    async fn mourn(&mut self, _exit: Exited, ctx: &mut Context<Self>) -> Result<(), Stopping> {
        self.wait(ctx).await
    }

    #[stopped]
    fn close(&mut self) {
        self.journal.note("closed");
    }

    async fn wait(&self, ctx: &Context<Self>) -> Result<(), Stopping> {
        self.gate.open();
        self.journal.note("waits");
        ctx.unless_stopping(pending()).await
    }
}

/// One that does this, and is stopped with its system while it does.
async fn stopped_while<M>(message: M) -> (ExitReason, Vec<String>)
where
    M: Send + 'static,
    Fetcher: actors_core::Accepts<M>,
{
    let system = ActorSystem::new("busy");
    let mut crashes = system.crash_reports();
    let (gate, journal) = (Gate::new(), Journal::new());
    let fetcher = system.spawn(Fetcher { gate: gate.clone(), journal: journal.clone() });
    fetcher.tell(message).await.unwrap_or_else(|error| panic!("{error}"));
    promptly("it waits", gate.pass()).await;

    let report = system.shutdown().await;

    assert_eq!((report.outcome.clone(), report.exit_code()), (Outcome::Clean, 0), "{report}");
    assert!(crashes.try_recv().is_none(), "nobody has failed");
    (fetcher.stopped().await, journal.entries())
}

#[tokio::test(start_paused = true)]
async fn s4_8_a_handler_that_passes_on_the_stop_it_was_asked_for_has_not_failed() {
    let ended = || (ExitReason::Shutdown, vec!["waits".to_owned(), "closed".to_owned()]);
    assert_eq!(stopped_while(Fetch).await, ended());
    assert_eq!(stopped_while(FetchForLong).await, ended());
    assert_eq!(stopped_while(Hire).await, ended());
    assert_eq!(stopped_while(BeginTicks).await, ended(), "a message of a timer's");
    assert_eq!(stopped_while(HaveAChild).await, ended(), "the hook that hears of exits");
}

/// Never waits; its handlers end it, and say so.
#[derive(Actor)]
struct Quick;

#[messages]
impl Quick {
    #[message]
    fn give_up(&self, ctx: &mut Context<Self>) -> Result<(), Stopping> {
        ctx.stop();
        Err(Stopping)
    }

    #[message]
    fn claim(&self) -> Result<(), Stopping> {
        Err(Stopping)
    }

    #[message]
    fn refuse(&self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        ctx.stop();
        Err("out of cheese".into())
    }
}

#[tokio::test(start_paused = true)]
async fn s4_8_it_is_the_actors_own_stop_that_counts_and_only_that_error() {
    let system = ActorSystem::new("quick");
    // A second message has the loop take the first in a batch.
    let tell = |actor: &ActorRef<Quick>, two: bool| {
        if two {
            actor.try_tell(GiveUp).expect("there is room");
        }
    };
    for two in [false, true] {
        let clean = system.spawn(Quick);
        clean.try_tell(GiveUp).expect("there is room");
        tell(&clean, two);
        assert_eq!(clean.stopped().await, ExitReason::Normal);

        let not_asked = system.spawn(Quick);
        not_asked.try_tell(Claim).expect("there is room");
        tell(&not_asked, two);
        assert!(not_asked.stopped().await.is_failure(), "nobody had asked it to stop");

        let other = system.spawn(Quick);
        other.try_tell(Refuse).expect("there is room");
        tell(&other, two);
        assert!(other.stopped().await.is_failure(), "the error is another");
    }
    system.shutdown().await;
}

/// Drains; each of its messages takes for ever, unless it is to stop.
#[derive(Actor)]
#[actor(on_stop = "drain")]
struct Drainer {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Drainer {
    #[message]
    async fn serve(&mut self, ctx: &mut Context<Self>) -> Result<(), Stopping> {
        self.journal.note("served");
        self.gate.open();
        ctx.unless_stopping(pending()).await
    }
}

#[tokio::test(start_paused = true)]
async fn s4_8_a_drain_goes_on_behind_a_message_whose_handler_passes_on_the_stop() {
    let system = ActorSystem::new("drained");
    let (gate, journal) = (Gate::new(), Journal::new());
    let drainer = system.spawn(Drainer { gate: gate.clone(), journal: journal.clone() });
    for _ in 0..3 {
        drainer.tell(Serve).await.expect("it runs");
    }
    promptly("the first is in hand", gate.pass()).await;

    let report = system.shutdown().await;

    assert_eq!((drainer.stopped().await, journal.count("served")), (ExitReason::Shutdown, 3));
    assert_eq!((report.exit_code(), report.dead_letters), (0, 0), "{report}");
}
