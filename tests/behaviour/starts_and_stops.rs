//! Children that a stop, a termination or a taken name meets half way (S7.5, S10.1, S10.2).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, AskError, Backoff, ChildError, ChildSpec, ChildState, Context, Decision, ExitReason, StartFailure,
    Strategy, Supervisor, messages,
};
use tests::lived::{self, End, Life, Lived, Note, Plan, Stage, Start, Stop, Wait};
use tests::{Gate, Journal, eventually, promptly};
use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::cast::{Act, Peer, settle, within};

#[tokio::test(start_paused = true)]
async fn s10_9_one_that_fails_while_it_is_terminated_is_said_not_to_be_restarted() {
    let stage = Stage::new();
    let plan = stage.plan("a");
    let sup = stage.supervise(Supervisor::new().child(plan.spec())).await;
    let mut crashes = stage.system.crash_reports();

    // It comes to that before it is told of its termination.
    stage.worker("a").try_tell(End::Panic).expect("there is room");
    promptly("it is terminated", sup.terminate_child("a")).await.unwrap();

    assert_eq!(crashes.try_recv().expect("it has failed").decision, Decision::NotRestarted);
    assert_eq!(plan.lives(), 1);
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_5_whoever_waits_for_a_start_by_hand_is_told_when_the_supervisor_stops() {
    let stage = Stage::new();
    let a = stage.plan("a").starts(|life| if life == 0 { Start::Ready } else { Start::Hangs });
    let slow = stage.plan("slow").stops(|_| Stop::Takes(Duration::from_secs(3)));
    let sup = stage.supervise(Supervisor::new().children([a.spec(), slow.spec()])).await;
    sup.terminate_child("a").await.unwrap();
    let restart = tokio::spawn({
        let sup = sup.clone();
        async move { sup.restart_child("a").await }
    });
    eventually("it starts", || sup.supervised_children()[0].state == ChildState::Starting).await;
    assert_eq!(sup.count_children().active, 2, "one that starts is active");
    let began = Instant::now();

    sup.stop();
    let told = promptly("the answer", restart).await.unwrap();

    assert_eq!((told, began.elapsed().as_secs()), (Err(ChildError::Stopping), 0));
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s4_4_what_waits_for_one_that_was_to_be_restarted_and_is_stopped_in_its_hook_is_discarded() {
    let (stage, gate) = (Stage::new(), Gate::new());
    let at = gate.clone();
    let plan = stage.plan("a").stops(move |_| Stop::At(at.clone()));
    let sup = stage.supervise(Supervisor::new().child(plan.spec())).await;
    let a = stage.worker("a");
    a.tell(End::Panic).await.unwrap();
    gate.reached().await;
    a.tell(Note { what: 1 }).await.unwrap();
    let asked = tokio::spawn({
        let a = a.clone();
        async move { a.ask(lived::Add).await }
    });
    eventually("they wait", || a.queued() == 2).await;

    sup.stop();
    tokio::task::yield_now().await;
    gate.open_wide();

    let answer = promptly("the answer", asked).await.unwrap();
    assert!(matches!(answer, Err(AskError::Lost(_))), "{answer:?}");
    promptly("it ends", sup.stopped()).await;
    assert_eq!((stage.system.dead_letter_count(), plan.lives()), (1, 1));
    stage.system.shutdown().await;
}

/// Supervises `a`, which comes back when others are restarted, and `b`.
#[derive(Actor)]
#[actor(strategy = "one_for_all", restarts = 9, within = "1h")]
struct Owner {
    journal: Journal,
}

#[messages]
impl Owner {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        let [a, b] = ["a", "b"].map(|name| Plan::new(name, &self.journal));
        let patient = Backoff::constant(Duration::from_secs(10)).no_jitter();
        ctx.child("a", move || a.make()).transient().backoff(patient).start().await.expect("it starts");
        ctx.child("b", move || b.make()).start().await.expect("it starts");
    }

    #[handle]
    fn act(&self, act: Act<Owner>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }

    #[message]
    async fn add(&self, ctx: &mut Context<Self>) -> Result<(), String> {
        let plan = Plan::new("c", &self.journal);
        ctx.add_child(plan.spec()).await.map(drop).map_err(|error| error.to_string())
    }

    #[message]
    async fn terminate(&self, child: ActorRef<Lived>, ctx: &mut Context<Self>) -> Result<(), ChildError> {
        ctx.terminate_child(&child).await
    }
}

#[tokio::test(start_paused = true)]
async fn s10_2_one_whose_name_was_taken_when_it_was_to_be_made_anew_is_made_once_that_is_free() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = system.actor(Owner { journal: journal.clone() }).name("owner").start().await.unwrap();
    let [a, b]: [ActorRef<Lived>; 2] = ["/owner/a", "/owner/b"].map(|path| system.lookup(path).expect("it is there"));
    a.tell(End::Stop).await.unwrap();
    a.stopped().await;
    let other = Plan::new("other", &journal);
    let other = within(&owner, move |ctx| ctx.actor(other.make()).name("a").spawn()).await;
    other.ask(Life).await.expect("it has the name");

    b.tell(End::Panic).await.unwrap();
    tokio::time::sleep(Duration::from_secs(15)).await;
    let started = |name: &str| journal.entries().iter().filter(|entry| entry.starts_with(&format!("start {name}"))).count();
    assert_eq!((started("a"), started("b")), (1, 1), "{journal:?}");
    other.stop();
    settle().await;

    assert_eq!((started("a"), started("b")), (2, 2), "{journal:?}");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_2_one_that_has_to_be_aborted_when_it_is_taken_along_is_replaced_a_second_after_its_limit() {
    let stage = Stage::new();
    let b = stage.stuck_plan("b").spec().stop_limit(Duration::from_secs(2));
    stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children([stage.spec("a"), b])).await;
    let gate = Gate::new();
    stage.worker("b").tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let began = Instant::now();

    stage.worker("a").tell(End::Panic).await.unwrap();
    stage.noted("start b1", 1).await;

    let took = began.elapsed();
    assert!(took >= Duration::from_secs(3) && took < Duration::from_millis(3_300), "{took:?}");
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_1_whoever_restarts_a_child_that_cannot_be_made_hears_why() {
    let (stage, made) = (Stage::new(), Arc::new(AtomicU32::new(0)));
    let (plan, count) = (stage.plan("a"), made.clone());
    let spec = ChildSpec::new("a", move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) != 1, "not this one");
        plan.make()
    });
    let sup = stage.supervise(Supervisor::new().child(spec)).await;
    sup.terminate_child("a").await.unwrap();

    let refused = promptly("the answer", sup.restart_child("a")).await;

    assert!(
        matches!(&refused, Err(ChildError::NotStarted(StartFailure::Panicked { message, .. })) if **message == *"not this one"),
        "{refused:?}"
    );
    promptly("the answer", sup.restart_child("a")).await.unwrap();
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_9_a_restart_that_cannot_be_made_is_reported() {
    let (stage, made) = (Stage::new(), Arc::new(AtomicU32::new(0)));
    let (plan, count) = (stage.plan("a"), made.clone());
    let spec = ChildSpec::new("a", move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) != 1, "not this one");
        plan.make()
    });
    stage.supervise(Supervisor::new().restarts(5, Duration::from_secs(60)).child(spec)).await;
    let mut crashes = stage.system.crash_reports();

    stage.worker("a").tell(End::Panic).await.unwrap();
    settle().await;

    let told: Vec<_> = std::iter::from_fn(|| crashes.try_recv()).map(|crash| crash.reason.clone()).collect();
    assert!(matches!(told[..], [ExitReason::Panicked { .. }, ExitReason::StartFailed(StartFailure::Panicked { .. })]), "{told:?}");
    assert_eq!(made.load(Ordering::SeqCst), 3);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_1_a_supervisor_that_has_ended_says_so() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(stage.spec("a"))).await;
    sup.stop();
    promptly("it ends", sup.stopped()).await;

    assert_eq!(sup.restart_child("a").await, Err(ChildError::Stopping));
    assert_eq!(sup.terminate_child("a").await, Err(ChildError::Stopping));
    assert!(sup.add_child(stage.spec("b")).await.is_err_and(|error| error.is_stopping()));
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_1_a_child_whose_name_was_taken_leaves_no_spec_and_one_that_nobody_supervised_is_not_found() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = system.actor(Owner { journal: journal.clone() }).name("owner").start().await.unwrap();
    let plan = Plan::new("other", &journal);
    let other = within(&owner, move |ctx| ctx.actor(plan.make()).name("c").spawn()).await;

    assert!(owner.ask(Add).await.is_err());
    other.stop();
    promptly("it ends", other.stopped()).await;

    assert!(matches!(owner.ask(Terminate { child: other }).await, Err(AskError::Failed(ChildError::NotFound))));
    owner.ask(Add).await.expect("the name is free");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_1_whoever_terminates_a_child_hears_of_its_end_also_when_the_supervisor_stops_meanwhile() {
    let (stage, gate) = (Stage::new(), Gate::new());
    let stop = gate.clone();
    let plan = stage.plan("a").stops(move |_| Stop::At(stop.clone()));
    let sup = stage.supervise(Supervisor::new().child(plan.spec())).await;
    let (a, asks) = (stage.worker("a"), sup.clone());
    let terminated = tokio::spawn(async move { asks.terminate_child("a").await });
    promptly("it is stopped", gate.reached()).await;

    sup.stop();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!terminated.is_finished() && a.exit().is_none());
    gate.open();

    promptly("the answer", terminated).await.unwrap().expect("it has ended");
    assert!(a.exit().is_some());
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s3_4_one_that_is_about_to_stop_makes_no_child_and_keeps_no_spec_of_it() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = system.actor(Owner { journal: journal.clone() }).name("owner").start().await.unwrap();
    let plan = Plan::new("c", &journal);

    let (refused, specs) = within(&owner, move |ctx| {
        ctx.stop();
        let mut refused = Vec::new();
        for _ in 0..2 {
            let plan = plan.clone();
            refused.push(ctx.child("c", move || plan.make()).spawn().map(drop).unwrap_err().to_string());
        }
        (refused, ctx.count_children().specs)
    })
    .await;

    assert_eq!((refused, specs), (vec!["/owner/c did not start: its parent is stopping".to_owned(); 2], 2));
    promptly("it ends", owner.stopped()).await;
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s7_8_the_turn_of_one_that_is_down_is_when_it_is_ended() {
    let stage = Stage::new();
    let spec = stage.spec("a").backoff(Backoff::constant(Duration::from_secs(60)).no_jitter());
    stage.supervise(Supervisor::new().child(spec)).await;
    stage.worker("a").tell(End::Panic).await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;

    let report = stage.system.shutdown().await;

    let a = report.get("/sup/a").expect("it ended");
    assert!(a.total < Duration::from_secs(1), "{report}");
}

