//! A message that comes alone, to an actor that never waits: what its handling brings about comes before the actor sleeps.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, Exited, ReplyTo, messages};
use tests::Journal;
use tokio::time::timeout;

/// More messages than an actor handles before it has a task of its own.
const MANY: u32 = 40;
/// Less than the time after which anything else would wake the actor.
const SOON: Duration = Duration::from_secs(1);

/// It answers once it is open.
#[derive(Actor)]
struct Store {
    open: bool,
}

#[messages]
impl Store {
    #[message]
    fn fetch(&mut self, n: u32, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        if self.open {
            reply.send(n);
        } else {
            ctx.stash_ask(Fetch { n }, reply).expect("there is room");
        }
    }

    #[message]
    fn open(&mut self, ctx: &mut Context<Self>) {
        self.open = true;
        ctx.unstash_all();
    }

    #[message]
    fn nothing(&mut self) {}

    #[message]
    fn remind_later(&mut self, ctx: &mut Context<Self>) {
        ctx.send_after(Duration::from_secs(3_600), Nothing);
    }
}

/// It notes what it is told, and whose end.
#[derive(Actor)]
struct Watcher {
    journal: Journal,
}

#[messages]
impl Watcher {
    #[message]
    fn note(&mut self, n: u32) {
        self.journal.note(format!("note {n}"));
    }

    #[message]
    fn watch(&mut self, other: ActorRef<Leaver>, ctx: &mut Context<Self>) {
        ctx.monitor(&other);
        // From now on each message may have a source to do with.
        ctx.send_after(Duration::from_secs(3_600), Note { n: u32::MAX });
    }

    #[exited]
    fn ended(&mut self, _exit: Exited) {
        self.journal.note("told of the end");
    }
}

/// It says a last word and ends.
#[derive(Actor)]
struct Leaver {
    to: ActorRef<Watcher>,
}

#[messages]
impl Leaver {
    #[message]
    fn leave(&mut self, ctx: &mut Context<Self>) {
        self.to.try_tell(Note { n: 1 }).expect("it has room");
        ctx.stop();
    }
}

/// Lets everybody do what there is to do at this moment.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// A store with a task of its own, which sleeps, and a request that waits in its stash.
async fn closed_store(system: &ActorSystem) -> (ActorRef<Store>, tokio::task::JoinHandle<u32>) {
    let store = system.spawn(Store { open: false });
    for _ in 0..MANY {
        store.tell(Nothing).await.expect("it is open");
    }
    let asking = store.clone();
    let fetched = tokio::spawn(async move { asking.ask(Fetch { n: 7 }).await.expect("it is answered") });
    settle().await;
    (store, fetched)
}

#[tokio::test(start_paused = true)]
async fn what_a_request_with_a_limit_has_released_is_handled_before_the_actor_sleeps() {
    let system = ActorSystem::new("test");
    let (store, fetched) = closed_store(&system).await;

    store.ask(Open).within(SOON).await.expect("it is answered");

    assert_eq!(timeout(SOON, fetched).await.expect("at once").expect("it is not cancelled"), 7);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_message_has_released_is_handled_before_an_actor_with_a_timer_sleeps() {
    let system = ActorSystem::new("test");
    let (store, fetched) = closed_store(&system).await;
    store.ask(RemindLater).await.expect("it is answered");
    settle().await;

    store.tell(Open).await.expect("it is open");

    assert_eq!(timeout(SOON, fetched).await.expect("at once").expect("it is not cancelled"), 7);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_notice_comes_right_after_the_last_word_though_that_came_alone() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let watcher = system.spawn(Watcher { journal: journal.clone() });
    let leaver = system.spawn(Leaver { to: watcher.clone() });
    for n in 0..MANY {
        watcher.tell(Note { n }).await.expect("it is open");
    }
    watcher.ask(Watch { other: leaver.clone() }).await.expect("it is answered");
    settle().await;
    let before = journal.len();

    leaver.tell(Leave).await.expect("it is open");
    settle().await;

    assert_eq!(journal.entries()[before..], ["note 1", "told of the end"]);
    system.shutdown().await;
}
