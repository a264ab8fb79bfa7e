//! A child that is down when its supervisor stops, or goes down then: whoever waits for it is told (S7.5).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Backoff, ChildSpec, Context, Decision, ExitReason, Strategy, Supervisor, messages};
use tests::lived::{End, Life, Lived, Plan, Stage, Stop};
use tests::{Gate, Journal, eventually, promptly};
use tokio::time::Instant;

use crate::cast::{Explode, Peer, settle};

/// Needs its sibling, in a handler or as it stops.
#[derive(Actor)]
struct Needy {
    sibling: ActorRef<Lived>,
    journal: Journal,
}

impl Needy {
    async fn asks(&self) {
        let answer = self.sibling.ask(Life).await;
        self.journal.note(if answer.is_err_and(|error| error.is_not_running()) { "told" } else { "answered" });
    }
}

#[messages]
impl Needy {
    #[message]
    async fn ask_at(&self, gate: Gate) {
        gate.pass().await;
        self.asks().await;
    }

    #[message]
    async fn terminate(&self, supervisor: ActorRef<Supervisor>, gate: Gate) {
        gate.pass().await;
        let ended = supervisor.terminate_child("a").await;
        self.journal.note(format!("{ended:?}"));
    }

    #[stopped]
    async fn say_goodbye(&mut self) {
        self.asks().await;
    }
}

/// The child `a` with a minute's backoff, and after it the child `b`, which needs it.
async fn needy(stage: &Stage) -> (ActorRef<Supervisor>, ActorRef<Needy>) {
    let a = stage.spec("a").backoff(Backoff::constant(Duration::from_secs(60)).no_jitter());
    let sup = stage.supervise(Supervisor::new().child(a)).await;
    let (sibling, journal) = (stage.worker("a"), stage.journal.clone());
    let b = ChildSpec::new("b", move || Needy { sibling: sibling.clone(), journal: journal.clone() });
    sup.add_child(b).await.expect("it starts");
    let b = stage.system.lookup("/sup/b").expect("it is there");
    (sup, b)
}

