//! Significant children: whose end ends their supervisor (S10.6).

use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, AutoShutdown, ChildSpec, ChildState, Context, ExitReason, StartError, StartFailure, Strategy, Supervisor,
    messages,
};
use tests::lived::{End, Life, Plan, Stage, Start, names};
use tests::{Journal, promptly};

use crate::cast::settle;

/// Two significant temporary children, `a` and `b`, and `c`, which is not.
async fn three(stage: &Stage, auto_shutdown: AutoShutdown) -> ActorRef<Supervisor> {
    let significant = |name| stage.spec(name).temporary().significant();
    let sup = Supervisor::new().auto_shutdown(auto_shutdown);
    stage.supervise(sup.children([significant("a"), significant("b"), stage.spec("c")])).await
}

async fn end(stage: &Stage, name: &str, how: End) {
    stage.worker(name).tell(how).await.expect("it takes messages");
    settle().await;
}

// ===== SIG-1 =====

#[tokio::test(start_paused = true)]
async fn sig_1_the_end_of_any_significant_child_ends_its_supervisor() {
    for how in End::ALL {
        let stage = Stage::new();
        let sup = three(&stage, AutoShutdown::AnySignificant).await;
        stage.worker("a").tell(how).await.unwrap();
        assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Shutdown, "{how:?}");
        assert_eq!(stage.journal.entries()[3..], ["stop a0", "stop c0", "stop b0"]);
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn sig_1_one_that_is_terminated_by_hand_does_not_count() {
    let stage = Stage::new();
    let sup = three(&stage, AutoShutdown::AnySignificant).await;
    sup.terminate_child("a").await.unwrap();
    settle().await;
    assert!(sup.is_alive());
    assert_eq!(names(&sup.supervised_children()), ["b", "c"]);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_waits_for_any_more_does_not_count() {
    let stage = Stage::new();
    let sup = stage.supervise(Supervisor::new().auto_shutdown(AutoShutdown::AnySignificant).child(stage.spec("c"))).await;
    let slow = stage.plan("slow").starts(|_| Start::Hangs).spec().temporary().significant();

    let given_up = tokio::time::timeout(Duration::from_secs(1), sup.add_child(slow)).await;
    settle().await;

    assert!(given_up.is_err() && sup.is_alive());
    assert_eq!(names(&sup.supervised_children()), ["c"]);
    stage.system.shutdown().await;
}

// ===== SIG-2 =====

#[tokio::test(start_paused = true)]
async fn sig_2_with_all_significant_the_last_of_them_ends_the_supervisor() {
    let stage = Stage::new();
    let sup = three(&stage, AutoShutdown::AllSignificant).await;
    end(&stage, "a", End::Stop).await;
    assert_eq!((stage.worker("b").ask(Life).await.unwrap(), stage.worker("c").ask(Life).await.unwrap()), (0, 0));
    end(&stage, "b", End::Stop).await;
    assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Shutdown);
    assert_eq!(stage.journal.entries()[3..], ["stop a0", "stop b0", "stop c0"]);
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn sig_2_a_child_that_is_not_significant_never_counts() {
    for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
        let stage = Stage::new();
        let sup = Supervisor::new().auto_shutdown(auto_shutdown);
        let sup = stage.supervise(sup.child(stage.spec("t").transient()).child(stage.spec("x").temporary())).await;
        end(&stage, "t", End::Stop).await;
        end(&stage, "x", End::Stop).await;
        assert!(sup.is_alive());
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn sig_2_one_that_was_terminated_by_hand_is_not_waited_for() {
    let stage = Stage::new();
    let sup = three(&stage, AutoShutdown::AllSignificant).await;
    sup.terminate_child("a").await.unwrap();
    settle().await;
    assert!(sup.is_alive());
    end(&stage, "b", End::Stop).await;
    assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Shutdown);
    stage.system.shutdown().await;
}

// ===== SIG-3 =====

#[tokio::test(start_paused = true)]
async fn sig_3_a_transient_significant_child_that_fails_is_restarted_and_one_that_is_done_ends_its_supervisor() {
    for how in End::ABNORMAL {
        for last in End::CLEAN {
            let stage = Stage::new();
            let sup = Supervisor::new().auto_shutdown(AutoShutdown::AnySignificant);
            let sup = stage.supervise(sup.child(stage.spec("a").transient().significant()).child(stage.spec("b"))).await;
            end(&stage, "a", how).await;
            assert_eq!(stage.worker("a").ask(Life).await.unwrap(), 1, "{how:?}");
            assert_eq!(stage.worker("b").ask(Life).await.unwrap(), 0);
            end(&stage, "a", last).await;
            assert_eq!(promptly("it ends", sup.stopped()).await, ExitReason::Shutdown, "{last:?}");
            stage.system.shutdown().await;
        }
    }
}

// ===== SIG-4 =====

#[tokio::test(start_paused = true)]
async fn sig_4_combinations_that_cannot_be_are_refused() {
    let stage = Stage::new();
    type Wrong = fn(ChildSpec) -> ChildSpec;
    let bad: [(AutoShutdown, Wrong); 3] = [
        (AutoShutdown::AnySignificant, |spec| spec.permanent().significant()),
        (AutoShutdown::Never, |spec| spec.transient().significant()),
        (AutoShutdown::Never, |spec| spec.temporary().significant()),
    ];
    for (auto_shutdown, change) in bad {
        let plan = stage.plan("a");
        let spec = change(plan.spec());
        let refused = stage.system.start(Supervisor::new().auto_shutdown(auto_shutdown).child(spec.clone())).await.unwrap_err();
        assert!(refused.to_string().contains("bad combination"), "{refused}");

        let sup = stage.system.start(Supervisor::new().auto_shutdown(auto_shutdown)).await.unwrap();
        let refused = sup.add_child(spec).await.unwrap_err();
        assert!(matches!(refused.failure(), StartFailure::BadSpec(_)), "{refused}");
        assert_eq!((plan.lives(), sup.count_children().specs), (0, 0));
    }
    stage.system.shutdown().await;
}

// ===== beside the scenarios =====

#[tokio::test(start_paused = true)]
async fn a_significant_bystander_that_is_taken_along_or_declines_does_not_count() {
    let stage = Stage::new();
    let declines = stage.plan("d").starts(|_| Start::Declines).spec().transient().significant();
    let sup = Supervisor::new().strategy(Strategy::OneForAll).auto_shutdown(AutoShutdown::AnySignificant);
    let specs = [stage.spec("a"), stage.spec("t").temporary().significant(), stage.spec("r").transient().significant(), declines];
    let sup = stage.supervise(sup.children(specs)).await;
    end(&stage, "a", End::Panic).await;
    assert!(sup.is_alive(), "S10.6");
    assert_eq!(names(&sup.supervised_children()), ["a", "r", "d"]);
    assert_eq!(stage.worker("r").ask(Life).await.unwrap(), 1);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_shuts_down_is_restarted_by_its_own_if_it_is_permanent() {
    for permanent in [true, false] {
        let stage = Stage::new();
        let worker = stage.spec("a").temporary().significant();
        let middle = ChildSpec::new("sup", move || Supervisor::new().auto_shutdown(AutoShutdown::AnySignificant).child(worker.clone()));
        let middle = if permanent { middle } else { middle.transient() };
        let top = Supervisor::new().restarts(1, Duration::from_secs(60)).child(middle);
        let top = stage.system.actor(top).name("top").start().await.unwrap();
        stage.system.lookup::<tests::lived::Lived>("/top/sup/a").unwrap().tell(End::Stop).await.unwrap();
        settle().await;
        let state = top.supervised_children()[0].state;
        assert_eq!(state, if permanent { ChildState::Running } else { ChildState::NotRunning });
        assert_eq!(stage.journal.count("start a1"), usize::from(permanent));
        stage.system.shutdown().await;
    }
}

/// Is killed as soon as it has started.
#[derive(Actor)]
struct Brief;

#[messages]
impl Brief {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.actor_ref().tell(Fall).await.expect("there is room");
    }

    #[message]
    fn fall(&self, ctx: &mut Context<Self>) {
        ctx.actor_ref().kill();
    }
}

/// Ends with its child.
#[derive(Actor)]
#[actor(auto_shutdown = "any_significant")]
struct Parent;

#[messages]
impl Parent {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        ctx.child("brief", || Brief).temporary().significant().start().await?;
        Ok(())
    }

    #[message]
    fn nothing(&self) {}
}

#[tokio::test]
async fn a_significant_child_that_is_killed_before_its_supervisor_has_seen_that_it_is_ready_counts() {
    let system = ActorSystem::new("t");
    let parent = system.spawn(Parent);
    assert_eq!(promptly("it ends", parent.stopped()).await, ExitReason::Shutdown);
    system.shutdown().await;
}

/// Stops a child of its own.
#[derive(Actor)]
#[actor(auto_shutdown = "any_significant")]
struct Manager {
    journal: Journal,
}

#[messages]
impl Manager {
    /// Returns what those that are left are about.
    #[message]
    async fn stop_one(&mut self, permanence: fn(ChildSpec) -> ChildSpec, ctx: &mut Context<Self>) -> Vec<ChildState> {
        let plan = Plan::new("a", &self.journal);
        let path = ctx.add_child(permanence(plan.spec()).significant()).await.expect("it starts");
        ctx.stop_child(&path).expect("it is its child");
        settle().await;
        ctx.supervised_children().iter().map(|child| child.state).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn sig_1_one_that_its_parent_stops_does_not_count() {
    let system = ActorSystem::new("t");
    let manager = system.spawn(Manager { journal: Journal::new() });
    let temporary = manager.ask(StopOne { permanence: ChildSpec::temporary }).await;
    let transient = manager.ask(StopOne { permanence: ChildSpec::transient }).await;
    assert_eq!((temporary.unwrap(), transient.unwrap()), (vec![], vec![ChildState::NotRunning]));
    assert!(manager.is_alive());
    system.shutdown().await;
}
