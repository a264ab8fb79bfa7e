//! The mailbox, the word of signals and the reply slot, in every order of steps that a few threads can take.
//!
//! The files of the library are included as they are; `std` and `parking_lot` are those of loom. What stands in for the rest of an actor is in
//! `actor.rs` and `lifecycle.rs`.

extern crate loom_parking_lot as parking_lot;
extern crate loom_std as std;
// For the type of a moment, which is all that a reply wants of it.
extern crate loom_std as tokio;

use std::process::ExitCode;

#[path = "../../../actors-core/src/caught.rs"]
#[allow(dead_code, reason = "a model needs a part of it")]
mod caught;

#[path = "../../../actors-core/src/sync.rs"]
#[allow(dead_code, reason = "a model needs a part of it")]
mod sync;

#[path = "../../../actors-core/src/mailbox/mod.rs"]
#[allow(dead_code, unused_imports, reason = "a model needs a part of it")]
mod mailbox;

mod lifecycle;

#[path = "../../../actors-core/src/address/reply.rs"]
#[allow(dead_code, reason = "a model needs a part of it")]
mod reply;

mod actor;
mod kit;
mod life;
mod line;
mod queue;
mod replies;

fn main() -> ExitCode {
    let models: Vec<_> = [queue::MODELS, line::MODELS, life::MODELS, replies::MODELS].concat();
    models::explore(&models)
}
