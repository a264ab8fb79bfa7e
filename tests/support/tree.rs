//! Trees of actors that are ready to misbehave while they stop, each in the ways its branch says.

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorState, ActorSystem, Builder, Children, Context, ExitReason, OnStop, messages};

use crate::{Broken, Journal, eventually};

/// One actor of a tree that is to be, and all below it.
#[derive(Clone, Debug)]
pub struct Branch {
    name: String,
    habit: Habit,
    side_by_side: bool,
    stop_limit: Option<Duration>,
    hook_limit: Option<Duration>,
    unlimited: bool,
    below: Vec<Branch>,
}

/// What an actor of a tree does wrong, or right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Stops at once.
    Stops,
    /// Its handler never returns.
    HangsInHandler,
    /// Its handler takes this long.
    Works(Duration),
    /// Its `started` hook never returns.
    HangsInStart,
    /// Its `started` hook takes this long.
    StartsWithin(Duration),
    /// Its `stopped` hook never returns.
    HangsInHook,
    /// Its `stopped` hook takes this long.
    CleansUp(Duration),
    /// Its `stopped` hook fails.
    FailsInHook,
    /// Its `stopped` hook panics.
    PanicsInHook,
    /// It has a helper task that never returns.
    HasHelper,
    /// It drains a queue of a thousand messages that take a second each.
    DrainsForEver,
}

impl Branch {
    pub fn new(name: impl Into<String>, habit: Habit) -> Self {
        Branch { name: name.into(), habit, side_by_side: false, stop_limit: None, hook_limit: None, unlimited: false, below: Vec::new() }
    }

    /// An actor that stops at once.
    pub fn good(name: impl Into<String>) -> Self {
        Branch::new(name, Habit::Stops)
    }

    pub fn below(mut self, below: impl IntoIterator<Item = Branch>) -> Self {
        self.below = below.into_iter().collect();
        self
    }

    pub fn side_by_side(mut self) -> Self {
        self.side_by_side = true;
        self
    }

    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = Some(limit);
        self
    }

    pub fn hook_limit(mut self, limit: Duration) -> Self {
        self.hook_limit = Some(limit);
        self
    }

    pub fn unlimited(mut self) -> Self {
        self.unlimited = true;
        self
    }

    /// This actor under a chain of `above` good ones, named `1`, `2`, ... from the top.
    pub fn under(self, above: usize) -> Self {
        (1..=above).rev().fold(self, |below, number| Branch::good(number.to_string()).below([below]))
    }

    /// How many actors this comes to; whoever does not start at once has nobody below it yet.
    pub fn count(&self) -> usize {
        match self.habit {
            Habit::HangsInStart | Habit::StartsWithin(_) => 1,
            _ => 1 + self.below.iter().map(Branch::count).sum::<usize>(),
        }
    }

    /// How many of them do not start at once.
    fn starting(&self) -> usize {
        match self.habit {
            Habit::HangsInStart | Habit::StartsWithin(_) => 1,
            _ => self.below.iter().map(Branch::starting).sum(),
        }
    }

    /// Spawns the tree, and waits until everybody is there and does what it does.
    pub async fn grow(self, system: &ActorSystem, journal: &Journal) -> ActorRef<Node> {
        let there = system.actors() + self.count();
        let starting = count_starting(system) + self.starting();
        let top = self.set_up(|node| system.actor(node), journal);
        eventually("the tree stands", || {
            let tree = system.tree();
            let busy = tree.nodes.iter().all(|node| node.queued == 0 || node.handling.is_some());
            tree.len() == there && count_starting(system) == starting && busy
        })
        .await;
        top
    }

    fn set_up(self, builder: impl FnOnce(Node) -> Builder<Node>, journal: &Journal) -> ActorRef<Node> {
        let Branch { name, habit, side_by_side, stop_limit, hook_limit, unlimited, below } = self;
        let mut builder = builder(Node { name: name.clone(), habit, below, journal: journal.clone() }).name(&name).unbounded();
        if side_by_side {
            builder = builder.children(Children::SideBySide);
        }
        if let Some(limit) = stop_limit {
            builder = builder.stop_limit(limit);
        }
        if let Some(limit) = hook_limit {
            builder = builder.hook_limit(limit);
        }
        if unlimited {
            builder = builder.unlimited_stop();
        }
        if habit == Habit::DrainsForEver {
            builder = builder.on_stop(OnStop::Drain);
        }
        let node = builder.spawn();
        let told = match habit {
            Habit::HangsInHandler => node.try_tell(Hang),
            Habit::Works(time) => node.try_tell(Work { time }).map_err(|_| unreachable!("it has just been made")),
            Habit::DrainsForEver => {
                for _ in 0..1_000 {
                    node.try_tell(Work { time: Duration::from_secs(1) }).expect("its mailbox has no bound");
                }
                Ok(())
            }
            _ => Ok(()),
        };
        told.expect("it has just been made");
        node
    }
}

fn count_starting(system: &ActorSystem) -> usize {
    system.tree().nodes.iter().filter(|node| node.state == ActorState::Starting).count()
}

/// An actor of a tree. Its journal has `name stopping` and `name stopped` for the beginning and the end of its hook, and
/// `name started`.
#[derive(Actor)]
pub struct Node {
    name: String,
    habit: Habit,
    below: Vec<Branch>,
    journal: Journal,
}

#[messages]
impl Node {
    #[started]
    async fn grow(&mut self, ctx: &mut Context<Self>) {
        match self.habit {
            Habit::HangsInStart => pending().await,
            Habit::StartsWithin(time) => tokio::time::sleep(time).await,
            Habit::HasHelper => drop(ctx.spawn_task(pending::<()>())),
            _ => {}
        }
        for branch in std::mem::take(&mut self.below) {
            branch.set_up(|node| ctx.actor(node), &self.journal);
        }
        self.journal.note(format!("{} started", self.name));
    }

    /// Never returns.
    #[message]
    pub async fn hang(&mut self) {
        pending().await
    }

    /// Returns after a time.
    #[message]
    pub async fn work(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Fails.
    #[message]
    pub fn fail(&mut self) -> Result<(), Broken> {
        Err(Broken("asked to"))
    }

    #[stopped]
    async fn clean_up(&mut self, _reason: &ExitReason) -> Result<(), Broken> {
        self.journal.note(format!("{} stopping", self.name));
        match self.habit {
            Habit::HangsInHook => pending().await,
            Habit::CleansUp(time) => tokio::time::sleep(time).await,
            Habit::FailsInHook => return Err(Broken("cleaning up")),
            Habit::PanicsInHook => panic!("cleaning up"),
            _ => {}
        }
        self.journal.note(format!("{} stopped", self.name));
        Ok(())
    }
}
