//! Workers whose lives are noted, each of which starts, works and ends as it was told to, and a stage to supervise them on.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildInfo, ChildSpec, Context, ExitReason, Supervisor, messages};

use crate::{Broken, DropNote, Gate, Journal, eventually};

/// A system, the supervisor `/sup` in it, and a journal of what its workers do.
pub struct Stage {
    pub system: ActorSystem,
    pub journal: Journal,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    pub fn new() -> Self {
        Stage { system: ActorSystem::new("stage"), journal: Journal::new() }
    }

    /// The plan of a worker that does nothing wrong.
    pub fn plan(&self, name: &str) -> Plan {
        Plan::new(name, &self.journal)
    }

    /// The plan of a worker whose first life, if it is stopped while its handler hangs, has to be aborted: the hooks of all
    /// that is killed then take longer than a second.
    pub fn stuck_plan(&self, name: &str) -> Plan {
        let hangs = |life| if life == 0 { Stop::Hangs } else { Stop::AtOnce };
        let [top, middle, lowest] = [name, "below", "lowest"].map(|name| self.plan(name).stops(hangs));
        top.children([middle.children([lowest])])
    }

    /// The spec of a worker that does nothing wrong.
    pub fn spec(&self, name: &str) -> ChildSpec {
        self.plan(name).spec()
    }

    /// The specs of workers that do nothing wrong.
    pub fn specs<const N: usize>(&self, names: [&str; N]) -> [ChildSpec; N] {
        names.map(|name| self.spec(name))
    }

    /// Starts the supervisor, as `/sup`.
    pub async fn supervise(&self, supervisor: Supervisor) -> ActorRef<Supervisor> {
        self.system.actor(supervisor).name("sup").start().await.expect("it starts")
    }

    /// A worker of the supervisor.
    pub fn worker(&self, name: &str) -> ActorRef<Lived> {
        self.find(name).unwrap_or_else(|| panic!("{name} is not there"))
    }

    /// A worker of the supervisor, if it is there.
    pub fn find(&self, name: &str) -> Option<ActorRef<Lived>> {
        self.system.lookup(&format!("/sup/{name}"))
    }

    /// Waits until the journal has this as often as that.
    pub async fn noted(&self, entry: &str, times: usize) {
        eventually(entry, || self.journal.count(entry) == times).await;
    }
}

/// Which children there are, by name.
pub fn names(children: &[ChildInfo]) -> Vec<&str> {
    children.iter().map(|child| child.name.as_deref().unwrap_or("")).collect()
}

/// What a worker is to be: the same for all its lives, which are numbered from 0.
#[derive(Clone)]
pub struct Plan {
    name: Arc<str>,
    journal: Journal,
    lives: Arc<AtomicU32>,
    start: Arc<dyn Fn(u32) -> Start + Send + Sync>,
    stop: Arc<dyn Fn(u32) -> Stop + Send + Sync>,
    children: Vec<Plan>,
    notes_drop: bool,
}

/// What a life begins with.
#[derive(Clone, Debug)]
pub enum Start {
    Ready,
    Fails,
    Panics,
    Declines,
    /// It asks for its own stop.
    Leaves,
    Takes(Duration),
    At(Gate),
    Hangs,
}

/// What a life ends with.
#[derive(Clone, Debug)]
pub enum Stop {
    AtOnce,
    Fails,
    Panics,
    Takes(Duration),
    At(Gate),
    Hangs,
}

impl Plan {
    pub fn new(name: &str, journal: &Journal) -> Self {
        Plan {
            name: Arc::from(name),
            journal: journal.clone(),
            lives: Arc::default(),
            start: Arc::new(|_| Start::Ready),
            stop: Arc::new(|_| Stop::AtOnce),
            children: Vec::new(),
            notes_drop: false,
        }
    }

    /// Sets how each life starts, by its number.
    pub fn starts(mut self, start: impl Fn(u32) -> Start + Send + Sync + 'static) -> Self {
        self.start = Arc::new(start);
        self
    }

    /// Sets how each life stops, by its number.
    pub fn stops(mut self, stop: impl Fn(u32) -> Stop + Send + Sync + 'static) -> Self {
        self.stop = Arc::new(stop);
        self
    }

