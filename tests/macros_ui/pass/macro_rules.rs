//! Actors that a macro of the author's own writes.

use actors_core::{Actor, ActorSystem, Context, messages};

macro_rules! holder {
    ($name:ident of $held:ty, $set:ident -> $reply:ty, $result:expr) => {
        #[derive(Actor)]
        struct $name {
            held: $held,
        }

        #[messages]
        impl $name {
            #[message]
            fn $set(&mut self, held: $held, _ctx: &mut Context<Self>) -> $reply {
                self.held = held;
                $result
            }
        }
    };
}

holder!(Number of Option<u8>, set_number -> Result<u8, std::fmt::Error>, Ok(1));
holder!(Text of String, set_text -> (), ());

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("holders");
    assert_eq!(system.spawn(Number { held: None }).ask(SetNumber { held: Some(1) }).await.unwrap(), 1);
    let () = system.spawn(Text { held: String::new() }).ask(SetText { held: "a".to_owned() }).await.unwrap();
    assert!(system.shutdown().await.is_clean());
}
