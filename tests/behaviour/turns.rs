//! What an actor does without a task, because nothing in it waits, it does as all others (S2.7).

use actors_core::{AbortedBy, Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tests::{Broken, DropNote, Journal, eventually, promptly};

/// None of its hooks and handlers waits. It has a destructor, and so ends in its turn.
#[derive(Actor)]
struct Clerk {
    journal: Journal,
    _desk: DropNote,
}

#[messages]
impl Clerk {
    #[started]
    fn begin(&mut self) {
        self.journal.note("started");
    }

    #[message]
    fn file(&self) {
        self.journal.note("filed");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_asked_to_stop_before_its_first_turn_does_not_start() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let clerk = system.spawn(Clerk { journal: journal.clone(), _desk: journal.drop_note("gone") });

    clerk.stop();
    promptly("it ends", clerk.stopped()).await;

    assert_eq!(journal.entries(), ["gone"]);
    system.shutdown().await;
}

/// Each of its messages takes the time of the machine, and counts.
#[derive(Actor)]
struct Plodder {
    handled: Arc<AtomicU32>,
}

#[messages]
impl Plodder {
    #[message]
    fn plod(&self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(20) {}
        self.handled.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn an_actor_whose_messages_take_time_lets_others_run_after_each_turn() {
    let (system, handled) = (ActorSystem::new("office"), Arc::new(AtomicU32::new(0)));
    let plodder = system.actor(Plodder { handled: handled.clone() }).unbounded().spawn();
    for _ in 0..2_000 {
        plodder.tell(Plod).await.expect("there is room");
    }

    let (mut before, mut most) = (0, 0);
    while before < 2_000 {
        tokio::task::yield_now().await;
        let now = handled.load(Ordering::Relaxed);
        (before, most) = (now, most.max(now - before));
    }

    // That a turn of 64 took long is known only after a second; and its first two may be one without a task and one with.
    assert!(most <= 4 * 64, "{most} before another ran");
    system.shutdown().await;
}

/// Notes what it is told, and tells others in turn.
#[derive(Actor)]
struct Teller {
    name: &'static str,
    journal: Journal,
}

#[messages]
impl Teller {
    #[message]
    fn spread(&self, to: Vec<ActorRef<Teller>>) {
        self.journal.note(self.name);
        for next in to {
            next.try_tell(Spread { to: Vec::new() }).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[message]
    fn pass(&self, left: u32, other: ActorRef<Teller>, ctx: &mut Context<Self>) {
        self.journal.note(self.name);
        if let Some(left) = left.checked_sub(1) {
            other.try_tell(Pass { left, other: ctx.actor_ref().clone() }).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

fn tellers<const N: usize>(system: &ActorSystem, journal: &Journal, names: [&'static str; N]) -> [ActorRef<Teller>; N] {
    names.map(|name| system.spawn(Teller { name, journal: journal.clone() }))
}

#[tokio::test(start_paused = true)]
async fn whom_an_actor_tells_in_its_turn_comes_next_in_that_order_and_before_all_who_wait() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let [first, a, b, c, last] = tellers(&system, &journal, ["first", "a", "b", "c", "last"]);

    first.try_tell(Spread { to: vec![a, b, c] }).expect("there is room");
    last.try_tell(Spread { to: Vec::new() }).expect("there is room");
    eventually("all are told", || journal.len() == 5).await;

    assert_eq!(journal.entries(), ["first", "a", "b", "c", "last"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn two_who_tell_each_other_all_the_time_keep_nobody_waiting_for_ever() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let [ping, pong, other] = tellers(&system, &journal, ["ping", "pong", "other"]);

    ping.try_tell(Pass { left: 200, other: pong }).expect("there is room");
    other.try_tell(Spread { to: Vec::new() }).expect("there is room");
    eventually("all is over", || journal.len() == 202).await;

    let place = journal.entries().iter().position(|entry| entry == "other").expect("it has had its turn");
    assert!(place <= 20, "{place} turns came first");
    system.shutdown().await;
}

/// Has children, who report to it when they have started, and end.
#[derive(Actor)]
struct Parent {
    journal: Journal,
}

#[messages]
impl Parent {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        for _ in 0..10 {
            ctx.spawn(Child { parent: ctx.actor_ref().clone(), journal: self.journal.clone() });
        }
    }

    #[message]
    fn report(&self) {
        self.journal.note("heard");
    }
}

#[derive(Actor)]
struct Child {
    parent: ActorRef<Parent>,
    journal: Journal,
}

#[messages]
impl Child {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        self.journal.note("born");
        self.parent.try_tell(Report).expect("there is room");
        ctx.stop();
    }

    #[message]
    fn nothing(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_parent_has_its_turn_after_its_children_who_wait() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());

    system.spawn(Parent { journal: journal.clone() });
    eventually("all have reported", || journal.len() == 20).await;

    assert_eq!(journal.entries(), [["born"; 10], ["heard"; 10]].concat());
    system.shutdown().await;
}

#[test]
fn s6_5_a_runtime_of_several_threads_that_is_dropped_ends_all_who_wait_for_their_turn() {
    for count in [1, 2, 8] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(count).enable_all().build().expect("it can be built");
        let journal = Journal::new();
        let (system, actors) = runtime.block_on(async {
            let system = ActorSystem::new("office");
            let actors: Vec<_> = (0..500)
                .map(|_| {
                    let [teller] = tellers(&system, &journal, ["teller"]);
                    teller.try_tell(Spread { to: Vec::new() }).expect("there is room");
                    teller
                })
                .collect();
            (system, actors)
        });
        drop(runtime);

        // Some have had their turn, and are at rest.
        let ended = actors.iter().filter_map(|actor| actor.exit()).map(|exit| exit.reason.clone());
        let ended: Vec<_> = ended.inspect(|reason| assert_eq!(*reason, ExitReason::Aborted { by: AbortedBy::Runtime })).collect();
        assert_eq!((journal.len() + ended.len(), system.actors()), (500, journal.len()), "on {count} workers");
    }
}

#[test]
fn s6_5_a_runtime_that_is_dropped_ends_an_actor_that_waits_for_its_turn() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let journal = Journal::new();
    let (_system, first, second) = runtime.block_on(async {
        let system = ActorSystem::new("office");
        let [first, second] = tellers(&system, &journal, ["first", "second"]);
        first.try_tell(Spread { to: Vec::new() }).expect("there is room");
        second.try_tell(Spread { to: Vec::new() }).expect("there is room");
        (system, first, second)
    });
    drop(runtime);

    for actor in [first, second] {
        let exit = actor.exit().expect("it has ended");
        assert_eq!(exit.reason, ExitReason::Aborted { by: AbortedBy::Runtime });
    }
    assert!(journal.is_empty());
}

#[test]
fn s6_5_a_runtime_that_is_dropped_amid_a_row_of_turns_ends_all_whom_one_of_them_gave_something_to_do() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let journal = Journal::new();
    let (system, others) = runtime.block_on(async {
        let system = ActorSystem::new("office");
        let [first] = tellers(&system, &journal, ["first"]);
        let others: Vec<_> = (0..4_000).flat_map(|_| tellers(&system, &journal, ["other"])).collect();
        first.try_tell(Spread { to: others.clone() }).expect("there is room");
        while journal.is_empty() {
            tokio::task::yield_now().await;
        }
        (system, others)
    });
    let begun = journal.count("other");
    drop(runtime);

    assert!(begun < 4_000, "all had their turn in one row");
    let ended = others.iter().filter(|other| other.exit().is_some()).count();
    assert_eq!((ended, journal.count("other"), system.actors()), (4_000 - begun, begun, begun + 1));
}

#[tokio::test(start_paused = true)]
async fn s2_5_whom_an_actor_tells_in_its_turn_has_one_of_its_own_though_it_is_of_another_system() {
    let (journal, here, there) = (Journal::new(), ActorSystem::new("here"), ActorSystem::new("there"));
    let [first, last] = tellers(&here, &journal, ["first", "last"]);
    let [second, third] = tellers(&there, &journal, ["second", "third"]);

    first.tell(Spread { to: vec![second, third, last] }).await.expect("it takes messages");
    eventually("all have had their turn", || journal.len() == 4).await;

    here.shutdown().await;
    there.shutdown().await;
}

/// Fails after it has told another to, and cleans up.
#[derive(Actor)]
struct Culprit;

#[messages]
impl Culprit {
    #[message]
    fn drag_down(&self, other: ActorRef<Victim>) -> Result<(), Broken> {
        other.try_tell(Fall).expect("there is room");
        Err(Broken("first"))
    }

    #[stopped]
    fn clean_up(&mut self) {}
}

#[derive(Actor)]
struct Victim;

#[messages]
impl Victim {
    #[message]
    fn fall(&self) -> Result<(), Broken> {
        Err(Broken("second"))
    }
}

#[tokio::test(start_paused = true)]
async fn s5_1_one_that_fails_in_its_turn_has_failed_first_whatever_comes_before_its_hook_runs() {
    let system = ActorSystem::new("office");
    let mut crashes = system.crash_reports();
    let (culprit, victim) = (system.spawn(Culprit), system.spawn(Victim));
    culprit.link(&victim);

    culprit.try_tell(DragDown { other: victim.clone() }).expect("there is room");
    promptly("their ends", async { (culprit.stopped().await, victim.stopped().await) }).await;

    let exit = culprit.exit().expect("it has ended");
    assert_eq!(exit.reason.error().and_then(|error| error.downcast_ref()), Some(&Broken("first")), "{exit:?}");
    assert!(std::iter::from_fn(|| crashes.try_recv()).any(|crash| crash.path == culprit.path()), "it is told");
    assert_eq!(system.shutdown().await.failed, 2);
}

/// Blocks its thread for a while after it was asked to end.
#[derive(Actor)]
struct Late;

#[messages]
impl Late {
    #[message]
    fn take_its_time(&self, ctx: &mut Context<Self>) {
        while !ctx.is_stopping() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_8_what_is_waited_for_its_handler_is_told_of_one_that_ends_in_its_turn() {
    let system = ActorSystem::new("office");
    let late = system.spawn(Late);
    late.tell(TakeItsTime).await.expect("there is room");
    eventually("it has begun", || late.queued() == 0).await;

    let report = system.shutdown().await;

    let late = report.get(&late.path().to_string()).expect("it ended during the shutdown");
    assert!(late.handler >= Duration::from_millis(5), "{:?} of {:?}", late.handler, late.total);
}

/// Never waits; puts aside, releases, and fails as it is told.
#[derive(Actor)]
#[actor(stash = 1)]
struct Keeper {
    journal: Journal,
    open: bool,
}

#[messages]
impl Keeper {
    #[message]
    fn keep(&self, ctx: &mut Context<Self>) {
        if self.open {
            self.journal.note("kept");
        } else {
            ctx.stash(Keep).unwrap_or_else(|full| panic!("there is room: {full}"));
        }
    }

    #[message]
    fn unlock(&mut self, ctx: &mut Context<Self>) {
        self.open = true;
        ctx.unstash_all();
    }

    #[message]
    fn snap(&self) -> Result<(), Broken> {
        Err(Broken("snapped"))
    }

    #[message]
    fn greet(&self) {}
}

/// A keeper that has handled so many that it has a task, which now sleeps.
async fn busy_keeper(system: &ActorSystem, journal: &Journal) -> ActorRef<Keeper> {
    let keeper = system.spawn(Keeper { journal: journal.clone(), open: false });
    for _ in 0..40 {
        keeper.ask(Greet).await.expect("it answers");
    }
    keeper
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_alone_and_fails_fails_its_actor() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let keeper = busy_keeper(&system, &journal).await;

    keeper.tell(Snap).await.expect("it is open");

    let reason = promptly("it fails", keeper.stopped()).await;
    assert_eq!(reason.to_string(), "failed: snapped");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_message_that_comes_alone_releases_is_handled_at_once() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let keeper = busy_keeper(&system, &journal).await;
    keeper.tell(Keep).await.expect("it is open");
    tokio::time::sleep(Duration::from_millis(1)).await;

    keeper.tell(Unlock).await.expect("it is open");

    eventually("it is handled", || journal.entries() == ["kept"]).await;
    system.shutdown().await;
}
