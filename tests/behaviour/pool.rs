//! Worker pools: who gets a message, and what becomes of it when workers fail, come and go (S13).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorPath, ActorRef, ActorSystem, AskError, Backoff, ChildSpec, Context, ExitReason, OnStop, PoolRef, Refusal, Routing,
    Supervisor, WorkerPool, messages,
};
use tests::{Gate, Journal, on_1_2_and_8_workers, promptly};

use crate::cast::settle;

/// A worker that writes down what it did.
#[derive(Actor)]
struct Worker {
    journal: Journal,
    done: u64,
}

#[messages]
impl Worker {
    /// Returns who did it.
    #[message(derive(Clone))]
    fn work(&mut self, job: u64, ctx: &mut Context<Self>) -> ActorPath {
        self.done += 1;
        self.journal.note(format!("{} {job}", ctx.path()));
        ctx.path()
    }

    #[message(derive(Clone))]
    async fn wait_at(&mut self, gate: Gate) {
        gate.pass().await;
    }

    #[message(derive(Clone))]
    fn explode(&mut self) {
        panic!("exploded");
    }

    /// Panics the first so many times that anybody is asked this.
    #[message(derive(Clone))]
    fn succeed_after(&mut self, failures: Arc<AtomicU64>) -> u64 {
        let left = failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(left.is_err(), "one failure more");
        self.done
    }

    #[message]
    fn done(&self) -> u64 {
        self.done
    }
}

/// A pool of so many workers at `/pool`, which may fail as often as they like.
struct Stage {
    system: ActorSystem,
    journal: Journal,
    workers: PoolRef<Worker>,
}

impl Stage {
    async fn with(count: usize, set_up: impl FnOnce(WorkerPool<Worker>) -> WorkerPool<Worker>) -> Self {
        let system = ActorSystem::new("pools");
        let journal = Journal::new();
        let pool = set_up(pool_of(count, &journal).unlimited_restarts());
        let pool = system.actor(pool).name("pool").start().await.unwrap();
        Stage { system, journal, workers: pool.workers() }
    }

    async fn of(count: usize) -> Self {
        Self::with(count, |pool| pool).await
    }

    fn worker(&self, place: usize) -> ActorRef<Worker> {
        self.system.lookup(&format!("/pool/worker-{place}")).expect("it is there")
    }

    /// Lets a worker wait in a handler until the gate opens.
    async fn hold_up(&self, place: usize) -> Gate {
        let gate = Gate::new();
        self.worker(place).tell(WaitAt { gate: gate.clone() }).await.unwrap();
        promptly("it stands at the gate", gate.reached()).await;
        gate
    }
}

fn pool_of(count: usize, journal: &Journal) -> WorkerPool<Worker> {
    let journal = journal.clone();
    WorkerPool::new(count, move || Worker { journal: journal.clone(), done: 0 })
}

fn names<const N: usize>(places: [usize; N]) -> Vec<String> {
    places.iter().map(|place| format!("/pool/worker-{place}")).collect()
}

async fn ask_each(workers: &PoolRef<Worker>, jobs: std::ops::Range<u64>) -> Vec<String> {
    let mut answers = Vec::new();
    for job in jobs {
        answers.push(workers.ask(Work { job }).await.unwrap().to_string());
    }
    answers
}

// ===== who gets a message =====

