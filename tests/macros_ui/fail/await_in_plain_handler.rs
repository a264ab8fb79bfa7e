//! A handler that awaits is `async`.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

#[derive(Actor)]
struct Reader;

#[messages]
impl Reader {
    #[message]
    fn read(&mut self) -> u64 {
        std::future::ready(1).await
    }

    #[started]
    fn open(&mut self) {
        std::future::ready(()).await
    }
}

// Those who send the message are not complained about too.
async fn read(reader: ActorRef<Reader>) -> u64 {
    reader.ask(Read).await.unwrap()
}

fn main() {}
