//! What belongs to a user is dropped where it may do as it likes: under no lock, and so an actor may be stopped, killed or sent to there.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Backoff, ChildSpec, ChildState, Context, ExitReason, Supervisor, messages};
use tests::{Broken, Gate, eventually, promptly};

/// An error that kills an actor when it is dropped.
#[derive(Debug)]
struct Vengeful(ActorRef<Avenger>);

impl std::fmt::Display for Vengeful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("revenge")
    }
}

impl std::error::Error for Vengeful {}

impl Drop for Vengeful {
    fn drop(&mut self) {
        self.0.kill();
    }
}

#[derive(Actor)]
struct Avenger {
    own: Option<ActorRef<Avenger>>,
}

#[messages]
impl Avenger {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        self.own = Some(ctx.actor_ref().clone());
    }

    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("asked to"))
    }

    #[stopped]
    fn close(&mut self) -> Result<(), Vengeful> {
        Err(Vengeful(self.own.take().expect("it has started")))
    }
}

/// Does something on a thread of its own, which would hang if a lock were held; waits for it to be done.
async fn on_a_thread(what: &str, work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(work);
    for _ in 0..5_000 {
        if thread.is_finished() {
            return thread.join().expect("it does not panic");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("hangs: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_child_that_is_down_may_kill_it_when_the_child_is_stopped() {
    let system = ActorSystem::new("revenge");
    let spec = ChildSpec::new("child", || Avenger { own: None }).transient().backoff(Backoff::constant(Duration::from_secs(600)));
    let supervisor = Supervisor::new().restarts(9, Duration::from_secs(1)).child(spec);
    let above = system.actor(supervisor).name("sup").start().await.expect("it starts");
    let child: ActorRef<Avenger> = system.lookup("/sup/child").expect("it is there");
    child.tell(Fail).await.expect("it is open");
    eventually("it is down", || above.supervised_children()[0].state == ChildState::Restarting).await;

    let stopped = child.clone();
    on_a_thread("the stop", move || stopped.stop()).await;

    assert_eq!(promptly("its end", child.stopped()).await, ExitReason::Normal);
}

/// A message that sends another when it is dropped.
struct Echo(ActorRef<Heap>);

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.0.try_tell(Throw { echo: None });
    }
}

#[derive(Actor)]
#[actor(mailbox = 1, overflow = "drop_newest")]
struct Heap;

#[messages]
impl Heap {
    #[message]
    async fn hold(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    fn throw(&self, echo: Option<Echo>) {
        drop(echo);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_gives_way_to_others_may_make_another_when_it_is_dropped() {
    let (system, gate) = (ActorSystem::new("heap"), Gate::new());
    let mut unread = system.dead_letters();
    let heap = system.start(Heap).await.expect("it starts");
    heap.tell(Hold { gate: gate.clone() }).await.expect("it is open");
    gate.reached().await;
    heap.tell(Throw { echo: None }).await.expect("there is room for one");

    let full = heap.clone();
    on_a_thread("the letters", move || {
        for _ in 0..1_500 {
            let _ = full.try_tell(Throw { echo: Some(Echo(full.clone())) });
        }
    })
    .await;

    let mut read = 0;
    while unread.try_recv().is_some() {
        read += 1;
    }
    assert_eq!((read >= 1_024, read + unread.missed() >= system.dead_letter_count()), (true, true), "{unread:?}");
    gate.open_wide();
}

#[derive(Actor)]
struct Chief;

#[messages]
impl Chief {
    #[message]
    fn rest(&self) {}
}

/// An error that stops an actor when it is dropped.
#[derive(Debug)]
struct Spiteful(ActorRef<Chief>);

impl std::fmt::Display for Spiteful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("spite")
    }
}

impl std::error::Error for Spiteful {}

impl Drop for Spiteful {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[derive(Actor)]
struct Below;

#[messages]
impl Below {
    #[message]
    fn spite(&self, chief: ActorRef<Chief>) -> Result<(), Spiteful> {
        Err(Spiteful(chief))
    }
}

#[derive(Actor)]
struct Above;

#[messages]
impl Above {
    #[message]
    fn make_child(&self, ctx: &mut Context<Self>) -> ActorRef<Below> {
        ctx.spawn(Below)
    }

    #[message]
    fn break_down(&self) -> Result<(), Broken> {
        Err(Broken("asked to"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_is_forgotten_since_its_parent_begins_anew_may_stop_a_significant_actor() {
    let system = ActorSystem::new("spite");
    let chief = system.actor(Chief).significant().spawn();
    chief.ask(Rest).await.expect("it answers");
    let supervisor = Supervisor::new().child(ChildSpec::new("above", || Above));
    system.actor(supervisor).name("sup").start().await.expect("it starts");
    let above: ActorRef<Above> = system.lookup("/sup/above").expect("it is there");
    let below = above.ask(MakeChild).await.expect("it answers");
    below.tell(Spite { chief: chief.clone() }).await.expect("it is open");
    assert!(matches!(below.stopped().await, ExitReason::Failed(_)));
    drop(below);

    above.tell(BreakDown).await.expect("it is open");

    promptly("the other ends", chief.stopped()).await;
    promptly("the system goes with it", system.terminated()).await;
}
