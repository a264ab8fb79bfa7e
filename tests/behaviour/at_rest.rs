//! A system in which nothing happens does nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, messages};
use tests::tree::{Branch, Habit};
use tests::{Journal, eventually};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn an_idle_system_costs_no_wakeups() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be built");
    let system = ActorSystem::builder("idle").runtime(runtime.handle().clone()).build();
    let journal = Journal::new();
    let children = (0..100).map(|number| Branch::new(number.to_string(), Habit::HasHelper));
    let top = runtime.block_on(Branch::good("p").below(children).grow(&system, &journal));
    let metrics = runtime.metrics();
    let parked = || metrics.worker_park_count(0);
    // Once two looks in a row agree, the worker sleeps; then whatever the actors did by themselves would be seen.
    let mut last = parked();
    runtime.block_on(eventually("the worker is at rest", || parked() == std::mem::replace(&mut last, parked())));
    let (parks, busy) = (parked(), metrics.worker_total_busy_duration(0));
    let (rest, wake) = std::sync::mpsc::channel::<()>();
    assert!(wake.recv_timeout(millis(300)).is_err(), "nobody sends");
    drop(rest);
    let ran = metrics.worker_total_busy_duration(0) - busy;
    assert!(parked() - parks <= 2 && ran < millis(10), "{} wake-ups and {ran:?} of work while nothing happened", parked() - parks);
    assert!(top.is_alive());
    assert!(runtime.block_on(system.shutdown()).is_clean());
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_waits_to_be_stopped_does_nothing_meanwhile() {
    let system = ActorSystem::new("wood");
    let top = Branch::good("leaf").under(5).grow(&system, &Journal::new()).await;
    let polls = Arc::new(AtomicUsize::new(0));
    let slow = system.spawn(Counting { polls: polls.clone() });
    slow.tell(CountPolls).await.expect("it takes messages");
    eventually("it is in hand", || polls.load(Ordering::Relaxed) == 1).await;
    tokio::time::sleep(secs(1_000_000)).await;
    assert_eq!(polls.load(Ordering::Relaxed), 1, "the handler in hand is polled when it is woken only");
    for _ in 0..100 {
        slow.tell(CountPolls).await.expect("it takes messages");
    }
    tokio::time::sleep(secs(1)).await;
    assert_eq!(polls.load(Ordering::Relaxed), 1, "further messages do not wake a handler");
    top.stop();
    let report = system.shutdown().await;
    assert_eq!(report.total, secs(5));
    assert!(polls.load(Ordering::Relaxed) < 10, "nor does the shutdown poll it over and over");
}

#[derive(Actor)]
struct Counting {
    polls: Arc<AtomicUsize>,
}

#[messages]
impl Counting {
    #[message]
    async fn count_polls(&mut self) {
        std::future::poll_fn(|_| {
            self.polls.fetch_add(1, Ordering::Relaxed);
            std::task::Poll::<()>::Pending
        })
        .await;
    }
}
