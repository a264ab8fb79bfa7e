//! Listeners to whom a user's error cannot be shown, and listeners that panic themselves: actors end all the same.

use std::fmt;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use tests::{eventually, promptly};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::listener::Listener;

/// An error that panics when anybody wants to know what it says.
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl fmt::Debug for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl std::error::Error for Mute {}

#[derive(Actor, Default)]
struct Peer;

#[messages]
impl Peer {
    #[message]
    fn fail(&self) -> Result<(), Mute> {
        Err(Mute)
    }

    #[message]
    async fn fail_later(&self) -> Result<(), Mute> {
        tokio::task::yield_now().await;
        Err(Mute)
    }
}

/// Never waits for anything.
#[derive(Actor, Default)]
struct Quick;

#[messages]
impl Quick {
    #[message]
    fn give_up(&self) -> Result<(), Mute> {
        Err(Mute)
    }

    #[message]
    fn work(&self) {}
}

#[derive(Actor)]
struct Boss;

#[messages]
impl Boss {
    #[message]
    async fn hire(&self, ctx: &mut Context<Self>) -> ActorRef<Quick> {
        ctx.child("quick", Quick::default).start().await.expect("it starts")
    }
}

/// Everybody's text is asked for, by a listener.
#[tokio::test(start_paused = true)]
async fn an_actor_whose_error_has_no_text_ends_and_is_told_of() {
    let _listening = Listener::of_everything().listen();
    let system = ActorSystem::new("mute");
    let (peer, later, quick) = (system.spawn(Peer), system.spawn(Peer), system.actor(Quick).name("quick").spawn());
    peer.tell(Fail).await.unwrap();
    later.tell(FailLater).await.unwrap();
    quick.tell(GiveUp).await.unwrap();

    for reason in [
        promptly("the end of one that waits", later.stopped()).await,
        promptly("the end of one that may wait", peer.stopped()).await,
        promptly("the end of one that never waits", quick.stopped()).await,
    ] {
        assert!(matches!(reason, ExitReason::Failed(_)));
    }
    assert!(system.lookup::<Quick>("/quick").is_none());
    let report = promptly("the end of the system", system.shutdown()).await;
    assert_eq!(report.failed, 3);
    assert!(report.to_string().contains("failed: (its text panicked)"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_error_has_no_text_is_restarted() {
    let _listening = Listener::of_everything().listen();
    let system = ActorSystem::new("mute");
    let boss = system.spawn(Boss);
    let quick = boss.ask(Hire).await.unwrap();

    quick.tell(GiveUp).await.unwrap();

    promptly("its second life", quick.ask(Work)).await.unwrap();
    assert!(promptly("the end of the system", system.shutdown()).await.is_clean());
}

/// Panics at whatever it is told of actors and of messages.
struct Faulty;

impl Subscriber for Faulty {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {
        panic!("a faulty listener")
    }

    fn event(&self, _: &Event<'_>) {
        panic!("a faulty listener")
    }

    fn enter(&self, _: &Id) {
        panic!("a faulty listener")
    }

    fn exit(&self, _: &Id) {
        panic!("a faulty listener")
    }

    fn try_close(&self, _: Id) -> bool {
        panic!("a faulty listener")
    }
}

#[tokio::test(start_paused = true)]
async fn what_listeners_panic_with_is_no_concern_of_the_actors() {
    let _listening = tracing::subscriber::set_default(Faulty);
    let system = ActorSystem::new("faulty");
    let (peer, quick, boss) = (system.spawn(Peer), system.spawn(Quick), system.spawn(Boss));
    let child = promptly("the start of a child", boss.ask(Hire)).await.unwrap();

    promptly("an answer", quick.ask(Work)).await.unwrap();
    peer.tell(FailLater).await.unwrap();
    child.tell(GiveUp).await.unwrap();
    quick.stop();

    assert!(matches!(promptly("an end by failure", peer.stopped()).await, ExitReason::Failed(_)));
    assert_eq!(promptly("a clean end", quick.stopped()).await, ExitReason::Normal);
    promptly("the second life", child.ask(Work)).await.unwrap();
    promptly("the end of the system", system.shutdown()).await;
    eventually("nothing is left", || system.actors() == 0).await;
}

/// Panics when it is asked for a span.
struct Spanless;

impl Subscriber for Spanless {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        panic!("a faulty listener")
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn an_actor_lives_without_a_span_where_the_listener_panics_when_it_is_to_make_one() {
    let _listening = tracing::subscriber::set_default(Spanless);
    let system = ActorSystem::new("spanless");
    let (peer, quick) = (system.spawn(Peer), system.spawn(Quick));

    promptly("an answer", quick.ask(Work)).await.unwrap();
    peer.tell(Fail).await.unwrap();

    assert!(matches!(promptly("an end by failure", peer.stopped()).await, ExitReason::Failed(_)));
    assert_eq!(promptly("the end of the system", system.shutdown()).await.failed, 1);
}
