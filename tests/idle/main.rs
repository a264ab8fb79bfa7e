//! An actor that has nothing to do has no task, and nobody can tell.

mod after_work;
mod at_rest;
mod ties;

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

/// It has no hooks, begins work beside its messages, and breaks when it is dropped if it is told to.
#[derive(Actor, Default)]
struct Plain {
    breaks: bool,
}

#[messages]
impl Plain {
    #[message]
    fn work_beside(&self, journal: Journal, ctx: &mut Context<Self>) {
        let dropped = OnDrop(journal);
        ctx.spawn_task(async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        });
    }

    #[message]
    fn break_when_dropped(&mut self) {
        self.breaks = true;
    }

    #[message]
    async fn grow_drowsy_and_sleep(&self, ctx: &mut Context<Self>) {
        ctx.set_inactivity_timeout(A_WHILE, || Quiet);
        sleep(A_WHILE / 2).await;
    }

    #[message]
    fn quiet(&self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        assert!(!self.breaks, "it was to break");
    }
}

struct OnDrop(Journal);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.note("the work is dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn what_runs_beside_an_idle_actor_goes_before_its_end_is_told() {
    let (system, journal) = (ActorSystem::new("idle"), Journal::new());
    let plain = system.spawn(Plain::default());
    plain.tell(WorkBeside { journal: journal.clone() }).await.unwrap();
    sleep(A_WHILE).await;

    plain.stop();
    plain.stopped().await;
    journal.note("the end is told");

    assert_eq!(journal.entries(), ["the work is dropped", "the end is told"]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_whose_state_breaks_when_it_is_dropped_is_reported_as_crashed() {
    let system = ActorSystem::new("idle");
    let mut crashes = system.crash_reports();
    let plain = system.spawn(Plain::default());
    plain.tell(BreakWhenDropped).await.unwrap();
    sleep(A_WHILE).await;

    plain.stop();

    assert!(promptly("its end", plain.stopped()).await.is_failure());
    let report = promptly("the report", crashes.recv()).await.expect("there is one");
    assert_eq!(report.path, plain.path());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sets_an_inactivity_timeout_counts_as_activity_itself() {
    let system = ActorSystem::new("idle");
    let plain = system.spawn(Plain::default());
    let began = tokio::time::Instant::now();
    plain.tell(GrowDrowsyAndSleep).await.unwrap();
    plain.stopped().await;
    assert_eq!(began.elapsed(), A_WHILE / 2 + A_WHILE, "counted from the end of the handler");
}

/// Its destructor waits until it is let go.
#[derive(Actor)]
struct Stuck(std::sync::mpsc::Receiver<()>);

#[messages]
impl Stuck {
    #[message]
    fn nothing(&self) {}
}

impl Drop for Stuck {
    fn drop(&mut self) {
        assert!(Handle::try_current().is_ok(), "a destructor may use the runtime");
        let _ = self.0.recv();
    }
}

#[test]
fn a_destructor_that_hangs_is_told_of_at_the_deadline() {
    let (let_go, stuck) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let report = runtime.block_on(async {
        let system = ActorSystem::builder("stuck").deadline(Duration::from_millis(300)).progress(false).build();
        system.spawn(Stuck(stuck));
        system.shutdown().await
    });
    assert_eq!((report.outcome, report.actors.len()), (actors_core::Outcome::Unresponsive, 1));
    let_go.send(()).unwrap();
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

/// Its handlers never wait; one blocks the thread until another actor has been heard of.
#[derive(Actor)]
struct Blocking {
    helper: ActorRef<Answering>,
}

#[messages]
impl Blocking {
    #[message]
    fn block_until_answered(&self) -> u64 {
        let (sender, answer) = std::sync::mpsc::channel();
        self.helper.try_tell(Answer { to: sender }).unwrap_or_else(|error| panic!("{error}"));
        tokio::task::block_in_place(|| answer.recv_timeout(Duration::from_secs(20)).unwrap_or(0))
    }
}

#[derive(Actor)]
struct Answering;

#[messages]
impl Answering {
    #[message]
    fn answer(&self, to: std::sync::mpsc::Sender<u64>) {
        let _ = to.send(7);
    }
}

#[test]
fn whom_a_handler_tells_has_his_turn_though_the_handler_blocks_its_thread_for_him() {
    for workers in [1, 2, 8] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
        runtime.block_on(async {
            let system = ActorSystem::new("blocked");
            let pairs: Vec<_> = (0..12).map(|_| system.spawn(Blocking { helper: system.spawn(Answering) })).collect();
            // All at once: more than there are threads.
            let ask = |pair: ActorRef<Blocking>| async move { pair.ask(BlockUntilAnswered).await };
            let asks: Vec<_> = pairs.into_iter().map(|pair| tokio::spawn(ask(pair))).collect();
            for ask in asks {
                let answer = promptly("the answer", ask).await.expect("it does not panic");
                assert_eq!(answer.expect("it answers"), 7, "on {workers} workers");
            }
            assert!(system.shutdown().await.is_clean());
        });
    }
}

/// It makes two more of its kind as it starts, until there are enough.
#[derive(Actor)]
struct Growing {
    depth: u32,
    journal: Journal,
}

#[messages]
impl Growing {
    #[started]
    fn grow(&self, ctx: &mut Context<Self>) {
        self.journal.note(self.depth.to_string());
        for _ in 0..if self.depth == 0 { 0 } else { 2 } {
            ctx.spawn(Growing { depth: self.depth - 1, journal: self.journal.clone() });
        }
    }

    #[message]
    fn leaf(&self) {}
}

#[tokio::test]
async fn those_who_start_in_one_turn_start_in_order_and_each_with_all_below_it() {
    let (system, journal) = (ActorSystem::new("grown"), Journal::new());
    system.spawn(Growing { depth: 2, journal: journal.clone() });
    tests::eventually("all have started", || journal.entries().len() == 7).await;
    assert_eq!(journal.entries(), ["2", "1", "0", "0", "1", "0", "0"]);
    assert!(system.shutdown().await.is_clean());
}

#[test]
fn who_waits_for_a_turn_when_the_runtime_goes_ends_with_it() {
    let journal = Journal::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (system, actors) = runtime.block_on(async {
        let system = ActorSystem::new("gone");
        let spawn = |_| system.spawn(Held { journal: journal.clone(), _dropped: journal.drop_note("dropped") });
        let actors: Vec<_> = (0..10).map(spawn).collect();
        (system, actors)
    });
    drop(runtime);
    assert_eq!(journal.entries(), ["dropped"; 10]);
    assert!(actors.iter().all(|actor| actor.exit().is_some()), "all ends are known");
    drop(system);
}

/// It notes that it starts, and that it is dropped.
#[derive(Actor)]
struct Held<D: Send + 'static> {
    journal: Journal,
    _dropped: D,
}

#[messages]
impl<D: Send + 'static> Held<D> {
    #[started]
    fn begin(&self) {
        self.journal.note("started");
    }

    #[message]
    fn hold(&self) {}
}

/// It has children from the start, and notes when it is dropped.
#[derive(Actor)]
struct Branch {
    name: String,
    /// How many levels stand below it.
    levels: usize,
    /// Its leaves have a `stopped` hook, and so need tasks to end.
    hooked: bool,
    journal: Journal,
}

#[messages]
impl Branch {
    #[started]
    fn grow(&mut self, ctx: &mut Context<Self>) {
        for side in [1, 2].into_iter().filter(|_| self.levels > 0) {
            let (name, journal) = (format!("{}{side}", self.name), self.journal.clone());
            if self.hooked && self.levels == 1 {
                ctx.spawn(Counter { count: side, journal });
            } else {
                ctx.spawn(Branch { name, levels: self.levels - 1, hooked: self.hooked, journal });
            }
        }
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        self.journal.note(&self.name);
    }
}

/// What is noted of a tree that is at rest when its system shuts down.
async fn felled(levels: usize, hooked: bool) -> Vec<String> {
    let (system, journal) = (ActorSystem::new("wood"), Journal::new());
    system.start(Branch { name: "b".to_owned(), levels, hooked, journal: journal.clone() }).await.expect("it starts");
    sleep(Duration::from_secs(3)).await;
    let report = system.shutdown().await;
    assert_eq!(report.exit_code(), 0, "{report}");
    journal.entries()
}

#[tokio::test(start_paused = true)]
async fn a_tree_at_rest_ends_children_first_and_in_reverse_start_order() {
    assert_eq!(felled(2, false).await, ["b22", "b21", "b2", "b12", "b11", "b1", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_tree_at_rest_but_for_its_leaves_ends_in_the_same_order() {
    let noted = felled(2, true).await;
    assert_eq!(noted, ["stopped at 2", "stopped at 1", "b2", "stopped at 2", "stopped at 1", "b1", "b"]);
}

#[tokio::test(start_paused = true)]
async fn how_long_a_task_stays_that_has_nothing_to_do_is_as_the_system_says() {
    for (linger, stays) in [(Duration::from_millis(1), false), (Duration::from_secs(3_600), true)] {
        let (system, journal) = (ActorSystem::builder("idle").linger(linger).build(), Journal::new());
        let counter = system.spawn(Counter { count: 0, journal });
        counter.ask(TakeAWhile { time: Duration::from_millis(1) }).await.unwrap();
        assert!(tasks() > 0, "{linger:?}");

        sleep(Duration::from_secs(60)).await;

        assert_eq!(tasks() > 0, stays, "{linger:?}");
        system.shutdown().await;
    }
}
