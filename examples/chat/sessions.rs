//! The parent of all sessions. Their order means nothing, so they stop side by side.

use std::time::Duration;

use actors_core::{Actor, Context, messages};

use crate::session::{Guest, Session};

#[derive(Actor)]
#[actor(children = "side_by_side", on_stop = "drain")]
pub struct Sessions {
    pub ping_every: Duration,
    pub misbehave: bool,
}

#[messages]
impl Sessions {
    #[message]
    pub fn open(&mut self, guest: Guest, ctx: &mut Context<Self>) {
        ctx.spawn(Session::new(guest, self.ping_every, self.misbehave));
    }
}
