//! A message waits in a mailbox, so it cannot borrow from its sender.

#![allow(unused)]
use std::borrow::Cow;

use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Speaker;

#[messages]
impl Speaker {
    #[message]
    fn say(&self, text: &str) {}

    #[message]
    fn bytes(&self, bytes: &[u8]) {}

    #[message]
    fn maybe(&self, text: Option<&str>) {}

    #[message]
    fn copied(&self, text: Cow<'_, str>) {}

    #[message]
    fn run(&self, job: &mut dyn Send) {}

    #[message]
    fn list(&self, list: &Vec<u8>) {}

    #[handle]
    fn own(&self, line: &Line) {}
}

struct Line;

async fn speak(speaker: ActorRef<Speaker>) {
    speaker.tell(Say { text: "hello" }).await.unwrap();
}

// Those who send one are not complained about too.
async fn send(speaker: &ActorRef<Speaker>, text: &str) {
    speaker.tell(Say { text }).await.unwrap();
    speaker.tell(Say { text: "hello".to_owned() }).await.unwrap();
}

fn main() {}
