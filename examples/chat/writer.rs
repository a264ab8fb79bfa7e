//! The writer: what the client is to hear, in a queue of bounded length.

use std::time::Duration;

use actors_core::{Actor, ActorId, ActorRef, Context, ExitReason, messages};
use axum::extract::ws::{Message, WebSocket};
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use tokio::time::timeout;

use crate::protocol::{going_away, not_welcome};

/// How long a client may take nothing at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to one client, for all who have something for it.
#[derive(Clone)]
pub struct Outbox {
    writer: ActorRef<Writer>,
}

impl Outbox {
    pub fn new(writer: ActorRef<Writer>) -> Self {
        Outbox { writer }
    }

    pub fn writer(&self) -> &ActorRef<Writer> {
        &self.writer
    }

    pub fn id(&self) -> ActorId {
        self.writer.id()
    }

    /// Puts a frame into the client's queue, without ever waiting. A client whose queue is full is too slow: it is cut off.
    pub fn post(&self, frame: Message) {
        if self.writer.try_tell(frame).is_err_and(|refused| refused.is_full()) {
            self.writer.kill();
        }
    }
}

/// Drains when it stops: what was accepted for the client is written before the goodbye.
#[derive(Actor)]
#[actor(mailbox = 1024, on_stop = "drain", hook_limit = "2s")]
pub struct Writer {
    /// Gone when the client has.
    sink: Option<SplitSink<WebSocket, Message>>,
}

impl Writer {
    pub fn new(sink: SplitSink<WebSocket, Message>) -> Self {
        Writer { sink: Some(sink) }
    }
}

#[messages]
impl Writer {
    #[handle]
    async fn write(&mut self, frame: Message, ctx: &mut Context<Self>) {
        let Some(sink) = &mut self.sink else { return };
        let is_last = ctx.actor_ref().queued() == 0;
        let writing = async {
            sink.feed(frame).await?;
            // Frames that wait together go out together.
            if is_last { sink.flush().await } else { Ok(()) }
        };
        let written = timeout(PATIENCE, writing).await;
        if !matches!(written, Ok(Ok(()))) {
            self.sink = None;
            ctx.stop();
        }
    }

    /// Runs whatever has ended the session, so that no client is ever left without a word.
    #[stopped]
    async fn say_goodbye(&mut self, reason: &ExitReason, ctx: &mut Context<Self>) {
        let Some(sink) = &mut self.sink else { return };
        let goodbye = match reason {
            _ if ctx.is_quiescing() => going_away(),
            ExitReason::Killed => not_welcome("too slow: too much was waiting for you"),
            _ => not_welcome("the session is over: silence, or its room has failed"),
        };
        // If the client has gone, or takes nothing, there is nobody to tell.
        let _ = timeout(PATIENCE / 2, sink.send(goodbye)).await;
    }
}
