//! Turns that are taken in a row on one thread: whose they are, how many, and what comes after one that leaves more to do (S2.7).

use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use tests::{Journal, eventually, promptly};
use tokio::runtime::Builder;
use tokio::task::{Id, try_id, yield_now};

/// What takes long to be handled.
const SLOW: u32 = u32::MAX;

/// Passes on what it is told.
#[derive(Actor)]
#[actor(mailbox = "unbounded")]
struct Runner {
    next: Option<ActorRef<Runner>>,
    log: Log,
    journal: Journal,
}

/// What was handled, and in which task.
type Log = Arc<Mutex<Vec<(u32, Option<Id>)>>>;

#[messages]
impl Runner {
    #[message]
    fn pass(&mut self, number: u32) {
        self.log.lock().unwrap().push((number, try_id()));
        if number == SLOW {
            sleep(Duration::from_micros(200));
        }
        if let Some(next) = &self.next {
            next.try_tell(Pass { number }).expect("it is there");
        }
    }

    /// Goes round so often.
    #[message]
    fn go_round(&mut self, times: u32) {
        self.log.lock().unwrap().push((times, try_id()));
        if let (Some(next), 1..) = (&self.next, times) {
            next.try_tell(GoRound { times: times - 1 }).expect("it is there");
        }
    }

    /// Has the next handle so many.
    #[message]
    fn pass_many(&mut self, count: u32) {
        let next = self.next.as_ref().expect("there is one");
        (0..count).for_each(|number| next.try_tell(Pass { number }).expect("it is there"));
    }

    /// Has the next end.
    #[message]
    fn pass_end(&mut self) {
        self.next.as_ref().expect("there is one").try_tell(End).expect("it is there");
    }

    #[message]
    fn end(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }

    #[message]
    fn set_next(&mut self, next: ActorRef<Runner>) {
        self.next = Some(next);
    }

    #[stopped]
    async fn close(&mut self) {
        yield_now().await;
        self.journal.note("closed");
    }
}

#[derive(Default)]
struct Track {
    log: Log,
    journal: Journal,
}

impl Track {
    fn runner(&self, system: &ActorSystem, next: Option<ActorRef<Runner>>) -> ActorRef<Runner> {
        system.spawn(Runner { next, log: self.log.clone(), journal: self.journal.clone() })
    }

    /// So many, each of which passes on to the one before it, last first. By now they are served in one task.
    async fn chain<const N: usize>(&self, system: &ActorSystem) -> [ActorRef<Runner>; N] {
        let mut next = None;
        let chain = [(); N].map(|()| {
            let runner = self.runner(system, next.take());
            next.insert(runner).clone()
        });
        for number in 0..1000 {
            // The first few are handled where those are that have no task.
            if self.passes(&chain[N - 1], N).await && number > 30 {
                return chain;
            }
        }
        panic!("they are never served in one task");
    }

    /// Passes one message through so many; says whether that was in one task.
    async fn passes(&self, first: &ActorRef<Runner>, count: usize) -> bool {
        self.log.lock().unwrap().clear();
        first.tell(Pass { number: 0 }).await.expect("it takes messages");
        eventually("it is passed on", || self.log.lock().unwrap().len() == count).await;
        let log = self.log.lock().unwrap();
        log.iter().all(|(_, task)| task.is_some() && *task == log[0].1)
    }
}

fn on_one_thread(work: impl AsyncFnOnce(&ActorSystem, &Track)) {
    with_a_clock_that(false, work);
}

fn with_a_clock_that(stands: bool, work: impl AsyncFnOnce(&ActorSystem, &Track)) {
    let runtime = Builder::new_current_thread().enable_all().start_paused(stands).build().expect("it can be built");
    runtime.block_on(async {
        let system = ActorSystem::new("track");
        work(&system, &Track::default()).await;
        promptly("it ends", system.shutdown()).await;
    });
}

#[test]
fn s2_7_what_goes_through_many_hands_is_handled_in_one_task() {
    on_one_thread(async |system, track| {
        track.chain::<5>(system).await;
    });
}

#[test]
fn s2_7_those_of_two_systems_are_not_served_in_one_task() {
    on_one_thread(async |system, track| {
        let other = ActorSystem::new("other");
        let last = track.runner(&other, None);
        let first = track.runner(system, Some(last));
        for _ in 0..200 {
            assert!(!track.passes(&first, 2).await);
        }
        other.shutdown().await;
    });
}

#[test]
fn s2_7_more_than_one_turn_of_what_is_passed_on_is_handled_too() {
    on_one_thread(async |system, track| {
        let [_last, first] = track.chain::<2>(system).await;
        track.log.lock().unwrap().clear();

        first.tell(PassMany { count: 5_000 }).await.expect("it takes messages");

        eventually("all is handled", || track.log.lock().unwrap().len() == 5_000).await;
        assert!(track.log.lock().unwrap().iter().map(|(number, _)| *number).eq(0..5_000));
    });
}

#[test]
fn s2_7_one_that_ends_in_anothers_task_has_its_hook_run() {
    on_one_thread(async |system, track| {
        let [last, first] = track.chain::<2>(system).await;

        first.tell(PassEnd).await.expect("it takes messages");

        assert_eq!(promptly("it ends", last.stopped()).await, ExitReason::Normal);
        assert_eq!(track.journal.entries(), ["closed"]);
    });
}

#[test]
fn s2_7_of_turns_that_take_long_few_are_taken_in_a_row() {
    on_one_thread(async |system, track| {
        let [last, first] = track.chain::<2>(system).await;
        last.tell(SetNext { next: first.clone() }).await.expect("it takes messages");
        first.tell(Pass { number: SLOW }).await.expect("it takes messages");
        eventually("it goes round", || track.log.lock().unwrap().len() > 200).await;

        let most = most_in_a_row(track).await;
        first.kill();

        assert!(most > 0 && most <= 12, "{most} while others waited");
    });
}

#[test]
fn s2_7_however_fast_turns_are_some_are_taken_in_a_row() {
    with_a_clock_that(true, async |system, track| {
        let [last, first] = track.chain::<2>(system).await;
        last.tell(SetNext { next: first.clone() }).await.expect("it takes messages");
        first.tell(GoRound { times: 100_000 }).await.expect("it takes messages");

        let most = most_in_a_row(track).await;

        assert!(most > 0 && most <= 68, "{most} while others waited");
    });
}

/// How many turns are taken while another task waits for its own.
async fn most_in_a_row(track: &Track) -> usize {
    let log = track.log.clone();
    let others = tokio::spawn(async move {
        let (mut most, mut before) = (0, log.lock().unwrap().len());
        for _ in 0..100 {
            behind_all_that_wait().await;
            let handled = log.lock().unwrap().len();
            most = most.max(handled - before);
            before = handled;
        }
        most
    });
    promptly("others have their turns", others).await.expect("it does not panic")
}

/// Lets all tasks run that are about to.
async fn behind_all_that_wait() {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn s2_7_one_that_others_have_served_ends_in_its_own_task_with_its_hook() {
    on_one_thread(async |system, track| {
        let [last, _first] = track.chain::<2>(system).await;

        last.stop();

        assert_eq!(promptly("it ends", last.stopped()).await, ExitReason::Normal);
        assert_eq!(track.journal.entries(), ["closed"]);
    });
}
