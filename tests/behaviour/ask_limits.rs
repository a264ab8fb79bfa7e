//! The limits of asks: whose counts, where it passes, and what is left of it for those who are asked in turn.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, messages};
use futures_util::FutureExt as _;
use tests::{Journal, eventually};
use tokio::time::Instant;

use crate::clerk::{Clerk, Deadline, Double, Keep, Release, Toil, busy_clerk};

// ===== limits =====

#[tokio::test(start_paused = true)]
async fn ask_2_a_timed_out_ask_names_target_message_and_limit_and_leaves_the_actor_usable() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();
    let began = Instant::now();

    let late = clerk.ask(Toil { takes: Duration::from_millis(400) }).within(Duration::from_millis(100)).await.unwrap_err();

    assert_eq!(began.elapsed().as_millis() / 10, 10);
    assert_eq!(late.to_string(), "/clerk did not answer `Toil` within 100ms");
    let AskError::TimedOutInHandler { path, message_type, limit } = late else { panic!("{late}") };
    assert_eq!((path.to_string(), message_type, limit), ("/clerk".into(), "Toil", Duration::from_millis(100)));
    assert_eq!(clerk.ask(Double { n: 2 }).await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn ask_2_the_limit_given_at_the_call_wins_over_the_actors_default() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).ask_limit(Duration::from_millis(100)).spawn();
    let takes = Duration::from_millis(400);

    let by_default = clerk.ask(Toil { takes }).await.unwrap_err();
    let AskError::TimedOutInHandler { limit, .. } = by_default else { panic!("{by_default}") };
    assert_eq!(limit, Duration::from_millis(100));

    clerk.ask(Double { n: 1 }).within(Duration::from_secs(1)).await.unwrap();
    assert_eq!(clerk.ask(Toil { takes }).within(Duration::from_secs(1)).await.unwrap(), 1, "longer than the default");
    let began = Instant::now();
    clerk.ask(Toil { takes }).within(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(began.elapsed().as_millis() / 10, 5, "shorter than the default");
}

