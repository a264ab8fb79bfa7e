//! Systems that are dropped instead of shut down (S2.3).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use tests::tree::{Branch, Habit, Node};
use tests::{Journal, eventually, promptly};
use tokio::time::Instant;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn s2_3_a_dropped_system_kills_its_tree() {
    let idle = alive_tasks();
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let working = Branch::new("working", Habit::Works(secs(10)));
    let top = working.under(2).grow(&system, &journal).await;
    let lowest: ActorRef<Node> = system.lookup("/1/2/working").expect("it is there");
    let clone = system.clone();
    drop(system);
    assert!(top.is_alive(), "a handle is left");
    drop(clone);
    assert!(!top.is_alive() && !lowest.is_alive());
    let began = Instant::now();
    assert_eq!((promptly("its end", top.stopped()).await, lowest.stopped().await), (ExitReason::Killed, ExitReason::Killed));
    assert!(began.elapsed() < secs(1), "it does not complete its work");
    assert_eq!(journal.count("working stopped"), 1);
    eventually("all tasks have gone", || alive_tasks() == idle).await;
}

#[tokio::test(start_paused = true)]
async fn s2_3_a_handle_inside_an_actor_does_not_keep_the_system() {
    let system = ActorSystem::new("house");
    let keeper = system.spawn(Keeper { system: None });
    keeper.ask(Keep).await.expect("it answers");
    assert!(keeper.ask(Keeps).await.expect("it answers"));
    drop(system);
    assert_eq!(promptly("its end", keeper.stopped()).await, ExitReason::Killed);
}

#[derive(Actor)]
struct Keeper {
    system: Option<ActorSystem>,
}

#[messages]
impl Keeper {
    #[message]
    fn keep(&mut self, ctx: &mut Context<Self>) {
        self.system = Some(ctx.system());
    }
    #[message]
    fn keeps(&self) -> bool {
        self.system.is_some()
    }
}

#[tokio::test(start_paused = true)]
async fn s2_3_a_shutdown_that_runs_goes_on_when_the_system_is_dropped() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let top = Branch::new("a", Habit::CleansUp(secs(2))).grow(&system, &journal).await;
    system.request_shutdown();
    drop(system);
    assert_eq!(promptly("its end", top.stopped()).await, ExitReason::Shutdown);
    assert_eq!(journal.count("a stopped"), 1);
}
