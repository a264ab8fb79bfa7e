//! Children that are made, listed, terminated, restarted and removed while their supervisor runs (S3.3, S10.1, S10.2, S10.7).

use std::sync::Arc;
use std::time::Duration;

use actors_core::{
    Actor, ActorPath, ActorRef, AutoShutdown, ChildError, ChildInfo, ChildSpec, ChildState, Context, DynamicSupervisor, ExitReason, Policy,
    Restart, StartError, StartFailure, Supervisor, messages,
};
use tests::lived::{Add, End, Life, Lived, Plan, Stage, Start, Stop, Wait, names};
use tests::{Broken, Gate, eventually, promptly};

use crate::cast::settle;

/// A dynamic supervisor of workers, each made from its own plan.
async fn pool(stage: &Stage, set_up: impl FnOnce(DynamicSupervisor<Plan, Lived>) -> DynamicSupervisor<Plan, Lived>) -> Pool {
    let supervisor = set_up(Supervisor::dynamic(|plan: Plan| plan.make()));
    stage.system.actor(supervisor).name("pool").start().await.expect("it starts")
}

type Pool = ActorRef<DynamicSupervisor<Plan, Lived>>;

fn state(children: &[ChildInfo], name: &str) -> ChildState {
    children.iter().find(|child| child.name.as_deref() == Some(name)).expect("it is listed").state
}

// ===== LIF-4 =====

#[tokio::test(start_paused = true)]
async fn lif_4_a_supervisor_starts_as_a_unit() {
    for start in [Start::Fails, Start::Panics] {
        let stage = Stage::new();
        let (b, c) = (stage.plan("b").starts(move |_| start.clone()), stage.plan("c"));
        let sup = Supervisor::new().children([stage.spec("a"), b.spec(), c.spec()]);

        let failed = stage.system.actor(sup).name("sup").start().await.unwrap_err();

        let culprit = failed.error().and_then(|error| error.downcast_ref::<StartError>()).expect("the culprit is named");
        assert_eq!(*culprit.path(), "/sup/b");
        match culprit.failure() {
            StartFailure::Failed(error) => assert_eq!(error.downcast_ref(), Some(&Broken("not today"))),
            StartFailure::Panicked { message, .. } => assert_eq!(&**message, "no start"),
            other => panic!("not what went wrong: {other}"),
        }
        assert_eq!((b.lives(), c.lives()), (1, 0), "S3.3");
        assert_eq!(stage.journal.entries(), ["start a0", "stop a0"]);
        assert_eq!(stage.system.actors(), 0);
        stage.system.shutdown().await;
    }
}

// ===== STR-3 =====

