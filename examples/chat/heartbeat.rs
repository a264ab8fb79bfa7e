//! The heartbeat: pings a client, and notices that it has fallen silent.

use std::time::Duration;

use actors_core::{Actor, Context, messages};
use axum::extract::ws::Message;

use crate::writer::Outbox;

/// How many pings may stay unanswered.
const UNANSWERED: u32 = 2;

#[derive(Actor)]
#[actor(mailbox = 4, on_stop = "drain")]
pub struct Heartbeat {
    outbox: Outbox,
    every: Duration,
    unanswered: u32,
}

impl Heartbeat {
    pub fn new(outbox: Outbox, every: Duration) -> Self {
        Heartbeat { outbox, every, unanswered: 0 }
    }
}

#[messages]
impl Heartbeat {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.send_every(self.every, || Beat);
    }

    /// Anything at all from the client is a sign of life.
    #[message]
    pub fn heard(&mut self) {
        self.unanswered = 0;
    }

    #[message]
    fn beat(&mut self, ctx: &mut Context<Self>) {
        if self.unanswered == UNANSWERED {
            // The session falls with it.
            return ctx.stop();
        }
        self.unanswered += 1;
        self.outbox.post(Message::Ping(Default::default()));
    }
}
