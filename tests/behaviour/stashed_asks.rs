//! Requests in the stash: they are answered later, within their limits, and may wait for themselves (S4.11).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, AskError, Context, ReplyTo, messages};
use tests::{Gate, Journal, eventually, promptly};
use tokio::time::Instant;

use crate::store::{Fetch, FetchBack, FetchFrom, Keep, KeepWith, Open, ReleaseNow, Set, Store, Visit};

#[tokio::test(start_paused = true)]
async fn a_request_that_was_stashed_is_answered_later() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));

    let (first, second, held) = tokio::join!(store.ask(Fetch { n: 1 }), store.ask(Fetch { n: 2 }), store.ask(Open));

    assert_eq!((first.unwrap(), second.unwrap(), held.unwrap()), (1, 2, 2));
    assert_eq!(journal.entries(), ["aside 1", "aside 2", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_stash_gives_the_right_to_answer_back() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.actor(Store::new(&journal)).stash(0).spawn();

    assert_eq!(promptly("the answer", store.ask(Fetch { n: 1 })).await.unwrap(), 1_001);
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_request_is_kept_in_the_stash() {
    /// Notes by when whoever asks wants the answer.
    #[derive(Actor, Default)]
    struct Clock {
        deadlines: Vec<Option<Instant>>,
    }

    #[messages]
    impl Clock {
        #[message]
        fn tell_time(&mut self, reply: ReplyTo<Vec<Option<Instant>>>, ctx: &mut Context<Self>) {
            self.deadlines.push(reply.deadline());
            if self.deadlines.len() == 1 {
                ctx.stash_ask(TellTime, reply).unwrap();
                ctx.unstash_all();
            } else {
                reply.send(self.deadlines.clone());
            }
        }
    }
    let system = ActorSystem::new("test");
    let clock = system.spawn(Clock::default());
    let deadline = Instant::now() + Duration::from_secs(7);

    let deadlines = clock.ask(TellTime).within(Duration::from_secs(7)).await.unwrap();

    assert_eq!(deadlines, [Some(deadline), Some(deadline)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_late_in_the_stash_timed_out_in_the_queue_and_one_in_hand_again_in_its_handler() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    let (soon, gate) = (Duration::from_secs(1), Gate::new());

    let in_stash = store.ask(Fetch { n: 1 }).within(soon).await.unwrap_err();
    assert!(matches!(in_stash, AskError::TimedOutInQueue { .. }), "{in_stash:?}");

    store.tell(Set { open: false, stubborn: false, gate: Some(gate.clone()) }).await.unwrap();
    let (in_hand, opened) = tokio::join!(store.ask(Fetch { n: 2 }).within(soon), store.ask(Open));
    let in_hand = in_hand.unwrap_err();
    gate.open();
    gate.open();
    opened.unwrap();
    // The first, which nobody waits for, has held the gate until now: the second still waited its turn.
    assert!(matches!(in_hand, AskError::TimedOutInQueue { .. }), "{in_hand:?}");

    store.tell(Set { open: false, stubborn: false, gate: Some(gate) }).await.unwrap();
    let (in_hand, opened) = tokio::join!(store.ask(Fetch { n: 3 }).within(soon), store.ask(Open));
    opened.unwrap();
    assert!(matches!(in_hand, Err(AskError::TimedOutInHandler { .. })), "{in_hand:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_answer_is_put_off_after_the_replay_times_out_in_its_handler() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));

    let (put_off, opened) = tokio::join!(store.ask(Keep).within(Duration::from_secs(1)), store.ask(Open));

    assert_eq!(opened.unwrap(), 1);
    assert!(matches!(put_off, Err(AskError::TimedOutInHandler { .. })), "{put_off:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_in_the_stash_of_one_that_asks_back_would_wait_for_itself() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (guest, host) = (system.spawn(Store::new(&journal)), system.spawn(Store::new(&journal)));
    let waiting = tokio::spawn({
        let (guest, host) = (guest.clone(), host.clone());
        async move { guest.ask(FetchFrom { other: host }).await }
    });
    eventually("the request is put aside", || journal.len() == 1).await;

    let refused = promptly("the question", host.ask(FetchFrom { other: guest })).await.unwrap();

    assert_eq!(refused, Some(true), "the host cannot release the guest's request before the guest answers");
    host.tell(Open).await.unwrap();
    assert_eq!(promptly("the guest's answer", waiting).await.unwrap().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_replayed_request_whose_handler_asks_back_would_wait_for_itself() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (guest, host) = (system.spawn(Store::new(&journal)), system.spawn(Store::new(&journal)));

    let (refused, opened) = tokio::join!(promptly("the visit", guest.ask(Visit { other: host.clone() })), async {
        eventually("the request is put aside", || journal.len() == 1).await;
        promptly("the release", host.ask(Open)).await
    });

    assert_eq!(opened.unwrap(), 1);
    assert_eq!(refused.unwrap(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_replay_in_hand_makes_no_cycle_of_a_request_that_was_put_off_before() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (guest, host) = (system.spawn(Store::new(&journal)), system.spawn(Store::new(&journal)));
    let asked = tokio::spawn({
        let (host, guest) = (host.clone(), guest.clone());
        async move { host.ask(FetchBack { from: guest }).await }
    });
    eventually("it is put aside", || journal.len() == 1).await;
    host.tell(Set { open: true, stubborn: false, gate: None }).await.unwrap();
    guest.tell(KeepWith { other: host.clone() }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;

    host.tell(ReleaseNow).await.unwrap();

    let refused = promptly("the limit of the inner ask", asked).await.unwrap().unwrap();
    assert_eq!(refused, Some(false), "S4.7: whose answer is put off may come from anywhere");
}
