//! The reader: what the client says goes to the room.

use std::time::Duration;

use actors_core::{Actor, ActorRef, Context, Recipient, messages};
use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use futures_util::stream::SplitStream;
use tokio::time::timeout;

use crate::heartbeat::{Heard, Heartbeat};
use crate::misbehave::Misdeed;
use crate::protocol::{FromClient, ToClient};
use crate::room::{Room, Say};
use crate::writer::Outbox;

/// How long a client may take to answer a goodbye.
const HEAR_OUT: Duration = Duration::from_secs(2);

#[derive(Actor)]
pub struct Reader {
    stream: SplitStream<WebSocket>,
}

impl Reader {
    pub fn new(stream: SplitStream<WebSocket>) -> Self {
        Reader { stream }
    }
}

#[messages]
impl Reader {
    /// Listens until the client has gone or the session is over. The one message it gets; the handler is its life.
    #[message]
    pub async fn listen(
        &mut self,
        room: ActorRef<Room>,
        outbox: Outbox,
        heartbeat: ActorRef<Heartbeat>,
        misdeeds: Option<Recipient<Misdeed>>,
        ctx: &mut Context<Self>,
    ) {
        while let Ok(frame) = ctx.unless_stopping(self.stream.next()).await {
            let Some(Ok(frame)) = frame else {
                // The client has gone, and the group falls with its reader.
                return ctx.stop();
            };
            // If its mailbox is full, it has heard enough.
            let _ = heartbeat.try_tell(Heard);
            let Message::Text(text) = frame else { continue };
            match misdeeds.as_ref().zip(Misdeed::read(&text)) {
                Some((session, misdeed)) => drop(session.try_tell(misdeed)),
                None => pass_on(&text, &room, &outbox, ctx).await,
            }
        }
        // The writer has said goodbye. A socket closed before the client has answered may take along what is on its way.
        let _ = timeout(HEAR_OUT, async { while let Some(Ok(_)) = self.stream.next().await {} }).await;
    }
}

/// Hands a message to the room, which acknowledges it, or says why not.
async fn pass_on(text: &str, room: &ActorRef<Room>, outbox: &Outbox, ctx: &Context<Reader>) {
    let (id, why) = match serde_json::from_str(text) {
        Ok(FromClient::Say { id, .. }) if ctx.is_quiescing() => (Some(id), "the server is shutting down".to_owned()),
        // A full room makes this client wait, and no other.
        Ok(FromClient::Say { id, text }) => match room.tell(Say { from: outbox.id(), id, text }).await {
            Ok(()) => return,
            Err(_) => (Some(id), "the room is closed".to_owned()),
        },
        Err(error) => (None, format!("not understood: {error}")),
    };
    outbox.post(ToClient::Refused { id, why }.frame());
}
