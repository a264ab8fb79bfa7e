//! A handler that awaits is an `async fn`.

#![allow(unused)]
use std::future::Future;

use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Book;

#[messages]
impl Book {
    #[message]
    fn page(&mut self) -> impl Future<Output = u8> {
        async { 1 }
    }

    #[message]
    fn pages(&mut self) -> impl Iterator<Item = u8> {
        [1].into_iter()
    }
}

async fn read(book: ActorRef<Book>) -> u8 {
    book.ask(Page).await.unwrap()
}

fn main() {}
