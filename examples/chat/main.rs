//! A chat server: rooms, WebSockets, a page for browsers, and a shutdown that loses nothing it has promised.
//!
//! ```text
//! cargo run --release --example chat                                 # then open http://127.0.0.1:8080
//! cargo run --release --example chat -- --demo 5 --clients 200       # brings its own clients
//! ```
//!
//! # The tree, in the order in which it starts
//!
//! ```text
//! /sessions                 parent of all sessions, which stop side by side
//! /sessions/Session#9       one connection: a peer group, of which the first to end ends the others
//!     reader                what the client says goes to the room
//!     writer                a bounded queue of what the client is to hear
//!     heartbeat             pings, and notices silence
//! /rooms                    parent of all rooms, which stop side by side
//! /rooms/lobby              the members of one room
//! /listener                 accepts connections
//! ```
//!
//! # What is promised
//!
//! A message is acknowledged once its room has put it into the queue of every member. *Whatever was acknowledged before
//! a shutdown is delivered to all members of the room.* It is the order of starting that sees to it, since what starts last
//! stops first:
//!
//! 1. The system quiesces: no new connections, and readers refuse new messages, visibly.
//! 2. `/listener` stops.
//! 3. `/rooms` stop. A room drains: what it has accepted is passed on and acknowledged before it ends.
//! 4. `/sessions` stop. In each, the heartbeat goes first. The writer drains, so that the client gets all that any room
//!    had for it, and says goodbye with close code 1001. The reader goes last: it stays to hear the client's own goodbye.
//!
//! Had the sessions been started after the rooms, they would be gone before the rooms have passed on their last lines.
//!
//! A client that is too slow holds up nobody and costs no more than its queue: a room only ever *tries* to tell a writer,
//! and a client whose queue is full is cut off, with close code 1008. What a client hears has no gaps; it ends.

mod args;
mod demo;
mod heartbeat;
mod listener;
mod misbehave;
mod protocol;
mod reader;
mod room;
mod rooms;
mod session;
mod sessions;
mod writer;

use std::net::SocketAddr;

use actors_core::{ActorSystem, ShutdownReport, StartError};

use crate::args::Args;
use crate::listener::{Address, Listener};
use crate::rooms::Rooms;
use crate::sessions::Sessions;

fn main() -> ShutdownReport {
    let args = Args::from_env();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = args.workers {
        runtime.worker_threads(workers);
    }
    runtime.enable_all().build().expect("a runtime can be built").block_on(run(args))
}

async fn run(args: Args) -> ShutdownReport {
    let system = ActorSystem::builder("chat").deadline(args.deadline).handle_signals().build();
    let address = match start(&system, &args).await {
        Ok(address) => address,
        Err(error) => return system.start_failed(error).await,
    };
    println!("listening on http://{address}");
    match args.demo {
        Some(demo) => demo::run(&system, address, demo).await,
        None => system.run_until_signal().await,
    }
}

/// Starts what listens last, so that it stops first.
async fn start(system: &ActorSystem, args: &Args) -> Result<SocketAddr, StartError> {
    let sessions = Sessions { ping_every: args.ping_every, misbehave: args.misbehave };
    let sessions = system.actor(sessions).name("sessions").start().await?;
    let rooms = system.actor(Rooms::default()).name("rooms").start().await?;
    let listener = Listener { address: args.address, sessions, rooms };
    let listener = system.actor(listener).name("listener").significant().start().await?;
    Ok(listener.ask(Address).await.unwrap_or(args.address))
}
