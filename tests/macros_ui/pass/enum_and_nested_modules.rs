//! An enum is an actor too; messages are as visible as their methods.

mod inner {
    #[derive(actors_core::Actor)]
    pub enum Door {
        Open,
        Closed,
    }

    #[actors_core::messages]
    impl Door {
        #[message]
        pub(super) fn push(&mut self) -> bool {
            let was_open = matches!(self, Door::Open);
            *self = if was_open { Door::Closed } else { Door::Open };
            !was_open
        }
    }
}

/// It only has hooks: whoever spawns it wants nothing else of it.
mod idle {
    #[derive(actors_core::Actor)]
    pub struct Idle;

    #[actors_core::messages]
    impl Idle {
        #[started]
        fn open(&mut self) {}
    }
}

#[tokio::test]
async fn runs() {
    let system = actors_core::ActorSystem::new("doors");
    let door = system.spawn(inner::Door::Closed);
    assert!(door.ask(inner::Push).await.unwrap());
    assert!(!door.ask(inner::Push).await.unwrap());
    system.start(idle::Idle).await.unwrap();
    assert!(system.shutdown().await.is_clean());
}
