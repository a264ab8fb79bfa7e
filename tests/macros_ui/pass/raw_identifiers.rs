//! Names that are words of the language, and names that the macros use themselves.

#![allow(non_camel_case_types)]

use actors_core::{Actor, ActorSystem, Context, messages};

#[derive(Actor)]
struct r#Match {
    r#type: u8,
}

#[messages]
impl r#Match {
    #[message]
    fn r#type(&self) -> u8 {
        self.r#type
    }

    #[message]
    fn set(&mut self, r#type: u8) {
        self.r#type = r#type;
    }

    #[message]
    fn r#loop(&self, message: u8, reply: u8, ctx: u8, __ctx: u8, __reply: u8, context: &mut Context<Self>) -> u8 {
        let _ = context;
        message + reply + ctx + __ctx + __reply
    }

    #[message(name = r#Move)]
    fn r#move(&self, mut far: u8) -> u8 {
        far += 1;
        far
    }
}

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("raw");
    let actor = system.spawn(r#Match { r#type: 1 });
    actor.tell(Set { r#type: 3 }).await.unwrap();
    assert_eq!(actor.ask(Type).await.unwrap(), 3);
    assert_eq!(actor.ask(Loop { message: 1, reply: 2, ctx: 3, __ctx: 4, __reply: 5 }).await.unwrap(), 15);
    assert_eq!(actor.ask(Move { far: 1 }).await.unwrap(), 2);
    assert!(system.shutdown().await.is_clean());
}
