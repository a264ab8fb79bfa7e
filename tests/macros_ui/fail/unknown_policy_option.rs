//! The options of `#[actor(...)]`, mistyped and repeated.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
#[actor(mailbx = 5, frobnicate = 1, mailbox = 10)]
#[actor(mailbox = 20)]
#[actor]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) {}
}

#[derive(Actor)]
#[actor = "unbounded"]
struct Other;

#[messages]
impl Other {
    #[message]
    fn set(&self) {}
}

fn main() {}
