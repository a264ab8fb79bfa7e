//! A boxed future would be sent as the reply, unawaited.

#![allow(unused)]
use std::pin::Pin;

use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Book;

#[messages]
impl Book {
    #[message]
    fn page(&mut self) -> Pin<Box<dyn Future<Output = u8> + Send>> {
        Box::pin(async { 1 })
    }
}

// Those who ask get what is meant.
async fn read(book: ActorRef<Book>) -> u8 {
    book.ask(Page).await.unwrap()
}

fn main() {}
