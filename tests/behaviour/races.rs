//! Races and scale: what many do at the same time, and what is left of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorState, ActorSystem, BoxError, ChildInfo, ChildSpec, ChildState, Context, ExitReason, Exited, Hooks, Protocol,
    StartFailure, Supervisor, Tie, messages,
};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

fn two_workers() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built")
}

/// Handles one message and stops.
struct Once;

impl Protocol for Once {
    type Msg = ();
}

impl Actor for Once {
    const HOOKS: Hooks = Hooks::NONE;

    async fn handle(&mut self, (): (), ctx: &mut Context<Self>) -> Result<(), BoxError> {
        ctx.stop();
        Ok(())
    }
}

/// Makes waves of children and counts their ends.
#[derive(Actor)]
struct Sea {
    ended: Arc<AtomicUsize>,
}

#[messages]
impl Sea {
    #[message]
    fn wave(&mut self, size: usize, ctx: &mut Context<Self>) {
        for _ in 0..size {
            ctx.spawn(Once).try_tell(()).expect("it has just been made");
        }
    }
    #[message]
    fn children(&mut self, ctx: &mut Context<Self>) -> usize {
        ctx.children().len()
    }
    #[message]
    fn add(&mut self, ctx: &mut Context<Self>) -> ActorRef<Once> {
        ctx.spawn(Once)
    }
    #[exited]
    fn count(&mut self, exited: Exited) {
        assert!(matches!(exited.tie, Tie::Child));
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn rac_1_waves_of_short_lived_actors_are_counted_exactly_and_leave_nothing() {
    two_workers().block_on(async {
        let system = ActorSystem::new("sea");
        let ended = Arc::new(AtomicUsize::new(0));
        let sea = system.start(Sea { ended: ended.clone() }).await.expect("it starts");
        for wave in 1..=3 {
            sea.tell(Wave { size: 50_000 }).await.expect("it takes messages");
            eventually("the wave has gone", || ended.load(Ordering::Relaxed) >= wave * 50_000).await;
            assert_eq!(sea.ask(Children).await.expect("it answers"), 0);
            assert_eq!((ended.load(Ordering::Relaxed), system.actors()), (wave * 50_000, 1));
            assert_eq!((system.tree().len(), system.dead_letter_count()), (1, 0));
        }
        assert!(system.shutdown().await.is_clean());
    });
}

/// Starts so many children and stops them one by one; returns how long that took.
fn start_and_stop(count: usize) -> Duration {
    two_workers().block_on(async {
        let system = ActorSystem::new("sea");
        let ended = Arc::new(AtomicUsize::new(0));
        let sea = system.start(Sea { ended: ended.clone() }).await.expect("it starts");
        let began = std::time::Instant::now();
        let mut children = Vec::new();
        for _ in 0..count {
            children.push(sea.ask(Add).await.expect("it answers"));
        }
        for child in children {
            child.stop();
            child.stopped().await;
        }
        eventually("all ends are told", || ended.load(Ordering::Relaxed) == count).await;
        let took = began.elapsed();
        assert!(system.shutdown().await.is_clean());
        took
    })
}

#[test]
fn rac_2_starting_and_stopping_children_scales_linearly() {
    // Measured before and after, for the machine may have been busy.
    let before = start_and_stop(1_000);
    let many = start_and_stop(10_000);
    let few = before.max(start_and_stop(1_000));
    assert!(many < few * 50 + Duration::from_millis(100), "{few:?}, then {many:?}");
}

/// Has so many children supervised, and terminates them one by one; returns how long that took.
fn supervise_and_terminate(count: usize, dynamic: bool) -> Duration {
    two_workers().block_on(async {
        let system = ActorSystem::new("sea");
        let began = std::time::Instant::now();
        if dynamic {
            let sup = system.start(Supervisor::dynamic(|()| Once)).await.expect("it starts");
            let mut children = Vec::new();
            for _ in 0..count {
                children.push(sup.start_child(()).await.expect("it starts"));
            }
            for child in children {
                sup.terminate_child(&child).await.expect("it is there");
            }
            assert_eq!(sup.count_children().specs, 0);
        } else {
            let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            let specs = names.iter().map(|name| ChildSpec::new(name, || Once));
            let sup = system.start(Supervisor::new().children(specs)).await.expect("it starts");
            for name in &names {
                sup.terminate_child(name).await.expect("it is there");
            }
            assert_eq!(sup.count_children().active, 0);
        }
        let took = began.elapsed();
        assert!(system.shutdown().await.is_clean());
        took
    })
}

#[test]
fn rac_2_so_does_supervising_them_and_terminating_them_one_by_one() {
    for dynamic in [false, true] {
        let before = supervise_and_terminate(300, dynamic);
        let many = supervise_and_terminate(3_000, dynamic);
        let few = before.max(supervise_and_terminate(300, dynamic));
        assert!(many < few * 50 + Duration::from_millis(100), "{dynamic}: {few:?}, then {many:?}");
    }
}

#[test]
fn rac_3_stop_kill_and_drain_in_any_order_only_move_an_actor_forward() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("sea");
        for round in 0..500_usize {
            let actor = system.spawn(Once);
            let watching = Arc::new(AtomicBool::new(true));
            let observer = tokio::spawn({
                let (system, actor, watching) = (system.clone(), actor.clone(), watching.clone());
                async move {
                    let rank = |system: &ActorSystem| {
                        let state = system.tree().nodes.iter().find(|node| node.id == actor.id()).map(|node| node.state);
                        match state {
                            _ if actor.exit().is_some() => 3,
                            Some(ActorState::Starting) => 0,
                            Some(ActorState::Running) => 1,
                            _ => 2,
                        }
                    };
                    let mut last = 0;
                    while watching.load(Ordering::Relaxed) {
                        let now = rank(&system);
                        assert!(now >= last, "{last} came before {now}");
                        last = now;
                        tokio::task::yield_now().await;
                    }
                }
            });
            let callers: Vec<_> = (0..4)
                .map(|caller| {
                    let actor = actor.clone();
                    tokio::spawn(async move {
                        for call in 0..3 {
                            match (round + caller + call) % 4 {
                                0 => actor.stop(),
                                1 => actor.kill(),
                                2 => actor.drain(),
                                _ => drop(actor.try_tell(())),
                            }
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            for caller in callers {
                caller.await.expect("no call fails");
            }
            let reason = promptly("its end", actor.stopped()).await;
            assert!(matches!(reason, ExitReason::Normal | ExitReason::Killed), "{reason}");
            for _ in 0..3 {
                actor.stop();
                actor.kill();
                actor.drain();
                assert_eq!(actor.stopped().await, reason, "the end is told the same to all");
            }
            watching.store(false, Ordering::Relaxed);
            observer.await.expect("states only move forward");
        }
        assert_eq!(system.actors(), 0);
        assert!(system.shutdown().await.is_clean());
    });
}

#[test]
fn rac_4_a_name_that_is_taken_and_freed_all_the_time_is_never_confused() {
    two_workers().block_on(async {
        let system = ActorSystem::new("sea");
        let (mut taken, mut refused) = (0, 0);
        while taken + refused < 100_000 {
            match system.actor(Once).name("name").start().await {
                Ok(actor) => {
                    assert_eq!(system.lookup::<Once>("/name").as_ref(), Some(&actor), "a look-up gives the new actor");
                    actor.kill();
                    taken += 1;
                }
                Err(error) => {
                    // Of its dying predecessor, whose end is to be awaited.
                    assert!(matches!(error.failure(), StartFailure::NameTaken(path) if *path == "/name"), "{error}");
                    if let Some(holder) = error.holder::<Once>() {
                        assert_eq!(promptly("its end", holder.stopped()).await, ExitReason::Killed);
                    }
                    refused += 1;
                }
            }
        }
        assert!(taken > 1_000, "{taken} of {refused}");
        eventually("the last has gone", || system.actors() == 0).await;
        assert!(system.lookup::<Once>("/name").is_none());
        assert!(system.shutdown().await.is_clean());
    });
}

// These children are not supervised, and so not restarted.
#[test]
fn rac_5_a_parent_under_churn_lists_its_children_and_stops_them_all() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("sea");
        let ended = Arc::new(AtomicUsize::new(0));
        let sea = system.start(Sea { ended: ended.clone() }).await.expect("it starts");
        let mut children = Vec::new();
        for _ in 0..2_000 {
            children.push(sea.ask(Add).await.expect("it answers"));
        }
        let killer = std::thread::spawn(move || {
            let mut state = 1_u32;
            let (mut killed, mut kept) = (0, Vec::new());
            for child in children {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 31 == 0 {
                    child.kill();
                    killed += 1;
                } else {
                    kept.push(child);
                }
            }
            (killed, kept)
        });
        for _ in 0..500 {
            sea.ask(Add).await.expect("it answers");
            assert!(sea.ask(Children).await.expect("a list call never fails") <= 2_500);
        }
        let (killed, kept) = killer.join().expect("it does not panic");
        eventually("all ends are told", || ended.load(Ordering::Relaxed) == killed).await;
        assert_eq!(sea.ask(Children).await.expect("it answers"), 2_500 - killed);
        assert!(kept.iter().all(ActorRef::is_alive));
        sea.stop();
        assert_eq!(promptly("its end", sea.stopped()).await, ExitReason::Normal);
        assert_eq!(system.actors(), 0);
        for child in kept {
            assert_eq!(child.stopped().await, ExitReason::Shutdown);
        }
        system.shutdown().await;
    });
}

#[test]
fn rac_5_a_supervisor_under_churn_restarts_lists_and_stops_its_children() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("sea");
        let pool = system.start(Supervisor::dynamic(|()| Once).permanent().unlimited_restarts()).await.expect("it starts");
        let temporary = system.start(Supervisor::dynamic(|()| Once)).await.expect("it starts");
        let mut children = Vec::new();
        for _ in 0..1_000 {
            children.push(pool.start_child(()).await.expect("it starts"));
            children.push(temporary.start_child(()).await.expect("it starts"));
        }
        let killer = std::thread::spawn({
            let children = children.clone();
            move || {
                let mut state = 1_u32;
                let random = |child: &&ActorRef<Once>| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 + (child.id() == children[0].id()) as u32);
                    state >> 31 == 0
                };
                children.iter().filter(random).inspect(|child| child.kill()).count()
            }
        });
        for added in 1..=500 {
            pool.start_child(()).await.expect("it starts");
            assert_eq!(pool.supervised_children().len(), 1_000 + added, "whoever is restarted is listed");
            assert!(temporary.count_children().active <= 1_000);
        }
        let killed = killer.join().expect("it does not panic");
        assert!((500..1_500).contains(&killed));
        eventually("all are restarted", || pool.count_children().active == 1_500 && pool.supervised_children().iter().all(is_up)).await;
        eventually("the others are forgotten", || system.actors() == 2 + pool.count_children().specs + temporary.count_children().specs)
            .await;
        let restarts: u64 = pool.supervised_children().iter().map(|child| child.restarts).sum();
        assert_eq!(restarts as usize + 1_000 - temporary.count_children().specs, killed, "each was restarted, or forgotten, once");
        for child in children.iter().step_by(2) {
            child.tell(()).await.expect("the same reference, whoever was restarted");
        }

        pool.kill();
        promptly("its end", pool.stopped()).await;
        temporary.stop();
        promptly("its end", temporary.stopped()).await;
        assert_eq!(system.actors(), 0);
        system.shutdown().await;
    });
}

