//! The stash: what an actor puts aside is handled again when it says so, in order (S4.11).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actors_core::{Actor, ActorSystem, AskError, Context, Policy, ReplyTo, messages};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::store::{Fetch, Held, Hold, Hurry, Note, Open, Put, Release, Set, Store, numbers};

// ===== order and capacity =====

#[tokio::test(start_paused = true)]
async fn mbx_8_a_full_stash_refuses_one_message_more() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.actor(Store::new(&journal)).name("store").spawn();
    for n in 1..=3 {
        store.ask(Put { n }).await.unwrap();
    }

    let refused = store.ask(Put { n: 4 }).await.unwrap_err().into_failure().unwrap();

    assert_eq!(refused.to_string(), "/store did not stash `Put`: its stash is full, with 3");
    assert_eq!((refused.path().to_string().as_str(), refused.message_type(), refused.capacity()), ("/store", "Put", 3));
    assert_eq!(refused.into_message().n, 4);
    assert_eq!(store.ask(Held).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn mbx_8_what_is_released_is_replayed_in_order_ahead_of_newer_mail() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    for n in 1..=3 {
        store.try_tell(Put { n }).unwrap();
    }
    let gate = Gate::new();
    store.try_tell(Hold { gate: gate.clone() }).unwrap();

    gate.reached().await;
    store.try_tell(Open).unwrap();
    store.try_tell(Note { text: "newer" }).unwrap();
    gate.open();

    eventually("all is handled", || numbers(&journal).len() == 4).await;
    assert_eq!(numbers(&journal), ["1", "2", "3", "newer"]);
    assert_eq!(store.ask(Held).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn mbx_8_a_message_stashed_again_during_the_replay_is_not_replayed_in_the_same_pass() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    for n in 1..=3 {
        store.ask(Put { n }).await.unwrap();
    }

    store.tell(Release).await.unwrap();
    store.tell(Note { text: "between" }).await.unwrap();
    assert_eq!(store.ask(Held).await.unwrap(), 3);
    store.tell(Open).await.unwrap();

    eventually("all is handled", || numbers(&journal).len() == 4).await;
    let expected = ["aside 1", "aside 2", "aside 3", "aside 1", "aside 2", "aside 3", "between", "1", "2", "3"];
    assert_eq!(journal.entries(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_released_twice_before_it_is_replayed_stays_in_order() {
    /// Puts aside and releases in one handler.
    #[derive(Actor)]
    struct Juggler(Journal);

    #[messages]
    impl Juggler {
        #[message]
        fn juggle(&mut self, ctx: &mut Context<Self>) -> usize {
            ctx.stash(Ball { n: 1 }).unwrap();
            ctx.unstash_all();
            ctx.stash(Ball { n: 2 }).unwrap();
            ctx.unstash_all();
            ctx.stash(Ball { n: 3 }).unwrap();
            ctx.stash_len()
        }

        #[message(derive(Debug))]
        fn ball(&mut self, n: u32) {
            self.0.note(n.to_string());
        }

        #[message]
        fn held(&self, ctx: &mut Context<Self>) -> usize {
            ctx.stash_len()
        }
    }
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let juggler = system.spawn(Juggler(journal.clone()));

    assert_eq!(juggler.ask(Juggle).await.unwrap(), 3, "what is released and not yet handled counts");
    assert_eq!(juggler.ask(Held).await.unwrap(), 1, "what is not released stays");
    assert_eq!(journal.entries(), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn control_messages_come_before_what_is_released() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    let gate = Gate::new();
    store.ask(Put { n: 1 }).await.unwrap();
    let asked = tokio::spawn({
        let store = store.clone();
        async move { store.ask(Fetch { n: 2 }).await }
    });
    eventually("two are put aside", || journal.len() == 2).await;
    store.tell(Put { n: 3 }).await.unwrap();
    store.tell(Set { open: false, stubborn: false, gate: Some(gate.clone()) }).await.unwrap();

    store.tell(Open).await.unwrap();
    gate.reached().await;
    store.tell(Hurry).await.unwrap();
    gate.open();

    assert_eq!(promptly("the answer", asked).await.unwrap().unwrap(), 2);
    eventually("all is handled", || numbers(&journal).len() == 4).await;
    assert_eq!(numbers(&journal), ["1", "2", "!", "3"]);
}

#[tokio::test(start_paused = true)]
async fn the_builder_and_the_policy_set_how_much_a_stash_holds() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let none = system.actor(Store::new(&journal)).stash(0).spawn();
    let one = system.actor(Store::new(&journal)).stash(1).spawn();

    assert!(none.ask(Put { n: 1 }).await.is_err());
    assert!(one.ask(Put { n: 1 }).await.is_ok());
    assert!(one.ask(Put { n: 2 }).await.is_err());
    assert_eq!((Policy::DEFAULT.stash, Store::POLICY.stash), (64, 3));
}

// ===== races =====

#[test]
fn stashing_loses_nothing_whatever_crosses_it() {
    /// Shuts and opens at every turn.
    #[derive(Actor)]
    #[actor(stash = 16, mailbox = 8)]
    struct Door {
        open: bool,
        passed: Arc<AtomicUsize>,
    }

    #[messages]
    impl Door {
        #[message(derive(Debug))]
        fn knock(&mut self, ctx: &mut Context<Self>) {
            if self.open || ctx.stash(Knock).is_err() {
                self.passed.fetch_add(1, Ordering::Relaxed);
            }
        }

        #[message]
        fn enter(&mut self, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
            if self.open {
                reply.send(());
            } else if let Err(full) = ctx.stash_ask(Enter, reply) {
                full.into_message().1.send(());
            }
        }

        #[message(control)]
        fn turn(&mut self, ctx: &mut Context<Self>) {
            self.open = !self.open;
            if self.open {
                ctx.unstash_all();
            }
        }
    }

    on_1_2_and_8_workers(|| async {
        for round in 0..30 {
            let (system, passed) = (ActorSystem::new("test"), Arc::new(AtomicUsize::new(0)));
            let mut dead_letters = system.dead_letters();
            let door = system.spawn(Door { open: false, passed: passed.clone() });
            let visitors: Vec<_> = (0..4)
                .map(|visitor| {
                    let door = door.clone();
                    tokio::spawn(async move {
                        let mut accepted = 0;
                        for _ in 0..25 {
                            match visitor {
                                0 => _ = door.tell(Turn).await,
                                1 => match door.ask(Enter).await {
                                    Ok(()) | Err(AskError::Lost(_) | AskError::NotDelivered(_)) => {}
                                    Err(other) => panic!("{other:?}"),
                                },
                                _ => accepted += usize::from(door.tell(Knock).await.is_ok()),
                            }
                        }
                        accepted
                    })
                })
                .collect();
            for _ in 0..round * 4 {
                tokio::task::yield_now().await;
            }
            door.stop();
            let mut accepted = 0;
            for visitor in visitors {
                accepted += promptly("every visitor is told", visitor).await.unwrap();
            }
            promptly("the end", door.stopped()).await;

            let letters = std::iter::from_fn(|| dead_letters.try_recv()).filter(|letter| letter.message_type() == "Knock").count();
            assert_eq!(passed.load(Ordering::Relaxed) + letters, accepted, "round {round}");
        }
    });
}