    /// Gives it children that it does not supervise, and begins with each life.
    pub fn children(mut self, children: impl IntoIterator<Item = Plan>) -> Self {
        self.children = children.into_iter().collect();
        self
    }

    /// Has it note when its state is dropped, as `gone a0`.
    pub fn notes_drop(mut self) -> Self {
        self.notes_drop = true;
        self
    }

    /// How many lives have been begun.
    pub fn lives(&self) -> u32 {
        self.lives.load(Ordering::SeqCst)
    }

    /// Begins a life.
    pub fn make(&self) -> Lived {
        let life = self.lives.fetch_add(1, Ordering::SeqCst);
        let drops = self.notes_drop.then(|| self.journal.drop_note(format!("gone {}{life}", self.name)));
        Lived { plan: self.clone(), life, n: 0, drops }
    }

    pub fn spec(&self) -> ChildSpec {
        let plan = self.clone();
        ChildSpec::new(&*self.name, move || plan.make())
    }
}

/// How a life ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It stops itself.
    Stop,
    /// It ends with `Shutdown`.
    ShutDown,
    /// Its handler returns an error.
    Fail,
    Panic,
    /// It is killed.
    Kill,
}

impl End {
    pub const CLEAN: [End; 2] = [End::Stop, End::ShutDown];
    pub const ABNORMAL: [End; 3] = [End::Fail, End::Panic, End::Kill];
    pub const ALL: [End; 5] = [End::Stop, End::ShutDown, End::Fail, End::Panic, End::Kill];
}

/// A worker. Its journal has `start a0` and `stop a0`, with the number of the life; what it is told to note, as `a0: text`.
#[derive(Actor)]
pub struct Lived {
    plan: Plan,
    life: u32,
    n: u32,
    #[allow(dead_code, reason = "kept to be dropped")]
    drops: Option<DropNote>,
}

impl Lived {
    fn note(&self, what: &str) {
        self.plan.journal.note(format!("{what} {}{}", self.plan.name, self.life));
    }
}

#[messages]
impl Lived {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) -> Result<(), Broken> {
        for child in &self.plan.children {
            ctx.actor(child.make()).name(&*child.name).start().await.expect("it does nothing wrong");
        }
        match (self.plan.start)(self.life) {
            Start::Ready => {}
            Start::Fails => return Err(Broken("not today")),
            Start::Panics => panic!("no start"),
            Start::Declines => ctx.decline(),
            Start::Leaves => ctx.stop(),
            Start::Takes(time) => tokio::time::sleep(time).await,
            Start::At(gate) => gate.pass().await,
            Start::Hangs => pending().await,
        }
        self.note("start");
        Ok(())
    }

    #[handle]
    pub fn end(&mut self, end: End, ctx: &mut Context<Self>) -> Result<(), Broken> {
        match end {
            End::Stop => ctx.stop(),
            End::ShutDown => ctx.stop_because(ExitReason::Shutdown),
            End::Fail => return Err(Broken("asked to")),
            End::Panic => panic!("asked to"),
            End::Kill => ctx.actor_ref().kill(),
        }
        Ok(())
    }

    /// Counts the calls to this life.
    #[message]
    pub fn add(&mut self) -> u32 {
        self.n += 1;
        self.n
    }

    /// Answers with the number of the life.
    #[message]
    pub fn life(&self) -> u32 {
        self.life
    }

    /// Notes something.
    #[message(name = Note)]
    pub fn note_this(&self, what: u32) {
        self.plan.journal.note(format!("{}{}: {what}", self.plan.name, self.life));
    }

    /// Stands at a gate.
    #[message]
    pub async fn wait(&self, gate: Gate) {
        gate.pass().await;
    }

    /// Takes its time.
    #[message]
    pub async fn work(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    #[stopped]
    async fn close(&mut self) -> Result<(), Broken> {
        match (self.plan.stop)(self.life) {
            Stop::AtOnce => {}
            Stop::Fails => return Err(Broken("cleaning up")),
            Stop::Panics => panic!("cleaning up"),
            Stop::Takes(time) => tokio::time::sleep(time).await,
            Stop::At(gate) => gate.pass().await,
            Stop::Hangs => pending().await,
        }
        self.note("stop");
        Ok(())
    }
}
