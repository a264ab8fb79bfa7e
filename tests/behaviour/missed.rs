//! What a subscriber misses that is too slow is counted, however it looks for the next.

use actors_core::{Actor, ActorSystem, messages};
use tests::promptly;

#[derive(Actor)]
struct Gone;

#[messages]
impl Gone {
    #[message]
    fn never(&self) {}
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_next_dead_letter_knows_how_many_were_missed() {
    let system = ActorSystem::new("missed");
    let mut letters = system.dead_letters();
    for _ in 0..3 {
        let gone = system.actor(Gone).mailbox(1_000).spawn();
        for _ in 0..1_000 {
            gone.try_tell(Never).unwrap();
        }
        gone.kill();
        promptly("its end", gone.stopped()).await;
    }

    promptly("the next", letters.recv()).await.expect("there are some");

    assert_eq!(letters.missed(), 3_000 - 1_024);
    system.shutdown().await;
}
