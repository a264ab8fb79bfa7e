//! What models are made of: how one is explored, an actor that counts what it lives through, and a whole run of a system.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use actors_core::{
    Actor, ActorId, ActorRef, ActorSystem, BoxError, Context, Exited, GroupChange, GroupNotice, MonitorRef, Recipient, messages,
};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner, future};

/// How many schedules of each model are tried, unless `MODELS_SCHEDULES` says otherwise.
const SCHEDULES: usize = 2_000;

/// Tries `model` in random orders of its steps: half of them at random, half with few changes of who goes first.
pub(crate) fn explore<F: Future<Output = ()> + Send + 'static>(model: fn() -> F) -> u64 {
    let schedules = std::env::var("MODELS_SCHEDULES").map_or(SCHEDULES, |text| text.parse().expect("MODELS_SCHEDULES is a number"));
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.silence_warnings = true;
    let run = move || future::block_on(model());
    Runner::new(RandomScheduler::new(schedules / 2), config.clone()).run(run);
    Runner::new(PctScheduler::new(3, schedules - schedules / 2), config).run(run);
    schedules as u64
}

/// What the lives of one or more actors come to.
#[derive(Clone, Default)]
pub(crate) struct Lived(Arc<Counts>);

#[derive(Default)]
struct Counts {
    born: AtomicU32,
    started: AtomicU32,
    handled: AtomicU32,
    stopped: AtomicU32,
    dropped: AtomicU32,
}

impl Lived {
    pub(crate) fn started(&self) -> u32 {
        self.0.started.load(Relaxed)
    }

    pub(crate) fn handled(&self) -> u32 {
        self.0.handled.load(Relaxed)
    }

    /// Asserts that each state that was made is gone.
    pub(crate) fn assert_dropped(&self) {
        assert_eq!(self.0.born.load(Relaxed), self.0.dropped.load(Relaxed), "each state is dropped once");
    }

    /// Counts as if a message were handled.
    pub(crate) fn count(&self) {
        self.0.handled.fetch_add(1, Relaxed);
    }

    /// Asserts that each state that was made is gone, and that each that started has stopped.
    pub(crate) fn assert_over(&self) {
        self.assert_dropped();
        assert_eq!(self.started(), self.0.stopped.load(Relaxed), "whoever has started is stopped");
    }
}

/// An actor that counts.
#[derive(Actor)]
pub(crate) struct Counter(Lived);

impl Counter {
    pub(crate) fn new(lived: &Lived) -> Counter {
        lived.0.born.fetch_add(1, Relaxed);
        Counter(lived.clone())
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.0.dropped.fetch_add(1, Relaxed);
    }
}

/// What a counter fails with.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

#[messages]
impl Counter {
    #[started]
    async fn begin(&mut self) {
        future::yield_now().await;
        self.0.0.started.fetch_add(1, Relaxed);
    }

    #[stopped]
    async fn finish(&mut self) {
        future::yield_now().await;
        self.0.0.stopped.fetch_add(1, Relaxed);
    }

    /// Adds one, and answers how many that makes.
    #[message]
    pub(crate) async fn add(&mut self) -> u32 {
        future::yield_now().await;
        self.0.0.handled.fetch_add(1, Relaxed) + 1
    }

    /// Fails.
    #[message]
    pub(crate) fn fail(&mut self) -> Result<(), BoxError> {
        Err(Box::new(Broken))
    }

    /// Makes a child that never gets done with its start.
    #[message]
    pub(crate) async fn have_hanging_child(&mut self, ctx: &mut Context<Self>) {
        future::yield_now().await;
        ctx.spawn(Hanging);
        future::yield_now().await;
    }

    /// Makes a child that counts.
    #[message]
    pub(crate) fn have_child(&mut self, ctx: &mut Context<Self>) -> ActorRef<Counter> {
        ctx.spawn(Counter::new(&self.0))
    }

    /// Opens a peer group.
    #[message]
    pub(crate) fn open_group(&mut self, ctx: &mut Context<Self>) -> actors_core::PeerGroup {
        ctx.peer_group("peers")
    }
}

/// An actor without hooks: at rest it ends where it is asked to, in few steps.
#[derive(Actor)]
pub(crate) struct Plain(pub(crate) Lived);

#[messages]
impl Plain {
    /// Adds one.
    #[message]
    pub(crate) fn add_plainly(&mut self) {
        self.0.0.handled.fetch_add(1, Relaxed);
    }

    /// Adds one, and fails.
    #[message]
    pub(crate) fn fail_plainly(&mut self) -> Result<(), BoxError> {
        self.0.0.handled.fetch_add(1, Relaxed);
        Err(Box::new(Broken))
    }

    /// Opens a peer group.
    #[message]
    pub(crate) fn gather_peers(&mut self, ctx: &mut Context<Self>) -> actors_core::PeerGroup {
        ctx.peer_group("peers")
    }
}

/// A parent without a destructor, with one child from the start: at rest both end where the parent is asked to.
#[derive(Actor)]
pub(crate) struct Branch;

#[messages]
impl Branch {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Leaf).name("leaf").spawn();
    }

    /// Starts another child.
    #[message]
    pub(crate) fn grow(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(Leaf);
    }
}

/// A child without a destructor.
#[derive(Actor)]
pub(crate) struct Leaf;

#[messages]
impl Leaf {
    /// Answers.
    #[message]
    pub(crate) fn rustle(&mut self) -> bool {
        true
    }
}

/// An actor that never gets done with its start.
#[derive(Actor)]
pub(crate) struct Hanging;

