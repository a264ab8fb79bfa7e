//! What handlers do with a parameter of the actor is said on the block. That it is `Send + 'static` is not.

#![allow(unused)]
use actors_core::{Actor, Context, messages};

#[derive(Actor)]
struct Store<T> {
    values: Vec<T>,
}

#[messages]
impl<T> Store<T> {
    #[message]
    fn put(&mut self, value: T, ctx: &mut Context<Self>) {
        self.forget(ctx);
        self.values.push(value.clone());
    }

    fn forget(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

// Elsewhere it is.
impl<T> Store<T> {
    fn close(&mut self, ctx: &mut Context<Self>) {}
}

fn main() {}
