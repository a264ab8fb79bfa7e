//! A generic actor knows others of its type, and its struct lacks the bounds with which it is an actor.

use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Node<T> {
    next: Option<ActorRef<Self>>,
    item: Option<T>,
}

#[messages]
impl<T: Clone> Node<T> {
    #[message]
    fn put(&mut self, item: T) {
        self.item = Some(item);
    }
}

fn main() {}
