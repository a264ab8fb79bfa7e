//! Where the framework is not, it is missed once by each macro.

use actors_core::{Actor, messages};

#[derive(Actor)]
#[actor(crate = nowhere, mailbox = 16)]
struct Counter;

#[messages(crate = nowhere)]
impl Counter {
    #[message]
    fn get(&self) -> Result<u64, String> {
        Ok(1)
    }

    #[message]
    async fn add(&mut self, _by: u64) {}
}

fn main() {}
