//! A supervised child is made again at each restart, so what makes it can do so again and again.

#![allow(unused)]
use actors_core::{Actor, Context, messages};

#[derive(Actor)]
struct Worker {
    queue: Vec<String>,
}

#[messages]
impl Worker {
    #[message]
    fn work(&mut self) {}
}

#[derive(Actor)]
struct Boss;

#[messages]
impl Boss {
    #[started]
    async fn hire(&mut self, ctx: &mut Context<Self>) {
        let worker = Worker { queue: Vec::new() };
        ctx.child("worker", move || worker).start().await.unwrap();
    }

    #[message]
    fn hire_ready_made(&mut self, ctx: &mut Context<Self>) {
        ctx.child("worker", Worker { queue: Vec::new() });
    }
}

fn main() {}
