//! So does a generic one, whatever its parameter is.

#![allow(unused)]
use std::rc::Rc;

use actors_core::{Actor, Context, messages};

#[derive(Actor)]
struct Cell<T> {
    value: Rc<T>,
}

#[messages]
impl<T> Cell<T> {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) {}

    #[message]
    fn set(&mut self, value: T) {
        self.value = Rc::new(value);
    }

    #[message]
    async fn wait(&mut self) -> u8 {
        std::future::ready(1).await
    }
}

fn main() {}
