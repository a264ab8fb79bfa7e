//! There is one way to answer: what is returned, or a `ReplyTo`.

#![allow(unused)]
use actors_core::{Actor, ReplyTo, messages};

#[derive(Actor)]
struct Desk;

#[messages]
impl Desk {
    #[message]
    fn get(&self, reply: ReplyTo<u8>) -> u8 {
        1
    }

    #[message]
    fn twice(&self, first: ReplyTo<u8>, second: ReplyTo<u8>) {}

    #[message]
    fn by_reference(&self, reply: &ReplyTo<u8>) {}
}

fn main() {}