#[tokio::test(start_paused = true)]
async fn str_3_dynamic_children_are_counted_replaced_and_terminated_each_on_its_own() {
    let stage = Stage::new();
    let pool = pool(&stage, |pool| pool.permanent()).await;
    let [a, b, c] = ["a", "b", "c"].map(|name| stage.plan(name));
    let (a, b, c) = (pool.start_child(a).await.unwrap(), pool.start_child(b).await.unwrap(), pool.start_child(c).await.unwrap());
    let counts = pool.count_children();
    assert_eq!((counts.specs, counts.active, counts.supervisors, counts.workers), (3, 3, 0, 3));
    let listed: Vec<_> = pool.supervised_children().iter().map(|child| child.id).collect();
    assert_eq!(listed, [a.id(), b.id(), c.id()]);

    a.tell(End::Panic).await.unwrap();
    assert_eq!((a.ask(Life).await.unwrap(), b.ask(Life).await.unwrap()), (1, 0));

    pool.terminate_child(&b).await.unwrap();
    assert_eq!(b.stopped().await, ExitReason::Shutdown);
    pool.terminate_child(&b).await.expect("twice is harmless");
    assert_eq!(pool.count_children().specs, 2, "what has no name leaves no trace");
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn str_3_a_child_of_somebody_else_is_not_found_and_lives() {
    let stage = Stage::new();
    let pool = pool(&stage, |pool| pool).await;
    let other = stage.system.actor(Supervisor::dynamic(|plan: Plan| plan.make())).name("other").start().await.unwrap();
    let child = other.start_child(stage.plan("a")).await.unwrap();
    let plain = stage.system.spawn(stage.plan("plain").make());
    for stranger in [&child, &plain] {
        assert_eq!(pool.terminate_child(stranger).await, Err(ChildError::NotFound));
        assert_eq!(pool.remove_child(stranger), Err(ChildError::NotFound));
        assert_eq!(pool.restart_child(stranger).await, Err(ChildError::NotFound));
        assert_eq!(stranger.ask(Add).await.unwrap(), 1);
    }
    child.stop();
    promptly("it ends", child.stopped()).await;
    assert_eq!(pool.terminate_child(&child).await, Err(ChildError::NotFound), "nor is one that has ended");
    stage.system.shutdown().await;
}

// ===== STR-4 =====

#[tokio::test(start_paused = true)]
async fn str_4_children_are_managed_by_name() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(stage.spec("a"))).await;

    let taken = sup.add_child(stage.spec("a")).await.unwrap_err();
    assert!(taken.is_name_taken() && !taken.is_already_present());
    assert_eq!(taken.holder::<Lived>(), Some(stage.worker("a")));
    assert_eq!(sup.restart_child("a").await, Err(ChildError::Running));
    assert_eq!(sup.remove_child("a"), Err(ChildError::Running));

    assert_eq!(sup.terminate_child("a").await, Ok(()));
    assert_eq!(sup.terminate_child("a").await, Ok(()));
    let present = sup.add_child(stage.spec("a")).await.unwrap_err();
    assert!(present.is_already_present() && !present.is_name_taken());
    assert_eq!(sup.restart_child("a").await, Ok(()));
    assert_eq!(stage.worker("a").ask(Add).await.unwrap(), 1);

    assert_eq!(sup.terminate_child("a").await, Ok(()));
    assert_eq!(sup.remove_child("a"), Ok(()));
    assert_eq!(sup.remove_child("a"), Err(ChildError::NotFound));
    assert_eq!(sup.restart_child("a").await, Err(ChildError::NotFound));
    assert_eq!(sup.terminate_child("a").await, Err(ChildError::NotFound));
    assert!(sup.supervised_children().is_empty());
    assert_eq!(sup.add_child(stage.spec("a")).await.unwrap(), "/sup/a");
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn str_4_an_add_that_does_not_start_leaves_the_list_as_it_was() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let stage = Stage::new();
        let sup = stage.supervise(Supervisor::new().child(stage.spec("a"))).await;
        let plan = stage.plan("b").starts(|life| if life == 0 { Start::Fails } else { Start::Panics });
        for _ in 0..2 {
            let failed = sup.add_child(plan.spec().restart(restart)).await.unwrap_err();
            assert!(matches!(failed.failure(), StartFailure::Failed(_) | StartFailure::Panicked { .. }), "{failed}");
            assert_eq!(names(&sup.supervised_children()), ["a"]);
        }
        settle().await;
        assert_eq!(plan.lives(), 2, "nobody tries it again");
        assert!(sup.is_alive());
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn str_4_a_restart_by_hand_that_fails_leaves_the_spec() {
    let stage = Stage::new();
    let plan = stage.plan("a").starts(|life| if life == 1 { Start::Fails } else { Start::Ready });
    let sup = stage.supervise(Supervisor::new().child(plan.spec())).await;
    sup.terminate_child("a").await.unwrap();
    assert!(matches!(sup.restart_child("a").await, Err(ChildError::NotStarted(StartFailure::Failed(_)))));
    assert_eq!(state(&sup.supervised_children(), "a"), ChildState::NotRunning);
    assert_eq!(sup.restart_child("a").await, Ok(()));
    assert_eq!(plan.lives(), 3);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn str_4_who_is_restarted_by_hand_stands_where_it_stood() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().children(stage.specs(["a", "b", "c"]))).await;
    sup.terminate_child("a").await.unwrap();
    sup.restart_child("a").await.unwrap();
    assert_eq!(names(&sup.supervised_children()), ["a", "b", "c"]);
    stage.system.shutdown().await;
    let entries = stage.journal.entries();
    assert_eq!(entries[entries.len() - 3..], ["stop c0", "stop b0", "stop a1"]);
}

#[tokio::test(start_paused = true)]
async fn str_4_an_add_that_is_given_up_leaves_nothing() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new()).await;
    let plan = stage.plan("a").starts(|_| Start::Hangs);
    let add = tokio::time::timeout(Duration::from_secs(1), sup.add_child(plan.spec()));
    assert!(add.await.is_err());
    settle().await;
    assert_eq!((sup.count_children().specs, plan.lives(), stage.system.actors()), (0, 1, 1));
    stage.system.shutdown().await;
}

// ===== STR-6 =====

