//! Asking: replies now and later, one or many at once, and the handler's own errors.

use std::pin::pin;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, ReplyTo, messages};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tests::{Broken, Journal, eventually, is_pending, promptly};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clerk::{Clerk, Double, Entry, Keep, Later, Ledger, Refuse, RefuseLater, Release, Toil, busy_clerk};

// ===== replies =====

#[tokio::test(start_paused = true)]
async fn ask_1_direct_and_deferred_replies_reach_their_own_caller() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());
    let mut kept = pin!(clerk.ask(Keep));
    let mut later = pin!(clerk.ask(Later { after: Duration::from_secs(2) }));
    assert!(is_pending(kept.as_mut()).await && is_pending(later.as_mut()).await);

    let direct = clerk.ask(Double { n: 4 }).await.unwrap();
    assert_eq!(direct, 8, "others are handled in between");
    clerk.tell(Release).await.unwrap();

    assert_eq!(promptly("the kept reply", kept).await.unwrap(), 7);
    assert_eq!(promptly("the reply of the task", later).await.unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn an_actor_written_by_hand_is_asked_with_its_own_message() {
    let system = ActorSystem::new("test");
    let ledger = system.spawn(Ledger { sum: 0 });

    ledger.tell(Entry::Add(3)).await.unwrap();
    ledger.tell(Entry::Add(4)).await.unwrap();

    assert_eq!(ledger.ask_with(Entry::Sum).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_request_is_answered_to_whoever_asked_first() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();
    let desk = system.spawn(Desk { clerk: clerk.clone() });

    assert_eq!(desk.ask(Pass { n: 21 }).await.unwrap(), 42);

    clerk.stop();
    clerk.stopped().await;
    // The desk gets the request back and answers itself.
    assert_eq!(desk.ask(Pass { n: 21 }).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_request_keeps_its_deadline_and_fails_like_any_other() {
    let system = ActorSystem::new("test");
    let (clerk, gate) = busy_clerk(&system).await;
    let desk = system.spawn(Desk { clerk: clerk.clone() });
    let began = Instant::now();

    let late = desk.ask(Pass { n: 1 }).within(Duration::from_millis(100)).await.unwrap_err();
    assert!(late.is_timeout() && began.elapsed().as_millis() / 10 == 10, "{late} after {:?}", began.elapsed());

    let mut lost = pin!(desk.ask(Pass { n: 2 }));
    assert!(is_pending(lost.as_mut()).await);
    clerk.kill();
    let lost = promptly("the news", lost).await.unwrap_err();
    assert!(lost.is_not_running(), "{lost:?}");
    drop(gate);
}

/// Passes everything on.
#[derive(Actor)]
struct Desk {
    clerk: ActorRef<Clerk>,
}

#[messages]
impl Desk {
    #[message]
    fn pass(&mut self, n: u32, reply: ReplyTo<u32>) {
        if let Err(refused) = self.clerk.forward(Double { n }, reply) {
            let (_, reply) = refused.into_message();
            reply.send(0);
        }
    }
}

// ===== limits are inherited =====

const MS: fn(u64) -> Duration = Duration::from_millis;

// ===== many at once =====

#[tokio::test(start_paused = true)]
async fn ask_7_pipelined_asks_keep_their_order() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let clerk = system.spawn(Clerk::default());
    let piper = system.spawn(Piper { clerk, journal: journal.clone() });

    piper.tell(Pipe).await.unwrap();

    eventually("all answers", || journal.len() == 100).await;
    assert_eq!(journal.entries(), (1..=100).map(|n| (n * 2).to_string()).collect::<Vec<_>>());
}

/// Issues a hundred asks without waiting, and gets the answers as messages.
#[derive(Actor)]
struct Piper {
    clerk: ActorRef<Clerk>,
    journal: Journal,
}

#[messages]
impl Piper {
    #[message]
    fn pipe(&mut self, ctx: &mut Context<Self>) {
        let (me, clerk) = (ctx.actor_ref().clone(), self.clerk.clone());
        ctx.spawn_task(async move {
            let mut answers: FuturesUnordered<_> = (1..=100).map(|n| clerk.ask(Double { n })).collect();
            while let Some(answer) = answers.next().await {
                me.tell(Answered { doubled: answer.unwrap() }).await.unwrap();
            }
        });
    }

    #[message]
    fn answered(&mut self, doubled: u32) {
        self.journal.note(doubled.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn ask_8_a_set_of_outstanding_asks_completes_as_the_answers_come() {
    let system = ActorSystem::new("test");
    let mut asks = JoinSet::new();
    for takes in [400, 1, 200] {
        let clerk = system.spawn(Clerk::default());
        asks.spawn(async move { (takes, clerk.ask(Toil { takes: MS(takes) }).await) });
    }

    let mut order = Vec::new();
    while let Some(done) = asks.join_next().await {
        let (label, answer) = done.unwrap();
        assert_eq!(answer.unwrap(), 1);
        order.push(label);
    }

    assert_eq!(order, [1, 200, 400]);
}

#[tokio::test(start_paused = true)]
async fn ask_8_in_a_set_only_the_label_of_the_target_that_died_completes_with_an_error() {
    let system = ActorSystem::new("test");
    let clerks = [400, 1, 200].map(|takes| (takes, system.spawn(Clerk::default())));
    let mut asks: FuturesUnordered<_> =
        clerks.iter().map(|(takes, clerk)| async move { (*takes, clerk.ask(Toil { takes: MS(*takes) }).await.is_ok()) }).collect();

    let first = asks.next().await;
    clerks[2].1.kill();
    let rest: Vec<_> = asks.collect().await;

    assert_eq!(first, Some((1, true)));
    assert_eq!(rest, [(200, false), (400, true)]);
}

// ===== the handler's own error =====

#[tokio::test(start_paused = true)]
async fn a_handlers_error_goes_to_whoever_asked_and_the_actor_lives_on() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let clerk = system.spawn(Clerk { journal: journal.clone(), ..Clerk::default() });

    let failed = clerk.ask(Refuse { reason: "closed" }).await.unwrap_err();
    assert_eq!(failed.to_string(), "closed");
    assert_eq!(failed.into_failure(), Some(Broken("closed")));
    let failed = clerk.ask(RefuseLater).await.unwrap_err();
    assert_eq!(failed.into_failure(), Some(Broken("not today")));

    assert_eq!(clerk.ask(Double { n: 1 }).await.unwrap(), 2, "the actor lives on");
    clerk.ask(Refuse { reason: "still closed" }).await.unwrap_err();
    assert!(clerk.is_alive());
    assert_eq!(journal.entries(), ["asked: true", "double 1"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_error_fails_the_actor_if_nobody_asked() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());

    clerk.tell(Refuse { reason: "closed" }).await.unwrap();

    let reason = promptly("the end", clerk.stopped()).await;
    assert!(matches!(reason, ExitReason::Failed(_)), "{reason}");
    assert_eq!(reason.error().and_then(|error| error.downcast_ref()), Some(&Broken("closed")));
}

#[tokio::test(start_paused = true)]
async fn an_error_goes_to_an_asker_who_has_gone_and_the_actor_lives_on() {
    let system = ActorSystem::new("test");
    let (clerk, gate) = busy_clerk(&system).await;
    {
        let mut asking = pin!(clerk.ask(Refuse { reason: "closed" }));
        assert!(is_pending(asking.as_mut()).await);
    }

    gate.open();

    assert_eq!(clerk.ask(Double { n: 1 }).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_asked_for_gives_its_error_back() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let clerk = system.spawn(Clerk { journal: journal.clone(), ..Clerk::default() });

    clerk.tell(RefuseLater).await.unwrap();

    clerk.ask(Double { n: 1 }).await.unwrap();
    assert_eq!(journal.entries(), ["asked: false", "nobody asked: not today", "double 1"]);
}
