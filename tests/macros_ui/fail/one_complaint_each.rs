//! Of what is complained about in a handler, nothing more is said where its message is sent.

#![allow(unused)]
use std::future::Future;

use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Map;

struct Pair {
    a: u8,
    b: u8,
}

#[messages]
impl Map {
    #[message]
    fn put(&mut self, (key, value): (u8, u8)) {}

    #[message]
    fn skip(&mut self, _: u8, other: u16) {}

    #[message]
    fn swap(&mut self, Pair { a, b }: Pair) {}

    #[message]
    fn send(&self, to: u8) -> u8 {
        to
    }

    #[message]
    fn drop(&mut self) {}

    #[message]
    fn clone(&self) -> u8 {
        1
    }

    #[message]
    fn page(&mut self) -> impl Future<Output = u8> {
        async { 1 }
    }

    #[message]
    fn pages(&mut self) -> impl Iterator<Item = u8> {
        [1].into_iter()
    }

    #[message]
    fn names(&mut self) -> Box<dyn Iterator<Item = u8> + '_> {
        Box::new([1].into_iter())
    }

    #[message]
    fn first<T: Ord>(&mut self, of: Vec<T>) -> Option<T> {
        None
    }

    #[message]
    fn text(&mut self, text: impl Into<String>) -> &str {
        ""
    }
}

async fn sends(map: ActorRef<Map>) {
    map.tell(Put { key: 1, value: 2 }).await.unwrap();
    map.tell(Skip { other: 2 }).await.unwrap();
    map.tell(Swap { a: 1, b: 2 }).await.unwrap();
    let sent: u8 = map.ask(Send { to: 1 }).await.unwrap() + 1;
    map.tell(Drop).await.unwrap();
    let cloned = map.ask(Clone).await.unwrap() + 1;
    let page: u8 = map.ask(Page).await.unwrap();
    for page in map.ask(Pages).await.unwrap() {
        let page: u8 = page;
    }
    let names = map.ask(Names).await.unwrap().count();
    let first: Option<u8> = map.ask(First { of: vec![1u8] }).await.unwrap();
    let text = map.ask(Text { text: "a" }).await.unwrap().len();
}

fn main() {}
