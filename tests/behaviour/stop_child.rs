//! A child that is stopped for good just when it is to be restarted (S10.5).

use std::future::poll_fn;
use std::task::Poll;

use actors_core::{Actor, ActorRef, ActorSystem, ChildState, Context, messages};

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
