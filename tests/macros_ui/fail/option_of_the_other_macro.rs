//! What concerns the messages is said on the block, what concerns the actor's life on its type.

use actors_core::{Actor, messages};

#[derive(Actor)]
#[actor(open, size_limit = 4096)]
struct Store;

#[messages(mailbox = 16, open = true)]
impl Store {
    #[message]
    fn get(&self) {}
}

fn main() {}
