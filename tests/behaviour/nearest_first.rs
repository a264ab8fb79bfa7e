//! A supervisor that waits with one restart is there in time for another that is due before (S10.4, S10.7).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Backoff, ChildSpec, Supervisor, messages};
use tests::{Broken, eventually};

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
