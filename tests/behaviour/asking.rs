//! Asking: replies now and later, limits, and the ways in which there is no answer.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, AskError, BoxError, Context, DeadReason, ExitReason, InFlight, Protocol, Refusal, ReplyTo, messages,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tests::{Broken, DropNote, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Answers in every way there is.
#[derive(Actor, Default)]
struct Clerk {
    kept: Vec<ReplyTo<u32>>,
    journal: Journal,
}

#[messages]
impl Clerk {
    #[message(derive(Clone, Debug, PartialEq))]
    fn double(&mut self, n: u32) -> u32 {
        self.journal.note(format!("double {n}"));
        n * 2
    }

    #[message]
    async fn hold(&mut self, gate: Gate) -> u32 {
        gate.pass().await;
        0
    }

    #[message]
    async fn toil(&mut self, takes: Duration) -> u32 {
        tokio::time::sleep(takes).await;
        self.journal.note("toiled");
        1
    }

    /// Answered by `release`.
    #[message]
    fn keep(&mut self, reply: ReplyTo<u32>) {
        self.kept.push(reply);
    }

    #[message]
    fn release(&mut self) {
        self.kept.drain(..).for_each(|reply| reply.send(7));
    }

    #[message]
    fn keeps_for_nobody(&self) -> Vec<bool> {
        self.kept.iter().map(ReplyTo::is_closed).collect()
    }

    /// Answered from another task, after a while.
    #[message]
    fn later(&mut self, after: Duration, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        ctx.spawn_task(async move {
            tokio::time::sleep(after).await;
            reply.send(8);
        });
    }

    #[message]
    fn refuse(&mut self, reason: &'static str) -> Result<u32, Broken> {
        Err(Broken(reason))
    }

    #[message]
    fn refuse_later(&mut self, reply: ReplyTo<u32, Broken>) {
        self.journal.note(format!("asked: {}", reply.is_asked()));
        if let Err(unheard) = reply.fail(Broken("not today")) {
            self.journal.note(format!("nobody asked: {unheard}"));
        }
    }

    #[message]
    async fn crash(&mut self) -> u32 {
        tokio::task::yield_now().await;
        panic!("dropped the ledger");
    }

    #[message]
    fn forget(&mut self, reply: ReplyTo<u32>) {
        drop(reply);
    }

    #[message]
    fn deadline(&mut self, reply: ReplyTo<Option<Duration>>) {
        let left = reply.deadline().map(|deadline| deadline - Instant::now());
        reply.send(left);
    }
}

async fn is_pending<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    tokio::time::timeout(Duration::from_secs(1), future).await.is_err()
}

/// A clerk with a message in hand until the gate opens.
async fn busy_clerk(system: &ActorSystem) -> (ActorRef<Clerk>, Gate) {
    let (clerk, gate) = (system.actor(Clerk::default()).name("clerk").spawn(), Gate::new());
    clerk.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    (clerk, gate)
}

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

/// An actor without macros. An entry that cannot be booked is fatal.
struct Ledger {
    sum: u32,
}

enum Entry {
    Add(u32),
    Sum(ReplyTo<u32>),
    Spoil(ReplyTo<u32>),
}

impl Protocol for Ledger {
    type Msg = Entry;
}

impl Actor for Ledger {
    async fn handle(&mut self, entry: Entry, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match entry {
            Entry::Add(n) => self.sum += n,
            Entry::Sum(reply) => reply.send(self.sum),
            Entry::Spoil(_unanswered) => return Err(Broken("spoiled").into()),
        }
        Ok(())
    }
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

// ===== nobody there =====

#[tokio::test(start_paused = true)]
async fn ask_3_ask_to_a_dead_actor_fails_at_once_and_an_unknown_name_has_none_to_ask() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();
    clerk.stop();
    clerk.stopped().await;
    let began = Instant::now();