async fn goes_down(stage: &Stage) {
    let mut crashes = stage.system.crash_reports();
    stage.worker("a").tell(End::Panic).await.expect("it is open");
    promptly("it is down", crashes.recv()).await.expect("it is told");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_sibling_that_is_down_holds_up_no_shutdown() {
    let stage = Stage::new();
    let (_, b) = needy(&stage).await;
    goes_down(&stage).await;
    let gate = Gate::new();
    gate.open_wide();
    b.tell(AskAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    let report = stage.system.shutdown().await;

    assert!(report.is_clean() && report.total < Duration::from_secs(1), "{report}");
    // Its handler, and its hook.
    assert_eq!(stage.journal.count("told"), 2, "{:?}", stage.journal);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_sibling_that_fails_while_all_stop_is_told_and_nobody_is_said_to_be_restarted() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll] {
        let (stage, gate) = (Stage::new(), Gate::new());
        let sup = stage.supervise(Supervisor::new().strategy(strategy).restarts(0, Duration::from_secs(5)).child(stage.spec("a"))).await;
        let (sibling, journal) = (stage.worker("a"), stage.journal.clone());
        sup.add_child(ChildSpec::new("b", move || Needy { sibling: sibling.clone(), journal: journal.clone() })).await.unwrap();
        let b: ActorRef<Needy> = stage.system.lookup("/sup/b").unwrap();
        b.tell(AskAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        let mut crashes = stage.system.crash_reports();

        stage.system.request_shutdown();
        tokio::time::sleep(Duration::from_millis(1)).await;
        stage.worker("a").tell(End::Panic).await.unwrap();
        gate.open_wide();
        let report = stage.system.shutdown().await;

        assert!(report.is_clean() && report.total < Duration::from_secs(1), "{strategy:?}: {report}");
        assert_eq!(stage.journal.count("told"), 2, "{:?}", stage.journal);
        let told = crashes.try_recv().expect("it has failed");
        assert!(told.path == "/sup/a" && told.decision == Decision::NotRestarted, "{told:?}");
        assert!(crashes.try_recv().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_sibling_that_is_down_holds_up_no_stop_of_the_supervisor() {
    let stage = Stage::new();
    let (sup, b) = needy(&stage).await;
    goes_down(&stage).await;
    let (gate, began) = (Gate::new(), Instant::now());
    gate.open_wide();
    b.tell(AskAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    sup.stop();

    assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Normal);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn who_has_a_sibling_terminated_while_all_stop_does_not_wait_for_its_turn() {
    for is_down in [true, false] {
        let stage = Stage::new();
        let (sup, b) = needy(&stage).await;
        let gate = Gate::new();
        b.tell(Terminate { supervisor: sup.clone(), gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        if is_down {
            goes_down(&stage).await;
        }

        stage.system.request_shutdown();
        tokio::time::sleep(Duration::from_millis(1)).await;
        gate.open_wide();
        let report = stage.system.shutdown().await;

        assert!(report.is_clean() && report.total < Duration::from_secs(1), "{report}");
        assert_eq!(stage.journal.count("Ok(())"), 1, "{:?}", stage.journal);
    }
}

/// Waits in its handler, and then asks a child of its own.
#[derive(Actor)]
#[actor(strategy = "one_for_all", restarts = "unlimited")]
struct Owner {
    journal: Journal,
}

#[messages]
impl Owner {
    /// Has one child that is done, and one that fails while this stops.
    #[message]
    async fn work(&mut self, gate: Gate, ctx: &mut Context<Self>) -> u32 {
        let [a, t] = ["a", "t"].map(|name| Plan::new(name, &self.journal));
        let a = ctx.child("a", move || a.make()).permanent().start().await.expect("it starts");
        let t = ctx.child("t", move || t.make()).transient().start().await.expect("it starts");
        t.stop();
        t.stopped().await;
        gate.pass().await;
        a.tell(End::Panic).await.expect("it is open");
        tokio::time::sleep(Duration::from_secs(1)).await;
        a.ask(Life).await.expect("it was restarted")
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_a_stopping_owner_needs_is_restarted_once_and_one_that_does_not_run_is_left_alone() {
    let (system, journal, gate) = (ActorSystem::new("works"), Journal::new(), Gate::new());
    let owner = system.actor(Owner { journal: journal.clone() }).spawn();
    let mut crashes = system.crash_reports();
    let worked = tokio::spawn({
        let (owner, gate) = (owner.clone(), gate.clone());
        async move { owner.ask(Work { gate }).await }
    });
    gate.reached().await;

    owner.stop();
    gate.open_wide();

    assert_eq!(promptly("it answers", worked).await.unwrap().unwrap(), 1);
    promptly("it ends", owner.stopped()).await;
    settle().await;
    assert_eq!((journal.count("start a1"), journal.count("start t0")), (1, 1), "{journal:?}");
    assert_eq!(std::iter::from_fn(|| crashes.try_recv()).count(), 1);
    assert!(system.shutdown().await.is_clean());
}

/// Does not let go of its thread until it is to end.
#[derive(Actor)]
struct Whirl;

#[messages]
impl Whirl {
    /// Makes many children, and last of all one that fails and has long to wait.
    #[message]
    fn settle_down(&self, ctx: &mut Context<Self>) -> ActorRef<Peer> {
        for _ in 0..2_000 {
            ctx.spawn(Peer);
        }
        let last = ctx.child("last", || Peer).backoff(Backoff::constant(Duration::from_secs(60)).no_jitter()).spawn();
        last.expect("the name is free")
    }

    #[message]
    fn spin(&self, journal: Journal, ctx: &mut Context<Self>) {
        journal.note("spins");
        while !ctx.is_stopping() {
            std::hint::spin_loop();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_is_down_when_its_supervisor_is_killed_is_killed_like_all_others() {
    let (system, journal) = (ActorSystem::new("killed"), Journal::new());
    let sup = system.spawn(Whirl);
    let last = sup.ask(SettleDown).await.expect("it answers");
    let mut crashes = system.crash_reports();
    last.tell(Explode).await.expect("it is open");
    promptly("it goes down", crashes.recv()).await.expect("it is told");
    sup.tell(Spin { journal: journal.clone() }).await.expect("it is open");
    eventually("it spins", || !journal.is_empty()).await;

    sup.kill();

    assert_eq!(promptly("its end", last.stopped()).await, ExitReason::Killed);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn who_has_a_sibling_terminated_right_before_the_supervisor_stops_does_not_wait_for_its_turn() {
    let stage = Stage::new();
    let (sup, b) = needy(&stage).await;
    let (gate, began) = (Gate::new(), Instant::now());
    b.tell(Terminate { supervisor: sup.clone(), gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    // It is asked for, and not carried out yet, when the supervisor stops.
    gate.open_wide();
    sup.stop();
    promptly("it ends", sup.stopped()).await;

    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(stage.journal.count("Ok(())"), 1, "{:?}", stage.journal);
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_that_stops_while_its_supervisor_stops_has_not_crashed() {
    let stage = Stage::new();
    let slow = stage.plan("slow").stops(|_| Stop::Takes(Duration::from_secs(3)));
    let sup = stage.supervise(Supervisor::new().children([stage.spec("a"), slow.spec()])).await;
    let mut crashes = stage.system.crash_reports();

    sup.stop();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.worker("a").tell(End::Stop).await.unwrap();
    promptly("it ends", sup.stopped()).await;

    assert!(crashes.try_recv().is_none());
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn no_task_waits_for_the_backoff_of_a_child_whose_supervisor_has_ended() {
    let stage = Stage::new();
    let (sup, _) = needy(&stage).await;
    goes_down(&stage).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    sup.stop();
    promptly("it ends", sup.stopped()).await;
    stage.system.shutdown().await;

    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}
