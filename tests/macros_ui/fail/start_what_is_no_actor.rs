//! What is no actor cannot be started, and nothing is said of what is done with it afterwards.

#![allow(unused)]
use actors_core::{Actor, ActorSystem, Context, messages};

struct Counter {
    n: u64,
}

async fn start(system: ActorSystem) {
    let counter = system.start(Counter { n: 0 }).await.unwrap();
    counter.tell(1).await.unwrap();
}

async fn spawn(system: ActorSystem) {
    let counter = system.spawn(Counter { n: 0 });
    let n: u64 = counter.ask(1).await.unwrap();
}

async fn set_up(system: ActorSystem) {
    system.actor(Counter { n: 0 }).name("counter").spawn().stop();
}

#[derive(Actor)]
struct Parent;

#[messages]
impl Parent {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        let counter = ctx.start(Counter { n: 0 }).await.unwrap();
        counter.stop();
    }
}

fn main() {}
