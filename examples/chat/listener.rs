//! The listener: serves the page, and turns each WebSocket into a session.

use std::io;
use std::net::SocketAddr;

use actors_core::{Actor, ActorRef, Context, messages};
use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt as _;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::protocol::{going_away, is_name};
use crate::rooms::Rooms;
use crate::session::Guest;
use crate::sessions::{Open, Sessions};

/// The longest message that a client may send, in bytes.
const LONGEST: usize = 16 * 1024;

#[derive(Actor)]
pub struct Listener {
    pub address: SocketAddr,
    pub sessions: ActorRef<Sessions>,
    pub rooms: ActorRef<Rooms>,
}

#[messages]
impl Listener {
    #[started]
    async fn listen(&mut self, ctx: &mut Context<Self>) -> io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // Only makes a chat faster; without it, it works too.
            let _ = stream.set_nodelay(true);
        });
        let front = Front { sessions: self.sessions.clone(), rooms: self.rooms.clone() };
        let app = Router::new().route("/", get(page)).route("/ws/{room}", any(upgrade)).with_state(front);
        // Accepts no more once the system quiesces. The task ends with this actor.
        let serving = axum::serve(listener, app).with_graceful_shutdown(ctx.quiescing());
        ctx.spawn_task(async move { serving.await });
        Ok(())
    }

    /// Returns where it listens, with the port that was taken if any was asked for.
    #[message]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What a request needs.
#[derive(Clone)]
struct Front {
    sessions: ActorRef<Sessions>,
    rooms: ActorRef<Rooms>,
}

#[derive(Deserialize)]
struct Hello {
    #[serde(default = "nameless")]
    name: String,
}

fn nameless() -> String {
    "guest".to_owned()
}

async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

async fn upgrade(ws: WebSocketUpgrade, Path(room): Path<String>, Query(hello): Query<Hello>, State(front): State<Front>) -> Response {
    if !is_name(&room) || !is_name(&hello.name) {
        let rule = "a name has up to 32 letters, digits, dots, dashes and underscores";
        return (StatusCode::BAD_REQUEST, rule).into_response();
    }
    // The default read buffer, 128 KiB, is much for clients that mostly listen.
    ws.max_message_size(LONGEST).read_buffer_size(4 * 1024).on_upgrade(move |socket| open(socket, room, hello.name, front))
}

async fn open(socket: WebSocket, room: String, name: String, front: Front) {
    let guest = Guest { socket, name, room, rooms: front.rooms };
    if let Err(refused) = front.sessions.tell(Open { guest }).await {
        // The server stops. The message comes back, so the client can still be told.
        let mut socket = refused.into_message().guest.socket;
        let _ = socket.send(going_away()).await;
    }
}
