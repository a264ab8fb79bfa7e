//! An actor that has nothing to do has no task, and nobody can tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use tests::{Journal, on_1_2_and_8_workers, promptly};
use tokio::runtime::Handle;
use tokio::time::sleep;

/// It counts, and notes its ends in a journal.
#[derive(Actor)]
struct Counter {
    count: u64,
    journal: Journal,
}

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) {
        self.count += by;
    }

    #[message]
    fn count(&self) -> u64 {
        self.count
    }

    #[message]
    async fn take_a_while(&mut self, time: Duration) {
        sleep(time).await;
        self.count += 1;
    }

    #[message]
    fn send_later(&self, after: Duration, ctx: &mut Context<Self>) {
        ctx.send_after(after, Add { by: 100 });
    }

    #[message]
    fn keep(&self, by: u64, ctx: &mut Context<Self>) {
        ctx.stash(Add { by }).unwrap_or_else(|full| panic!("there is room: {full}"));
    }

    #[message]
    fn watch(&self, other: ActorRef<Counter>, ctx: &mut Context<Self>) {
        ctx.monitor(&other);
    }

    #[exited]
    fn other_ended(&self, exit: actors_core::Exited) {
        self.journal.note(format!("told {}", exit.reason));
    }

    #[stopped]
    fn close(&self) {
        self.journal.note(format!("stopped at {}", self.count));
    }
}

fn stage() -> (ActorSystem, Journal, ActorRef<Counter>) {
    let (system, journal) = (ActorSystem::new("idle"), Journal::new());
    let counter = system.spawn(Counter { count: 0, journal: journal.clone() });
    (system, journal, counter)
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Long enough for a task without anything to do.
const A_WHILE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_been_idle_for_a_while_has_no_task_and_no_time_passes_for_it() {
    let (_system, _journal, counter) = stage();
    assert_eq!(tasks(), 0, "none before the first message");
    counter.tell(Add { by: 1 }).await.unwrap();
    assert_eq!(counter.ask(Count).await.unwrap(), 1);
    assert!(tasks() > 0, "it lingers");

    sleep(A_WHILE).await;

    assert_eq!(tasks(), 0);
    assert_eq!(counter.ask(Count).await.unwrap(), 1, "the state is there");
}

#[tokio::test(start_paused = true)]
async fn a_busy_actor_keeps_its_task() {
    let (_system, _journal, counter) = stage();
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        counter.tell(Add { by: 1 }).await.unwrap();
        sleep(Duration::from_millis(300)).await;
        seen.insert(tasks());
    }
    assert_eq!(seen, [2].into(), "its own, and that of the one who looks");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_long_is_not_idle() {
    let (_system, _journal, counter) = stage();
    counter.tell(TakeAWhile { time: A_WHILE * 10 }).await.unwrap();
    sleep(A_WHILE).await;
    assert!(tasks() > 0);
    assert_eq!(counter.ask(Count).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_actor_has_set_up_goes_on_while_it_is_idle() {
    let (_system, _journal, counter) = stage();
    counter.tell(SendLater { after: A_WHILE * 2 }).await.unwrap();
    counter.tell(Keep { by: 7 }).await.unwrap();
    sleep(A_WHILE * 3).await;
    assert_eq!(counter.ask(Count).await.unwrap(), 100, "the timer has fired, and what is in the stash is there still");
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_hears_of_the_end_of_another_and_runs_its_hook_when_it_stops() {
    let (system, journal, counter) = stage();
    let other = system.spawn(Counter { count: 3, journal: journal.clone() });
    counter.tell(Watch { other: other.clone() }).await.unwrap();
    counter.tell(Add { by: 1 }).await.unwrap();
    sleep(A_WHILE).await;
    assert_eq!(tasks(), 0);

    other.stop();
    other.stopped().await;
    sleep(A_WHILE).await;
    counter.stop();
    assert_eq!(promptly("its end", counter.stopped()).await, ExitReason::Normal);

    assert_eq!(journal.entries(), ["stopped at 3", "told normal", "stopped at 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_is_killed_drained_and_shut_down_like_any_other() {
    let (system, journal, killed) = stage();
    let actors: Vec<_> = (0..3).map(|count| system.spawn(Counter { count, journal: journal.clone() })).collect();
    for actor in actors.iter().chain([&killed]) {
        actor.tell(Add { by: 10 }).await.unwrap();
    }
    sleep(A_WHILE).await;
    assert_eq!(tasks(), 0);

    killed.kill();
    assert_eq!(promptly("its end", killed.stopped()).await, ExitReason::Killed);
    actors[0].drain();
    assert_eq!(promptly("its end", actors[0].stopped()).await, ExitReason::Normal);
    let report = system.shutdown().await;

    assert_eq!((report.is_clean(), report.actors.len(), tasks()), (true, 2, 0), "{report}");
    assert_eq!(journal.entries().len(), 4, "each hook has run: {:?}", journal.entries());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_turned_round_when_messages_come_just_as_the_task_goes() {
    let (system, _journal, counter) = stage();
    let mut random = fastrand::Rng::with_seed(11);
    let mut sent = 0;
    for _ in 0..2_000 {
        // Around the moments at which it is looked who is idle.
        sleep(Duration::from_micros(random.u64(990_000..1_010_000))).await;
        for _ in 0..random.u64(0..4) {
            counter.tell(Add { by: 1 }).await.unwrap();
            sent += 1;
        }
        if random.u8(0..3) == 0 {
            assert_eq!(counter.ask(Count).await.unwrap(), sent);
        }
    }
    assert_eq!(counter.ask(Count).await.unwrap(), sent);
    system.shutdown().await;
    assert_eq!(tasks(), 0);
}

/// It passes a number on, until it is 0.
#[derive(Actor)]
struct Hop {
    next: Option<ActorRef<Hop>>,
    seen: Arc<AtomicU64>,
}

#[messages]
impl Hop {
    #[message]
    fn join(&mut self, next: ActorRef<Hop>) {
        self.next = Some(next);
    }

    #[message]
    fn pass(&mut self, left: u64) {
        self.seen.fetch_add(1, Ordering::Relaxed);
        if let (Some(next), Some(left)) = (&self.next, left.checked_sub(1)) {
            next.try_tell(Pass { left }).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn on_several_threads_idle_actors_wake_up_for_each_message_and_none_is_left_asleep() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::builder("ring").linger(Duration::from_millis(1)).build();
        let seen = Arc::new(AtomicU64::new(0));
        let hops: Vec<_> = (0..64).map(|_| system.spawn(Hop { next: None, seen: seen.clone() })).collect();
        for (place, hop) in hops.iter().enumerate() {
            hop.tell(Join { next: hops[(place + 1) % hops.len()].clone() }).await.unwrap();
        }
        let mut random = fastrand::Rng::with_seed(5);
        for round in 1..=300 {
            let passed = |hop: &ActorRef<Hop>| hop.try_tell(Pass { left: 63 }).is_ok();
            assert!(hops.iter().all(passed));
            promptly("all have passed", async {
                while seen.load(Ordering::Relaxed) < round * 64 * 64 {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            // Some tasks go now, some are about to, and some stay.
            sleep(Duration::from_micros(random.u64(0..4_000))).await;
        }
        assert!(system.shutdown().await.is_clean());
    });
}