    let refused = clerk.ask(Double { n: 5 }).within(Duration::from_secs(5)).await.unwrap_err();

    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(refused.is_not_running() && !refused.is_timeout(), "{refused:?}");
    assert_eq!(refused.to_string(), "/clerk did not take `Double`: it is not running");
    assert_eq!(refused.into_message(), Some(Double { n: 5 }));
    assert!(system.lookup::<Clerk>("/nobody").is_none(), "a name that nobody has gives no reference to ask");
    assert!(system.lookup::<Clerk>("/clerk").is_none());
}

#[tokio::test(start_paused = true)]
async fn ask_3_ask_to_an_actor_that_dies_meanwhile_fails_at_once() {
    let system = ActorSystem::new("test");
    let (clerk, _gate) = busy_clerk(&system).await;
    let mut asking = pin!(clerk.ask(Double { n: 5 }).within(Duration::from_secs(5)));
    assert!(is_pending(asking.as_mut()).await);

    clerk.kill();

    let began = Instant::now();
    let lost = asking.await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(100));
    assert!(lost.is_not_running(), "{lost:?}");
}

// ===== crashes =====

#[tokio::test(start_paused = true)]
async fn ask_4_a_handler_that_panics_is_a_crash_to_its_asker() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();

    let crashed = promptly("the news", clerk.ask(Crash)).await.unwrap_err();

    let AskError::Crashed { path, message_type, reason } = crashed else { panic!("{crashed}") };
    assert_eq!((path.to_string(), message_type), ("/clerk".into(), "Crash"));
    assert!(matches!(&reason, ExitReason::Panicked { message, .. } if **message == *"dropped the ledger"), "{reason}");
    assert_eq!(clerk.stopped().await, reason, "the asker and the waiter learn the same");
    // Nobody supervises it, so there is no incarnation that could answer.
    assert!(clerk.ask(Double { n: 1 }).await.unwrap_err().is_not_running());
}

#[tokio::test(start_paused = true)]
async fn ask_4_a_handler_that_fails_for_good_leaves_its_asker_without_a_reply() {
    let system = ActorSystem::new("test");
    let ledger = system.spawn(Ledger { sum: 0 });

    let unanswered = promptly("the news", ledger.ask_with(Entry::Spoil)).await.unwrap_err();

    assert!(matches!(unanswered, AskError::NoReply { .. }), "{unanswered:?}");
    let reason = ledger.stopped().await;
    assert_eq!(reason.error().and_then(|error| error.downcast_ref()), Some(&Broken("spoiled")));
}

#[tokio::test(start_paused = true)]
async fn ask_4_asks_queued_behind_a_crash_are_lost_with_their_message() {
    let system = ActorSystem::new("test");
    let (clerk, gate) = busy_clerk(&system).await;
    clerk.tell(Crash).await.unwrap();
    let mut behind = pin!(clerk.ask(Double { n: 5 }));
    assert!(is_pending(behind.as_mut()).await);

    gate.open();

    let lost = promptly("the news", behind).await.unwrap_err();
    assert!(matches!(lost, AskError::Lost(_)) && lost.to_string() == "/clerk ended before it handled `Double`", "{lost}");
    assert_eq!(lost.into_message(), Some(Double { n: 5 }));
}

