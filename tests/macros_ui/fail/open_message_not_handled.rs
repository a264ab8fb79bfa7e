//! An open actor handles what there is an impl for, and nothing else.

#![allow(unused)]
use std::convert::Infallible;
use std::fmt::Display;

use actors_core::{Actor, ActorRef, Context, Handler, Recipient, messages};

#[derive(Actor)]
struct Store;

#[messages(open)]
impl Store {
    #[message]
    fn get(&self) -> u64 {
        1
    }
}

struct Put<T>(T);

impl<T: Display + Send> Handler<Put<T>> for Store {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, put: Put<T>, ctx: &mut Context<Self>) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Foreign;

async fn send(store: ActorRef<Store>) {
    store.tell(Put(1)).await.unwrap();
    store.tell(Foreign).await.unwrap();
    store.ask(Put(Foreign)).await.unwrap();
}

fn main() {}
