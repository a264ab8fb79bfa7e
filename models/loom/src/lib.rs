//! The mailbox, the word of signals, the reply slot, the run queue and the seats, in every order of steps that a few threads can take.
//!
//! The files of the library are included as they are; `std` and `parking_lot` are those of loom. What stands in for the rest of an actor is in
//! `actor.rs` and `lifecycle.rs`.

extern crate loom_parking_lot as parking_lot;
extern crate loom_std as std;
extern crate loom_tokio as tokio;

macro_rules! thread_local {
    ($($locals:tt)*) => { std::local_to_a_models_thread! { $($locals)* } };
}

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
mod players;
mod queue;
mod replies;
mod runtime;
mod seats;
mod turns;

/// All of them.
pub fn models() -> Vec<models::Model> {
    [queue::MODELS, line::MODELS, life::MODELS, replies::MODELS, turns::MODELS, seats::MODELS].concat()
}
