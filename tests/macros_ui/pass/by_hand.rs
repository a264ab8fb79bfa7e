//! An actor without macros, beside one with them.

use actors_core::{Actor, ActorSystem, BoxError, Context, Protocol, ReplyTo, messages};

struct Counter {
    n: u64,
}

enum Msg {
    Add(u64),
    Get(ReplyTo<u64>),
}

impl Protocol for Counter {
    type Msg = Msg;
}

impl Actor for Counter {
    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match msg {
            Msg::Add(by) => self.n += by,
            Msg::Get(reply) => reply.send(self.n),
        }
        Ok(())
    }
}

#[derive(Actor)]
struct Derived;

#[messages]
impl Derived {
    #[message]
    fn get(&self) -> u64 {
        1
    }
}

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("by hand");
    let counter = system.spawn(Counter { n: 0 });
    counter.tell(Msg::Add(2)).await.unwrap();
    assert_eq!(counter.ask_with(Msg::Get).await.unwrap(), 2);
    assert_eq!(system.spawn(Derived).ask(Get).await.unwrap(), 1);
    assert!(system.shutdown().await.is_clean());
}
