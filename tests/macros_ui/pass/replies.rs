//! What a handler may answer: nothing, a value, a `Result` by whatever name, or later.

use actors_core::{Actor, ActorSystem, AskError, BoxError, ReplyTo, messages};
use tests::Broken;

#[derive(Actor)]
struct Desk {
    waiting: Vec<ReplyTo<u8, Broken>>,
}

type Result<T> = std::result::Result<T, Broken>;

#[messages]
impl Desk {
    #[message]
    fn nothing(&self) {}

    #[expect(clippy::unused_unit, reason = "some write it")]
    #[message]
    fn unit(&self) -> () {}

    #[message]
    fn value(&self) -> Option<u8> {
        Some(1)
    }

    #[message]
    fn checked(&self, n: u8) -> std::result::Result<u8, Broken> {
        if n == 0 { Err(Broken("zero")) } else { Ok(n) }
    }

    #[message]
    async fn alias(&self) -> Result<u8> {
        Err(Broken("alias"))
    }

    #[message]
    fn io(&self) -> std::io::Result<u8> {
        Err(std::io::Error::other("io"))
    }

    #[message]
    fn boxed(&self) -> std::result::Result<(), BoxError> {
        Err("boxed".into())
    }

    #[message]
    fn text(&self) -> std::result::Result<(), String> {
        Err("text".to_owned())
    }

    #[message]
    fn wait(&mut self, reply: ReplyTo<u8, Broken>) {
        self.waiting.push(reply);
    }

    #[message]
    async fn now(&self, twice: u8, reply: ReplyTo<u8>) {
        reply.send(twice * 2);
    }

    #[message]
    fn turn_away(&mut self) {
        for reply in self.waiting.drain(..) {
            reply.fail(Broken("closed")).unwrap();
        }
    }
}

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("desk");
    let desk = system.spawn(Desk { waiting: Vec::new() });

    let (): () = desk.ask(Nothing).await.unwrap();
    let (): () = desk.ask(Unit).await.unwrap();
    assert_eq!(desk.ask(Value).await.unwrap(), Some(1));
    assert_eq!(desk.ask(Checked { n: 1 }).await.unwrap(), 1);
    assert!(matches!(desk.ask(Checked { n: 0 }).await, Err(AskError::Failed(Broken("zero")))));
    assert!(matches!(desk.ask(Alias).await, Err(AskError::Failed(Broken("alias")))));
    assert!(matches!(desk.ask(Io).await, Err(AskError::Failed(error)) if error.to_string() == "io"));
    assert!(matches!(desk.ask(Boxed).await, Err(AskError::Failed(error)) if error.to_string() == "boxed"));
    assert!(matches!(desk.ask(Text).await, Err(AskError::Failed(error)) if error == "text"));
    assert_eq!(desk.ask(Now { twice: 2 }).await.unwrap(), 4);
    let (waited, closed) = tokio::join!(desk.ask(Wait), desk.tell(TurnAway));
    assert!(matches!(waited, Err(AskError::Failed(Broken("closed")))));
    closed.unwrap();
    assert!(system.shutdown().await.is_clean());
}
