//! A handler that awaits may go on on another thread.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    async fn get(&mut self) {
        let kept = Rc::new(1);
        std::future::ready(1).await;
        drop(kept);
    }
}

#[derive(Actor)]
struct Other;

#[messages]
impl Other {
    #[message]
    async fn first(&mut self) {
        let kept = Rc::new(1);
        std::future::ready(1).await;
        drop(kept);
    }

    #[started]
    async fn open(&mut self) {
        let kept = Rc::new(2);
        std::future::ready(2).await;
        drop(kept);
    }
}

fn main() {}
