//! Many asks awaited together: labels, order, limits, and what comes of those that fail (S4.12).

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Asks, AsksError, BoxError, Context, messages};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::sync::oneshot;
use tokio::time::Instant;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Answers after a time, and notes whom it has in hand.
#[derive(Actor, Default)]
struct Worker {
    journal: Journal,
}

#[messages]
impl Worker {
    #[message]
    async fn toil(&self, takes: u64) -> u64 {
        self.journal.note(format!("begin {takes}"));
        tokio::time::sleep(MS(takes)).await;
        takes
    }

    #[message]
    fn refuse(&self, reason: &'static str) -> Result<u64, Broken> {
        Err(Broken(reason))
    }

    #[message]
    async fn wait_at(&self, gate: Gate) -> u64 {
        gate.pass().await;
        0
    }
}

/// Another type of actor, with a reply of the same type.
#[derive(Actor)]
struct Answerer;

#[messages]
impl Answerer {
    #[message]
    fn answer(&self) -> u64 {
        42
    }
}

fn workers<const N: usize>(system: &ActorSystem) -> [ActorRef<Worker>; N] {
    std::array::from_fn(|_| system.spawn(Worker::default()))
}

// ===== one by one =====

#[tokio::test(start_paused = true)]
async fn ask_8_labelled_asks_come_out_in_the_order_of_their_answers() {
    let system = ActorSystem::new("gather");
    let workers = workers::<3>(&system);
    let mut asks = Asks::new();
    for (worker, (label, takes)) in workers.iter().zip([("slow", 400), ("fast", 1), ("medium", 200)]) {
        asks.add(label, worker.ask(Toil { takes }));
    }

    let mut came = Vec::new();
    while let Some((label, answer)) = asks.next().await {
        came.push((label, answer.unwrap()));
    }

    assert_eq!(came, [("fast", 1), ("medium", 200), ("slow", 400)]);
}

