//! A message is given to its handler for good.

#![allow(unused)]
use actors_core::{Actor, ActorRef, messages};

struct Ping;
struct Text(String);

#[derive(Actor)]
struct Echo;

#[messages]
impl Echo {
    #[handle]
    fn ping(&self, ping: &Ping) {}

    #[handle]
    fn text(&mut self, text: &mut Text) -> usize {
        text.0.len()
    }
}

// Those who send them are not complained about too.
async fn send(echo: ActorRef<Echo>) -> usize {
    echo.tell(Ping).await.unwrap();
    echo.ask(Text("hello".to_owned())).await.unwrap()
}

fn main() {}
