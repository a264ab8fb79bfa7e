//! Values that the options of `#[actor(...)]` do not have.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
#[actor(
    mailbox = 0,
    overflow = "rejct",
    stash = "many",
    on_stop = drain,
    in_flight = 5 + 5,
    stop_limit = "30 secnds",
    start_limit = 5,
    hook_limit = ,
    ask_limit = "",
    children,
    strategy = "x",
    restarts = "5",
    within = "0s",
    crate = "actors_core",
)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) {}
}

fn main() {}
