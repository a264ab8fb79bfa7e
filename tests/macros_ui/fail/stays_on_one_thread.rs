//! Messages and replies travel between threads, and some types are known not to.

#![allow(unused)]
use std::error::Error;
use std::rc::Rc;
use std::sync::Arc;

use actors_core::{Actor, ActorRef, ReplyTo, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: Option<Rc<u8>>) {}

    #[message]
    fn run(&mut self, job: Box<dyn FnOnce(&mut u64)>) {}

    #[message]
    fn share(&mut self, job: Arc<dyn Fn()>, times: u8) {}

    #[message]
    fn get(&self) -> Rc<u8> {
        Rc::new(1)
    }

    #[message]
    fn find(&self) -> Result<Option<Rc<u8>>, Box<dyn Error>> {
        Ok(None)
    }

    #[message]
    fn later(&self, reply: ReplyTo<Rc<u8>>) {}

    #[handle]
    fn own(&self, shared: Rc<u16>) {}

    #[handle]
    fn place(&self, place: *const u16) {}
}

async fn sends(counter: ActorRef<Counter>) {
    counter.tell(Add { by: Some(Rc::new(1)) }).await.unwrap();
    counter.ask(Run { job: Box::new(|n| *n = 1) }).await.unwrap();
    counter.ask(Share { job: Arc::new(|| ()), times: 1 }).await.unwrap();
    let got: u8 = *counter.ask(Get).await.unwrap();
    let found = counter.ask(Find).await.unwrap().map(|found| *found + 1);
    let later: u8 = *counter.ask(Later).await.unwrap();
    counter.tell(Rc::new(1u16)).await.unwrap();
    counter.tell(std::ptr::null::<u16>()).await.unwrap();
}

fn main() {}
