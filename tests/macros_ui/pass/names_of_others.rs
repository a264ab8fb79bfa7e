//! Types of others that are called like the framework's, or like those of the standard library.

#![deny(warnings)]

use actors_core::{Actor, ActorSystem, messages};

mod trace {
    /// What a request carries along.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Context(pub u64);
}

mod mail {
    pub struct ReplyTo(pub String);
}

/// What is written to is sent from here to there, and says so.
pub trait Write: Send {
    fn length(&self) -> usize;
}

impl Write for u64 {
    fn length(&self) -> usize {
        8
    }
}

mod counted {
    pub struct Rc<T>(pub T);
}

mod letters {
    use actors_core::{Actor, messages};

    use super::trace::Context;

    #[derive(Actor)]
    pub struct Box(pub Context);

    #[messages]
    impl Box {
        #[message]
        pub fn carry(&self, cx: Context) -> bool {
            cx == self.0
        }
    }
}

#[derive(Actor)]
struct Office {
    bool: bool,
}

/// Names that the compiler has for other types.
#[allow(non_camel_case_types, dead_code)]
mod plain {
    use actors_core::{Actor, messages};

    struct bool;
    struct u16;
    struct u64;

    #[derive(Actor)]
    pub struct Plain;

    #[messages]
    impl Plain {
        #[message(control)]
        pub fn hurry(&self) {}

        #[cfg(not(miri))]
        #[message]
        pub fn wait(&self) {}
    }
}

#[messages]
impl Office {
    #[message]
    fn handle(&mut self, cx: trace::Context, to: mail::ReplyTo) -> (trace::Context, usize) {
        self.bool = true;
        (cx, to.0.len())
    }

    #[message(name = Print)]
    fn write(&self, to: Box<dyn crate::pass::names_of_others::Write>, times: counted::Rc<usize>) -> usize {
        to.length() * times.0
    }

    #[message]
    fn last(&self) -> trace::Context {
        trace::Context(u64::from(self.bool))
    }
}

#[tokio::test]
async fn are_messages_and_replies_like_any_other() {
    let system = ActorSystem::new("names");
    let office = system.spawn(Office { bool: false });
    let (cx, to) = (trace::Context(7), mail::ReplyTo("me".to_owned()));
    assert_eq!(office.ask(Handle { cx, to }).await.unwrap(), (cx, 2));
    assert_eq!(office.ask(Print { to: Box::new(1), times: counted::Rc(2) }).await.unwrap(), 16);
    assert_eq!(office.ask(Last).await.unwrap(), trace::Context(1));
    let carrier = system.spawn(letters::Box(cx));
    assert!(carrier.ask(letters::Carry { cx }).await.unwrap());
    let plain = system.spawn(plain::Plain);
    plain.tell(plain::Hurry).await.unwrap();
    plain.ask(plain::Wait).await.unwrap();
    assert!(system.shutdown().await.is_clean());
}