#[tokio::test(start_paused = true)]
async fn s10_1_a_child_without_hooks_is_ready_at_once_when_it_is_started_by_hand() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(ChildSpec::new("peer", || Peer))).await;
    sup.terminate_child("peer").await.unwrap();

    promptly("it is ready", sup.restart_child("peer")).await.unwrap();

    assert_eq!(sup.supervised_children()[0].state, ChildState::Running);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_6_a_significant_child_that_ends_because_its_supervisor_is_restarted_ends_nothing() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let spec = ChildSpec::new("boss", {
        let journal = journal.clone();
        move || Boss { journal: journal.clone() }
    });
    system.actor(Supervisor::new().child(spec.transient())).name("sup").start().await.unwrap();
    let boss: ActorRef<Boss> = system.lookup("/sup/boss").unwrap();

    boss.tell(Fail).await.unwrap();
    settle().await;

    assert_eq!((boss.incarnation(), boss.is_alive()), (1, true));
    // Nor does one that it stops itself.
    within(&boss, |ctx| ctx.stop_child(&ctx.children()[0]).unwrap()).await;
    settle().await;
    assert_eq!((journal.count("stop s1"), boss.is_alive()), (1, true), "{journal:?}");
    system.shutdown().await;
}

/// Has one significant child.
#[derive(Actor)]
#[actor(auto_shutdown = "any_significant")]
struct Boss {
    journal: Journal,
}

