//! A parameter becomes a field, and a field has a type that can be named.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Speaker;

#[messages]
impl Speaker {
    #[message]
    fn say(&self, text: impl Into<String>, loudness: u8) {}

    #[message]
    fn list(&self, list: Vec<_>) {}
}

// Those who send them are not complained about too.
async fn send(speaker: ActorRef<Speaker>) {
    speaker.tell(Say { text: "hello", loudness: 3 }).await.unwrap();
    speaker.ask(List { list: vec![1] }).await.unwrap();
}

fn main() {}
