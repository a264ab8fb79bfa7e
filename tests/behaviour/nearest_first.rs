//! A supervisor that waits with one restart is there in time for another that is due before (S10.4, S10.7).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Backoff, ChildSpec, Context, StartError, Supervisor, messages};
use tests::{Broken, eventually, promptly};

use crate::cast::{Act, within};

#[derive(Actor)]
struct Worker;

#[messages]
impl Worker {
    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("failed"))
    }
}

#[tokio::test(start_paused = true)]
async fn s10_4_a_restart_that_is_due_in_a_second_waits_for_none_that_is_due_in_an_hour() {
    let spec = |name, time| ChildSpec::new(name, || Worker).backoff(Backoff::exponential(time, time).no_jitter());
    let system = ActorSystem::new("nearest");
    let sup =
        Supervisor::new().unlimited_restarts().child(spec("slow", Duration::from_secs(3_600))).child(spec("quick", Duration::from_secs(1)));
    system.actor(sup).name("sup").start().await.unwrap();
    let [slow, quick]: [ActorRef<Worker>; 2] = ["slow", "quick"].map(|name| system.lookup(&format!("/sup/{name}")).unwrap());

    slow.tell(Fail).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    quick.tell(Fail).await.unwrap();

    eventually("it is restarted", || quick.incarnation() == 1).await;
    assert_eq!(slow.incarnation(), 0);
    system.shutdown().await;
}

/// Supervises four.
#[derive(Actor)]
#[actor(restarts = 9, within = "1h")]
struct Parent;

#[messages]
impl Parent {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        for (name, secs) in [("slow", 3_600), ("quick", 1), ("other", 1)] {
            let time = Duration::from_secs(secs);
            ctx.child(name, || Worker).permanent().backoff(Backoff::exponential(time, time).no_jitter()).spawn()?;
        }
        ctx.child("guest", || Worker).temporary().spawn().map(drop)
    }

    #[handle]
    fn act(&self, act: Act<Parent>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

/// Whoever waits with a restart is told of each change meanwhile, of those too that leave nothing to do.
#[tokio::test(start_paused = true)]
async fn s10_4_a_child_that_is_stopped_or_ends_meanwhile_keeps_no_other_from_its_restart() {
    let system = ActorSystem::new("nearest");
    let parent = system.actor(Parent).name("sup").start().await.unwrap();
    let [slow, quick, other, guest]: [ActorRef<Worker>; 4] =
        ["slow", "quick", "other", "guest"].map(|name| system.lookup(&format!("/sup/{name}")).unwrap());

    slow.tell(Fail).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let path = other.path();
    within(&parent, move |ctx| ctx.stop_child(&path)).await.expect("it is there");
    promptly("it ends", other.stopped()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    quick.tell(Fail).await.unwrap();
    eventually("it is restarted", || quick.incarnation() == 1).await;

    guest.stop();
    promptly("it ends", guest.stopped()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    quick.tell(Fail).await.unwrap();
    eventually("it is restarted", || quick.incarnation() == 2).await;
    system.shutdown().await;
}
