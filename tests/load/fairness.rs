//! Actors that always have something to do leave the others their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, messages};
use tests::{eventually, promptly};

/// Sends itself a message for each that it handles.
#[derive(Actor)]
struct Restless {
    handled: Arc<AtomicU64>,
}

#[messages]
impl Restless {
    #[message]
    fn again(&mut self, ctx: &mut Context<Self>) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        // Refused once it is asked to stop.
        let _ = ctx.actor_ref().try_tell(Again);
    }

    #[message]
    fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }
}

#[derive(Actor)]
struct Quiet;

#[messages]
impl Quiet {
    #[message]
    fn answer(&self) -> u32 {
        42
    }
}

struct Stage {
    system: ActorSystem,
    handled: Arc<AtomicU64>,
    restless: [ActorRef<Restless>; 2],
    quiet: ActorRef<Quiet>,
}

/// Two that never rest, and one that does.
async fn stage() -> Stage {
    let (system, handled) = (ActorSystem::new("fairness"), Arc::new(AtomicU64::new(0)));
    let restless = [(); 2].map(|()| system.spawn(Restless { handled: handled.clone() }));
    let quiet = system.spawn(Quiet);
    for actor in &restless {
        actor.tell(Again).await.unwrap();
    }
    eventually("they are at it", || handled.load(Ordering::Relaxed) > 1_000).await;
    Stage { system, handled, restless, quiet }
}

impl Stage {
    fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }
}

/// What the two may handle while somebody else waits for an answer: a few turns of each.
const BOUND: u64 = 4_096;

#[tokio::test]
async fn an_actor_answers_while_two_others_never_rest() {
    let stage = stage().await;
    for _ in 0..200 {
        let before = stage.handled();
        assert_eq!(promptly("its answer", stage.quiet.ask(Answer)).await.unwrap(), 42);
        let meanwhile = stage.handled() - before;
        assert!(meanwhile <= BOUND, "the others have handled {meanwhile} messages meanwhile");
    }
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test]
async fn an_actor_that_never_rests_answers_itself() {
    let stage = stage().await;
    for _ in 0..100 {
        for actor in &stage.restless {
            let before = stage.handled();
            let at = promptly("its answer", actor.ask(Handled)).await.unwrap();
            assert!(at - before <= BOUND, "{} messages were handled first", at - before);
        }
    }
    assert!(stage.system.shutdown().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_two_threads_an_actor_answers_while_two_others_never_rest() {
    let stage = stage().await;
    let quiet = stage.quiet.clone();
    // From a task, which has to share the two threads.
    let asks = tokio::spawn(async move {
        for _ in 0..200 {
            assert_eq!(quiet.ask(Answer).await.unwrap(), 42);
        }
    });
    promptly("all answers", asks).await.unwrap();
    for actor in &stage.restless {
        promptly("its answer", actor.ask(Handled)).await.unwrap();
    }
    assert!(promptly("the shutdown", stage.system.shutdown()).await.is_clean());
}

#[tokio::test]
async fn a_timer_and_a_stop_come_through_while_two_others_never_rest() {
    let stage = stage().await;
    promptly("a timer", tokio::time::sleep(Duration::from_millis(5))).await;
    let before = stage.handled();
    stage.restless[0].stop();
    promptly("its end", stage.restless[0].stopped()).await;
    let meanwhile = stage.handled() - before;
    assert!(meanwhile <= BOUND, "{meanwhile} messages were handled before it had stopped");
    assert!(stage.system.shutdown().await.is_clean());
}