#[tokio::test(start_paused = true)]
async fn str_6_bad_configuration_is_refused_before_any_child_starts() {
    let hour = Duration::from_secs(3600);
    type Change = fn(Supervisor, &Stage) -> Supervisor;
    let bad: [(Change, &str); 5] = [
        (|sup, stage| sup.children(stage.specs(["b", "a"])), "two children of the same name"),
        (|sup, _| sup.restarts(1, Duration::ZERO), "a period of zero"),
        (|sup, stage| sup.child(stage.spec("b/c")), "is not a name"),
        (|sup, stage| sup.auto_shutdown(AutoShutdown::AnySignificant).child(stage.spec("b").significant()), "permanent"),
        (|sup, stage| sup.child(stage.spec("b").temporary().significant()), "auto_shutdown"),
    ];
    for (change, complaint) in bad {
        let stage = Stage::new();
        let plan = stage.plan("a");
        let sup = change(Supervisor::new().restarts(1, hour).child(plan.spec()), &stage);
        let refused = stage.system.start(sup).await.unwrap_err().to_string();
        assert!(refused.contains(complaint), "{refused}");
        assert_eq!(plan.lives(), 0, "{complaint}");
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn str_6_a_bad_spec_is_refused_when_it_is_added() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new()).await;
    let plan = stage.plan("a");
    for spec in [plan.spec().temporary().significant(), plan.spec().significant()] {
        let refused = sup.add_child(spec).await.unwrap_err();
        assert!(matches!(refused.failure(), StartFailure::BadSpec(_)), "{refused}");
    }
    assert_eq!((plan.lives(), sup.count_children().specs), (0, 0));
    stage.system.shutdown().await;
}

/// Supervises by its own policy.
#[derive(Actor)]
struct Parent {
    plan: Plan,
}

#[messages]
impl Parent {
    #[message]
    async fn add_one(&mut self, ctx: &mut Context<Self>) -> Option<StartFailure> {
        ctx.add_child(self.plan.spec()).await.err().map(|refused| refused.failure().clone())
    }
}

#[tokio::test(start_paused = true)]
async fn s10_1_a_period_of_zero_in_an_actor_s_own_policy_is_refused_before_its_first_child() {
    let stage = Stage::new();
    let plan = stage.plan("child");
    for (restarts, refuses) in [(1, true), (0, false), (Policy::UNLIMITED, false)] {
        let made = plan.clone();
        let spec = ChildSpec::new("parent", move || Parent { plan: made.clone() });
        let spec = spec.policy(move |policy| (policy.restarts, policy.within) = (restarts, Duration::ZERO));
        let sup = stage.system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
        let parent = stage.system.lookup::<Parent>("/sup/parent").unwrap();

        let refused = parent.ask(AddOne).await.unwrap();

        assert_eq!(matches!(refused, Some(StartFailure::BadSpec(_))), refuses, "{restarts}: {refused:?}");
        assert_eq!(plan.lives() == 0, refuses);
        sup.stop();
        sup.stopped().await;
    }
    stage.system.shutdown().await;
}

// ===== REG-5 =====

/// Spawns one child of its own named `a`, and supervises another of that name if asked to.
#[derive(actors_core::Actor)]
struct Mixed {
    plan: Plan,
}

#[messages]
impl Mixed {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(self.plan.make()).name("a").spawn();
    }

    #[message]
    async fn supervise_another(&mut self, ctx: &mut Context<Self>) -> Result<ActorPath, StartError> {
        ctx.add_child(self.plan.spec()).await
    }

    #[message]
    fn supervised(&self, ctx: &mut Context<Self>) -> usize {
        ctx.count_children().specs
    }
}

#[tokio::test(start_paused = true)]
async fn reg_5_a_name_of_one_that_is_not_supervised_is_refused_and_its_holder_left_alone() {
    let stage = Stage::new();
    let plan = stage.plan("a");
    let mixed = stage.system.actor(Mixed { plan: plan.clone() }).name("sup").start().await.unwrap();
    let outsider = stage.worker("a");

    let refused = mixed.ask(SuperviseAnother).await.unwrap_err().into_failure().expect("its error");

    assert!(refused.is_name_taken());
    assert_eq!(refused.holder::<Lived>(), Some(outsider.clone()));
    assert_eq!((mixed.ask(Supervised).await.unwrap(), outsider.ask(Life).await.unwrap()), (0, 0));
    mixed.stop();
    assert_eq!(promptly("it stops", mixed.stopped()).await, ExitReason::Normal);
    stage.system.shutdown().await;
}

// ===== REF-5 =====