#[tokio::test(start_paused = true)]
async fn a_pool_that_has_been_idle_is_found_with_its_workers() {
    let stage = Stage::with(2, |pool| pool).await;
    settle().await;

    let found = stage.system.lookup::<WorkerPool<Worker>>("/pool").expect("it is there").workers();

    promptly("an answer", found.ask(Work { job: 1 })).await.expect("there are workers");
    assert_eq!(stage.journal.len(), 1);
    stage.system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s13_1_workers_take_turns() {
    let stage = Stage::of(3).await;

    let answers = ask_each(&stage.workers, 0..7).await;

    assert_eq!(answers, names([0, 1, 2, 0, 1, 2, 0]));
}

#[tokio::test(start_paused = true)]
async fn s13_1_a_pool_of_none_has_one() {
    let stage = Stage::of(0).await;

    assert_eq!(ask_each(&stage.workers, 0..2).await, names([0, 0]));
}

#[tokio::test(start_paused = true)]
async fn s13_1_the_worker_with_the_fewest_messages_is_picked_and_one_in_hand_counts() {
    let stage = Stage::with(3, |pool| pool.route_by(Routing::LeastLoaded)).await;
    let gates = [stage.hold_up(0).await, stage.hold_up(1).await];
    stage.worker(1).tell(Work { job: 100 }).await.unwrap();

    let first = stage.workers.pick().unwrap().path();
    for job in 0..2 {
        stage.worker(2).tell(WaitAt { gate: gates[0].clone() }).await.unwrap();
        stage.worker(2).tell(Work { job }).await.unwrap();
    }
    settle().await;
    let then = stage.workers.pick().unwrap().path();

    assert_eq!([first.to_string(), then.to_string()].to_vec(), names([2, 0]));
}

#[tokio::test(start_paused = true)]
async fn s13_1_those_that_are_equally_loaded_take_turns() {
    let stage = Stage::with(3, |pool| pool.route_by(Routing::LeastLoaded)).await;

    let answers = ask_each(&stage.workers, 0..6).await;

    assert_eq!(answers, names([0, 1, 2, 0, 1, 2]));
}

#[tokio::test(start_paused = true)]
async fn s13_1_a_worker_that_is_down_comes_after_all_that_run() {
    let wait = Backoff::constant(Duration::from_secs(60)).no_jitter();
    let stage = Stage::with(2, |pool| pool.route_by(Routing::LeastLoaded).each(move |worker| worker.backoff(wait))).await;
    stage.worker(0).tell(Explode).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let gate = stage.hold_up(1).await;
    stage.worker(1).tell(Work { job: 0 }).await.unwrap();

    let picked: BTreeSet<_> = (0..4).map(|_| stage.workers.pick().unwrap().path().to_string()).collect();

    assert_eq!(picked.into_iter().collect::<Vec<_>>(), names([1]));
    gate.open_wide();
}

#[tokio::test(start_paused = true)]
async fn s13_2_equal_keys_go_to_one_worker_in_order() {
    let stage = Stage::of(4).await;
    let keys = ["ada", "grace", "barbara", "edsger", "alan", "kurt", "alonzo", "haskell"];

    for job in 0..5 {
        for (number, key) in (0..).zip(keys) {
            stage.workers.tell_to(key, Work { job: 10 * number + job }).await.unwrap();
        }
    }
    settle().await;

    let mut by_key: BTreeMap<u64, Vec<(String, u64)>> = BTreeMap::new();
    for entry in stage.journal.entries() {
        let (path, job) = entry.split_once(' ').unwrap();
        let job: u64 = job.parse().unwrap();
        by_key.entry(job / 10).or_default().push((path.to_owned(), job % 10));
    }
    for (key, done) in &by_key {
        assert!(done.iter().all(|(path, _)| *path == done[0].0), "key {key}: {done:?}");
        assert_eq!(done.iter().map(|(_, job)| *job).collect::<Vec<_>>(), [0, 1, 2, 3, 4], "key {key}");
    }
    let used: BTreeSet<_> = by_key.values().map(|done| &done[0].0).collect();
    assert!(by_key.len() == keys.len() && used.len() > 1, "{by_key:?}");
}

#[tokio::test(start_paused = true)]
async fn s13_2_a_worker_more_takes_its_share_of_the_keys_and_no_other_key_moves() {
    let stage = Stage::of(4).await;
    let place_of = |key: u32| stage.workers.pick_for(&key).unwrap().path().to_string();
    let before: Vec<_> = (0..1000).map(place_of).collect();

    stage.workers.resize(5).await.unwrap();

    let after: Vec<_> = (0..1000).map(place_of).collect();
    let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert!(moved.iter().all(|(_, after)| **after == "/pool/worker-4"), "{moved:?}");
    assert!((100..300).contains(&moved.len()), "{} keys moved", moved.len());
    stage.workers.resize(4).await.unwrap();
    assert_eq!((0..1000).map(place_of).collect::<Vec<_>>(), before);
}

#[tokio::test(start_paused = true)]
async fn s13_3_a_broadcast_reaches_each_worker_once_and_a_full_one_holds_up_no_other() {
    let stage = Stage::with(3, |pool| pool.each(|worker| worker.mailbox(1))).await;
    let gate = stage.hold_up(0).await;
    stage.worker(0).tell(Work { job: 0 }).await.unwrap();

    let workers = stage.workers.clone();
    let broadcast = tokio::spawn(async move { workers.broadcast(Work { job: 1 }).await });
    settle().await;
    let meanwhile = stage.journal.entries();
    gate.open();
    let outcomes = promptly("the broadcast ends", broadcast).await.unwrap();
    settle().await;

    assert_eq!(meanwhile, ["/pool/worker-1 1", "/pool/worker-2 1"]);
    assert!(outcomes.len() == 3 && outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(stage.journal.entries()[2..], ["/pool/worker-0 0", "/pool/worker-0 1"]);
}

#[tokio::test(start_paused = true)]
async fn s13_3_try_tell_is_refused_only_if_all_mailboxes_are_full() {
    let stage = Stage::with(2, |pool| pool.each(|worker| worker.mailbox(1))).await;
    let gates = [stage.hold_up(0).await, stage.hold_up(1).await];
    stage.worker(0).try_tell(Work { job: 0 }).unwrap();
    stage.worker(0).try_tell(Work { job: 1 }).unwrap_err();

    let second = [stage.workers.try_tell(Work { job: 2 }), stage.workers.try_tell(Work { job: 3 })];

    let [Ok(()), Err(refused)] = second else { panic!("{second:?}") };
    assert!(refused.is_full() && refused.into_message().job == 3);
    gates.iter().for_each(Gate::open_wide);
}

// ===== failures =====

#[tokio::test(start_paused = true)]
async fn s13_4_what_waited_for_a_worker_that_failed_is_done_by_its_next_incarnation() {
    let stage = Stage::of(1).await;
    let gate = stage.hold_up(0).await;
    stage.workers.tell(Explode).await.unwrap();
    for job in 0..3 {
        stage.workers.tell(Work { job }).await.unwrap();
    }

    gate.open();
    settle().await;

    assert_eq!(stage.journal.entries(), ["/pool/worker-0 0", "/pool/worker-0 1", "/pool/worker-0 2"]);
    assert_eq!((stage.worker(0).incarnation(), stage.workers.ask(Done).await.unwrap()), (1, 3));
    assert_eq!(stage.system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn s13_4_the_message_in_hand_is_not_handled_again_and_its_asker_learns_of_the_crash() {
    let stage = Stage::of(2).await;
    let failures = Arc::new(AtomicU64::new(1));

    let answer = stage.workers.ask(SucceedAfter { failures: failures.clone() }).await;
    settle().await;

    assert!(matches!(&answer, Err(AskError::Crashed { path, .. }) if *path == "/pool/worker-0"), "{answer:?}");
    assert_eq!(failures.load(Ordering::SeqCst), 0);
    assert_eq!(ask_each(&stage.workers, 0..2).await, names([1, 0]));
}

#[tokio::test(start_paused = true)]
async fn s13_4_an_ask_with_retries_is_tried_again_as_often_as_it_says() {
    let stage = Stage::of(2).await;
    let (few, many) = (Arc::new(AtomicU64::new(2)), Arc::new(AtomicU64::new(3)));

    let enough = stage.workers.ask_with_retries(2, SucceedAfter { failures: few }).await;
    let too_few = stage.workers.ask_with_retries(2, SucceedAfter { failures: many.clone() }).await;

    assert_eq!(enough.unwrap(), 0);
    assert!(matches!(too_few, Err(AskError::Crashed { .. })), "{too_few:?}");
    assert_eq!(many.load(Ordering::SeqCst), 0, "it was tried three times");
}

#[tokio::test(start_paused = true)]
async fn s13_4_the_failure_of_one_worker_leaves_the_others_as_they_are() {
    let stage = Stage::of(3).await;
    ask_each(&stage.workers, 0..3).await;

    stage.worker(1).tell(Explode).await.unwrap();
    settle().await;

    let mut done = Vec::new();
    for place in 0..3 {
        done.push((stage.worker(place).incarnation(), stage.worker(place).ask(Done).await.unwrap()));
    }
    assert_eq!(done, [(0, 1), (1, 0), (0, 1)]);
}

#[tokio::test(start_paused = true)]
async fn s13_5_more_failures_than_are_allowed_end_the_pool_and_messages_come_back() {
    let stage = Stage::with(2, |pool| pool.restarts(2, Duration::from_secs(10))).await;

    for _ in 0..3 {
        stage.workers.tell(Explode).await.unwrap();
    }
    let reason = promptly("the pool ends", stage.workers.pool().stopped()).await;

    assert!(matches!(reason, ExitReason::Escalated { restarts: 2, period, .. } if period == Duration::from_secs(10)), "{reason}");
    let refused = stage.workers.tell(Work { job: 7 }).await.unwrap_err();
    assert_eq!((refused.reason(), refused.path().to_string()), (Refusal::Stopped, "/pool".to_owned()));
    assert_eq!(refused.into_message().job, 7);
    let refused = stage.workers.try_tell(Work { job: 8 }).unwrap_err();
    assert_eq!(refused.into_message().job, 8);
    let unasked = stage.workers.ask_to(&1, Work { job: 9 }).await.unwrap_err();
    assert!(unasked.is_not_running() && unasked.into_message().unwrap().job == 9);
    assert!(stage.workers.broadcast(Work { job: 10 }).await.is_empty());
    assert!(stage.workers.resize(3).await.unwrap_err().is_stopping());
    assert!(stage.workers.pick().is_none() && stage.workers.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn s13_5_a_reference_outlives_the_restart_of_the_pool_and_unbegun_requests_go_to_the_new_workers() {
    let system = ActorSystem::new("pools");
    let journal = Journal::new();
    let noted = journal.clone();
    let pool = ChildSpec::new("pool", move || pool_of(2, &noted).restarts(0, Duration::from_secs(1)));
    system.actor(Supervisor::new().child(pool)).name("top").start().await.unwrap();
    let workers = system.lookup::<WorkerPool<Worker>>("/top/pool").unwrap().workers();
    let gate = Gate::new();
    for worker in workers.all() {
        worker.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    }
    let first = workers.all()[0].clone();
    first.tell(Explode).await.unwrap();
    let (asking, asker) = (workers.clone(), workers.clone());
    let unbegun = tokio::spawn(async move { tokio::join!(asking.ask(Work { job: 1 }), asker.ask(Work { job: 2 })) });
    settle().await;

    gate.open_wide();
    let (one, two) = promptly("both are answered", unbegun).await.unwrap();

    assert_eq!((workers.pool().incarnation(), first.is_alive()), (1, false));
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    assert_eq!(journal.len(), 2, "each is handled once");
    assert_eq!(workers.all().len(), 2);
}

// ===== the life of the pool =====

#[tokio::test(start_paused = true)]
async fn s13_6_what_is_sent_while_the_pool_starts_waits_for_its_workers() {
    /// A worker that takes its time to start.
    #[derive(Actor)]
    struct Slow;
    #[messages]
    impl Slow {
        #[started]
        async fn warm_up(&mut self) {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        #[message(name = HaveSlow)]
        fn have(&self) -> u8 {
            7
        }
    }
    let system = ActorSystem::new("pools");
    let workers = system.spawn(WorkerPool::new(2, || Slow)).workers();

    assert!(workers.try_tell(HaveSlow).unwrap_err().is_not_running());
    let timed_out = workers.ask_within(Duration::from_secs(1), HaveSlow).await.unwrap_err();
    assert!(timed_out.is_timeout(), "{timed_out:?}");
    let (told, asked) = tokio::join!(workers.tell(HaveSlow), workers.ask(HaveSlow));

    assert_eq!((told.is_ok(), asked.unwrap()), (true, 7));
}

#[tokio::test(start_paused = true)]
async fn s13_6_a_worker_that_does_not_start_fails_the_start_of_the_pool_and_releases_who_waits() {
    #[derive(Actor)]
    struct Unable;
    #[messages]
    impl Unable {
        #[started]
        async fn warm_up(&mut self) -> Result<(), String> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err("no licence".to_owned())
        }
        #[message(name = HaveUnable)]
        fn have(&self) {}
    }
    let system = ActorSystem::new("pools");
    let pool = system.actor(WorkerPool::new(2, || Unable)).name("unable").spawn();
    let workers = pool.workers();

    let (refused, ended) = tokio::join!(workers.tell(HaveUnable), pool.stopped());

    assert!(refused.unwrap_err().is_not_running());
    assert!(ended.to_string().contains("no licence") && ended.to_string().contains("/unable/worker-0"), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn s13_7_a_pool_that_grows_uses_its_new_workers() {
    let stage = Stage::of(1).await;

    stage.workers.resize(3).await.unwrap();

    let used: BTreeSet<_> = ask_each(&stage.workers, 0..6).await.into_iter().collect();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), names([0, 1, 2]));
}

#[tokio::test(start_paused = true)]
async fn s13_7_a_worker_that_is_too_many_finishes_what_it_has_and_gets_nothing_more() {
    let stage = Stage::of(2).await;
    let leaving = stage.worker(1);
    let gate = stage.hold_up(1).await;
    leaving.tell(Work { job: 0 }).await.unwrap();

    promptly("the resize does not wait for it", stage.workers.resize(1)).await.unwrap();
    let meanwhile = ask_each(&stage.workers, 1..5).await;
    gate.open();
    let reason = promptly("it ends", leaving.stopped()).await;

    assert_eq!(meanwhile, names([0, 0, 0, 0]));
    assert!(reason.is_clean() && stage.journal.count("/pool/worker-1 0") == 1, "{reason} {:?}", stage.journal);
    assert_eq!((stage.workers.all().len(), stage.system.dead_letter_count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn s13_7_a_place_is_taken_again_once_its_last_worker_has_ended() {
    let stage = Stage::of(2).await;
    let leaving = stage.worker(1);
    let gate = stage.hold_up(1).await;
    stage.workers.resize(1).await.unwrap();

    let workers = stage.workers.clone();
    let growing = tokio::spawn(async move { workers.resize(2).await });
    settle().await;
    assert!(!growing.is_finished(), "the place is still taken");
    gate.open();
    promptly("it grows", growing).await.unwrap().unwrap();

    assert!(!leaving.is_alive() && stage.worker(1).is_alive());
    let used: BTreeSet<_> = ask_each(&stage.workers, 0..4).await.into_iter().collect();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), names([0, 1]));
}

#[tokio::test(start_paused = true)]
async fn s13_8_a_pool_that_stops_stops_its_workers_side_by_side_as_their_policy_says() {
    let stage = Stage::with(2, |pool| pool.each(|worker| worker.policy(|policy| policy.on_stop = OnStop::Drain))).await;
    let gates = [stage.hold_up(0).await, stage.hold_up(1).await];
    for job in 0..4 {
        stage.workers.tell(Work { job }).await.unwrap();
    }

    stage.workers.pool().stop();
    let refused = stage.workers.tell(Work { job: 4 }).await.unwrap_err();
    gates.iter().for_each(Gate::open);
    promptly("the pool ends", stage.workers.pool().stopped()).await;

    assert!(refused.is_not_running());
    assert_eq!(stage.journal.len(), 4, "{:?}", stage.journal);
    assert_eq!(stage.system.dead_letter_count(), 0);
}

// ===== all at once =====

#[test]
fn s13_every_request_is_done_or_crashed_while_workers_fail_and_the_pool_is_resized() {
    const ASKERS: u64 = 8;
    const EACH: u64 = 100;
    on_1_2_and_8_workers(|| async {
        let stage = Stage::of(4).await;
        let asking: Vec<_> = (0..ASKERS)
            .map(|asker| {
                let workers = stage.workers.clone();
                tokio::spawn(async move {
                    let mut crashed = 0;
                    for job in asker * EACH..(asker + 1) * EACH {
                        if job % 10 == 3 {
                            let answer = workers.ask(Explode).await;
                            assert!(matches!(answer, Err(AskError::Crashed { .. })), "{answer:?}");
                            crashed += 1;
                        } else {
                            workers.ask(Work { job }).await.expect("it is done");
                        }
                    }
                    crashed
                })
            })
            .collect();
        for size in [2, 6, 1, 4] {
            promptly("it is resized", stage.workers.resize(size)).await.unwrap();
        }
        let mut crashed = 0;
        for asker in asking {
            crashed += promptly("each asker is done", asker).await.unwrap();
        }

        assert_eq!(crashed, ASKERS * EACH / 10);
        let done: BTreeSet<_> = stage.journal.entries().iter().map(|entry| entry.split_once(' ').unwrap().1.to_owned()).collect();
        assert_eq!((done.len() as u64, stage.journal.len() as u64), (ASKERS * EACH - crashed, ASKERS * EACH - crashed));
        stage.system.shutdown().await;
        assert_eq!(stage.system.actors(), 0);
    });
}
