//! An ask that was begun in a handler and is carried on elsewhere holds its actor up no more, and closes no cycle (S4.7).

use std::future::Future;
use std::pin::Pin;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, messages};
use futures_util::poll;
use tests::{Gate, Journal, eventually, promptly};

type Call = Pin<Box<dyn Future<Output = Result<u32, AskError<CallBack, AskError<Get>>>> + Send>>;

/// Asks, and does not wait for the answer in the handler that began to.
#[derive(Actor)]
struct Asker {
    journal: Journal,
    kept: Option<Call>,
}

/// Asks whoever asks it, once its gate opens.
#[derive(Actor)]
struct Asked;

#[messages]
impl Asked {
    #[message]
    async fn call_back(&self, to: ActorRef<Asker>, gate: Gate) -> Result<u32, AskError<Get>> {
        gate.pass().await;
        to.ask(Get).await
    }

    #[message]
    async fn wait(&self, gate: Gate) {
        gate.pass().await;
    }
}

/// What becomes of the ask.
#[derive(Clone, Copy)]
enum Then {
    Helper,
    State,
}

#[messages]
impl Asker {
    #[message]
    async fn begin(&mut self, other: ActorRef<Asked>, gate: Gate, then: Then, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        let mut call: Call = Box::pin(async move { other.ask(CallBack { to: me, gate }).await });
        assert!(poll!(&mut call).is_pending());
        match then {
            Then::Helper => {
                let journal = self.journal.clone();
                ctx.spawn_task(async move { journal.note(said(call.await)) });
            }
            Then::State => self.kept = Some(call),
        }
    }

    /// Waits for another meanwhile.
    #[message]
    async fn wait_for(&mut self, other: ActorRef<Asked>, gate: Gate) {
        self.journal.note(format!("{:?}", other.ask(Wait { gate }).await.is_ok()));
    }

    #[message]
    async fn wait_for_it(&mut self) {
        if let Some(call) = self.kept.take() {
            self.journal.note(said(call.await));
        }
    }

    #[message]
    fn get(&self) -> u32 {
        7
    }
}

fn said(answer: Result<u32, AskError<CallBack, AskError<Get>>>) -> String {
    answer.map_or_else(|error| error.to_string(), |answer| answer.to_string())
}

fn stage() -> (ActorSystem, Journal, ActorRef<Asker>, ActorRef<Asked>, Gate) {
    let (system, journal) = (ActorSystem::new("asks"), Journal::new());
    let asker = system.spawn(Asker { journal: journal.clone(), kept: None });
    let asked = system.spawn(Asked);
    (system, journal, asker, asked, Gate::new())
}

#[tokio::test(start_paused = true)]
async fn s4_7_an_ask_that_a_helper_carries_on_closes_no_cycle() {
    let (_system, journal, asker, other, gate) = stage();
    asker.ask(Begin { other, gate: gate.clone(), then: Then::Helper }).await.unwrap();
    promptly("it is in hand", gate.reached()).await;

    gate.open();

    eventually("the helper is answered", || journal.entries() == ["7"]).await;
}

#[tokio::test(start_paused = true)]
async fn s4_7_an_ask_that_is_kept_in_the_state_closes_no_cycle() {
    let (_system, journal, asker, other, gate) = stage();
    asker.ask(Begin { other: other.clone(), gate: gate.clone(), then: Then::State }).await.unwrap();
    promptly("it is in hand", gate.reached()).await;

    gate.open();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    promptly("it is awaited", asker.ask(WaitForIt)).await.unwrap();

    assert_eq!(journal.entries(), ["7"]);
}

#[tokio::test(start_paused = true)]
async fn s4_7_an_ask_that_is_kept_in_the_state_is_none_of_the_next_handler() {
    let (system, journal, asker, other, gate) = stage();
    let (another, meanwhile) = (system.spawn(Asked), Gate::new());
    asker.ask(Begin { other, gate: gate.clone(), then: Then::State }).await.unwrap();
    promptly("it is in hand", gate.reached()).await;
    asker.tell(WaitFor { other: another, gate: meanwhile.clone() }).await.unwrap();
    promptly("the next handler waits", meanwhile.reached()).await;

    gate.open();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    meanwhile.open();
    promptly("it is awaited", asker.ask(WaitForIt)).await.unwrap();

    assert_eq!(journal.entries(), ["true", "7"]);
}

#[tokio::test(start_paused = true)]
async fn s4_7_an_ask_that_waits_for_room_and_is_carried_on_closes_no_cycle() {
    let (system, journal, asker, _, gate) = stage();
    let other = system.actor(Asked).mailbox(1).spawn();
    let first = Gate::new();
    other.try_tell(CallBack { to: asker.clone(), gate: first.clone() }).unwrap();
    promptly("it is in hand", first.reached()).await;
    other.try_tell(CallBack { to: asker.clone(), gate: gate.clone() }).unwrap();
    asker.ask(Begin { other, gate: gate.clone(), then: Then::Helper }).await.unwrap();

    gate.open_wide();
    first.open();

    eventually("the helper is answered", || journal.entries() == ["7"]).await;
}
