//! Actors with parameters: of types, with bounds and defaults, and of constants.

use std::collections::HashMap;
use std::hash::Hash;

use actors_core::{Actor, ActorRef, ActorSystem, Context, messages};

#[derive(Actor)]
struct Cache<K = String, V = u8> {
    map: HashMap<K, V>,
}

#[messages]
impl<K: Hash + Eq, V> Cache<K, V>
where
    V: Clone + IntoIterator,
    V::Item: Send,
{
    #[message(derive(Clone))]
    fn put(&mut self, key: K, value: V) -> Option<V> {
        self.map.insert(key, value)
    }

    #[message]
    async fn look_up(&mut self, key: K) -> Option<V> {
        self.map.get(&key).cloned()
    }

    #[message]
    fn len(&self) -> usize {
        self.map.len()
    }

    #[message]
    fn first(&self, key: K) -> Option<V::Item> {
        self.map.get(&key)?.clone().into_iter().next()
    }

    #[message]
    fn pass(&self, item: V::Item) -> V::Item {
        item
    }

    #[handle]
    fn pair(&mut self, (key, value): (K, V)) {
        self.map.insert(key, value);
    }
}

#[derive(Actor)]
struct Ring<const N: usize, T: ?Sized> {
    slots: [u8; N],
    rest: Box<T>,
}

#[messages]
impl<const N: usize, T: ?Sized> Ring<N, T> {
    #[message]
    fn fill(&mut self, with: [u8; N], rest: Box<T>) {
        self.slots = with;
        self.rest = rest;
    }

    #[message]
    fn sum(&self) -> u8 {
        self.slots.iter().sum()
    }

    #[message]
    fn close(&self, ctx: &mut Context<Self>) {
        Self::end(ctx);
    }

    fn end(ctx: &Context<Self>) {
        ctx.stop();
    }
}

#[derive(Actor)]
struct Slot<T>(Option<T>);

#[messages]
impl<T> Slot<T> {
    #[handle]
    fn hold(&mut self, value: T) -> Option<T> {
        self.0.replace(value)
    }
}

// A message struct needs none of the actor's bounds.
struct NotHashed;

#[test]
fn a_message_needs_no_bounds() {
    let look_up = LookUp { key: NotHashed };
    let NotHashed = look_up.key;
}

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("generic");

    let cache: ActorRef<Cache<&str, Vec<u8>>> = system.spawn(Cache { map: HashMap::new() });
    let put = Put { key: "a", value: vec![1, 2] };
    assert_eq!(cache.ask(put.clone()).await.unwrap(), None);
    assert_eq!(cache.ask(put).await.unwrap(), Some(vec![1, 2]));
    cache.tell(("b", vec![3])).await.unwrap();
    assert_eq!(cache.ask(LookUp { key: "b" }).await.unwrap(), Some(vec![3]));
    assert_eq!(cache.ask(Len).await.unwrap(), 2);
    assert_eq!(cache.ask(First { key: "a" }).await.unwrap(), Some(1));
    assert_eq!(cache.ask(Pass::<Vec<u8>> { item: 7 }).await.unwrap(), 7);

    let ring = system.spawn(Ring::<3, str> { slots: [0; 3], rest: "".into() });
    ring.tell(Fill { with: [1, 2, 3], rest: "more".into() }).await.unwrap();
    assert_eq!(ring.ask(Sum).await.unwrap(), 6);
    ring.tell(Close).await.unwrap();
    assert!(ring.stopped().await.is_clean());

    let slot = system.spawn(Slot(Some(1)));
    assert_eq!(slot.ask(2).await.unwrap(), Some(1));
    assert!(system.shutdown().await.is_clean());
}

// Those who know each other in a circle: what one holds is sent with the other.
#[derive(Actor)]
struct Hub {
    rooms: Vec<ActorRef<Room<Member>>>,
}

#[messages]
impl Hub {
    #[message]
    fn rooms(&self) -> Vec<ActorRef<Room<Member>>> {
        self.rooms.clone()
    }
}

struct Member {
    _hub: ActorRef<Hub>,
}

#[derive(Actor)]
struct Room<M: Send + 'static> {
    members: Vec<M>,
    next: Option<ActorRef<Self>>,
}

#[messages(open)]
impl<M: Send + 'static> Room<M> {
    #[message]
    fn enter(&mut self, member: M, next: ActorRef<Room<M>>) {
        self.members.push(member);
        self.next = Some(next);
    }
}

#[tokio::test]
async fn actors_know_each_other_in_a_circle() {
    let system = ActorSystem::new("circle");
    let room = system.spawn(Room { members: Vec::new(), next: None });
    let hub = system.spawn(Hub { rooms: vec![room.clone()] });

    room.ask(Enter { member: Member { _hub: hub.clone() }, next: room.clone() }).await.unwrap();

    assert_eq!(hub.ask(Rooms).await.unwrap(), [room]);
    system.shutdown().await;
}
