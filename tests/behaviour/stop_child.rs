//! A child that is stopped by hand: just when it is to be restarted (S10.5), twice, and only after its time.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildError, ChildState, Context, Supervisor, messages};
use tests::lived::{Stage, Wait};
use tests::{Gate, promptly};
use tokio::time::Instant;

use crate::cast::{Explode, Peer, settle};

/// Stops its child at the moment at which it sees it fail.
#[derive(Actor)]
#[actor(restarts = 100)]
struct Parent {
    child: Option<ActorRef<Peer>>,
}

#[messages]
impl Parent {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        self.child = Some(ctx.child("child", Peer::default).start().await.unwrap());
    }

    /// Has the child fail, and stops it between its failure and its restart. Returns whether there was such a moment.
    #[message]
    async fn fail_and_stop(&mut self, ctx: &mut Context<Self>) -> bool {
        let child = self.child.as_ref().unwrap();
        child.tell(Explode).await.unwrap();
        while ctx.supervised_children()[0].state == ChildState::Running && child.incarnation() == 0 {
            next_turn().await;
        }
        let caught = ctx.supervised_children()[0].state == ChildState::Restarting && child.incarnation() == 0;
        ctx.stop_child(&child.path()).unwrap();
        caught
    }

    #[message]
    fn running(&self, ctx: &mut Context<Self>) -> usize {
        ctx.count_children().active + ctx.children().len()
    }
}

/// Goes to the end of the queue of tasks, before all that begins from now on.
async fn next_turn() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn s10_5_a_child_that_is_stopped_while_it_is_to_be_restarted_stays_down() {
    let system = ActorSystem::new("children");
    let parent = system.actor(Parent { child: None }).name("parent").start().await.unwrap();

    let caught = parent.ask(FailAndStop).await.unwrap();
    settle().await;

    assert!(caught, "it was stopped between two incarnations");
    assert_eq!(parent.ask(Running).await.unwrap(), 0);
    assert!(system.lookup::<Peer>("/parent/child").is_none());
}

/// A supervisor with a child that a stop waits for, for a second at most.
async fn with_one_that_waits(stage: &Stage) -> ActorRef<Supervisor> {
    let sup = stage.supervise(Supervisor::new().child(stage.spec("slow").stop_limit(Duration::from_secs(1)))).await;
    let gate = Gate::new();
    stage.worker("slow").tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    sup
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_terminated_twice_has_the_time_of_one_stop() {
    let stage = Stage::new();
    let sup = with_one_that_waits(&stage).await;
    let (began, first) = (Instant::now(), sup.clone());
    let first = tokio::spawn(async move { first.terminate_child("slow").await });
    tokio::time::sleep(Duration::from_millis(900)).await;

    promptly("the second", sup.terminate_child("slow")).await.unwrap();

    promptly("the first", first).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_millis(1_700), "{:?}", began.elapsed());
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_had_to_be_killed_to_be_terminated_can_be_started_again() {
    let stage = Stage::new();
    let sup = with_one_that_waits(&stage).await;

    promptly("its end", sup.terminate_child("slow")).await.unwrap();

    assert_eq!(sup.supervised_children()[0].state, ChildState::NotRunning);
    promptly("its start", sup.restart_child("slow")).await.unwrap();
    assert_eq!(sup.supervised_children()[0].state, ChildState::Running);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s10_2_a_supervisor_that_stops_finds_and_starts_nobody_any_more() {
    let stage = Stage::new();
    let specs = [stage.spec("slow").stop_limit(Duration::from_secs(1)), stage.spec("done").transient()];
    let sup = stage.supervise(Supervisor::new().children(specs)).await;
    stage.worker("done").stop();
    let gate = Gate::new();
    stage.worker("slow").tell(Wait { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    assert_eq!(sup.terminate_child("nobody").await, Err(ChildError::NotFound));

    sup.stop();
    tokio::time::sleep(Duration::from_millis(1)).await;

    let asked = Instant::now();
    assert_eq!(promptly("an answer", sup.terminate_child("nobody")).await, Err(ChildError::Stopping));
    assert_eq!(promptly("an answer", sup.restart_child("done")).await, Err(ChildError::Stopping));
    assert!(asked.elapsed() < Duration::from_millis(100), "before the slow one has ended");
    stage.system.shutdown().await;
}