#[messages]
impl Boss {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        let (journal, life) = (self.journal.clone(), ctx.incarnation());
        let plan = Plan::new("s", &journal);
        (0..life).for_each(|_| drop(plan.make()));
        ctx.child("s", move || plan.make()).transient().significant().start().await.expect("it starts");
    }

    #[message]
    fn fail(&self) {
        panic!("as it was told");
    }

    #[handle]
    fn act(&self, act: Act<Boss>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

/// Has its supervisor end it.
#[derive(Actor)]
struct Weary;

#[messages]
impl Weary {
    #[message]
    async fn leave(&self, supervisor: ActorRef<Supervisor>, ctx: &mut Context<Self>) -> Result<(), ChildError> {
        supervisor.terminate_child(ctx.actor_ref()).await
    }
}

#[tokio::test(start_paused = true)]
async fn s10_1_a_child_that_has_itself_terminated_by_reference_does_not_wait_for_its_own_end() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(ChildSpec::new("weary", || Weary).unlimited_stop())).await;
    let weary: ActorRef<Weary> = stage.system.lookup("/sup/weary").unwrap();

    promptly("it is answered", weary.ask(Leave { supervisor: sup })).await.unwrap();

    assert_eq!(promptly("it ends", weary.stopped()).await, ExitReason::Shutdown);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_1_one_that_is_on_its_way_down_and_is_terminated_ends_when_it_has_stopped() {
    let stage = Stage::new();
    let b = stage.plan("b").stops(|_| Stop::Takes(Duration::from_secs(3)));
    let sup = stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children([stage.spec("a"), b.spec()])).await;
    let began = Instant::now();
    stage.worker("a").tell(End::Panic).await.unwrap();
    eventually("b is on its way down", || sup.supervised_children()[1].state == ChildState::Restarting).await;

    promptly("it is terminated", sup.terminate_child("b")).await.unwrap();

    assert_eq!(began.elapsed().as_secs(), 3);
    stage.system.shutdown().await;
}

