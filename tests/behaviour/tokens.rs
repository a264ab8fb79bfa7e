//! The stop signal and its tokens: when they are raised, for which life (S6.2), and what is not begun any more.

use std::time::Duration;

use actors_core::{Actor, ActorSystem, ChildSpec, Context, ExitReason, Supervisor, messages};
use tests::{Broken, Gate, Journal, promptly};
use tokio_util::sync::CancellationToken;

/// Has somebody outside wait for its token; its last hook waits for that one.
#[derive(Actor)]
struct Host {
    heard: Gate,
    journal: Journal,
}

#[messages]
impl Host {
    #[message]
    fn wait_outside(&self, ctx: &mut Context<Self>) {
        let (token, heard) = (ctx.stop_token(), self.heard.clone());
        drop(tokio::spawn(async move {
            token.cancelled().await;
            heard.open();
        }));
    }

    #[message]
    fn token(&self, ctx: &mut Context<Self>) -> (CancellationToken, bool) {
        (ctx.stop_token(), ctx.stop_signal().is_stopping())
    }

    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("failed"))
    }

    #[stopped]
    async fn end(&self) {
        self.heard.pass().await;
        self.journal.note("heard");
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_of_one_that_ends_by_itself_is_cancelled_before_its_last_hook() {
    let (system, journal) = (ActorSystem::new("tokens"), Journal::new());
    let host = system.spawn(Host { heard: Gate::new(), journal: journal.clone() });
    host.ask(WaitOutside).await.unwrap();

    host.tell(Fail).await.unwrap();

    assert_eq!(promptly("its end", host.stopped()).await.to_string(), "failed: failed");
    assert_eq!(journal.entries(), ["heard"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_life_has_a_token_and_a_signal_of_its_own() {
    let (system, heard) = (ActorSystem::new("tokens"), Gate::new());
    heard.open_wide();
    let made = heard.clone();
    let host = ChildSpec::new("host", move || Host { heard: made.clone(), journal: Journal::new() });
    system.actor(Supervisor::new().child(host)).name("sup").start().await.unwrap();
    let host = system.lookup::<Host>("/sup/host").unwrap();
    let (old, _) = host.ask(Token).await.unwrap();

    host.tell(Fail).await.unwrap();
    let (new, stops) = promptly("the next life", host.ask(Token)).await.unwrap();

    assert_eq!(host.incarnation(), 1);
    assert!(old.is_cancelled());
    assert!(!new.is_cancelled() && !stops, "nobody has asked the new life to end");
    host.stop();
    assert_eq!(promptly("its end", host.stopped()).await, ExitReason::Normal);
    assert!(new.is_cancelled());
    system.shutdown_within(Duration::from_secs(5)).await;
}

/// Begins something in its last hook, of which it would never hear.
#[derive(Actor)]
struct Piper {
    journal: Journal,
}

#[messages]
impl Piper {
    #[message]
    fn found(&self) {}

    #[stopped]
    async fn end(&self, ctx: &mut Context<Self>) {
        let journal = self.journal.clone();
        ctx.pipe_with(async move { journal.note("begun") }, |()| Found);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_begins_no_work_whose_outcome_it_would_never_hear() {
    let (system, journal) = (ActorSystem::new("tokens"), Journal::new());
    let piper = system.start(Piper { journal: journal.clone() }).await.unwrap();

    piper.stop();

    assert_eq!(promptly("its end", piper.stopped()).await, ExitReason::Normal);
    assert!(journal.is_empty());
    system.shutdown().await;
}
