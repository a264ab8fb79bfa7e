//! The parent of all rooms: opens one when somebody wants in, and forgets it when it has closed.

use std::collections::HashMap;

use actors_core::{Actor, ActorRef, Context, Exited, StartError, messages};

use crate::room::Room;

#[derive(Actor, Default)]
#[actor(children = "side_by_side")]
pub struct Rooms {
    rooms: HashMap<String, ActorRef<Room>>,
}

#[messages]
impl Rooms {
    /// Finds the room of this name, or opens it.
    #[message]
    pub async fn open(&mut self, name: String, ctx: &mut Context<Self>) -> Result<ActorRef<Room>, StartError> {
        if let Some(room) = self.rooms.get(&name) {
            if room.is_alive() {
                return Ok(room.clone());
            }
            // Its last member has left. Once it has ended, its name is free.
            room.stopped().await;
        }
        let room = ctx.actor(Room::new(name.clone())).name(&name).start().await?;
        self.rooms.insert(name, room.clone());
        Ok(room)
    }

    #[exited]
    fn closed(&mut self, exit: Exited) {
        self.rooms.retain(|_, room| room.id() != exit.id);
    }
}