/// Has a job that panics when it is let go.
#[derive(Actor)]
struct Lender {
    until: Arc<Mutex<Option<Receiver<()>>>>,
    begun: Gate,
}

#[messages]
impl Lender {
    #[message]
    fn lend(&self, ctx: &mut Context<Self>) {
        let (until, begun) = (self.until.lock().unwrap().take().expect("it is told once"), self.begun.clone());
        drop(ctx.spawn_blocking(move |_| {
            begun.open();
            let _ = until.recv();
            panic!("too late");
        }));
    }

    #[message]
    fn which(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

#[test]
fn s6_6_what_an_old_life_has_left_fails_no_later_one() {
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (system, (done, until)) = (ActorSystem::new("test"), channel());
        let (until, begun) = (Arc::new(Mutex::new(Some(until))), Gate::new());
        let begins = begun.clone();
        let spec = ChildSpec::new("lender", move || Lender { until: until.clone(), begun: begins.clone() });
        system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
        let lender: ActorRef<Lender> = system.lookup("/sup/lender").unwrap();
        lender.ask(Lend).await.unwrap();
        promptly("the job begins", begun.pass()).await;
        lender.kill();
        assert_eq!(promptly("the next life", lender.ask(Which)).await.unwrap(), 1);

        done.send(()).expect("the job waits");
        // The one thread that may block has done with the job by then.
        promptly("it is over", tokio::task::spawn_blocking(|| ())).await.unwrap();

        assert_eq!(promptly("it goes on", lender.ask(Which)).await.unwrap(), 1);
        system.shutdown().await;
    });
}

/// Takes a while to start.
#[derive(Actor)]
struct Riser(Journal);

#[messages]
impl Riser {
    #[started]
    async fn rise(&mut self) {
        self.0.note("begun");
        tokio::task::yield_now().await;
    }

    #[stopped]
    fn lie_down(&self) {
        self.0.note("ended");
    }

    #[message]
    fn greet_riser(&self) {}
}

#[tokio::test(start_paused = true)]
async fn s7_5_one_whose_start_waits_does_not_begin_it_when_it_was_asked_to_stop_before() {
    let (system, journal) = (ActorSystem::new("t"), Journal::new());
    let riser = system.spawn(Riser(journal.clone()));

    riser.stop();
    promptly("it ends", riser.stopped()).await;

    assert!(journal.is_empty(), "{:?}", journal.entries());
    system.shutdown().await;
}
