//! A reply travels to another task, so it cannot borrow from the actor.

#![allow(unused)]
use actors_core::{Actor, ReplyTo, messages};

#[derive(Actor)]
struct User {
    name: String,
}

#[messages]
impl User {
    #[message]
    fn name(&self) -> &str {
        &self.name
    }

    #[message]
    fn checked(&self) -> Result<&String, String> {
        Ok(&self.name)
    }

    #[message]
    fn later(&self, reply: ReplyTo<&str>) {}
}

fn main() {}
