//! A guard of a std mutex stays on its thread, so no handler may hold it over an await.

#![allow(unused)]
use std::sync::Mutex;

use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter {
    n: Mutex<u64>,
}

#[messages]
impl Counter {
    #[message]
    async fn add(&mut self, by: u64) {
        let mut n = self.n.lock().unwrap();
        std::future::ready(()).await;
        *n += by;
    }
}

fn main() {}
