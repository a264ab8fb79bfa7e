//! What one life of an actor leaves to the next, and what not (S6.6).

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, Context, Exited, Supervisor, Tie, messages};
use tests::{Broken, Journal, promptly};

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