#[tokio::test(start_paused = true)]
async fn ask_8_the_label_of_a_target_that_dies_comes_out_with_its_error_and_no_other_does() {
    let system = ActorSystem::new("gather");
    let workers = workers::<3>(&system);
    let mut asks = Asks::new();
    for (worker, (label, takes)) in workers.iter().zip([("slow", 400), ("fast", 1), ("medium", 200)]) {
        asks.add(label, worker.ask(Toil { takes }));
    }

    assert_eq!(asks.next().await.map(|(label, _)| label), Some("fast"));
    workers[2].kill();
    let (label, died) = asks.next().await.unwrap();
    let (other, lived) = asks.next().await.unwrap();

    assert_eq!((label, other), ("medium", "slow"));
    assert!(matches!(died, Err(AsksError::Failed(AskError::Crashed { .. }))), "{died:?}");
    assert_eq!(lived.unwrap(), 400);
    assert!(asks.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn asks_can_be_added_while_others_are_awaited() {
    let system = ActorSystem::new("gather");
    let [one, other] = workers(&system);
    let mut asks = Asks::new();
    asks.add(1, one.ask(Toil { takes: 10 }));
    asks.add(2, one.ask(Toil { takes: 500 }));

    let first = asks.next().await.unwrap();
    asks.add(3, other.ask(Toil { takes: 5 }));
    let second = asks.next().await.unwrap();

    assert_eq!((first.0, second.0, asks.len()), (1, 3, 1));
    assert_eq!(asks.next().await.unwrap().0, 2);
    assert!(asks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_next_that_is_dropped_loses_nothing() {
    let system = ActorSystem::new("gather");
    let workers = workers::<2>(&system);
    let mut asks = Asks::new();
    for worker in &workers {
        asks.add((), worker.ask(Toil { takes: 50 }));
    }

    for _ in 0..10 {
        tokio::time::timeout(MS(1), asks.next()).await.unwrap_err();
    }

    assert!(asks.next().await.unwrap().1.is_ok());
    assert!(asks.next().await.unwrap().1.is_ok());
    assert!(asks.next().await.is_none());
}

// ===== all, or the first =====

#[tokio::test(start_paused = true)]
async fn a_join_returns_all_in_the_order_of_adding() {
    let system = ActorSystem::new("gather");
    let workers = workers::<3>(&system);
    let mut asks = Asks::new();
    for (worker, takes) in workers.iter().zip([30, 10, 20]) {
        asks.add(takes, worker.ask(Toil { takes }));
    }

    let began = Instant::now();
    let all: Vec<_> = asks.join().await.into_iter().map(|(label, answer)| (label, answer.unwrap())).collect();

    assert_eq!(all, [(30, 30), (10, 10), (20, 20)]);
    assert_eq!(began.elapsed(), MS(30), "they are awaited together");
}

#[tokio::test(start_paused = true)]
async fn the_first_success_wins_over_errors_and_gives_up_the_rest() {
    let system = ActorSystem::new("gather");
    let workers = workers::<3>(&system);
    let mut asks: Asks<'_, _, u64, BoxError> = Asks::new();
    asks.add_any("refuses", workers[0].ask(Refuse { reason: "closed" }));
    asks.add_any("slow", workers[1].ask(Toil { takes: 10_000 }));
    asks.add_any("fast", workers[2].ask(Toil { takes: 10 }));

    let began = Instant::now();
    let first = asks.first().await;

    assert_eq!(first.unwrap(), ("fast", 10));
    assert_eq!(began.elapsed(), MS(10));
}

#[tokio::test(start_paused = true)]
async fn without_any_success_all_errors_come_back_in_the_order_of_adding() {
    let system = ActorSystem::new("gather");
    let workers = workers::<2>(&system);
    let mut asks = Asks::new();
    asks.add(1, workers[0].ask(Refuse { reason: "closed" }));
    asks.add(2, workers[1].ask(Refuse { reason: "on holiday" }));

    let errors = asks.first().await.unwrap_err();

    let said: Vec<_> = errors.iter().map(|(label, error)| (*label, error.to_string())).collect();
    assert_eq!(said, [(1, "closed".to_owned()), (2, "on holiday".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_is_done_at_once() {
    assert!(Asks::<'_, (), (), Broken>::new().next().await.is_none());
    assert!(Asks::<'_, (), (), Broken>::new().within(MS(1)).join().await.is_empty());
    assert!(Asks::<'_, (), (), Broken>::new().first().await.unwrap_err().is_empty());
}

#[tokio::test(start_paused = true)]
async fn actors_of_different_types_stand_in_one_set_and_their_errors_can_be_had_back() {
    let system = ActorSystem::new("gather");
    let (worker, answerer) = (system.spawn(Worker::default()), system.spawn(Answerer));
    let mut asks: Asks<'_, _, u64, BoxError> = Asks::new();
    asks.add_any("worker", worker.ask(Refuse { reason: "closed" }));
    asks.add_any("answerer", answerer.ask(Answer));

    let mut all = asks.join().await.into_iter();

    let (_, Err(AsksError::Failed(error))) = all.next().unwrap() else { panic!("it refused") };
    let error = error.downcast::<AskError<Refuse, Broken>>().unwrap();
    assert_eq!(error.into_failure(), Some(Broken("closed")));
    assert_eq!(all.next().unwrap().1.unwrap(), 42);
}

// ===== limits =====

#[tokio::test(start_paused = true)]
async fn what_is_outstanding_at_the_limit_comes_out_timed_out_and_the_rest_stands() {
    let system = ActorSystem::new("gather");
    let workers = workers::<3>(&system);
    let mut asks = Asks::new().within(MS(100));
    for (worker, takes) in workers.iter().zip([500, 10, 300]) {
        asks.add(takes, worker.ask(Toil { takes }));
    }

    let began = Instant::now();
    let all = asks.join().await;

    assert_eq!(began.elapsed(), MS(100));
    let answered: Vec<_> = all.iter().map(|(label, answer)| (*label, answer.is_ok())).collect();
    assert_eq!(answered, [(500, false), (10, true), (300, false)]);
    let Err(late) = &all[0].1 else { panic!("it was late") };
    assert!(matches!(late, AsksError::TimedOut { limit } if *limit == MS(100)));
    assert_eq!(late.to_string(), "no answer within 100ms");
}

#[tokio::test(start_paused = true)]
async fn once_all_have_come_out_the_limit_begins_anew_with_what_is_added() {
    let system = ActorSystem::new("gather");
    let [worker] = workers(&system);
    let mut asks = Asks::new().within(MS(100));

    let late = "no answer within 100ms".to_owned();
    for (takes, outcome) in [(500, Err(late.clone())), (80, Ok(80)), (80, Ok(80)), (500, Err(late))] {
        asks.add((), worker.ask(Toil { takes }));
        let (_, answer) = promptly("the outcome", asks.next()).await.expect("one is outstanding");
        assert_eq!(answer.map_err(|error| error.to_string()), outcome);
        // The next one finds the worker idle.
        tokio::time::sleep(MS(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_allowed_are_on_their_way_at_once() {
    let (system, journal) = (ActorSystem::new("gather"), Journal::new());
    let workers: Vec<_> = (0..5).map(|_| system.spawn(Worker { journal: journal.clone() })).collect();
    let mut asks = Asks::new().at_most(2);
    for (worker, takes) in workers.iter().zip([100, 50, 10, 20, 30]) {
        asks.add(takes, worker.ask(Toil { takes }));
    }

    let began = Instant::now();
    assert_eq!(asks.next().await.unwrap().0, 50);
    assert_eq!(journal.entries(), ["begin 100", "begin 50"]);
    let mut rest = Vec::new();
    while let Some((label, _)) = asks.next().await {
        rest.push((label, began.elapsed()));
    }

    assert_eq!(rest, [(10, MS(60)), (20, MS(80)), (100, MS(100)), (30, MS(110))]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_set_gives_up_what_is_outstanding() {
    let (system, journal) = (ActorSystem::new("gather"), Journal::new());
    let worker = system.spawn(Worker { journal: journal.clone() });
    let mut asks = Asks::new().at_most(1);
    asks.add("begun", worker.ask(Toil { takes: 50 }));
    asks.add("never", worker.ask(Toil { takes: 70 }));

    tokio::time::timeout(MS(10), asks.next()).await.unwrap_err();
    drop(asks);
    tokio::time::sleep(MS(1_000)).await;

    assert_eq!(journal.entries(), ["begin 50"], "what was not begun was not sent");
    assert_eq!(worker.ask(Toil { takes: 1 }).await.unwrap(), 1);
}

// ===== in a handler =====

/// Asks several others in one handler.
#[derive(Actor)]
struct Boss {
    workers: Vec<ActorRef<Worker>>,
    clerk: Option<ActorRef<Clerk>>,
}

#[messages]
impl Boss {
    #[message]
    async fn survey(&mut self) -> Vec<u64> {
        let mut asks = Asks::new();
        for (takes, worker) in (1..).zip(&self.workers) {
            asks.add((), worker.ask(Toil { takes }));
        }
        asks.join().await.into_iter().map(|((), answer)| answer.unwrap()).collect()
    }

    #[message]
    async fn wait_for_all(&mut self, takes: u64, journal: Journal) {
        let mut asks = Asks::new();
        for worker in &self.workers {
            asks.add((), worker.ask(Toil { takes }));
        }
        for ((), answer) in asks.join().await {
            let late = matches!(answer, Err(AsksError::Failed(AskError::TimedOutInHandler { .. })));
            journal.note(if late { "timed out" } else { "something else" });
        }
    }

    #[message]
    async fn survey_the_clerk_too(&mut self) -> Vec<String> {
        let mut asks: Asks<'_, _, u64, BoxError> = Asks::new();
        asks.add_any("worker", self.workers[0].ask(Toil { takes: 1 }));
        if let Some(clerk) = &self.clerk {
            asks.add_any("clerk", clerk.ask(AskBack));
        }
        let all = asks.join().await;
        all.into_iter().map(|(label, answer)| format!("{label}: {}", answer.map_or_else(|e| e.to_string(), |n| n.to_string()))).collect()
    }

    #[message]
    fn count(&self) -> u64 {
        self.workers.len() as u64
    }

    #[message]
    fn meet(&mut self, clerk: ActorRef<Clerk>) {
        self.clerk = Some(clerk);
    }
}

/// Asks back while it is asked.
#[derive(Actor)]
struct Clerk {
    boss: ActorRef<Boss>,
}

#[messages]
impl Clerk {
    #[message]
    async fn ask_back(&mut self) -> Result<u64, Broken> {
        let mut asks = Asks::new();
        asks.add("boss", self.boss.ask(Count));
        match asks.join().await.remove(0).1 {
            Err(AsksError::Failed(AskError::WouldDeadlock(_))) => Err(Broken("it would wait for itself")),
            _ => Ok(1),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_gathers_many_at_once() {
    let system = ActorSystem::new("gather");
    let boss = system.spawn(Boss { workers: workers::<3>(&system).into(), clerk: None });

    let began = Instant::now();
    let surveyed = boss.ask(Survey).await.unwrap();

    assert_eq!(surveyed, [1, 2, 3]);
    assert_eq!(began.elapsed(), MS(3));
}

#[tokio::test(start_paused = true)]
async fn asks_gathered_in_a_handler_inherit_the_limit_of_the_request_in_hand() {
    let (system, journal) = (ActorSystem::new("gather"), Journal::new());
    let boss = system.spawn(Boss { workers: workers::<3>(&system).into(), clerk: None });

    let began = Instant::now();
    boss.ask(WaitForAll { takes: 10_000, journal: journal.clone() }).within(MS(100)).await.unwrap_err();

    eventually("the handler goes on", || journal.len() == 3).await;
    assert_eq!(journal.count("timed out"), 3);
    assert!(began.elapsed() < MS(200), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_cycle_through_a_set_of_asks_is_refused_and_the_others_are_answered() {
    let system = ActorSystem::new("gather");
    let boss = system.spawn(Boss { workers: workers::<1>(&system).into(), clerk: None });
    let clerk = system.spawn(Clerk { boss: boss.clone() });
    boss.tell(Meet { clerk }).await.unwrap();

    let said = promptly("no deadlock", boss.ask(SurveyTheClerkToo)).await.unwrap();

    assert_eq!(said, ["worker: 1", "clerk: it would wait for itself"]);
}

// ===== turns =====

/// Counts how often it is polled.
struct Counted<F>(F, Arc<AtomicUsize>);

impl<F: Future + Unpin> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn each_answer_polls_the_one_that_it_is_for_and_no_other() {
    const N: usize = 1_000;
    let polls = Arc::new(AtomicUsize::new(0));
    let (answers, mut asks): (Vec<_>, _) = (0..N).map(|_| oneshot::channel::<usize>()).enumerate().fold(
        (Vec::new(), Asks::new()),
        |(mut answers, mut asks), (n, (answer, slot))| {
            answers.push(answer);
            asks.add(n, Counted(slot, polls.clone()));
            (answers, asks)
        },
    );

    let answering = tokio::spawn(async move {
        for (n, answer) in answers.into_iter().enumerate() {
            answer.send(n).unwrap();
            tokio::task::yield_now().await;
        }
    });
    let mut came = 0;
    while let Some((label, answer)) = asks.next().await {
        assert_eq!(answer, Ok(label));
        came += 1;
    }

    answering.await.unwrap();
    assert_eq!(came, N);
    assert!(polls.load(Ordering::Relaxed) <= 2 * N, "{} polls of {N}", polls.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn one_that_wakes_itself_without_end_keeps_neither_the_others_nor_the_limit() {
    let mut asks: Asks<'_, _, (), Broken> = Asks::new().within(MS(50));
    asks.add(
        "restless",
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    );
    asks.add("quick", async {
        tokio::task::yield_now().await;
        Ok(())
    });
    asks.add("never", pending());
    // A task that is always ready keeps the paused clock, so somebody else moves it.
    tokio::spawn(async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(MS(50)).await;
    });

    assert_eq!(asks.next().await, Some(("quick", Ok(()))));
    assert_eq!(asks.next().await, Some(("restless", Err(AsksError::TimedOut { limit: MS(50) }))));
    assert_eq!(asks.next().await, Some(("never", Err(AsksError::TimedOut { limit: MS(50) }))));
}

#[test]
fn every_one_of_many_asks_is_answered_once_however_they_cross() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("gather");
        let answerers: Vec<_> = (0..10).map(|_| system.spawn(Answerer)).collect();
        let mut asks = Asks::new().at_most(17);
        for n in 0..1_000 {
            asks.add(n, answerers[n % 10].ask(Answer));
        }

        let all = promptly("all answer", asks.join()).await;

        assert!(all.iter().enumerate().all(|(n, (label, answer))| n == *label && *answer.as_ref().unwrap() == 42));
        assert_eq!(all.len(), 1_000);
        assert!(system.shutdown().await.is_clean());
    });
}

/// Gathers until it is ended.
#[derive(Actor)]
struct Gatherer {
    worker: ActorRef<Worker>,
    gate: Gate,
}

#[messages]
impl Gatherer {
    #[message]
    async fn gather(&mut self, _ctx: &mut Context<Self>) {
        let mut asks = Asks::new();
        asks.add((), self.worker.ask(WaitAt { gate: self.gate.clone() }));
        asks.add((), self.worker.ask(WaitAt { gate: self.gate.clone() }));
        asks.join().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_gathering_handler_that_is_killed_leaves_no_open_ask() {
    let system = ActorSystem::new("gather");
    let (worker, gate) = (system.spawn(Worker::default()), Gate::new());
    let gatherer = system.spawn(Gatherer { worker: worker.clone(), gate: gate.clone() });
    gatherer.tell(Gather).await.unwrap();
    gate.reached().await;

    gatherer.kill();
    promptly("it ends", gatherer.stopped()).await;
    gate.open_wide();

    eventually("the worker has handled what it had accepted", || worker.queued() == 0).await;
    assert_eq!(worker.ask(Toil { takes: 1 }).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn s4_12_at_most_none_is_at_most_one() {
    let mut asks = Asks::new().at_most(0);
    for number in 0..3 {
        asks.add(number, async move { Ok::<_, Broken>(number) });
    }

    let mut all = Vec::new();
    while let Some((label, answer)) = promptly("the next", asks.next()).await {
        assert_eq!(answer.ok(), Some(label));
        all.push(label);
    }

    assert_eq!(all, [0, 1, 2]);
}
