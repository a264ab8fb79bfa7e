//! What is left in the stash when its actor drains, ends or is restarted (S4.11).

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Wake, Waker};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, DeadReason, Refusal, ReplyTo, Supervisor, messages};
use tests::{Broken, Gate, Journal, eventually, promptly};
use tokio::time::Instant;

use crate::store::{Fail, Fetch, Held, Note, Open, Panic, Put, ReleaseAndStop, Set, Store, numbers};

#[tokio::test(start_paused = true)]
async fn what_is_stashed_when_the_actor_ends_becomes_dead_letters_and_asks_are_lost() {
    for (end, reason) in
        [("stop", DeadReason::Stopped), ("fail", DeadReason::Failed), ("panic", DeadReason::Failed), ("kill", DeadReason::Killed)]
    {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let mut dead_letters = system.dead_letters();
        let store = system.actor(Store::new(&journal)).name("store").spawn();
        store.tell(Put { n: 1 }).await.unwrap();

        let (lost, ()) = tokio::join!(store.ask(Fetch { n: 2 }), async {
            store.tell(Put { n: 3 }).await.unwrap();
            eventually("they are put aside", || journal.len() == 3).await;
            match end {
                "stop" => store.stop(),
                "fail" => store.tell(Fail).await.unwrap(),
                "panic" => store.tell(Panic).await.unwrap(),
                _ => store.kill(),
            }
        });
        promptly("the end", store.stopped()).await;

        assert!(matches!(&lost, Err(AskError::Lost(_))), "{end}: {lost:?}");
        assert_eq!(lost.unwrap_err().into_message().unwrap().n, 2);
        let letters = [dead_letters.try_recv().unwrap(), dead_letters.try_recv().unwrap()];
        assert_eq!(
            letters.each_ref().map(|letter| (letter.reason(), letter.take::<Put>().unwrap().n)),
            [(reason, 1), (reason, 3)],
            "{end}"
        );
        assert!(dead_letters.try_recv().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_makes_dead_letters_of_the_stash_and_begins_without_one() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let notes = journal.clone();
    let children = Supervisor::new().child(ChildSpec::new("store", move || Store::new(&notes)));
    system.actor(children).name("sup").start().await.unwrap();
    let store = system.lookup::<Store>("/sup/store").unwrap();
    store.tell(Put { n: 1 }).await.unwrap();

    let (lost, ()) = tokio::join!(store.ask(Fetch { n: 2 }), async {
        eventually("both are put aside", || journal.len() == 2).await;
        store.tell(Fail).await.unwrap();
        store.tell(Note { text: "kept" }).await.unwrap();
    });

    assert_eq!((promptly("the next incarnation", store.ask(Held)).await.unwrap(), store.incarnation()), (0, 1));
    assert!(matches!(&lost, Err(AskError::Lost(_))), "{lost:?}");
    assert_eq!(dead_letters.try_recv().unwrap().take::<Put>().unwrap().n, 1);
    assert!(dead_letters.try_recv().is_none());
    assert_eq!(journal.entries(), ["aside 1", "aside 2", "kept"]);
    store.ask(Put { n: 3 }).await.unwrap();
    store.tell(Open).await.unwrap();
    eventually("a new stash works as the old one did", || journal.count("3") == 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_half_replayed_when_a_stop_comes_becomes_dead_letters() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let store = system.spawn(Store::new(&journal));
    let gate = Gate::new();
    store.tell(Set { open: false, stubborn: false, gate: Some(gate.clone()) }).await.unwrap();

    let (answered, lost, ()) = tokio::join!(store.ask(Fetch { n: 1 }), store.ask(Fetch { n: 2 }), async {
        store.tell(Put { n: 3 }).await.unwrap();
        store.tell(Open).await.unwrap();
        gate.reached().await;
        store.stop();
        gate.open();
    });
    promptly("the end", store.stopped()).await;

    assert_eq!(answered.unwrap(), 1, "the handler in hand finishes");
    assert!(matches!(lost, Err(AskError::Lost(_))), "{lost:?}");
    assert_eq!(dead_letters.try_recv().unwrap().take::<Put>().unwrap().n, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_released_when_a_stop_comes_is_a_dead_letter_before_what_was_not() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let store = system.spawn(Store::new(&journal));
    store.tell(Put { n: 1 }).await.unwrap();
    store.tell(Put { n: 2 }).await.unwrap();

    store.tell(ReleaseAndStop { last: 3 }).await.unwrap();
    promptly("the end", store.stopped()).await;

    let dead: Vec<_> = std::iter::from_fn(|| dead_letters.try_recv()).map(|letter| letter.take::<Put>().unwrap().n).collect();
    assert_eq!(dead, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_what_stays_in_the_stash() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let store = system.spawn(Store::new(&journal));
    store.tell(Put { n: 1 }).await.unwrap();
    store.tell(Note { text: "noted" }).await.unwrap();

    store.drain();

    assert!(promptly("the drain", store.stopped()).await.is_clean());
    assert_eq!(journal.entries(), ["aside 1", "noted"]);
    assert_eq!(dead_letters.try_recv().unwrap().take::<Put>().unwrap().n, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_released_while_the_actor_drains_is_handled() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    store.tell(Put { n: 1 }).await.unwrap();
    store.tell(Open).await.unwrap();
    store.tell(Note { text: "noted" }).await.unwrap();

    store.drain();

    promptly("the drain", store.stopped()).await;
    assert_eq!(numbers(&journal), ["1", "noted"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_stop_hook_puts_aside_becomes_a_dead_letter() {
    /// Puts a message aside in its last moment.
    #[derive(Actor)]
    struct Late;

    #[messages]
    impl Late {
        #[message(derive(Debug))]
        fn last(&self) {}

        #[stopped]
        fn stopped(&mut self, ctx: &mut Context<Self>) {
            ctx.stash(Last).unwrap();
            ctx.unstash_all();
        }
    }
    let system = ActorSystem::new("test");
    let mut dead_letters = system.dead_letters();
    let late = system.spawn(Late);

    late.stop();

    promptly("the end", late.stopped()).await;
    assert_eq!(dead_letters.try_recv().unwrap().message_type(), "Last");
}

/// Never waits; puts requests aside, and fails when it is told to.
#[derive(Actor)]
struct Rash;

#[messages]
impl Rash {
    #[message(derive(Debug))]
    fn ask_in_vain(&self, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        ctx.stash_ask(AskInVain, reply).expect("there is room");
    }

    #[message]
    fn fall(&self) -> Result<(), Broken> {
        Err(Broken("asked to"))
    }
}

/// Sends again as soon as it is woken.
struct Insistent {
    rash: ActorRef<Rash>,
    sent: Mutex<Option<Result<(), Refusal>>>,
}

impl Wake for Insistent {
    fn wake(self: Arc<Self>) {
        let sent = self.rash.try_tell(Fall).map_err(|refused| refused.reason());
        *self.sent.lock().unwrap() = Some(sent);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_hears_that_his_request_is_lost_finds_the_mailbox_closed() {
    let system = ActorSystem::new("test");
    let rash = system.spawn(Rash);
    let insistent = Arc::new(Insistent { rash: rash.clone(), sent: Mutex::new(None) });
    let waker = Waker::from(insistent.clone());
    let mut asked = pin!(async { rash.ask(AskInVain).await });
    assert!(asked.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());

    rash.tell(Fall).await.unwrap();
    promptly("its end", rash.stopped()).await;

    assert_eq!(*insistent.sent.lock().unwrap(), Some(Err(Refusal::Stopping)));
    assert_eq!(system.dead_letter_count(), 0);
}

#[test]
fn what_is_stashed_when_the_runtime_goes_is_lost_to_its_asker() {
    let (home, journal) = (tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(), Journal::new());
    let guest = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (system, store) = home.block_on(async {
        let system = ActorSystem::new("test");
        let store = system.spawn(Store::new(&journal));
        (system, store)
    });
    let asked = guest.spawn({
        let store = store.clone();
        async move { store.ask(Fetch { n: 1 }).await }
    });
    guest.block_on(tokio::task::yield_now());
    home.block_on(eventually("it is put aside", || journal.len() == 1));

    drop(home);

    let lost = guest.block_on(asked).unwrap();
    assert!(matches!(lost, Err(AskError::Lost(_))), "{lost:?}");
    drop(system);
}

/// Puts off what it is asked, and takes its time to end.
#[derive(Actor)]
#[actor(stash = 1)]
struct Procrastinator;

#[messages]
impl Procrastinator {
    #[message(derive(Debug))]
    fn put_off(&self, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        ctx.stash_ask(PutOff, reply).expect("there is room");
    }

    #[message]
    fn break_off(&self) -> Result<(), Broken> {
        Err(Broken("on purpose"))
    }

    #[stopped]
    async fn dawdle(&mut self) {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_in_the_stash_of_one_that_is_restarted_is_told_before_its_hook() {
    let system = ActorSystem::new("test");
    let spec = ChildSpec::new("late", || Procrastinator);
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
    let late = system.lookup::<Procrastinator>("/sup/late").unwrap();
    let began = Instant::now();

    let (told, ()) = tokio::join!(late.ask(PutOff), async { late.tell(BreakOff).await.unwrap() });

    assert!(told.is_err());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    system.shutdown().await;
}
