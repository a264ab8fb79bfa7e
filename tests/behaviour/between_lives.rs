//! What one life of an actor leaves to the next, and what not (S6.6).

use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, Backoff, ChildSpec, ChildState, Context, Exited, Limit, Strategy, Supervisor, Tie, messages,
};
use tests::lived::{End, Stage, Stop};
use tests::{Broken, Journal, eventually, promptly};

use crate::cast::{Explode, Peer, settle};

/// Notes what it hears, by the number of its life. Its first life fails over the first exit of a link.
#[derive(Actor)]
struct Listener {
    journal: Journal,
}

#[messages]
impl Listener {
    #[exited]
    fn hear(&mut self, exited: Exited, ctx: &mut Context<Self>) -> Result<(), Broken> {
        let tie = if matches!(exited.tie, Tie::Child) { "child" } else { "peer" };
        self.journal.note(format!("{tie} in life {}", ctx.incarnation()));
        if ctx.incarnation() == 0 { Err(Broken("too much")) } else { Ok(()) }
    }

    #[message]
    fn have_a_child(&self, ctx: &mut Context<Self>) {
        ctx.spawn(Peer);
    }

    #[message]
    fn group_with(&self, peer: ActorRef<Peer>, ctx: &mut Context<Self>) {
        ctx.peer_group("session").join(&peer);
    }

    #[message]
    fn stumble(&self) -> Result<(), Broken> {
        Err(Broken("stumbled"))
    }

    #[message]
    fn life(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

async fn listener(system: &ActorSystem, journal: &Journal) -> ActorRef<Listener> {
    let journal = journal.clone();
    let above = Supervisor::new().child(ChildSpec::new("listener", move || Listener { journal: journal.clone() }).permanent());
    system.actor(above).name("above").start().await.expect("it starts");
    system.lookup("/above/listener").expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn a_new_life_hears_nothing_of_the_children_of_the_one_before() {
    let (system, journal) = (ActorSystem::new("lives"), Journal::new());
    let listener = listener(&system, &journal).await;
    listener.ask(HaveAChild).await.expect("it answers");

    listener.tell(Stumble).await.expect("it is open");
    assert_eq!(promptly("it is restarted", listener.ask(Life)).await.expect("it answers"), 1);
    settle().await;

    assert_eq!(journal.entries(), [""; 0]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_life_hears_nothing_of_a_group_that_the_one_before_has_opened() {
    let (system, journal) = (ActorSystem::new("lives"), Journal::new());
    let (listener, outsider) = (listener(&system, &journal).await, system.spawn(Peer));
    listener.ask(GroupWith { peer: outsider.clone() }).await.expect("it answers");
    listener.tell(Stumble).await.expect("it is open");
    assert_eq!(promptly("it is restarted", listener.ask(Life)).await.expect("it answers"), 1);
    assert!(outsider.is_alive(), "the group lives as long as the actor");

    outsider.stop();
    settle().await;

    assert_eq!(journal.entries(), [""; 0]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_exit_of_a_link_that_one_life_did_not_come_to_is_heard_by_the_next() {
    let (system, journal) = (ActorSystem::new("lives"), Journal::new());
    let listener = listener(&system, &journal).await;
    let peers = [system.spawn(Peer), system.spawn(Peer)];
    for peer in &peers {
        peer.link(&listener);
        peer.try_tell(Explode).expect("it is open");
    }

    settle().await;

    assert_eq!(journal.entries(), ["peer in life 0", "peer in life 1"]);
    system.shutdown().await;
}

/// It has no hook, and traps exits when it is told to.
#[derive(Actor)]
struct Trapper;

#[messages]
impl Trapper {
    #[message]
    fn trap(&self, ctx: &mut Context<Self>) {
        ctx.trap_exits(true);
    }

    #[message]
    fn trip(&self) -> Result<(), Broken> {
        Err(Broken("tripped"))
    }

    #[message]
    fn number(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_life_does_not_trap_exits_because_the_one_before_did() {
    let system = ActorSystem::new("lives");
    let above = Supervisor::new().child(ChildSpec::new("trapper", || Trapper).permanent());
    system.actor(above).name("above").start().await.expect("it starts");
    let (trapper, peer) = (system.lookup::<Trapper>("/above/trapper").expect("it is there"), system.spawn(Peer));
    trapper.tell(Trap).await.expect("it is open");
    trapper.tell(Trip).await.expect("it is open");
    assert_eq!(promptly("it is restarted", trapper.ask(Number)).await.expect("it answers"), 1);
    settle().await;

    trapper.link(&peer);
    peer.try_tell(Explode).expect("it is open");
    settle().await;

    assert_eq!(trapper.ask(Number).await.expect("it answers"), 2, "it fell with its peer");
    system.shutdown().await;
}

/// An actor with both kinds of messages.
#[derive(Actor)]
struct Desk;

#[messages]
impl Desk {
    #[message]
    fn spill(&self) -> Result<(), Broken> {
        Err(Broken("spilled"))
    }

    #[message]
    fn file(&self) {}

    #[message(control)]
    fn alarm(&self) {}
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_child_that_is_down_and_ends_is_a_dead_letter_control_messages_too() {
    let system = ActorSystem::new("lives");
    let backoff = Backoff::constant(Duration::from_secs(60)).no_jitter();
    let above = Supervisor::new().child(ChildSpec::new("desk", || Desk).permanent().backoff(backoff));
    let above = system.actor(above).name("above").start().await.expect("it starts");
    let desk = system.lookup::<Desk>("/above/desk").expect("it is there");
    let mut letters = system.dead_letters();
    desk.tell(Spill).await.expect("it is open");
    eventually("it is down", || !above.supervised_children()[0].state.eq(&ChildState::Running)).await;
    desk.tell(File).await.expect("it is open");
    desk.tell(Alarm).await.expect("it is open");

    above.terminate_child("desk").await.expect("it is a child");

    let dead: Vec<_> = std::iter::from_fn(|| letters.try_recv()).map(|letter| letter.message_type().to_owned()).collect();
    assert_eq!(dead, ["Alarm", "File"], "S4.10");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_that_one_life_had_to_stop_is_no_limit_of_the_next() {
    let stage = Stage::new();
    let slow = stage.plan("slow").stops(|_| Stop::Takes(Duration::from_secs(2)));
    let along = stage.plan("along").children([slow]);
    let along = along.spec().policy(|policy| policy.stop_limit = Limit::After(Duration::from_secs(60)));
    let specs = [stage.spec("first"), along];
    stage.supervise(Supervisor::new().strategy(Strategy::OneForAll).children(specs)).await;
    stage.worker("first").tell(End::Fail).await.expect("it is open");
    stage.noted("start along1", 1).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;

    stage.system.shutdown().await;

    assert_eq!(stage.journal.count("stop slow1"), 1, "{:?}", stage.journal);
}
