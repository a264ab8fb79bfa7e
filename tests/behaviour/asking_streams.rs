//! What a stream of an actor waits for, none of its handlers waits for (S4.7, S11.9).

use actors_core::{Actor, ActorRef, ActorSystem, Context, messages};
use futures_util::stream;
use tests::{Journal, eventually, promptly};

/// Writes down what its streams come to.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Reader {
    journal: Journal,
}

#[messages]
impl Reader {
    #[stream]
    fn read(&self, item: Option<Result<u8, String>>) {
        if let Some(item) = item {
            self.journal.note(format!("{item:?}"));
        }
    }

    #[message]
    fn get(&self) -> u8 {
        1
    }

    #[message]
    async fn get_from(&self, other: ActorRef<Reader>) -> Result<u8, String> {
        other.ask(Get).await.map_err(|error| error.to_string())
    }

    /// Has a stream ask itself.
    #[message]
    fn stream_from_oneself(&self, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        ctx.attach(stream::once(async move { me.ask(Get).await.map_err(|error| error.to_string()) }));
    }

    /// Has a stream ask another, who asks back.
    #[message]
    fn stream_from(&self, other: ActorRef<Reader>, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        ctx.attach(stream::once(async move {
            match other.ask(GetFrom { other: me }).await {
                Ok(got) => Ok(got),
                Err(error) => Err(error.to_string()),
            }
        }));
    }

    /// Has a stream tell itself more than there is room for.
    #[message]
    fn stream_to_oneself(&self, ctx: &mut Context<Self>) {
        let me = ctx.actor_ref().clone();
        ctx.attach(stream::once(async move {
            for _ in 0..3 {
                me.tell(Get).await.map_err(|refused| refused.to_string())?;
            }
            Ok(3)
        }));
    }
}

async fn reader(system: &ActorSystem, journal: &Journal) -> ActorRef<Reader> {
    system.start(Reader { journal: journal.clone() }).await.expect("it starts")
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_ask_its_own_actor() {
    let (system, journal) = (ActorSystem::new("streams"), Journal::new());
    let reader = reader(&system, &journal).await;

    reader.tell(StreamFromOneself).await.expect("it is open");

    eventually("it is read", || journal.len() == 1).await;
    assert_eq!(journal.entries(), ["Ok(1)"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn whom_a_stream_asks_may_ask_its_actor() {
    let (system, journal) = (ActorSystem::new("streams"), Journal::new());
    let (reader, other) = (reader(&system, &journal).await, reader(&system, &journal).await);

    reader.tell(StreamFrom { other }).await.expect("it is open");

    eventually("it is read", || journal.len() == 1).await;
    assert_eq!(journal.entries(), ["Ok(1)"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_wait_for_room_at_its_own_actor() {
    let (system, journal) = (ActorSystem::new("streams"), Journal::new());
    let reader = reader(&system, &journal).await;

    reader.tell(StreamToOneself).await.expect("it is open");

    eventually("it is read", || journal.len() == 1).await;
    assert_eq!(journal.entries(), ["Ok(3)"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_after_a_stream_still_may_not_ask_its_own_actor() {
    let (system, journal) = (ActorSystem::new("streams"), Journal::new());
    let reader = reader(&system, &journal).await;
    reader.tell(StreamFromOneself).await.expect("it is open");
    eventually("it is read", || journal.len() == 1).await;

    let asked = promptly("the answer", reader.ask(GetFrom { other: reader.clone() })).await;

    assert!(asked.expect_err("it would wait for itself").to_string().contains("the ask would wait for itself"));
    system.shutdown().await;
}