#[tokio::test(start_paused = true)]
async fn a_handler_cut_short_is_a_crash_to_its_asker() {
    for cut in ["kill", "stop"] {
        let system = ActorSystem::new("test");
        let clerk = system.actor(Clerk::default()).in_flight(InFlight::Cancel).spawn();
        let gate = Gate::new();
        let mut asking = pin!(clerk.ask(Hold { gate: gate.clone() }));
        assert!(is_pending(asking.as_mut()).await);

        if cut == "kill" {
            clerk.kill()
        } else {
            clerk.stop()
        }

        let crashed = promptly("the news", asking).await.unwrap_err();
        assert!(matches!(crashed, AskError::Crashed { .. }), "after {cut}: {crashed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ask_5_queued_asks_are_bounced_when_the_actor_is_killed() {
    let system = ActorSystem::new("test");
    let mut letters = system.dead_letters();
    let (clerk, _gate) = busy_clerk(&system).await;
    clerk.tell(Double { n: 1 }).await.unwrap();
    let mut asking = pin!(clerk.ask(Double { n: 2 }));
    assert!(is_pending(asking.as_mut()).await);

    clerk.kill();

    let lost = promptly("the news", asking).await.unwrap_err();
    assert!(matches!(lost, AskError::Lost(_)) && lost.is_not_running(), "{lost:?}");
    assert_eq!(lost.into_message(), Some(Double { n: 2 }));
    clerk.stopped().await;
    let letter = letters.try_recv().expect("the plain message is a dead letter");
    assert_eq!((letter.reason(), letter.take()), (DeadReason::Killed, Some(Double { n: 1 })));
    assert!(letters.try_recv().is_none(), "and the ask is not");
}

#[test]
fn ask_5_no_ask_hangs_when_its_actor_is_killed_at_any_moment() {
    on_1_2_and_8_workers(|| async {
        for round in 0..50 {
            let system = ActorSystem::new("test");
            let clerk = system.actor(Clerk::default()).mailbox(4).spawn();
            let mut asks = JoinSet::new();
            for n in 0..16 {
                let clerk = clerk.clone();
                asks.spawn(async move { clerk.ask(Double { n }).await.map_err(|lost| (n, lost)) });
            }
            for _ in 0..round % 8 {
                tokio::task::yield_now().await;
            }
            clerk.kill();
            while let Some(outcome) = promptly("every ask ends", asks.join_next()).await {
                let Err((n, lost)) = outcome.unwrap() else { continue };
                assert!(lost.is_not_running(), "{lost:?}");
                assert_eq!(lost.into_message(), Some(Double { n }), "with its message");
            }
            assert_eq!(system.dead_letter_count(), 0);
        }
    });
}

// ===== no reply, and nobody who waits for one =====

#[tokio::test(start_paused = true)]
async fn ask_6_a_reply_slot_that_is_dropped_tells_its_asker() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();

    let unanswered = promptly("the news", clerk.ask(Forget)).await.unwrap_err();

    assert_eq!(unanswered.to_string(), "/clerk handled `Forget` without a reply");
    let AskError::NoReply { path, message_type } = unanswered else { panic!("{unanswered}") };
    assert_eq!((path.to_string(), message_type), ("/clerk".into(), "Forget"));
    assert_eq!(clerk.ask(Double { n: 1 }).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn ask_6_a_reply_slot_that_goes_with_its_task_or_state_tells_its_asker() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());
    let mut with_state = pin!(clerk.ask(Keep));
    let mut with_task = pin!(clerk.ask(Later { after: Duration::from_secs(3600) }));
    assert!(is_pending(with_state.as_mut()).await && is_pending(with_task.as_mut()).await);

    clerk.stop();

    let with_state = promptly("the news of the state", with_state).await.unwrap_err();
    let with_task = promptly("the news of the task", with_task).await.unwrap_err();
    assert!(matches!(with_state, AskError::NoReply { .. }), "{with_state:?}");
    assert!(matches!(with_task, AskError::NoReply { .. }), "{with_task:?}");
}

#[tokio::test(start_paused = true)]
async fn ask_6_a_caller_that_goes_away_closes_the_slot_and_harms_nobody() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let giver = system.spawn(Giver { kept: None, journal: journal.clone() });
    {
        let mut asking = pin!(giver.ask(Give));
        assert!(is_pending(asking.as_mut()).await);
        assert!(!giver.ask(NobodyWaits).await.unwrap(), "somebody still waits");
    }

    assert!(giver.ask(NobodyWaits).await.unwrap());
    giver.ask(GiveNow).await.unwrap();
    assert_eq!(journal.entries(), ["gift dropped"], "the late answer is discarded, at once");
    assert!(giver.is_alive());
}