#[tokio::test(start_paused = true)]
async fn an_ask_has_no_limit_unless_one_is_set() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());

    let a_week = Duration::from_secs(7 * 24 * 3600);

    assert_eq!(clerk.ask(Toil { takes: a_week }).await.unwrap(), 1);
    assert_eq!(clerk.ask(Deadline).await.unwrap(), None);
    assert_eq!(clerk.ask(Deadline).within(Duration::from_secs(3)).await.unwrap(), Some(Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_passes_in_the_queue_is_told_apart_from_one_in_the_handler() {
    let system = ActorSystem::new("test");
    let (clerk, gate) = busy_clerk(&system).await;

    let queued = clerk.ask(Double { n: 1 }).within(Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(queued, AskError::TimedOutInQueue { .. }), "{queued:?}");
    assert_eq!(queued.to_string(), "/clerk did not come to `Double` within 100ms");
    gate.open();

    let in_hand = clerk.ask(Toil { takes: Duration::from_secs(1) }).within(Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(in_hand, AskError::TimedOutInHandler { .. }), "{in_hand:?}");
    clerk.ask(Double { n: 1 }).await.unwrap();
    let put_off = clerk.ask(Keep).within(Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(put_off, AskError::TimedOutInHandler { .. }), "{put_off:?}");
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_is_discarded() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let clerk = system.spawn(Clerk { journal: journal.clone(), ..Clerk::default() });

    clerk.ask(Toil { takes: Duration::from_millis(400) }).within(Duration::from_millis(100)).await.unwrap_err();
    clerk.ask(Keep).within(Duration::from_secs(1)).await.unwrap_err();

    clerk.ask(Release).await.unwrap();
    assert_eq!(journal.entries(), ["toiled"], "the handler finished all the same");
    assert_eq!(clerk.ask(Double { n: 3 }).await.unwrap(), 6, "and the next answer is the next one's");
    assert_eq!(system.dead_letter_count(), 0);
}

// ===== limits are inherited =====

/// Asks a clerk on behalf of whoever asks it.
#[derive(Actor)]
struct Agent {
    clerk: ActorRef<Clerk>,
    journal: Journal,
}

#[messages]
impl Agent {
    /// Works for a while, then asks for more work; notes what came of that, and when.
    #[message]
    async fn delegate(&mut self, first: Duration, then: Duration, limit: Option<Duration>) {
        tokio::time::sleep(first).await;
        let began = Instant::now();
        let ask = self.clerk.ask(Toil { takes: then });
        let outcome = match limit {
            Some(limit) => ask.within(limit).await,
            None => ask.await,
        };
        let outcome = match outcome {
            Ok(_) => "answered".to_owned(),
            Err(AskError::TimedOutInHandler { limit, .. }) => format!("limit {limit:?}"),
            Err(other) => other.to_string(),
        };
        // Whole milliseconds, less the one by which tokio rounds up.
        self.journal.note(format!("{outcome} after {:?}", Duration::from_millis(began.elapsed().as_millis() as u64 / 10 * 10)));
    }

    #[message]
    fn delegate_to_task(&mut self, takes: Duration, ctx: &mut Context<Self>) {
        let (clerk, journal) = (self.clerk.clone(), self.journal.clone());
        ctx.spawn_task(async move { journal.note(format!("task: {:?}", clerk.ask(Toil { takes }).await.ok())) });
    }
}

/// Whether a call was answered.
struct Call(Pin<Box<dyn Future<Output = bool> + Send>>);

/// Never waits itself: begins to ask a clerk, and leaves it to whoever asks to wait for the answer.
#[derive(Actor)]
struct Desk {
    clerk: ActorRef<Clerk>,
}

#[messages]
impl Desk {
    #[message]
    fn begin(&self) -> Call {
        let clerk = self.clerk.clone();
        let mut call = Box::pin(async move { clerk.ask(Toil { takes: Duration::from_secs(60) }).await.is_ok() });
        assert!(call.as_mut().now_or_never().is_none(), "the clerk takes long");
        Call(call)
    }
}

const MS: fn(u64) -> Duration = Duration::from_millis;

fn agent(system: &ActorSystem) -> (ActorRef<Agent>, Journal) {
    let (clerk, journal) = (system.spawn(Clerk::default()), Journal::new());
    (system.spawn(Agent { clerk, journal: journal.clone() }), journal)
}

#[tokio::test(start_paused = true)]
async fn a_nested_ask_inherits_the_time_that_is_left() {
    let system = ActorSystem::new("test");
    for (limit, noted) in
        [(None, "limit 600ms after 600ms"), (Some(MS(10_000)), "limit 600ms after 600ms"), (Some(MS(200)), "limit 200ms after 200ms")]
    {
        let (agent, journal) = agent(&system);
        let outer = agent.ask(Delegate { first: MS(400), then: MS(5_000), limit }).within(MS(1_000)).await;
        eventually("the nested ask is over", || !journal.is_empty()).await;
        assert_eq!(journal.entries(), [noted], "with its own limit of {limit:?}");
        assert_eq!(outer.is_ok(), limit == Some(MS(200)), "the agent had time for its own answer: {outer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nested_ask_without_an_outer_limit_has_none() {
    let system = ActorSystem::new("test");
    let (agent, journal) = agent(&system);
    let delegate = |then| Delegate { first: MS(0), then: MS(then), limit: None };

    // The limit of the first is not that of those behind it.
    agent.ask(delegate(5_000)).within(MS(100)).await.unwrap_err();
    agent.ask(delegate(60_000)).await.unwrap();
    agent.tell(delegate(60_000)).await.unwrap();
    agent.drain();
    agent.stopped().await;

    let (timed_out, rest) = journal.entries().split_first().map(|(first, rest)| (first.clone(), rest.to_vec())).unwrap();
    assert_eq!(timed_out, "limit 100ms after 100ms");
    // The clerk was still at the first for the time it took.
    assert_eq!(rest, ["answered after 64.9s", "answered after 60s"]);
}

#[tokio::test(start_paused = true)]
async fn an_ask_in_a_helper_task_inherits_nothing() {
    let system = ActorSystem::new("test");
    let (agent, journal) = agent(&system);

    agent.ask(DelegateToTask { takes: MS(5_000) }).within(MS(100)).await.unwrap();

    eventually("the task is done", || !journal.is_empty()).await;
    assert_eq!(journal.entries(), ["task: Some(1)"]);
}

#[tokio::test(start_paused = true)]
async fn a_nested_ask_of_one_that_never_waits_inherits_the_time_that_is_left() {
    let system = ActorSystem::new("test");
    let desk = system.spawn(Desk { clerk: system.spawn(Clerk::default()) });
    // The first are handled without a task, and the others with one.
    for _ in 0..40 {
        let call = desk.ask(Begin).within(MS(100)).await.unwrap();
        let began = Instant::now();

        assert!(!call.0.await, "it is not answered in time");

        assert_eq!(began.elapsed().as_millis() / 10, 10);
    }
}
