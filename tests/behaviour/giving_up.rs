//! Who hears of it when a supervisor gives up, or a start is abandoned (S10.7, S3.5).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Backoff, Context, ExitReason, messages};
use tests::lived::{End, Life, Lived, Plan, Stop};
use tests::{Gate, Journal, promptly};

/// A supervisor that works with its children in its handlers.
#[derive(Actor)]
#[actor(restarts = 1, within = "60s", auto_shutdown = "any_significant")]
struct Foreman {
    journal: Journal,
}

#[messages]
impl Foreman {
    /// Has one child wait for its restart, asks it, and has another fail meanwhile, which is one failure too many.
    #[message]
    async fn wait_for_one_that_is_down(&mut self, ctx: &mut Context<Self>) -> bool {
        let [down, last] = ["down", "last"].map(|name| Plan::new(name, &self.journal));
        let backoff = Backoff::constant(Duration::from_secs(3_600)).no_jitter();
        let down = ctx.child("down", move || down.make()).permanent().backoff(backoff).start().await.expect("it starts");
        let last = ctx.child("last", move || last.make()).permanent().start().await.expect("it starts");
        down.tell(End::Fail).await.expect("it is open");
        tokio::time::sleep(Duration::from_secs(1)).await;
        last.tell(End::Fail).await.expect("it is open");
        down.ask(Life).await.is_err_and(|error| error.is_not_running())
    }

    /// Begins to start a significant child, and lets go of it when that is ready, before it has seen so.
    #[message]
    async fn abandon_a_start(&mut self, ready: Gate, ctx: &mut Context<Self>) -> usize {
        let plan = Plan::new("child", &self.journal).starts(move |_| tests::lived::Start::At(ready.clone()));
        {
            let mut starting = pin!(ctx.child("child", move || plan.make()).transient().significant().start());
            assert!(poll_fn(|cx| Poll::Ready(starting.as_mut().poll(cx).is_pending())).await);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        ctx.supervised_children().len()
    }
}

/// A supervisor all of whose children are restarted together, once.
#[derive(Actor)]
#[actor(strategy = "one_for_all", restarts = 1, within = "60s")]
struct Contractor {
    journal: Journal,
}

#[messages]
impl Contractor {
    /// Has one child stopped since its sibling has failed, asks it, and has a third fail meanwhile, which is one failure too
    /// many.
    #[message]
    async fn wait_for_one_that_is_stopped(&mut self, stops: Gate, ctx: &mut Context<Self>) -> bool {
        let stop = stops.clone();
        let slow = Plan::new("slow", &self.journal).stops(move |_| Stop::At(stop.clone()));
        let [first, last] = ["first", "last"].map(|name| Plan::new(name, &self.journal));
        let first = ctx.child("first", move || first.make()).permanent().start().await.expect("it starts");
        let slow = ctx.child("slow", move || slow.make()).permanent().start().await.expect("it starts");
        first.tell(End::Fail).await.expect("it is open");
        stops.reached().await;
        let last = ctx.child("last", move || last.make()).permanent().start().await.expect("it starts");
        last.tell(End::Fail).await.expect("it is open");
        tokio::time::sleep(Duration::from_secs(1)).await;
        stops.open_wide();
        slow.ask(Life).await.is_err_and(|error| error.is_not_running())
    }
}

fn foreman(system: &ActorSystem, journal: &Journal) -> ActorRef<Foreman> {
    system.actor(Foreman { journal: journal.clone() }).name("foreman").spawn()
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_child_that_is_down_hears_that_its_supervisor_gives_up() {
    let system = ActorSystem::new("works");
    let foreman = foreman(&system, &Journal::new());

    let told = promptly("the ask inside returns", foreman.ask(WaitForOneThatIsDown)).await;

    assert!(told.expect("the handler finishes"), "the child has ended for good");
    assert!(matches!(promptly("it gives up", foreman.stopped()).await, ExitReason::Escalated { .. }));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_child_that_is_being_stopped_hears_that_its_supervisor_gives_up() {
    let (system, journal) = (ActorSystem::new("works"), Journal::new());
    let contractor = system.actor(Contractor { journal }).spawn();
    let mut crashes = system.crash_reports();

    let told = promptly("the ask inside returns", contractor.ask(WaitForOneThatIsStopped { stops: Gate::new() })).await;

    assert!(told.expect("the handler finishes"), "the child has ended for good");
    let reason = promptly("it gives up", contractor.stopped()).await;
    assert!(matches!(&reason, ExitReason::Escalated { child, .. } if child.name() == "last"), "{reason}");
    system.shutdown().await;
    let mut told = Vec::new();
    while let Some(crash) = crashes.try_recv() {
        told.push(crash.path.name().to_owned());
    }
    // The one that has stopped as it was asked to is nobody's crash.
    assert!(!told.contains(&"slow".to_owned()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn s3_5_a_start_that_is_abandoned_when_the_child_is_ready_is_no_end_and_leaves_nothing() {
    let (system, journal, ready) = (ActorSystem::new("works"), Journal::new(), Gate::new());
    let foreman = foreman(&system, &journal);

    ready.open_wide();
    let left = promptly("the handler finishes", foreman.ask(AbandonAStart { ready })).await;

    assert_eq!((left.expect("it answers"), journal.count("start child0")), (0, 1));
    assert!(system.lookup::<Lived>("/foreman/child").is_none());
    assert!(foreman.is_alive(), "what never was is not significant");
    system.shutdown().await;
}
