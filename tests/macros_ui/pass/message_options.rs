//! The options of `#[message]`: name, derive, boxed, control; alone and together.

use actors_core::{Accepts, Actor, ActorSystem, messages};

#[derive(Actor)]
struct Store {
    bytes: u64,
}

#[messages]
impl Store {
    #[message(name = SendOff)]
    fn send(&self) {}

    #[message(derive(Clone, Copy, Debug, Default, PartialEq))]
    fn put(&mut self, byte: u8) {
        self.bytes += u64::from(byte);
    }

    #[message(boxed)]
    async fn put_page(&mut self, page: [u8; 4096]) -> u64 {
        self.bytes += page.len() as u64;
        self.bytes
    }

    #[message(boxed, derive(Debug, PartialEq), name = Big,)]
    fn big_one(&mut self, first: [u64; 64], last: u8) -> u8 {
        let _ = first;
        last
    }

    #[message(control)]
    fn clear(&mut self) {
        self.bytes = 0;
    }

    #[message(name = Swap, boxed, control, derive(Clone))]
    fn swap_in(&mut self, page: [u64; 64]) -> u64 {
        std::mem::replace(&mut self.bytes, page[0])
    }

    #[handle(control, boxed)]
    fn on_text(&mut self, text: String) -> usize {
        text.len()
    }

    #[message()]
    fn get(&self) -> u64 {
        self.bytes
    }
}

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("store");
    let store = system.spawn(Store { bytes: 0 });
    let put = Put { byte: 2 };
    store.tell(put).await.unwrap();
    store.tell(put).await.unwrap();
    store.tell(Put::default()).await.unwrap();
    store.tell(SendOff).await.unwrap();
    assert_eq!(format!("{put:?}"), "Put { byte: 2 }");
    assert_eq!(store.ask(PutPage { page: [0; 4096] }).await.unwrap(), 4100);
    assert_eq!(store.ask(Big { first: [0; 64], last: 7 }).await.unwrap(), 7);
    assert_eq!(store.ask(Get).await.unwrap(), 4100);
    // A boxed message does not make room for itself in every place of the mailbox.
    assert!(size_of::<<Store as actors_core::Protocol>::Msg>() <= 64);
    assert_eq!(store.ask(Swap { page: [7; 64] }.clone()).await.unwrap(), 4100);
    assert_eq!(store.ask("four".to_owned()).await.unwrap(), 4);
    store.tell(Clear).await.unwrap();
    assert_eq!(store.ask(Get).await.unwrap(), 0);
    let control = [<Store as Accepts<Clear>>::CONTROL, <Store as Accepts<Swap>>::CONTROL, <Store as Accepts<String>>::CONTROL];
    assert_eq!((control, <Store as Accepts<Get>>::CONTROL), ([true; 3], false));
    assert!(system.shutdown().await.is_clean());
}
