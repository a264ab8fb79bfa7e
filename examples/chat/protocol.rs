//! What goes over the wire: JSON, one object a frame.

use axum::extract::ws::{CloseFrame, Message};
use serde::{Deserialize, Serialize};

/// What a client sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromClient {
    /// Something for the room. The client chooses the `id`, and finds it in the answer.
    Say { id: u64, text: String },
}

/// What a client gets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient {
    /// The first of all: the name may differ from the one asked for.
    Welcome {
        room: String,
        you: String,
        members: Vec<String>,
    },
    Joined {
        name: String,
    },
    Left {
        name: String,
    },
    /// What somebody said, the client itself included. Lines of a room are numbered without gaps.
    Line {
        seq: u64,
        from: String,
        text: String,
    },
    /// The client's own message was taken, as the line with this number.
    Ack {
        id: u64,
        seq: u64,
    },
    /// The client's own message was not taken.
    Refused {
        id: Option<u64>,
        why: String,
    },
}

impl ToClient {
    /// Written once; clones of the frame share the text.
    pub fn frame(&self) -> Message {
        Message::text(serde_json::to_string(self).expect("plain data can be written"))
    }
}

/// The server goes away, for now.
pub fn going_away() -> Message {
    close(1001, "the server is shutting down")
}

/// The client is let go because of the way it behaves.
pub fn not_welcome(why: &'static str) -> Message {
    close(1008, why)
}

fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

/// Whether this may name a room or a member. Rooms are actors, so their names must suit a path.
pub fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.chars().count()) && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