#[messages]
impl Hanging {
    #[started]
    async fn hang(&mut self) {
        std::future::pending().await
    }
}

/// An actor that watches, and counts what it is told.
#[derive(Actor, Default)]
pub(crate) struct Watcher {
    monitor: Option<MonitorRef>,
    told: u32,
}

#[messages]
impl Watcher {
    #[exited]
    fn exited(&mut self, _exited: Exited) {
        self.told += 1;
    }

    /// Watches.
    #[message]
    pub(crate) fn watch(&mut self, other: ActorRef<Plain>, ctx: &mut Context<Self>) {
        self.monitor = Some(ctx.monitor(&other));
    }

    /// Watches no more, and answers how often it was told.
    #[message]
    pub(crate) fn look_away(&mut self, ctx: &mut Context<Self>) -> u32 {
        self.monitor.take().into_iter().for_each(|monitor| ctx.demonitor(monitor));
        self.told
    }

    /// Answers how often it was told.
    #[message]
    pub(crate) fn told(&self) -> u32 {
        self.told
    }
}

/// What is published in a model.
#[derive(Clone)]
pub(crate) struct News;

/// An actor that reads news until it has unsubscribed, and none afterwards.
#[derive(Actor, Default)]
pub(crate) struct Reader {
    has_enough: bool,
    read: Lived,
}

impl Reader {
    pub(crate) fn new(read: &Lived) -> Reader {
        Reader { has_enough: false, read: read.clone() }
    }
}

#[messages]
impl Reader {
    #[handle]
    fn read(&mut self, _news: News) {
        assert!(!self.has_enough, "nothing comes after it has unsubscribed");
        self.read.count();
    }

    /// Says that it has unsubscribed.
    #[message]
    pub(crate) fn have_enough(&mut self) {
        self.has_enough = true;
    }
}

/// An actor whose children fall together.
#[derive(Actor)]
#[actor(strategy = "one_for_all", restarts = 9, within = "9s")]
pub(crate) struct Parent(pub(crate) Lived);

#[messages]
impl Parent {
    /// Makes a child that fails, and then another; says whether that was refused.
    #[message]
    pub(crate) async fn raise_two(&mut self, ctx: &mut Context<Self>) -> bool {
        let lived = self.0.clone();
        let Ok(first) = ctx.child("first", || Plain(Lived::default())).permanent().spawn() else { return true };
        let _ = first.try_tell(FailPlainly);
        let second = ctx.child("second", move || Plain(lived.clone())).permanent().start().await;
        second.is_err_and(|error| error.is_stopping())
    }
}

/// An actor that asks another in its handler, or waits for room there, while that one may be doing the same.
#[derive(Actor)]
#[actor(mailbox = 1)]
pub(crate) struct Caller;

#[messages]
impl Caller {
    /// Says whether the other answered, or would have waited for itself.
    #[message]
    pub(crate) async fn call(&mut self, other: ActorRef<Caller>) -> bool {
        let answer = other.ask(PickUp).await;
        answer.is_ok() || matches!(answer, Err(actors_core::AskError::WouldDeadlock(_)))
    }

    /// Tells the other more than it has room for. Says whether all was taken, or would have been waited for by itself.
    #[message]
    pub(crate) async fn push(&mut self, other: ActorRef<Caller>) -> bool {
        for _ in 0..3 {
            if let Err(refused) = other.tell(PickUp).await {
                return refused.reason() == actors_core::Refusal::WouldDeadlock;
            }
        }
        true
    }

    /// Answers.
    #[message]
    pub(crate) async fn pick_up(&mut self) {
        future::yield_now().await;
    }
}

/// What a listener of a group knows: who is in it, and nothing twice.
#[derive(Actor, Default)]
pub(crate) struct Usher {
    members: Option<Vec<ActorId>>,
}

#[messages]
impl Usher {
    #[handle]
    fn notice(&mut self, notice: GroupNotice<News>) {
        match (notice.change, &mut self.members) {
            (GroupChange::Members(members), known) => *known = Some(members.iter().map(Recipient::id).collect()),
            (GroupChange::Joined(member), Some(known)) => {
                assert!(!known.contains(&member.id()), "it joins once");
                known.push(member.id());
            }
            (GroupChange::Left(member) | GroupChange::Ended(member, _), Some(known)) => {
                assert!(known.contains(&member.id()), "it was there");
                known.retain(|known| *known != member.id());
            }
            _ => panic!("the members come first"),
        }
    }

    /// How many there are, once that is known.
    #[message]
    pub(crate) fn members(&self) -> Option<usize> {
        self.members.as_ref().map(Vec::len)
    }
}

/// Shuts the system down and asserts that nothing is left.
pub(crate) async fn shut_down(system: &ActorSystem) {
    let report = system.shutdown().await;
    assert_eq!(report.unresponsive().count(), 0, "{report}");
    assert_eq!(system.actors(), 0, "{report}");
}

/// Lets others go on for a while, of any length up to this.
pub(crate) async fn dawdle(most: u32) {
    for _ in 0..shuttle::rand::Rng::gen_range(&mut shuttle::rand::thread_rng(), 0..=most) {
        future::yield_now().await;
    }
}

/// Runs `work` beside the rest of the model.
pub(crate) fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> future::JoinHandle<T> {
    future::spawn(work)
}

/// Tells a counter to add one; how many of so many were accepted.
pub(crate) async fn tell_adds(counter: ActorRef<Counter>, times: u32) -> u32 {
    let mut accepted = 0;
    for _ in 0..times {
        accepted += u32::from(counter.tell(Add).await.is_ok());
    }
    accepted
}
