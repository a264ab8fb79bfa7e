//! Which `tracing` spans an actor's code runs in: hooks in the actor's, a message in one of its own.
//!
//! A program of its own: what one subscriber wants to hear is asked of all threads.

mod broken_text;
mod events;
mod listener;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, Exited, messages};
use tracing::info;

use self::listener::{Heard, Listener};

/// Says something wherever its code runs, and never waits.
#[derive(Actor)]
struct Plain;

#[messages]
impl Plain {
    #[started]
    fn started(&mut self) {
        info!("started");
    }

    #[message]
    fn say(&mut self) {
        info!("said");
    }

    #[message]
    fn watch(&mut self, peer: ActorRef<Mute>, ctx: &mut Context<Self>) {
        ctx.monitor(&peer);
    }

    #[exited]
    fn exited(&mut self, _exit: Exited) {
        info!("exited");
    }

    #[stopped]
    fn stopped(&mut self, _reason: &ExitReason) {
        info!("stopped");
    }
}

/// The same, and waits before it says anything.
#[derive(Actor)]
struct Waiting;

#[messages]
impl Waiting {
    #[started]
    async fn started(&mut self) {
        tokio::task::yield_now().await;
        info!("started");
    }

    #[message]
    async fn mumble(&mut self) {
        tokio::task::yield_now().await;
        info!("said");
    }

    #[message]
    fn observe(&mut self, peer: ActorRef<Mute>, ctx: &mut Context<Self>) {
        ctx.monitor(&peer);
    }

    #[exited]
    async fn exited(&mut self, _exit: Exited, _ctx: &mut Context<Self>) {
        tokio::task::yield_now().await;
        info!("exited");
    }

    #[stopped]
    async fn stopped(&mut self, _reason: &ExitReason) {
        tokio::task::yield_now().await;
        info!("stopped");
    }
}

/// One that only ends.
#[derive(Actor)]
struct Mute;

#[messages]
impl Mute {
    #[message]
    fn nothing(&mut self) {}
}

const ACTOR: &[&str] = &["actor"];
const MESSAGE: &[&str] = &["handle"];
const NONE: &[&str] = &[];

/// Runs an actor from its start to its end, with as many messages as an actor needs for a task of its own, and with another to watch that ends.
macro_rules! whole_life {
    ($actor:expr, $message:expr, $watch:ident, $listener:expr) => {{
        let listener = $listener;
        let _listening = listener.listen();
        let system = ActorSystem::new("spans");
        let (actor, peer) = (system.start($actor).await.expect("it starts"), system.spawn(Mute));
        actor.ask($watch { peer: peer.clone() }).await.expect("it answers");
        for _ in 0..40 {
            actor.ask($message).await.expect("it answers");
        }
        peer.stop();
        peer.stopped().await;
        actor.ask($message).await.expect("it answers");
        assert!(system.shutdown().await.is_clean());
        listener.heard()
    }};
}

/// What was heard, each once, with the spans around it.
fn assert_heard(heard: &Heard, wanted: &[(&str, &[&str])]) {
    for (text, spans) in wanted {
        let around = heard.around(text);
        assert!(!around.is_empty(), "`{text}` was not heard");
        assert!(around.iter().all(|around| around == spans), "`{text}` was heard in {around:?}");
    }
}

#[tokio::test]
async fn hooks_run_in_the_span_of_the_actor_and_a_message_in_its_own_though_nothing_waits() {
    let heard = whole_life!(Plain, Say, Watch, Listener::of_everything());
    assert_heard(&heard, &[("started", ACTOR), ("said", MESSAGE), ("exited", ACTOR), ("stopped", ACTOR)]);
    assert_eq!(heard.around("said").len(), 41);
}

#[tokio::test]
async fn hooks_run_in_the_span_of_the_actor_and_a_message_in_its_own_across_what_they_wait_for() {
    let heard = whole_life!(Waiting, Mumble, Observe, Listener::of_everything());
    assert_heard(&heard, &[("started", ACTOR), ("said", MESSAGE), ("exited", ACTOR), ("stopped", ACTOR)]);
    assert_eq!(heard.around("said").len(), 41);
}

#[tokio::test]
async fn whom_messages_do_not_interest_hears_of_no_span_for_them() {
    let heard = whole_life!(Plain, Say, Watch, Listener::without_details());
    assert_heard(&heard, &[("started", ACTOR), ("said", NONE), ("exited", ACTOR), ("stopped", ACTOR)]);
}

#[tokio::test]
async fn a_life_that_somebody_listens_to_has_one_span() {
    let heard = whole_life!(Plain, Say, Watch, Listener::of_everything());
    assert_eq!(heard.spans_of("Plain"), 1);
    let followed = heard.followed_by("handle");
    assert_eq!((followed.len(), followed.iter().all(|name| *name == "actor")), (42, true), "each message follows from its actor");
}
