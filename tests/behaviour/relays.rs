//! What is passed on from turn to turn on a runtime of several threads: relays take the turns of those whom turns wake, and one that blocks
//! there holds up nobody who can run elsewhere, save the last one it has told (S2.7).
//!
//! That relays do is seen by the id of the task, which such turns share. Threads really block, so the clock cannot be paused.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use actors_core::{Actor, ActorRef, ActorSystem, messages};
use tests::{Gate, Journal, eventually, promptly};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{Id, block_in_place};

/// Does in its turn what it is told.
#[derive(Actor)]
#[actor(mailbox = "unbounded")]
struct Hand {
    journal: Journal,
}

type Job = Box<dyn FnOnce() + Send>;

#[messages]
impl Hand {
    #[message]
    fn turn(&mut self, job: Job) {
        job();
    }

    #[message]
    fn ping(&self) -> u8 {
        1
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.journal.note("dropped");
    }
}

/// As a hand, with a task that takes no turns.
#[derive(Actor)]
struct Awaiting;

#[messages]
impl Awaiting {
    #[message]
    async fn work(&mut self, job: Job) {
        std::future::ready(()).await;
        job();
    }
}

fn tell(hand: &ActorRef<Hand>, job: impl FnOnce() + Send + 'static) {
    hand.try_tell(Turn { job: Box::new(job) }).expect("it takes messages");
}

/// In which tasks turns were taken, one after the other.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<Option<Id>>>>);

impl Tasks {
    fn note(&self) {
        self.0.lock().expect("nobody panics there").push(tokio::task::try_id());
    }

    /// The relay that has taken the last two turns, if one has.
    fn relay(&self) -> Option<Id> {
        match self.0.lock().expect("nobody panics there")[..] {
            [.., before, last] if before == last => last,
            _ => None,
        }
    }
}

/// Has one tell the next in its turn, and so on; the last does this.
fn pass_on(hands: &[ActorRef<Hand>], job: impl FnOnce() + Send + 'static) -> Tasks {
    let tasks = Tasks::default();
    pass(hands, tasks.clone(), job);
    tasks
}

fn pass(hands: &[ActorRef<Hand>], tasks: Tasks, job: impl FnOnce() + Send + 'static) {
    let [first, others @ ..] = hands else { return job() };
    let others = others.to_vec();
    tell(first, move || {
        tasks.note();
        pass(&others, tasks, job);
    });
}

/// Three of which each passes on to the next, and relays take the turns of the last two.
async fn three(system: &ActorSystem, journal: &Journal) -> [ActorRef<Hand>; 3] {
    let hands = [(); 3].map(|()| system.spawn(Hand { journal: journal.clone() }));
    pass_until_shared(&hands).await;
    hands
}

async fn pass_until_shared(hands: &[ActorRef<Hand>; 3]) -> Id {
    pass_until(hands, |_| true).await
}

/// Until a relay takes the turns of the last two that is as it should be.
async fn pass_until(hands: &[ActorRef<Hand>; 3], is_meant: impl Fn(Id) -> bool) -> Id {
    for pass in 0..2000 {
        let tasks = pass_on(hands, || ());
        eventually("it is passed on", || tasks.0.lock().expect("nobody panics there").len() == 3).await;
        // After fewer, runners take the turns.
        if let Some(relay) = tasks.relay().filter(|relay| pass > 40 && is_meant(*relay)) {
            return relay;
        }
    }
    panic!("no relay has taken two turns");
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it can be built")
}

fn on_two_threads(work: impl AsyncFnOnce(&ActorSystem, [ActorRef<Hand>; 3])) {
    runtime().block_on(async {
        let system = ActorSystem::new("relay");
        let hands = three(&system, &Journal::new()).await;
        work(&system, hands).await;
        promptly("it ends", system.shutdown()).await;
    });
}

/// What a turn waits for with its thread.
fn wall() -> (Sender<()>, Receiver<()>) {
    channel()
}

#[test]
fn s2_7_a_turn_that_blocks_in_a_relay_holds_up_nobody_who_has_passed_on_to_it() {
    on_two_threads(async |_, hands| {
        let mut shared = 0;
        for _ in 0..20 {
            let (begun, (open, wall)) = (Gate::new(), wall());
            let begins = begun.clone();
            let job = move || {
                begins.open();
                wall.recv().expect("it is opened");
            };
            let tasks = pass_on(&hands, job);
            promptly("it blocks", begun.pass()).await;
            shared += usize::from(tasks.relay().is_some());
            let [first, second, third] = &hands;
            promptly("it answers", first.ask(Ping)).await.expect("it answers");
            promptly("it answers", second.ask(Ping)).await.expect("it answers");
            open.send(()).expect("it is waited for");
            promptly("it answers", third.ask(Ping)).await.expect("it answers");
        }
        assert!(shared > 0, "no relay has taken turns");
    });
}