#[tokio::test(start_paused = true)]
async fn ref_5_the_argument_of_a_temporary_child_is_not_kept_and_that_of_a_permanent_one_is() {
    struct Keeps(#[allow(dead_code, reason = "kept to be counted")] Arc<[u8]>);
    impl actors_core::Protocol for Keeps {
        type Msg = End;
    }
    impl actors_core::Actor for Keeps {
        const HOOKS: actors_core::Hooks = actors_core::Hooks::NONE;
        async fn handle(&mut self, _: End, ctx: &mut Context<Self>) -> Result<(), actors_core::BoxError> {
            ctx.stop();
            Ok(())
        }
    }
    let stage = Stage::new();
    let large: Arc<[u8]> = vec![0; 100_000].into();
    let temporary = stage.system.start(Supervisor::dynamic(Keeps)).await.unwrap();
    let mut children = Vec::new();
    for _ in 0..100 {
        children.push(temporary.start_child(large.clone()).await.unwrap());
    }
    assert_eq!(Arc::strong_count(&large), 101, "one for each that lives");
    for (gone, child) in children.iter().enumerate().take(40) {
        child.stop();
        child.stopped().await;
        assert_eq!(Arc::strong_count(&large), 100 - gone);
    }

    let permanent = stage.system.start(Supervisor::dynamic(Keeps).permanent()).await.unwrap();
    permanent.start_child(large.clone()).await.unwrap();
    assert_eq!(Arc::strong_count(&large), 63, "and one to restart from");
    stage.system.shutdown().await;
    drop((temporary, permanent, children));
    assert_eq!(Arc::strong_count(&large), 1);
}

// ===== SHD-6 =====

#[tokio::test(start_paused = true)]
async fn shd_6_a_killed_supervisor_is_replaced_with_new_children_and_leaves_no_orphan() {
    let stage = Stage::new();
    let worker = stage.plan("a").notes_drop();
    let middle = ChildSpec::new("sup", move || Supervisor::new().child(worker.spec()));
    stage.system.actor(Supervisor::new().child(middle)).name("top").start().await.unwrap();
    let middle = stage.system.lookup::<Supervisor>("/top/sup").unwrap();
    let old = stage.system.lookup::<Lived>("/top/sup/a").unwrap();

    middle.kill();

    assert_eq!(promptly("the old worker ends", old.stopped()).await, ExitReason::Killed);
    stage.noted("start a1", 1).await;
    assert_eq!(stage.journal.entries(), ["start a0", "stop a0", "gone a0", "start a1"]);
    assert_eq!((middle.incarnation(), middle.count_children().active), (1, 1));
    assert_eq!(stage.system.lookup::<Lived>("/top/sup/a").unwrap().ask(Life).await.unwrap(), 1);
    assert_eq!(stage.system.actors(), 3);
    assert!(stage.system.shutdown().await.actors.iter().all(|actor| actor.exit.reason == ExitReason::Shutdown));
}

// ===== S10.7: a supervisor answers while its children move =====

#[tokio::test(start_paused = true)]
async fn a_supervisor_answers_and_stops_while_a_child_is_starting() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(stage.spec("a"))).await;
    let adding = tokio::spawn({
        let (sup, spec) = (sup.clone(), stage.plan("slow").starts(|_| Start::Hangs).spec());
        async move { sup.add_child(spec).await }
    });
    eventually("it is being started", || sup.count_children().specs == 2).await;
    assert_eq!(state(&sup.supervised_children(), "slow"), ChildState::Starting);
    assert_eq!(sup.add_child(stage.spec("b")).await.unwrap(), "/sup/b");
    sup.terminate_child("a").await.unwrap();
    sup.terminate_child("slow").await.expect("also one that is being started");
    assert!(promptly("the add returns", adding).await.unwrap().is_err());
    assert_eq!(names(&sup.supervised_children()), ["a", "b"]);

    let adding = sup.add_child(stage.plan("late").starts(|_| Start::Hangs).spec());
    let stopping = async {
        eventually("it is being started", || sup.count_children().specs == 3).await;
        sup.stop();
    };
    assert!(promptly("the add returns", async { tokio::join!(adding, stopping).0 }).await.is_err());
    assert_eq!(promptly("it stops", sup.stopped()).await, ExitReason::Normal);
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_answers_while_a_child_is_stuck_in_its_handler_as_it_is_terminated() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(stage.spec("a").stop_limit(Duration::from_secs(5))).child(stage.spec("b"))).await;
    let gate = Gate::new();
    stage.worker("a").tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let terminating = tokio::spawn({
        let sup = sup.clone();
        async move { sup.terminate_child("a").await }
    });
    eventually("it is being stopped", || state(&sup.supervised_children(), "a") == ChildState::Stopping).await;
    assert_eq!(sup.remove_child("a"), Err(ChildError::Running));
    assert_eq!(sup.restart_child("a").await, Err(ChildError::Running));
    stage.worker("b").tell(End::Panic).await.unwrap();
    assert_eq!(stage.worker("b").ask(Life).await.unwrap(), 1, "others are restarted meanwhile");
    assert_eq!(promptly("within its limit", terminating).await.unwrap(), Ok(()));
    assert_eq!(state(&sup.supervised_children(), "a"), ChildState::NotRunning);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_stuck_in_its_restarts_can_be_terminated_and_removed() {
    for (start, reason) in [(Start::Hangs, ExitReason::Killed), (Start::Fails, ExitReason::Shutdown)] {
        let stage = Stage::new();
        let plan = stage.plan("a").starts(move |life| if life == 0 { Start::Ready } else { start.clone() });
        let spec = plan.spec().backoff(actors_core::Backoff::constant(Duration::from_secs(1)));
        let sup = stage.supervise(Supervisor::new().unlimited_restarts().child(spec).child(stage.spec("b"))).await;
        let worker = stage.worker("a");
        worker.tell(End::Panic).await.unwrap();
        eventually("it is tried again", || plan.lives() >= 2).await;
        assert_eq!(state(&sup.supervised_children(), "a"), ChildState::Restarting);
        promptly("it is terminated", sup.terminate_child("a")).await.unwrap();
        assert_eq!(promptly("whoever waits is told", worker.stopped()).await, reason);
        sup.remove_child("a").unwrap();
        let lives = plan.lives();
        settle().await;
        assert_eq!((plan.lives(), names(&sup.supervised_children())), (lives, vec!["b"]));
        assert_eq!(stage.worker("b").ask(Life).await.unwrap(), 0);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_bounced_can_be_terminated_meanwhile() {
    let stage = Stage::new();
    let b = stage.plan("b").stops(|_| Stop::Takes(Duration::from_secs(3)));
    let sup = Supervisor::new().strategy(actors_core::Strategy::OneForAll).children([stage.spec("a"), b.spec(), stage.spec("c")]);
    let sup = stage.supervise(sup).await;
    stage.worker("a").tell(End::Panic).await.unwrap();
    eventually("b is on its way down", || state(&sup.supervised_children(), "b") == ChildState::Restarting).await;
    promptly("it is terminated", sup.terminate_child("b")).await.unwrap();
    stage.noted("start c1", 1).await;
    assert_eq!((b.lives(), state(&sup.supervised_children(), "b")), (1, ChildState::NotRunning));
    assert_eq!(stage.worker("a").ask(Life).await.unwrap(), 1);
    stage.system.shutdown().await;
}

/// A supervisor one-for-all whose `a` has ended, and whose `b` has failed and waits for a minute.
async fn waiting(stage: &Stage, a: ChildSpec) -> ActorRef<Supervisor> {
    let b = stage.spec("b").backoff(actors_core::Backoff::constant(Duration::from_secs(60)).no_jitter());
    let sup = Supervisor::new().strategy(actors_core::Strategy::OneForAll).children([a.transient(), b]);
    let sup = stage.supervise(sup).await;
    stage.worker("a").tell(End::Stop).await.unwrap();
    eventually("it has ended", || stage.find("a").is_none()).await;
    stage.worker("b").tell(End::Panic).await.unwrap();
    eventually("it waits", || state(&sup.supervised_children(), "b") == ChildState::Restarting).await;
    sup
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_removed_while_a_repair_waits_is_left_out_of_it() {
    let stage = Stage::new();
    let sup = waiting(&stage, stage.spec("a")).await;
    sup.remove_child("a").unwrap();
    settle().await;
    assert_eq!(stage.worker("b").ask(Life).await.unwrap(), 1);
    assert_eq!((names(&sup.supervised_children()), stage.journal.count("start a1")), (vec!["b"], 0));
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_started_by_hand_while_a_repair_waits_is_started_once() {
    let stage = Stage::new();
    let plan = stage.plan("a").starts(|life| if life == 0 { Start::Ready } else { Start::Takes(Duration::from_secs(100)) });
    let spec = plan.spec().start_limit(Duration::from_secs(200));
    let sup = waiting(&stage, spec).await;
    sup.restart_child("a").await.unwrap();
    stage.noted("start b1", 1).await;
    settle().await;
    assert_eq!((plan.lives(), sup.count_children().active), (2, 2));
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_a_supervisor_for_a_start_as_it_stops_is_told() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().child(stage.spec("a"))).await;
    sup.terminate_child("a").await.unwrap();
    sup.stop();
    let refused = promptly("the answer", sup.restart_child("a")).await;
    assert_eq!(refused, Err(ChildError::Stopping));
    let refused = promptly("the answer", sup.add_child(stage.spec("b"))).await.unwrap_err();
    assert!(refused.is_stopping());
    stage.system.shutdown().await;
}
