//! Every message waits in as much room as the largest one takes.

#![allow(unused)]
use actors_core::{Actor, messages};

struct Page([u8; 4096]);

#[derive(Actor)]
struct Disk;

#[messages]
impl Disk {
    #[message]
    fn write(&mut self, block: [u8; 2000], at: u64) {}

    #[handle]
    fn print(&self, page: Page) {}

    #[handle(boxed)]
    fn large_but_boxed(&self, block: [u64; 500]) {}

    #[message]
    fn small(&self, block: [u8; 1000]) {}
}

#[derive(Actor)]
struct Cautious;

#[messages(size_limit = 64)]
impl Cautious {
    #[message]
    fn put(&mut self, block: [u8; 100]) {}
}

fn main() {}
