//! The mailbox of an ordinary actor holds what its block names. What nobody can send needs no second complaint.

#![allow(unused)]
use std::convert::Infallible;

use actors_core::{Actor, Context, Handler, messages};

#[derive(Actor)]
struct Store;

#[messages]
impl Store {
    #[message]
    fn get(&self) {}
}

struct Put<T>(T);

impl<T: Send> Handler<Put<T>> for Store {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, put: Put<T>, ctx: &mut Context<Self>) -> Result<(), Infallible> {
        Ok(())
    }
}

fn main() {}
