//! A whole actor inside a function.

use actors_core::ActorSystem;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    use actors_core::{Actor, messages};

    #[derive(Actor)]
    struct Local(u8);

    #[messages]
    impl Local {
        #[message]
        fn bump(&mut self) -> u8 {
            self.0 += 1;
            self.0
        }
    }

    let system = ActorSystem::new("local");
    let local = system.spawn(Local(1));
    assert_eq!(local.ask(Bump).await.unwrap(), 2);
    assert!(system.shutdown().await.is_clean());
}
