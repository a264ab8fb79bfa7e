//! A session: one connection, as a group of three that share its fate.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorRef, Context, Exited, Tie, messages};
use axum::extract::ws::WebSocket;
use futures_util::StreamExt as _;

use crate::heartbeat::Heartbeat;
use crate::misbehave::{Misdeed, block_all_workers};
use crate::reader::{Listen, Reader};
use crate::room::{Join, Room};
use crate::rooms::{Open, Rooms};
use crate::writer::{Outbox, Writer};

/// Somebody who has come to the door.
pub struct Guest {
    pub socket: WebSocket,
    pub name: String,
    pub room: String,
    pub rooms: ActorRef<Rooms>,
}

#[derive(Actor)]
// With children, it would have all the time there is; one that hangs should not use that up.
#[actor(stop_limit = "10s")]
pub struct Session {
    guest: Option<Guest>,
    ping_every: Duration,
    misbehave: bool,
}

impl Session {
    pub fn new(guest: Guest, ping_every: Duration, misbehave: bool) -> Self {
        Session { guest: Some(guest), ping_every, misbehave }
    }
}

#[messages]
impl Session {
    /// Takes the guest in, or declines: then the writer, which has started, still says goodbye.
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) {
        let guest = self.guest.take().expect("a session opens once");
        let (sink, stream) = guest.socket.split();

        // Client gone, write failed, silence: whichever ends first ends the others. They stop in reverse order.
        let fate = ctx.peer_group("session");
        let reader = fate.spawn_with(Reader::new(stream), |reader| reader.name("reader"));
        let writer = fate.spawn_with(Writer::new(sink), |writer| writer.name("writer"));
        let outbox = Outbox::new(writer);
        let heartbeat = Heartbeat::new(outbox.clone(), self.ping_every);
        let heartbeat = fate.spawn_with(heartbeat, |heartbeat| heartbeat.name("heartbeat"));

        match enter(&guest.rooms, guest.room, guest.name, &outbox, ctx).await {
            Some(room) => {
                ctx.monitor(&room);
                let misdeeds = self.misbehave.then(|| ctx.actor_ref().recipient());
                // It is just born and its mailbox is empty; if its client has gone, it takes nothing, and needs nothing.
                let _ = reader.try_tell(Listen { room, outbox, heartbeat, misdeeds });
            }
            None => ctx.decline(),
        }
    }

    /// The session ends with its group, or when the room fails: then the client comes back, to a new one.
    #[exited]
    fn over(&mut self, exit: Exited, ctx: &mut Context<Self>) {
        match exit.tie {
            Tie::Group(_) => ctx.stop(),
            Tie::Monitor(_) if !exit.reason.is_clean() => ctx.stop(),
            _ => {}
        }
    }

    #[handle]
    async fn misbehave(&mut self, misdeed: Misdeed, ctx: &mut Context<Self>) {
        match misdeed {
            Misdeed::Hang => {
                eprintln!("chat: {} hangs", ctx.path());
                pending().await
            }
            Misdeed::Block => block_all_workers(ctx),
        }
    }
}

/// Enters the room. Leaving it needs no word: the room watches the writer, and hears of its end exactly once.
async fn enter(rooms: &ActorRef<Rooms>, room: String, name: String, outbox: &Outbox, ctx: &Context<Session>) -> Option<ActorRef<Room>> {
    for _ in 0..3 {
        if ctx.is_quiescing() {
            return None;
        }
        let room = rooms.ask(Open { name: room.clone() }).await.ok()?;
        if room.ask(Join { name: name.clone(), outbox: outbox.clone() }).await.is_ok() {
            return Some(room);
        }
        // Its last member left as this one came, and it closes. The next one is new.
    }
    None
}
