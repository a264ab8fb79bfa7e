//! What comes last in the life of an actor, and in which order: its stash, its hook, its state (S6).

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, Context, ExitReason, Supervisor, messages};
use tests::{Broken, Gate, Journal, eventually, promptly};

use crate::cast::{Peer, Ping, WaitAt};

/// Puts messages aside, and counts dead letters in its hook.
#[derive(Actor)]
struct Keeper(Journal);

#[messages]
impl Keeper {
    #[message]
    fn keep(&mut self, number: u32, ctx: &mut Context<Self>) {
        assert!(ctx.stash(Keep { number }).is_ok(), "there is room");
        self.0.note("kept");
    }

    #[message]
    fn fail(&self) {
        panic!("as it was told");
    }

    #[stopped]
    async fn count(&mut self, ctx: &mut Context<Self>) {
        self.0.note(format!("{} dead letters", ctx.system().dead_letter_count()));
    }
}

#[tokio::test(start_paused = true)]
async fn s6_6_what_is_left_in_the_stash_is_discarded_before_the_hook_runs() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let spec = ChildSpec::new("keeper", {
        let journal = journal.clone();
        move || Keeper(journal.clone())
    });
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
    let keeper: ActorRef<Keeper> = system.lookup("/sup/keeper").unwrap();
    keeper.tell(Keep { number: 1 }).await.unwrap();

    keeper.tell(Fail).await.unwrap();
    eventually("it has ended", || journal.len() == 2).await;

    assert_eq!(journal.entries(), ["kept", "1 dead letters"]);
    system.shutdown().await;
}

/// Stops and kills itself in one turn.
#[derive(Actor)]
struct Hasty;

#[messages]
impl Hasty {
    #[message]
    fn stop_and_kill(&self, ctx: &mut Context<Self>) {
        ctx.stop();
        ctx.actor_ref().kill();
    }
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_after_a_stop_in_the_same_turn_is_the_reason() {
    let system = ActorSystem::new("test");
    let hasty = system.spawn(Hasty);

    hasty.tell(StopAndKill).await.unwrap();

    assert_eq!(promptly("it ends", hasty.stopped()).await, ExitReason::Killed);
    system.shutdown().await;
}

/// Had a child once, and has a job.
#[derive(Actor)]
struct Lender(Option<Receiver<()>>);

#[messages]
impl Lender {
    #[message]
    fn lend(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Peer).spawn().stop();
        let until = self.0.take().expect("it is told once");
        drop(ctx.spawn_blocking(move |_| until.recv()));
    }

    #[message]
    fn end(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

#[tokio::test]
async fn s6_7_one_that_stops_in_its_turn_and_has_no_children_any_more_waits_for_its_jobs() {
    let (system, (done, until)) = (ActorSystem::new("test"), channel());
    let lender = system.spawn(Lender(Some(until)));
    lender.tell(Lend).await.unwrap();
    eventually("its child has gone", || system.actors() == 1).await;

    lender.tell(End).await.unwrap();
    let mut ended = std::pin::pin!(lender.stopped());
    let waits = tokio::time::timeout(Duration::from_millis(50), ended.as_mut()).await.is_err();
    drop(done);
    promptly("it ends", ended).await;

    assert!(waits);
    system.shutdown().await;
}

/// Tells itself something urgent, and has itself drained.
#[derive(Actor)]
struct Urged(Journal);

#[messages]
impl Urged {
    #[message]
    fn go(&self, ctx: &mut Context<Self>) {
        ctx.actor_ref().try_tell(Hurry).expect("it is open");
        ctx.drain();
    }

    #[message(control)]
    fn hurry(&self) {
        self.0.note("hurried");
    }
}

#[tokio::test(start_paused = true)]
async fn s4_10_a_drain_in_a_turn_handles_a_control_message_that_waits() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let urged = system.spawn(Urged(journal.clone()));

    urged.tell(Go).await.unwrap();
    promptly("it ends", urged.stopped()).await;

    assert_eq!((journal.entries(), system.dead_letter_count()), (vec!["hurried".to_owned()], 0));
    system.shutdown().await;
}

/// Waits in its hook, and fails.
#[derive(Actor)]
struct Sullen(Gate);

#[messages]
impl Sullen {
    #[message]
    fn sulk(&self) {}

    #[stopped]
    async fn end(&mut self) -> Result<(), Broken> {
        self.0.pass().await;
        Err(Broken("in the hook"))
    }
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_comes_before_the_failure_of_the_hook_that_it_met() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let sullen = system.start(Sullen(gate.clone())).await.unwrap();
    sullen.stop();
    gate.reached().await;

    sullen.kill();
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.open();
    promptly("it ends", sullen.stopped()).await;

    let exit = sullen.exit().expect("it has ended");
    assert_eq!((exit.reason, exit.secondary.len()), (ExitReason::Killed, 1));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s6_3_a_drain_after_a_stop_changes_nothing() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let peer = system.spawn(Peer);
    peer.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    peer.tell(Ping).await.unwrap();

    peer.stop();
    peer.drain();
    gate.open();
    promptly("it ends", peer.stopped()).await;

    assert_eq!(system.dead_letter_count(), 1);
    system.shutdown().await;
}
