//! Restarts: what a supervised child keeps, what it loses, and when there is one.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, ChildState, Context, ExitReason, StartError, Strategy, Supervisor, messages};
use tests::{Journal, eventually};

/// Counts, fails on demand, and notes its life.
#[derive(Actor)]
struct Worker {
    name: &'static str,
    n: u32,
    life: u32,
    journal: Journal,
}

#[messages]
impl Worker {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        self.journal.note(format!("start {}", self.name));
        self.life = u32::try_from(ctx.incarnation()).unwrap();
    }

    #[stopped]
    fn close(&mut self) {
        self.journal.note(format!("stop {}", self.name));
    }

    #[message]
    fn add(&mut self) -> u32 {
        self.n += 1;
        self.n
    }

    #[message]
    fn fail(&self) {
        panic!("asked to fail");
    }

    #[message]
    fn leave(&self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

fn worker(name: &'static str, journal: &Journal) -> ChildSpec {
    let journal = journal.clone();
    ChildSpec::new(name, move || Worker { name, n: 0, life: 0, journal: journal.clone() })
}

async fn start(system: &ActorSystem, supervisor: Supervisor) -> ActorRef<Supervisor> {
    system.actor(supervisor).name("sup").start().await.expect("it starts")
}

fn child(system: &ActorSystem, name: &str) -> ActorRef<Worker> {
    system.lookup(&format!("/sup/{name}")).expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn a_failed_child_goes_on_with_its_queue_and_a_fresh_state() {
    let (system, journal) = (ActorSystem::new("t"), Journal::new());
    start(&system, Supervisor::new().child(worker("a", &journal))).await;
    let a = child(&system, "a");
    assert_eq!(a.ask(Add).await.unwrap(), 1);
    a.try_tell(Fail).unwrap();
    let (x, y) = tokio::join!(a.ask(Add), a.ask(Add));
    assert_eq!((x.unwrap(), y.unwrap()), (1, 2));
    assert_eq!(a.incarnation(), 1);
    assert_eq!(journal.entries(), ["start a", "stop a", "start a"]);
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn one_restart_too_many_ends_the_supervisor() {
    let (system, journal) = (ActorSystem::new("t"), Journal::new());
    let sup =
        start(&system, Supervisor::new().restarts(2, Duration::from_secs(3600)).child(worker("a", &journal)).child(worker("b", &journal)))
            .await;
    let a = child(&system, "a");
    for _ in 0..2 {
        a.tell(Fail).await.unwrap();
        assert_eq!(a.ask(Add).await.unwrap(), 1);
    }
    a.tell(Fail).await.unwrap();
    let reason = sup.stopped().await;
    assert!(matches!(&reason, ExitReason::Escalated { child, restarts: 2, .. } if *child == "/sup/a"), "{reason}");
    assert!(matches!(a.stopped().await, ExitReason::Panicked { .. }));
    assert_eq!(journal.entries(), ["start a", "start b", "stop a", "start a", "stop a", "start a", "stop a", "stop b"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn under_one_for_all_every_child_is_restarted_in_order() {
    let (system, journal) = (ActorSystem::new("t"), Journal::new());
    let sup = Supervisor::new().strategy(Strategy::OneForAll).children(["a", "b", "c"].map(|name| worker(name, &journal)));
    start(&system, sup).await;
    child(&system, "b").tell(Fail).await.unwrap();
    eventually("all are restarted", || journal.len() == 9).await;
    let entries = journal.entries();
    assert_eq!(entries[..3], ["start a", "start b", "start c"]);
    assert_eq!(entries[3..], ["stop b", "stop c", "stop a", "start a", "start b", "start c"]);
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_child_can_be_terminated_restarted_and_removed_by_hand() {
    let (system, journal) = (ActorSystem::new("t"), Journal::new());
    let sup = start(&system, Supervisor::new().child(worker("a", &journal)).child(worker("b", &journal))).await;
    sup.terminate_child("a").await.unwrap();
    sup.terminate_child("a").await.unwrap();
    assert_eq!(sup.supervised_children()[0].state, ChildState::NotRunning);
    assert!(system.lookup::<Worker>("/sup/a").is_none());
    let twice: Result<_, StartError> = sup.add_child(worker("a", &journal)).await;
    assert!(twice.unwrap_err().is_already_present());
    sup.restart_child("a").await.unwrap();
    assert_eq!(sup.count_children().specs, 2);
    assert!(system.shutdown().await.is_clean());
    // The order is that of the list, not that of the last start.
    assert_eq!(journal.entries().last().map(String::as_str), Some("stop a"));
}
