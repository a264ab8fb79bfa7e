//! What the macros write, at run time: hooks, generics, names, policies, replies.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use actors_core::{
    Actor, ActorSystem, AskError, Context, DeadReason, ExitReason, Exited, LimitHit, Protocol, Refusal, ReplyTo, Tie, messages,
};
use tests::{Broken, Gate, Journal, promptly};

#[derive(Actor)]
struct Counter {
    n: u64,
}

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, by: u64) -> u64 {
        self.n += by;
        self.n
    }

    #[message]
    async fn get(&self) -> u64 {
        self.n
    }

    #[message]
    fn take(&mut self, by: u64) -> Result<u64, Broken> {
        self.n = self.n.checked_sub(by).ok_or(Broken("not enough"))?;
        Ok(self.n)
    }
}

#[tokio::test]
async fn a_handler_is_an_ordinary_method() {
    let mut counter = Counter { n: 0 };

    assert_eq!(counter.add(2), 2);
    assert_eq!(counter.take(3), Err(Broken("not enough")));
    assert_eq!(counter.get().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_handlers_error_answers_an_ask_and_the_actor_lives_on() {
    let system = ActorSystem::new("macros");
    let counter = system.spawn(Counter { n: 1 });

    let refused = counter.ask(Take { by: 2 }).await;

    assert!(matches!(refused, Err(AskError::Failed(Broken("not enough")))), "{refused:?}");
    assert_eq!(counter.ask(Get).await.unwrap(), 1);
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_handlers_error_fails_the_actor_when_nobody_asked() {
    let system = ActorSystem::new("macros");
    let counter = system.spawn(Counter { n: 1 });

    counter.tell(Take { by: 2 }).await.unwrap();

    let reason = promptly("the end", counter.stopped()).await;
    assert_eq!(reason.error().and_then(|failure| failure.downcast_ref()), Some(&Broken("not enough")));
    system.shutdown().await;
}

#[derive(Actor)]
struct Parent {
    journal: Journal,
}

#[messages]
impl Parent {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) {
        let child = ctx.actor(Counter { n: 0 }).name("child").spawn();
        child.tell(Take { by: 1 }).await.unwrap();
        self.journal.note(format!("started {}", ctx.path()));
    }

    #[exited]
    fn on_exit(&mut self, ctx: &mut Context<Self>, exit: Exited) {
        assert!(matches!(exit.tie, Tie::Child), "{exit:?}");
        self.journal.note(format!("{} {}", exit.path, exit.reason));
        ctx.stop();
    }

    #[stopped]
    async fn close(&mut self, reason: &ExitReason) -> Result<(), Broken> {
        self.journal.note(format!("stopped {reason}"));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_hook_is_called_once_with_what_it_takes() {
    let system = ActorSystem::new("macros");
    let journal = Journal::new();

    let parent = system.actor(Parent { journal: journal.clone() }).name("parent").spawn();

    assert_eq!(promptly("the end", parent.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["started /parent", "/parent/child failed: not enough", "stopped normal"]);
    system.shutdown().await;
}

#[derive(Actor)]
struct Fragile {
    opens: bool,
}

#[messages]
impl Fragile {
    #[started]
    fn open(&mut self) -> Result<(), Broken> {
        if self.opens { Ok(()) } else { Err(Broken("locked")) }
    }

    #[stopped]
    fn close(&mut self) -> Result<(), Broken> {
        Err(Broken("stuck"))
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_start_hook_is_that_of_the_start() {
    let system = ActorSystem::new("macros");

    let failed = system.start(Fragile { opens: false }).await.unwrap_err();

    assert_eq!(failed.error().and_then(|failure| failure.downcast_ref()), Some(&Broken("locked")));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_stop_hook_is_that_of_the_end() {
    let system = ActorSystem::new("macros");
    let fragile = system.start(Fragile { opens: true }).await.unwrap();

    fragile.stop();

    let reason = promptly("the end", fragile.stopped()).await;
    assert_eq!(reason.error().and_then(|failure| failure.downcast_ref()), Some(&Broken("stuck")));
    system.shutdown().await;
}

#[derive(Actor)]
struct Cache<K, V, const N: usize> {
    map: HashMap<K, V>,
}

#[messages]
impl<K: Hash + Eq, V: Clone, const N: usize> Cache<K, V, N> {
    #[message]
    fn put(&mut self, key: K, value: V) -> Result<Option<V>, Broken> {
        if self.map.len() == N { Err(Broken("full")) } else { Ok(self.map.insert(key, value)) }
    }

    #[message]
    fn look_up(&self, key: K) -> Option<V> {
        self.map.get(&key).cloned()
    }

    #[handle]
    fn remove(&mut self, keys: Vec<K>) -> usize {
        keys.iter().filter_map(|key| self.map.remove(key)).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_generic_actor_handles_its_messages() {
    let system = ActorSystem::new("macros");
    let cache = system.spawn(Cache::<&str, String, 1> { map: HashMap::new() });

    assert_eq!(cache.ask(Put { key: "a", value: "1".to_owned() }).await.unwrap(), None);
    assert!(matches!(cache.ask(Put { key: "b", value: "2".to_owned() }).await, Err(AskError::Failed(Broken("full")))));
    assert_eq!(cache.ask(LookUp { key: "a" }).await.unwrap().as_deref(), Some("1"));
    assert_eq!(cache.ask(vec!["a", "b"]).await.unwrap(), 1);
    assert!(system.shutdown().await.is_clean());
}

struct Frame {
    bytes: [u8; 3],
}

#[derive(Actor)]
struct Store {
    gate: Gate,
    kept: Vec<ReplyTo<u8>>,
}

#[messages]
impl Store {
    #[message]
    async fn hold(&self) {
        self.gate.pass().await;
    }

    #[cfg(any())]
    #[message]
    fn never(&self) {}

    #[message(name = SendOff)]
    fn send(&self) {}

    #[message(boxed)]
    fn put_page(&mut self, page: [u8; 256]) -> usize {
        page.len()
    }

    #[handle]
    fn on(&mut self, frame: Frame) -> usize {
        frame.bytes.len()
    }

    #[handle(boxed)]
    fn on_all(&mut self, frames: Vec<Frame>) -> usize {
        frames.len()
    }

    #[message]
    fn keep(&mut self, reply: ReplyTo<u8>) {
        self.kept.push(reply);
    }

    #[message]
    fn forget(&mut self) {
        self.kept.clear();
    }
}

fn store(gate: &Gate) -> Store {
    Store { gate: gate.clone(), kept: Vec::new() }
}

#[test]
fn the_names_of_messages_are_those_of_their_types_though_some_be_compiled_out() {
    assert_eq!(<Store as Protocol>::MESSAGES, ["Hold", "SendOff", "PutPage", "Frame", "Vec<Frame>", "Keep", "Forget"]);
    assert_eq!(<Cache<u8, u8, 1> as Protocol>::MESSAGES, ["Put", "LookUp", "Vec<K>"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_names_the_type_and_holds_the_message() {
    let system = ActorSystem::new("macros");
    let mut letters = system.dead_letters();
    let gate = Gate::new();
    let store = system.spawn(store(&gate));
    store.tell(Hold).await.unwrap();
    gate.reached().await;
    store.tell(SendOff).await.unwrap();
    store.tell(PutPage { page: [7; 256] }).await.unwrap();
    store.tell(Frame { bytes: [1, 2, 3] }).await.unwrap();
    store.tell(vec![Frame { bytes: [4, 5, 6] }]).await.unwrap();

    store.stop();
    gate.open();
    promptly("the end", store.stopped()).await;

    let letters: Vec<_> = std::iter::from_fn(|| letters.try_recv()).collect();
    let names: Vec<_> = letters.iter().map(|letter| letter.message_type()).collect();
    assert_eq!(names, ["SendOff", "PutPage", "Frame", "Vec<Frame>"]);
    assert!(letters.iter().all(|letter| letter.reason() == DeadReason::Stopped));
    // Out of its box, if it was in one.
    assert_eq!(letters[1].take::<PutPage>().map(|put| put.page), Some([7; 256]));
    assert_eq!(letters[2].take::<Frame>().map(|frame| frame.bytes), Some([1, 2, 3]));
    assert_eq!(letters[3].take::<Vec<Frame>>().map(|frames| frames.len()), Some(1));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_names_the_type_of_the_message_and_gives_it_back() {
    let system = ActorSystem::new("macros");
    let counter = system.spawn(Counter { n: 0 });
    counter.stop();
    promptly("the end", counter.stopped()).await;

    let refused = counter.tell(Add { by: 5 }).await.unwrap_err();

    assert_eq!(refused.message_type(), "Add");
    assert!(refused.to_string().contains("`Add`"), "{refused}");
    assert_eq!(refused.into_message().by, 5);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_ask_discarded_from_the_queue_gets_its_boxed_message_back() {
    let system = ActorSystem::new("macros");
    let gate = Gate::new();
    let store = system.spawn(store(&gate));
    store.tell(Hold).await.unwrap();
    gate.reached().await;

    let (lost, ()) = tokio::join!(store.ask(PutPage { page: [9; 256] }), async {
        tokio::task::yield_now().await;
        store.stop();
        gate.open();
    });

    let lost = lost.unwrap_err();
    assert!(matches!(lost, AskError::Lost(_)), "{lost:?}");
    assert_eq!(lost.into_message().map(|put| put.page), Some([9; 256]));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_reply_names_the_message_it_was_for() {
    let system = ActorSystem::new("macros");
    let store = system.spawn(store(&Gate::new()));

    let (answer, forgotten) = tokio::join!(store.ask(Keep), store.tell(Forget));

    forgotten.unwrap();
    assert!(matches!(answer, Err(AskError::NoReply { message_type: "Keep", .. })), "{answer:?}");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_report_names_the_message_that_held_an_actor_up() {
    let system = ActorSystem::new("macros");
    let gate = Gate::new();
    let store = system.actor(store(&gate)).name("store").spawn();
    store.tell(Hold).await.unwrap();
    gate.reached().await;

    let report = promptly("the shutdown", system.shutdown()).await;

    let store = report.get("/store").expect("it ended in the shutdown");
    assert_eq!(store.limit, Some(LimitHit::Stop));
    assert_eq!(store.held_by.as_deref(), Some("Hold"));
}

#[derive(Actor)]
#[actor(mailbox = 1, overflow = "reject", ask_limit = "2s")]
#[actor(on_stop = "drain", in_flight = "cancel")]
struct Strict {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Strict {
    #[message]
    async fn wait(&mut self) {
        let _cut = self.journal.drop_note("wait ended");
        self.gate.pass().await;
    }

    #[message]
    fn note(&mut self, text: &'static str) {
        self.journal.note(text);
    }

    #[stopped]
    fn close(&mut self) {
        self.journal.note("stopped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_derived_policy_is_the_one_the_actor_has() {
    let system = ActorSystem::new("macros");
    let (gate, journal) = (Gate::new(), Journal::new());
    let strict = system.spawn(Strict { gate: gate.clone(), journal: journal.clone() });
    let begun = tokio::time::Instant::now();

    // `ask_limit`
    let late = strict.ask(Wait).await;
    assert!(matches!(late, Err(AskError::TimedOutInHandler { message_type: "Wait", .. })), "{late:?}");
    assert_eq!(begun.elapsed(), Duration::from_secs(2));

    // `mailbox` and `overflow`
    strict.tell(Note { text: "waited" }).await.unwrap();
    let refused = strict.tell(Note { text: "too many" }).await.unwrap_err();
    assert_eq!(refused.reason(), Refusal::Full);

    // `in_flight`, and then `on_stop`
    strict.stop();
    promptly("the end", strict.stopped()).await;
    assert_eq!(journal.entries(), ["wait ended", "waited", "stopped"]);
    system.shutdown().await;
}

#[derive(Actor)]
struct Clock;

#[messages]
impl Clock {
    #[message]
    fn time_left(&self, reply: ReplyTo<Option<Duration>>) {
        let left = reply.deadline().map(|deadline| deadline - tokio::time::Instant::now());
        reply.send(left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_by_when_its_answer_is_wanted() {
    let system = ActorSystem::new("macros");
    let clock = system.spawn(Clock);

    assert_eq!(clock.ask(TimeLeft).await.unwrap(), None);
    assert_eq!(clock.ask(TimeLeft).within(Duration::from_secs(3)).await.unwrap(), Some(Duration::from_secs(3)));
    system.shutdown().await;
}
