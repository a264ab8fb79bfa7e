//! A drain: what is finished for its sake, and what is left out of it (S6.8).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, ChildSpec, Context, DeadReason, ExitReason, Exited, Supervisor, messages};
use tests::{Broken, Gate, Journal, promptly};
use tokio::task::yield_now;
use tokio::time::Instant;

/// Starts at a gate; whatever waits when a stop comes is cut short.
#[derive(Actor)]
#[actor(in_flight = "cancel")]
struct Starter {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Starter {
    #[started]
    async fn begin(&mut self) {
        let _cut_or_done = self.journal.drop_note("start is over");
        self.gate.pass().await;
        self.journal.note("started");
    }

    #[message]
    fn note(&self) {
        self.journal.note("handled");
    }
}

#[tokio::test(start_paused = true)]
async fn s6_8_a_drain_lets_a_start_that_has_begun_finish_if_something_waits_to_be_handled() {
    let (system, gate, journal) = (ActorSystem::new("test"), Gate::new(), Journal::new());
    let actor = system.spawn(Starter { gate: gate.clone(), journal: journal.clone() });
    gate.reached().await;
    actor.tell(Note).await.unwrap();

    actor.drain();
    yield_now().await;
    gate.open();

    assert_eq!(promptly("the end", actor.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["started", "start is over", "handled"]);
    assert_eq!(system.dead_letter_count(), 0);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s6_8_a_drain_cuts_a_start_short_if_nothing_waits_to_be_handled() {
    let (system, gate, journal) = (ActorSystem::new("test"), Gate::new(), Journal::new());
    let actor = system.spawn(Starter { gate: gate.clone(), journal: journal.clone() });
    gate.reached().await;

    actor.drain();

    assert_eq!(promptly("the end", actor.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["start is over"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s6_8_a_kill_cuts_a_start_short_that_goes_on_for_a_drain() {
    let (system, gate, journal) = (ActorSystem::new("test"), Gate::new(), Journal::new());
    let actor = system.spawn(Starter { gate: gate.clone(), journal: journal.clone() });
    gate.reached().await;
    actor.tell(Note).await.unwrap();
    actor.drain();
    yield_now().await;

    actor.kill();

    promptly("the end", actor.stopped()).await;
    assert_eq!(journal.entries(), ["start is over"]);
    assert_eq!(system.dead_letter_count(), 1);
    system.shutdown().await;
}

/// Has a child, watches it, and writes down what it is told of it.
#[derive(Actor)]
struct Watcher {
    gate: Gate,
    journal: Journal,
}

#[derive(Actor)]
struct Watched;

#[messages]
impl Watched {
    #[message]
    fn ping(&self) {}
}

#[messages]
impl Watcher {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        let child = ctx.actor(Watched).name("child").spawn();
        ctx.monitor(&child);
        ctx.link(&child);
    }

    #[message]
    async fn wait(&mut self) {
        self.gate.pass().await;
        self.journal.note("handled");
    }

    #[exited]
    fn exited(&mut self, _exited: Exited) {
        self.journal.note("told");
    }
}

#[tokio::test(start_paused = true)]
async fn s6_8_who_drains_is_told_of_no_exit_neither_of_those_that_waited_nor_of_later_ones() {
    for told_before in [true, false] {
        let (system, gate, journal) = (ActorSystem::new("test"), Gate::new(), Journal::new());
        let watcher = system.actor(Watcher { gate: gate.clone(), journal: journal.clone() }).name("watcher").start().await.unwrap();
        for _ in 0..3 {
            watcher.tell(Wait).await.unwrap();
        }
        gate.reached().await;
        let child = system.lookup::<Watched>("/watcher/child").unwrap();
        if told_before {
            child.stop();
            promptly("the end of the child", child.stopped()).await;
        }

        watcher.drain();
        gate.open();
        gate.reached().await;
        child.stop();
        promptly("the end of the child", child.stopped()).await;
        gate.open_wide();

        assert_eq!(promptly("the end", watcher.stopped()).await, ExitReason::Normal);
        assert_eq!(journal.entries(), ["handled"; 3]);
        system.shutdown().await;
    }
}

/// Fails at two, in a handler that may wait and in one that does not.
#[derive(Actor)]
struct Counter {
    journal: Journal,
}

#[messages]
impl Counter {
    #[message]
    fn count(&self, n: u32) -> Result<(), Broken> {
        self.journal.note(n.to_string());
        if n == 2 { Err(Broken("two")) } else { Ok(()) }
    }
}

#[derive(Actor)]
struct SlowCounter {
    journal: Journal,
}

#[messages]
impl SlowCounter {
    #[message(name = CountSlowly)]
    async fn count(&self, n: u32) -> Result<(), Broken> {
        yield_now().await;
        self.journal.note(n.to_string());
        if n == 2 { Err(Broken("two")) } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn s6_8_a_drain_in_which_a_handler_fails_handles_nothing_more() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut letters = system.dead_letters();
    let (quick, slow) = (system.spawn(Counter { journal: journal.clone() }), system.spawn(SlowCounter { journal: journal.clone() }));
    for n in 1..=3 {
        quick.try_tell(Count { n }).unwrap();
        slow.try_tell(CountSlowly { n }).unwrap();
    }

    quick.drain();
    let exit = promptly("the end", quick.stopped()).await;
    slow.drain();
    let slow_exit = promptly("the end", slow.stopped()).await;

    assert_eq!([exit, slow_exit].map(|exit| exit.to_string()), ["failed: two"; 2]);
    assert_eq!(["1", "2", "3"].map(|n| journal.count(n)), [2, 2, 0]);
    let reasons = [letters.try_recv().unwrap().reason(), letters.try_recv().unwrap().reason()];
    assert_eq!(reasons, [DeadReason::Failed; 2]);
    system.shutdown().await;
}

/// Tells itself again whenever it is told.
#[derive(Actor)]
#[actor(on_stop = "drain")]
struct Restless {
    journal: Journal,
}

#[messages]
impl Restless {
    #[message]
    async fn again(&self, ctx: &mut Context<Self>) {
        self.journal.note(format!("in life {}", ctx.incarnation()));
        tokio::time::sleep(Duration::from_millis(100)).await;
        ctx.actor_ref().try_tell(Again).expect("there is room, now or in the next life");
    }
}

#[tokio::test(start_paused = true)]
async fn s6_8_one_that_is_to_be_restarted_drains_what_was_there_and_leaves_what_comes_to_its_next_life() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let restless = ChildSpec::new("restless", {
        let journal = journal.clone();
        move || Restless { journal: journal.clone() }
    });
    system.actor(Supervisor::new().child(restless)).name("sup").start().await.unwrap();
    let restless = system.lookup::<Restless>("/sup/restless").unwrap();
    restless.tell(Again).await.unwrap();
    restless.tell(Again).await.unwrap();
    let began = Instant::now();

    restless.stop();
    promptly("the next life", async {
        while journal.count("in life 1") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;

    assert_eq!((restless.incarnation(), journal.count("in life 0")), (1, 2));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    system.shutdown_within(Duration::from_millis(100)).await;
}
