//! What a schedule could not send (S11).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, messages};

/// Waits for ever. There is room for one.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Stuck;

#[messages]
impl Stuck {
    #[message]
    async fn hang(&self) {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_schedule_could_not_send_before_its_actor_ended_is_nobodys_message() {
    let system = ActorSystem::new("schedules");
    let stuck = system.spawn(Stuck);
    stuck.tell(Hang).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stuck.try_tell(Hang).unwrap();
    let _schedule = system.send_every(&stuck, Duration::from_secs(1), || Hang);
    tokio::time::sleep(Duration::from_secs(5)).await;

    stuck.kill();
    tokio::time::sleep(Duration::from_secs(5)).await;

    assert_eq!(system.dead_letter_count(), 1, "the one in its mailbox");
    system.shutdown().await;
}