/// Gives later, or too late.
#[derive(Actor)]
struct Giver {
    kept: Option<ReplyTo<DropNote>>,
    journal: Journal,
}

#[messages]
impl Giver {
    #[message]
    fn give(&mut self, reply: ReplyTo<DropNote>) {
        self.kept = Some(reply);
    }

    #[message]
    fn nobody_waits(&self) -> bool {
        self.kept.as_ref().is_none_or(ReplyTo::is_closed)
    }

    #[message]
    fn give_now(&mut self) -> bool {
        let Some(reply) = self.kept.take() else { return false };
        reply.send(self.journal.drop_note("gift dropped"));
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_asked_for_is_closed_from_the_beginning() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());

    clerk.tell(Keep).await.unwrap();
    let mut asked = pin!(clerk.ask(Keep));
    assert!(is_pending(asked.as_mut()).await);

    assert_eq!(clerk.ask(KeepsForNobody).await.unwrap(), [true, false]);
    clerk.ask(Release).await.unwrap();
    assert_eq!(promptly("the answer", asked).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_ask_closes_the_slot_though_its_future_is_kept() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());
    let mut asking = pin!(clerk.ask(Keep).within(Duration::from_millis(100)));

    asking.as_mut().await.unwrap_err();

    assert_eq!(clerk.ask(KeepsForNobody).await.unwrap(), [true]);
}

#[test]
fn ask_6_answers_and_callers_that_cross_harm_nobody() {
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let giver = system.spawn(Giver { kept: None, journal: journal.clone() });
        let mut given = 0;
        for round in 0..300 {
            let answer = {
                let giver = giver.clone();
                tokio::spawn(async move { giver.ask(GiveNow).await.unwrap() })
            };
            let patience = async {
                for _ in 0..round % 6 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! { _ = giver.ask(Give) => {}, () = patience => {} }
            given += usize::from(promptly("the answer", answer).await.unwrap());
        }
        given += usize::from(giver.ask(GiveNow).await.unwrap());
        assert_eq!(journal.len(), given, "each gift, taken or discarded, was dropped once");
        assert!(giver.is_alive() && given > 0);
    });
}

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

// ===== the kinds of failure, side by side =====

#[tokio::test(start_paused = true)]
async fn the_kinds_of_failure_answer_the_same_questions_differently() {
    let system = ActorSystem::new("test");
    let limit = Duration::from_millis(10);
    let full = system.actor(Clerk::default()).mailbox(1).spawn();
    let gate = Gate::new();
    full.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    full.tell(Double { n: 0 }).await.unwrap();
    let gone = system.spawn(Clerk::default());
    gone.stop();
    gone.stopped().await;
    let clerk = system.spawn(Clerk::default());

    // (not running, timed out, message back)
    let questions = |error: AskError<Double>| (error.is_not_running(), error.is_timeout(), error.into_message().is_some());
    assert_eq!(questions(full.ask(Double { n: 1 }).within(limit).await.unwrap_err()), (false, true, true), "no room in time");
    assert_eq!(questions(gone.ask(Double { n: 1 }).await.unwrap_err()), (true, false, true), "gone");
    let in_handler = clerk.ask(Toil { takes: MS(100) }).within(limit).await.unwrap_err();
    assert_eq!((in_handler.is_not_running(), in_handler.is_timeout()), (false, true), "in the handler");
    assert_eq!(questions(clerk.ask(Double { n: 1 }).within(limit).await.unwrap_err()), (false, true, false), "in the queue");
    let crashed = clerk.ask(Crash).await.unwrap_err();
    assert_eq!((crashed.is_not_running(), crashed.is_timeout(), crashed.path() == Some(&clerk.path())), (false, false, true), "crashed");
    let AskError::NotDelivered(refused) = clerk.ask(Double { n: 1 }).await.unwrap_err() else { panic!("it has crashed") };
    assert_eq!(refused.reason(), Refusal::Stopped);
}
