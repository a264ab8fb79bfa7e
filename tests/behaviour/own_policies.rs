//! What the builder changes of one actor's policy holds for that one.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Capacity, Context, ExitReason, OnStop, StartError, Supervisor, messages};
use tests::{Broken, promptly};

/// Has a child that fails.
#[derive(Actor)]
struct Above;

#[derive(Actor)]
struct Below;

#[messages]
impl Above {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        ctx.child("below", || Below).spawn().map(drop)
    }
}

#[messages]
impl Below {
    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("worn out"))
    }
}

#[tokio::test(start_paused = true)]
async fn s10_3_the_builder_sets_how_many_restarts_one_allows() {
    let system = ActorSystem::new("policies");
    let strict = system.actor(Above).name("strict").policy(|policy| policy.restarts = 0).start().await.expect("it starts");
    let mild = system.actor(Above).name("mild").policy(|policy| policy.restarts = 2).start().await.expect("it starts");
    for name in ["strict", "mild"] {
        let below: ActorRef<Below> = system.lookup(&format!("/{name}/below")).expect("it is there");
        below.tell(Fail).await.expect("it runs");
    }

    let reason = promptly("its end", strict.stopped()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    assert!(matches!(reason, ExitReason::Escalated { .. }), "{reason}");
    assert!(mild.is_alive());
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_set_before_and_after_holds_too() {
    let system = ActorSystem::new("policies");
    let below = system.actor(Below).mailbox(7).policy(|policy| {
        assert_eq!(policy.mailbox, Capacity::Bounded(7));
        policy.mailbox = Capacity::Bounded(2);
        policy.on_stop = OnStop::Drain;
    });
    let below = below.spawn();
    below.try_tell(Fail).expect("there is room");
    below.try_tell(Fail).expect("there is room");
    assert!(below.try_tell(Fail).is_err_and(|refused| refused.is_full()));

    let narrow = system.actor(Below).policy(|policy| policy.mailbox = Capacity::Unbounded).mailbox(1).spawn();
    narrow.try_tell(Fail).expect("there is room");
    assert!(narrow.try_tell(Fail).is_err_and(|refused| refused.is_full()));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_dynamic_supervisor_changes_holds_for_each_of_its_children() {
    let system = ActorSystem::new("policies");
    let children = Supervisor::dynamic(|()| Below).policy(|policy| policy.mailbox = Capacity::Bounded(2));
    let children = system.start(children.policy(|policy| policy.mailbox = Capacity::Bounded(1))).await.expect("it starts");
    for _ in 0..2 {
        let below = children.start_child(()).await.expect("it starts");
        below.try_tell(Fail).expect("there is room");
        assert!(below.try_tell(Fail).is_err_and(|refused| refused.is_full()));
    }
    system.shutdown().await;
}