#[test]
fn s2_7_a_turn_that_gives_its_thread_up_to_wait_for_whom_it_has_told_waits_for_a_moment() {
    on_two_threads(async |system, hands| {
        let first = system.spawn(Hand { journal: Journal::new() });
        pass_until_shared(&[first.clone(), hands[0].clone(), hands[1].clone()]).await;
        let mut shared = 0;
        for told in [0, 1, 2, 0, 1, 2] {
            let done = Gate::new();
            let (opened, answers) = (done.clone(), hands.clone());
            let job = move || {
                let (open, wall) = wall();
                tell(&answers[told], move || open.send(()).expect("it is waited for"));
                block_in_place(|| wall.recv().expect("it is opened"));
                opened.open();
            };
            // The last one here is not among those it tells.
            let others: Vec<_> = hands.iter().enumerate().filter(|(at, _)| *at != told).map(|(_, hand)| hand.clone()).collect();
            let tasks = pass_on(&[first.clone(), others[0].clone(), others[1].clone()], job);
            promptly("it is done", done.pass()).await;
            shared += usize::from(tasks.relay().is_some());
        }
        assert!(shared > 0, "no relay has taken turns");
    });
}

#[test]
fn s2_7_a_turn_in_a_relay_may_ask_in_a_runtime_that_it_enters() {
    on_two_threads(async |_, [first, second, third]| {
        for _ in 0..100 {
            let done = Gate::new();
            let (opened, asked) = (done.clone(), third.clone());
            let job = move || {
                let answer = block_in_place(|| Handle::current().block_on(asked.ask(Ping)));
                assert_eq!(answer.expect("it answers"), 1);
                opened.open();
            };
            pass_on(&[first.clone(), second.clone()], job);
            promptly("it is done", done.pass()).await;
        }
    });
}

/// Where somebody takes what it is told.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// At a seat, by a relay.
    Seat,
    /// By a runner: it was never told anything.
    Runner,
    /// In a task that takes no turns.
    Task,
}

impl Place {
    const ALL: [Place; 3] = [Place::Seat, Place::Runner, Place::Task];

    /// What tells somebody there.
    async fn teller(self, system: &ActorSystem, hands: &[ActorRef<Hand>; 3]) -> impl FnOnce(Job) + Send + 'static {
        let [first, second, _] = hands;
        let hand = system.spawn(Hand { journal: Journal::new() });
        if let Place::Seat = self {
            pass_until_shared(&[first.clone(), second.clone(), hand.clone()]).await;
        }
        let awaiting = system.spawn(Awaiting);
        move |job| match self {
            Place::Task => awaiting.try_tell(Work { job }).expect("it takes messages"),
            _ => hand.try_tell(Turn { job }).expect("it takes messages"),
        }
    }
}

#[test]
fn s2_7_a_turn_that_tells_two_and_blocks_holds_up_the_last_alone_wherever_they_are() {
    on_two_threads(async |system, hands| {
        let [first, second, _] = &hands;
        for (blocked, told, last) in Place::ALL.iter().flat_map(|a| Place::ALL.map(|b| Place::ALL.map(|c| (*a, b, c)))).flatten() {
            let (tells_blocked, tells, tells_last) =
                (blocked.teller(system, &hands).await, told.teller(system, &hands).await, last.teller(system, &hands).await);
            let done = Gate::new();
            let opened = done.clone();
            let job: Job = Box::new(move || {
                let (open, wall) = wall();
                tells(Box::new(move || open.send(()).expect("it is waited for")));
                tells_last(Box::new(|| ()));
                wall.recv().expect("it is opened");
                opened.open();
            });
            pass_on(&[first.clone(), second.clone()], move || tells_blocked(job));
            promptly(&format!("{blocked:?} tells {told:?} and {last:?}"), done.pass()).await;
        }
    });
}

#[test]
fn s2_7_a_turn_that_blocks_after_another_in_a_relay_holds_up_nobody_whom_that_has_told() {
    on_two_threads(async |system, hands| {
        let awaiting = system.spawn(Awaiting);
        let last = system.spawn(Hand { journal: Journal::new() });
        pass_until_shared(&[hands[0].clone(), hands[1].clone(), last.clone()]).await;
        let mut shared = 0;
        for in_front in [false, true, false, true, false, true] {
            let done = Gate::new();
            let (opened, last, awaiting) = (done.clone(), last.clone(), awaiting.clone());
            let job = move || {
                let (open, wall) = wall();
                let work: Job = Box::new(move || open.send(()).expect("it is waited for"));
                let blocks = move || {
                    wall.recv().expect("it is opened");
                    opened.open();
                };
                if in_front {
                    tell(&last, blocks);
                    awaiting.try_tell(Work { job: work }).expect("it takes messages");
                } else {
                    awaiting.try_tell(Work { job: work }).expect("it takes messages");
                    tell(&last, blocks);
                }
            };
            let tasks = pass_on(&hands, job);
            promptly("it is done", done.pass()).await;
            shared += usize::from(tasks.relay().is_some());
        }
        assert!(shared > 0, "no relay has taken turns");
    });
}

