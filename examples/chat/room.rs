//! A room: passes what one member says on to all.

use std::collections::BTreeMap;

use actors_core::{Actor, ActorId, Context, Exited, messages};

use crate::protocol::ToClient;
use crate::writer::Outbox;

/// Drains when it stops: what was accepted is passed on and acknowledged.
#[derive(Actor)]
#[actor(on_stop = "drain")]
pub struct Room {
    name: String,
    /// By the id of the member's writer, which the room watches.
    members: BTreeMap<ActorId, Member>,
    lines: u64,
}

struct Member {
    name: String,
    outbox: Outbox,
}

/// The room closes; there may be a new one of that name.
#[derive(Debug, PartialEq, Eq)]
pub struct Closing;

impl std::fmt::Display for Closing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the room closes")
    }
}

impl std::error::Error for Closing {}

impl Room {
    pub fn new(name: String) -> Self {
        Room { name, members: BTreeMap::new(), lines: 0 }
    }

    fn tell_all(&self, what: &ToClient) {
        let frame = what.frame();
        for member in self.members.values() {
            member.outbox.post(frame.clone());
        }
    }

    /// Two members of one name would be taken for one another.
    fn free_name(&self, wish: &str) -> String {
        let is_free = |name: &String| self.members.values().all(|member| member.name != *name);
        std::iter::once(wish.to_owned()).chain((2_u32..).map(|n| format!("{wish}-{n}"))).find(is_free).expect("there is always one more")
    }
}

#[messages]
impl Room {
    #[message]
    pub fn join(&mut self, name: String, outbox: Outbox, ctx: &mut Context<Self>) -> Result<(), Closing> {
        if ctx.is_stopping() {
            return Err(Closing);
        }
        let name = self.free_name(&name);
        self.tell_all(&ToClient::Joined { name: name.clone() });
        let members = self.members.values().map(|member| member.name.clone()).collect();
        outbox.post(ToClient::Welcome { room: self.name.clone(), you: name.clone(), members }.frame());
        ctx.monitor(outbox.writer());
        self.members.insert(outbox.id(), Member { name, outbox });
        Ok(())
    }

    /// The acknowledgement comes after the line is in every queue, and so it is a promise.
    #[message]
    pub fn say(&mut self, from: ActorId, id: u64, text: String) {
        let Some(speaker) = self.members.get(&from) else { return };
        self.lines += 1;
        self.tell_all(&ToClient::Line { seq: self.lines, from: speaker.name.clone(), text });
        speaker.outbox.post(ToClient::Ack { id, seq: self.lines }.frame());
    }

    /// A member's writer has ended, for whatever reason. This comes once, and after all that the member had said.
    #[exited]
    fn left(&mut self, exit: Exited, ctx: &mut Context<Self>) {
        if let Some(member) = self.members.remove(&exit.id) {
            self.tell_all(&ToClient::Left { name: member.name });
        }
        if self.members.is_empty() {
            ctx.stop();
        }
    }
}