fn is_up(child: &ChildInfo) -> bool {
    child.state == ChildState::Running
}

#[test]
fn a_shutdown_amid_kills_stops_and_other_shutdowns_gives_one_report() {
    on_1_2_and_8_workers(|| async {
        for round in 0..30_u64 {
            let system = ActorSystem::new("sea");
            let ended = Arc::new(AtomicUsize::new(0));
            let sea = system.start(Sea { ended: ended.clone() }).await.expect("it starts");
            let mut children = Vec::new();
            for _ in 0..50 {
                children.push(sea.ask(Add).await.expect("it answers"));
            }
            let trouble = std::thread::spawn({
                let sea = sea.clone();
                move || {
                    for (number, child) in children.iter().enumerate() {
                        if number % 2 == 0 {
                            child.kill()
                        } else {
                            child.stop()
                        }
                        if number as u64 == round {
                            sea.kill();
                        }
                    }
                    children
                }
            });
            let (one, other) = tokio::join!(system.shutdown(), system.shutdown_within(Duration::from_secs(1 + round % 3)));
            assert_eq!((one.total, one.order()), (other.total, other.order()));
            assert!(one.is_clean(), "{one}");
            for child in trouble.join().expect("it does not panic") {
                let reason = child.exit().expect("nobody outlives the shutdown").reason;
                assert!(matches!(reason, ExitReason::Normal | ExitReason::Killed | ExitReason::Shutdown), "{reason}");
            }
            assert_eq!(system.actors(), 0);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn exits_that_came_while_a_handler_ran_are_all_told_before_the_next_message() {
    let system = ActorSystem::new("sea");
    let (gate, journal) = (Gate::new(), Journal::new());
    let harbour = system.start(Harbour { gate: gate.clone(), journal: journal.clone() }).await.expect("it starts");
    harbour.tell(Launch { ships: 5 }).await.expect("it takes messages");
    harbour.tell(Note).await.expect("it takes messages");
    gate.reached().await;
    eventually("the ships have sunk", || system.actors() == 1).await;
    gate.open();
    eventually("the message was handled", || journal.count("message") == 1).await;
    assert_eq!(journal.entries(), ["exit", "exit", "exit", "exit", "exit", "message"]);
    // The same with nothing that would wake it.
    harbour.tell(Launch { ships: 3 }).await.expect("it takes messages");
    gate.reached().await;
    eventually("the ships have sunk", || system.actors() == 1).await;
    gate.open();
    eventually("all exits are told", || journal.count("exit") == 8).await;
    assert!(system.shutdown().await.is_clean());
}

/// Launches ships that sink at once, and looks up only later.
#[derive(Actor)]
struct Harbour {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Harbour {
    #[message]
    async fn launch(&mut self, ships: usize, ctx: &mut Context<Self>) {
        for _ in 0..ships {
            ctx.spawn(Once).try_tell(()).expect("it has just been made");
        }
        self.gate.pass().await;
    }
    #[message]
    fn note(&self) {
        self.journal.note("message");
    }
    #[exited]
    fn exited(&mut self, _exited: Exited) {
        self.journal.note("exit");
    }
}