#[test]
fn s2_7_a_relay_that_stands_by_already_lets_nobody_stand_in_front_of_it() {
    on_two_threads(async |system, hands| {
        let [busy, last] = [(); 2].map(|()| system.spawn(Hand { journal: Journal::new() }));
        pass_until_shared(&[hands[0].clone(), hands[1].clone(), last.clone()]).await;
        for _ in 0..20 {
            let awaiting = system.spawn(Awaiting);
            let (begun, done, (free, blocked)) = (Gate::new(), Gate::new(), wall());
            let begins = begun.clone();
            // While the relay is called that stands by, the other thread cannot take it.
            tell(&busy, move || {
                begins.open();
                blocked.recv().expect("it is opened");
            });
            promptly("it blocks", begun.pass()).await;
            let (opened, last) = (done.clone(), last.clone());
            let job = move || {
                let (open, wall) = wall();
                let work = move || open.send(()).expect("it is waited for");
                awaiting.try_tell(Work { job: Box::new(work) }).expect("it takes messages");
                tell(&last, || ());
                free.send(()).expect("it is waited for");
                wall.recv().expect("it is opened");
                opened.open();
            };
            pass_on(&hands, job);
            promptly("it is done", done.pass()).await;
        }
    });
}

#[test]
fn s2_7_however_long_turns_take_that_are_passed_on_others_have_theirs_between() {
    on_two_threads(async |system, hands| {
        fn on_and_on(hands: [ActorRef<Hand>; 3], turns: Arc<AtomicUsize>) {
            let [first, second, third] = hands;
            let next = [second, third, first.clone()];
            // Until they end.
            let _ = first.try_tell(Turn {
                job: Box::new(move || {
                    let began = Instant::now();
                    while began.elapsed() < Duration::from_millis(1) {
                        std::hint::spin_loop();
                    }
                    if turns.fetch_add(1, Ordering::Relaxed) < 1500 {
                        on_and_on(next, turns);
                    }
                }),
            });
        }
        let turns = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            on_and_on(hands.clone(), turns.clone());
        }
        let other = system.spawn(Hand { journal: Journal::new() });
        eventually("it goes round", || turns.load(Ordering::Relaxed) > 100).await;
        let mut most = 0;
        for _ in 0..10 {
            let before = turns.load(Ordering::Relaxed);
            promptly("it answers", other.ask(Ping)).await.expect("it answers");
            most = most.max(turns.load(Ordering::Relaxed) - before);
        }
        turns.store(usize::MAX / 2, Ordering::Relaxed);
        assert!(most <= 60, "{most} turns while one asked");
    });
}

#[test]
fn s2_7_what_is_passed_on_in_relays_is_handled_once_and_in_order() {
    on_two_threads(async |_, [first, second, third]| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        for number in 0..2000 {
            let noted = seen.clone();
            pass_on(&[first.clone(), second.clone(), third.clone()], move || noted.lock().expect("nobody panics there").push(number));
            if number % 7 == 0 {
                // They hear from outside, too.
                tell(&third, || ());
                tell(&second, || ());
            }
        }
        eventually("all have come", || seen.lock().expect("nobody panics there").len() == 2000).await;
        assert!(seen.lock().expect("nobody panics there").iter().copied().eq(0..2000));
    });
}

#[test]
fn s2_7_a_ring_of_turns_without_end_leaves_room_for_others() {
    on_two_threads(async |system, hands| {
        fn on_and_on(hands: [ActorRef<Hand>; 3], stops: Arc<AtomicBool>) {
            let [first, second, third] = hands;
            let next = [second, third, first.clone()];
            // Until they end.
            let _ = first.try_tell(Turn {
                job: Box::new(move || {
                    if !stops.load(Ordering::Relaxed) {
                        on_and_on(next, stops);
                    }
                }),
            });
        }
        let stops = Arc::new(AtomicBool::new(false));
        // One for each thread, and one more.
        for _ in 0..3 {
            on_and_on(hands.clone(), stops.clone());
        }
        let other = system.spawn(Awaiting);
        for _ in 0..100 {
            promptly("it answers", hands[0].ask(Ping)).await.expect("it answers");
            let done = Gate::new();
            let opened = done.clone();
            promptly("it takes it", other.tell(Work { job: Box::new(move || opened.open()) })).await.expect("it takes messages");
            promptly("others run", done.pass()).await;
        }
        stops.store(true, Ordering::Relaxed);
    });
}

