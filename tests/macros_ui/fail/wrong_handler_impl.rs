//! What can be wrong with the impl by which an open actor handles a message.

#![allow(unused)]
use std::convert::Infallible;

use actors_core::{Actor, Context, Handler, messages};

#[derive(Actor)]
struct Store;

#[messages(open)]
impl Store {
    #[message]
    fn get(&self) {}
}

struct Put<T>(T);

// What a message holds is sent between threads.
impl<T> Handler<Put<T>> for Store {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, put: Put<T>, ctx: &mut Context<Self>) -> Result<(), Infallible> {
        Ok(())
    }
}

// The block handles this one.
impl Handler<Get> for Store {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, get: Get, ctx: &mut Context<Self>) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Full;

// An actor cannot fail with this.
impl Handler<u8> for Store {
    type Reply = ();
    type Error = Full;

    async fn handle(&mut self, byte: u8, ctx: &mut Context<Self>) -> Result<(), Full> {
        Ok(())
    }
}

fn main() {}
