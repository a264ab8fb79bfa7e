//! What waits in the mailbox is one type, so a handler cannot have parameters of its own.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Store<V> {
    value: V,
}

#[messages]
impl<V> Store<V> {
    #[message]
    fn put<T: Send>(&mut self, value: T) {}

    #[message]
    fn name<'a>(&mut self, name: &'a str) {}

    #[message]
    fn fill<const N: usize>(&mut self, with: [u8; N]) {}

    #[message]
    fn double(&mut self)
    where
        V: Clone,
    {
    }
}

// Those who send them are not complained about too.
async fn send(store: ActorRef<Store<u8>>) {
    store.tell(Put { value: 1 }).await.unwrap();
    store.ask(Fill { with: [0; 4] }).await.unwrap();
}

fn main() {}