#[test]
fn s5_1_one_who_panics_in_a_relay_ends_alone_and_the_relay_goes_on() {
    on_two_threads(async |system, hands| {
        let tasks = pass_on(&hands, || panic!("as it was told"));
        let exit = promptly("it ends", hands[2].stopped()).await;
        assert!(exit.to_string().contains("as it was told"), "{exit:?}");
        let relay = tasks.relay().expect("a relay has taken both turns");
        let [first, second, _] = hands;
        let fourth = system.spawn(Hand { journal: Journal::new() });
        pass_until(&[first, second, fourth], |task| task == relay).await;
    });
}

#[test]
fn s2_7_relays_go_when_nobody_takes_turns_any_more() {
    runtime().block_on(async {
        let alive = || Handle::current().metrics().num_alive_tasks();
        let before = alive();
        let system = ActorSystem::builder("relay").linger(Duration::from_millis(20)).build();
        let hands = three(&system, &Journal::new()).await;
        eventually("their tasks go", || alive() <= before).await;
        // They come again.
        pass_until_shared(&hands).await;
        assert!(promptly("it ends", system.shutdown()).await.is_clean());
        eventually("all tasks go", || alive() <= before).await;
    });
}

#[test]
fn s2_7_relays_go_when_their_thread_ends() {
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_keep_alive(Duration::from_millis(1)).enable_all().build();
    runtime.expect("it can be built").block_on(async {
        // They would go with the tasks of the actors, too.
        let system = ActorSystem::builder("relay").linger(Duration::from_secs(600)).build();
        let hands = three(&system, &Journal::new()).await;
        let alive = || Handle::current().metrics().num_alive_tasks();
        let before = alive();
        let mut relays = HashSet::new();
        for round in 0.. {
            relays.insert(pass_until_shared(&hands).await);
            if relays.len() > 4 {
                break;
            }
            assert!(round < 100, "{} relays have taken turns", relays.len());
            let done = Gate::new();
            let opened = done.clone();
            // The thread goes on as one that blocks, and another takes its place.
            pass_on(&hands, move || {
                block_in_place(|| thread::sleep(Duration::from_millis(5)));
                opened.open();
            });
            promptly("it is done", done.pass()).await;
        }
        eventually("those of threads that have ended go", || alive() <= before + 2).await;
        promptly("it ends", system.shutdown()).await;
    });
}

#[test]
fn s2_5_two_systems_pass_on_to_each_other() {
    runtime().block_on(async {
        let systems = [ActorSystem::new("one"), ActorSystem::new("other")];
        let journal = Journal::new();
        let [a, b] = [three(&systems[0], &journal).await, three(&systems[1], &journal).await];
        let mut shared = 0;
        for _ in 0..200 {
            let done = Gate::new();
            let opened = done.clone();
            let way = [&a[0], &b[0], &a[1], &a[2], &b[1], &b[2], &a[0], &a[1], &a[2]].map(Clone::clone);
            let tasks = pass_on(&way, move || opened.open());
            promptly("it is done", done.pass()).await;
            shared += usize::from(tasks.relay().is_some());
        }
        assert!(shared > 0, "no relay has taken turns");
        for system in systems {
            assert!(promptly("it ends", system.shutdown()).await.is_clean());
        }
    });
}

#[test]
fn s6_5_one_whose_turn_blocks_in_a_relay_when_the_runtime_goes_ends_after_it() {
    let (runtime, journal) = (runtime(), Journal::new());
    let (begun, (open, wall)) = (Gate::new(), wall());
    let (system, hands) = runtime.block_on(async {
        let system = ActorSystem::new("relay");
        let hands = three(&system, &journal).await;
        let begins = begun.clone();
        let job = move || {
            begins.open();
            wall.recv().expect("it is opened");
        };
        pass_on(&hands, job);
        promptly("it blocks", begun.pass()).await;
        (system, hands)
    });
    runtime.shutdown_background();
    open.send(()).expect("it is waited for");
    let ends = hands.iter().map(|hand| hand.stopped());
    Builder::new_current_thread().enable_all().build().expect("it can be built").block_on(async {
        for end in ends {
            promptly("it ends", end).await;
        }
    });
    drop((hands, system));
    assert_eq!(journal.count("dropped"), 3);
}
