//! A type that is not in scope is one mistake, wherever in a reply it stands.

#![allow(unused)]
use actors_core::{Actor, ReplyTo, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) -> Sum {
        todo!()
    }

    #[message]
    fn last(&self) -> Option<Entry> {
        todo!()
    }

    #[message]
    async fn halve(&mut self) -> Result<u64, Odd> {
        todo!()
    }

    #[message]
    fn find(&mut self, reply: ReplyTo<Found>) {}
}

fn main() {}
