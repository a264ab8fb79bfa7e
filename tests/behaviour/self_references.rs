//! Generic actors that know others of their own type.

use std::convert::Infallible;

use actors_core::{Actor, ActorRef, ActorSystem, Context, Handler, messages};

/// One of a ring, which passes things on.
#[derive(Actor)]
struct Station<T: Clone + Send + 'static> {
    next: Option<ActorRef<Self>>,
    seen: Vec<T>,
}

impl<T: Clone + Send + 'static> Station<T> {
    fn last() -> Self {
        Station { next: None, seen: Vec::new() }
    }
}

#[messages]
impl<T: Clone + Send + 'static> Station<T> {
    #[message]
    fn connect(&mut self, next: ActorRef<Self>) {
        self.next = Some(next);
    }

    #[message]
    async fn pass(&mut self, thing: T) {
        self.seen.push(thing.clone());
        if let Some(next) = &self.next {
            next.tell(Pass { thing }).await.expect("it runs");
        }
    }

    #[message]
    fn seen(&self) -> Vec<T> {
        self.seen.clone()
    }

    #[message]
    fn next(&self) -> Option<ActorRef<Self>> {
        self.next.clone()
    }
}

#[tokio::test]
async fn a_generic_actor_passes_messages_to_others_of_its_type() {
    let system = ActorSystem::new("self_references");
    let (first, last) = (system.spawn(Station::<u32>::last()), system.spawn(Station::last()));

    first.ask(Connect { next: last.clone() }).await.unwrap();
    first.ask(Pass { thing: 7 }).await.unwrap();

    assert_eq!(last.ask(Seen).await.unwrap(), [7]);
    assert_eq!(first.ask(Next).await.unwrap(), Some(last));
    system.shutdown().await;
}

/// An open one of the same kind.
#[derive(Actor)]
struct Crowd<T: Clone + Send + 'static> {
    friends: Vec<ActorRef<Self>>,
    heard: Vec<T>,
}

#[messages(open)]
impl<T: Clone + Send + 'static> Crowd<T> {
    #[message]
    fn befriend(&mut self, friend: ActorRef<Self>) {
        self.friends.push(friend);
    }

    #[message]
    fn heard(&self) -> Vec<T> {
        self.heard.clone()
    }
}

struct Rumour<T>(T);

impl<T: Clone + Send + 'static> Handler<Rumour<T>> for Crowd<T> {
    type Reply = usize;
    type Error = Infallible;

    async fn handle(&mut self, Rumour(what): Rumour<T>, _ctx: &mut Context<Self>) -> Result<usize, Infallible> {
        for friend in &self.friends {
            friend.tell(Rumour(what.clone())).await.expect("it runs");
        }
        self.heard.push(what);
        Ok(self.friends.len())
    }
}

#[tokio::test]
async fn an_open_generic_actor_sends_foreign_messages_to_others_of_its_type() {
    let system = ActorSystem::new("self_references");
    let (first, friend) = (system.spawn(crowd()), system.spawn(crowd()));

    first.ask(Befriend { friend: friend.clone() }).await.unwrap();
    let told = first.ask(Rumour("rain")).await.unwrap();

    assert_eq!(told, 1);
    assert_eq!(friend.ask(Heard).await.unwrap(), ["rain"]);
    system.shutdown().await;
}

fn crowd() -> Crowd<&'static str> {
    Crowd { friends: Vec::new(), heard: Vec::new() }
}
