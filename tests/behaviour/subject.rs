//! The actor whose end the tests on endings look at, and those who look at it: as a child, a link, a monitor, a waiter.

use std::sync::Arc;

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, Context, Exit, ExitReason, Exited, Tie, messages};
use tests::{Broken, Gate, Journal, eventually, promptly};

/// What goes wrong in a subject, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    pub exited: Option<Fault>,
    pub stopped: Option<Fault>,
    pub destructor: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Fails,
    Panics,
    Hangs,
}

impl Fault {
    async fn happen(self, place: &'static str, gate: &Gate) -> Result<(), BoxError> {
        match self {
            Fault::Fails => Err(Broken(place).into()),
            Fault::Panics => panic!("{place}"),
            Fault::Hangs => {
                gate.pass().await;
                Ok(())
            }
        }
    }
}

/// An actor that notes each step of its end, and in which anything can go wrong.
#[derive(Actor)]
pub struct Subject {
    journal: Journal,
    gate: Gate,
    faults: Faults,
}

#[messages]
impl Subject {
    #[started]
    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(Below { journal: self.journal.clone() });
    }

    #[exited]
    async fn exited(&mut self, exited: Exited) -> Result<(), BoxError> {
        match self.faults.exited {
            Some(fault) if matches!(exited.tie, Tie::Link) => fault.happen("exited", &self.gate).await,
            _ => Ok(()),
        }
    }

    #[stopped]
    async fn stopped(&mut self) -> Result<(), BoxError> {
        self.journal.note("hook begins");
        tokio::task::yield_now().await;
        match self.faults.stopped {
            Some(fault) => fault.happen("stopped", &self.gate).await?,
            None => self.journal.note("hook ends"),
        }
        Ok(())
    }

    #[message]
    pub async fn stand(&self) {
        self.gate.pass().await;
    }

    #[message]
    pub fn break_down(&self) -> Result<(), Broken> {
        Err(Broken("handler"))
    }

    #[message]
    pub fn burst(&self) {
        panic!("handler");
    }

    #[message]
    pub fn leave(&self, ctx: &mut Context<Self>) {
        ctx.stop();
    }

    #[message]
    pub fn trap(&self, on: bool, ctx: &mut Context<Self>) {
        ctx.trap_exits(on);
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.journal.note("state dropped");
        if self.faults.destructor {
            panic!("destructor");
        }
    }
}

/// The child of a subject.
#[derive(Actor)]
struct Below {
    journal: Journal,
}

#[messages]
impl Below {
    #[message]
    fn is_below(&self) {}
}

impl Drop for Below {
    fn drop(&mut self) {
        self.journal.note("child gone");
    }
}

/// One who is told of the end, and looks whether all that comes before has happened.
#[derive(Actor)]
struct Observer {
    system: Arc<ActorSystem>,
    journal: Journal,
}

#[messages]
impl Observer {
    #[exited]
    fn told(&mut self, exited: Exited) {
        let tie = match exited.tie {
            Tie::Link => "link",
            Tie::Child => "parent",
            _ => "monitor",
        };
        look(&self.system, &self.journal, tie);
    }

    #[message]
    fn make(&self, subject: Subject, ctx: &mut Context<Self>) -> ActorRef<Subject> {
        ctx.actor(subject).name("subject").spawn()
    }
}

fn look(system: &ActorSystem, journal: &Journal, who: &str) {
    let name = if system.lookup::<Subject>("/parent/subject").is_none() { "free" } else { "taken" };
    let state = if journal.count("state dropped") == 1 { "dropped" } else { "there" };
    journal.note(format!("{who} told: name {name}, state {state}"));
}

/// A subject below a parent, linked and watched and waited for.
pub struct Stage {
    pub system: Arc<ActorSystem>,
    pub subject: ActorRef<Subject>,
    pub journal: Journal,
    pub gate: Gate,
    pub waiters: Vec<tokio::task::JoinHandle<ExitReason>>,
}

pub async fn stage(faults: Faults) -> Stage {
    let system = Arc::new(ActorSystem::new("endings"));
    let (journal, gate) = (Journal::new(), Gate::new());
    let observer = || Observer { system: system.clone(), journal: journal.clone() };
    let parent = system.actor(observer()).name("parent").start().await.unwrap();
    let subject = Subject { journal: journal.clone(), gate: gate.clone(), faults };
    let subject = parent.ask(Make { subject }).await.unwrap();
    eventually("it has started", || subject.has_started()).await;
    system.spawn(observer()).link(&subject);
    system.spawn(observer()).monitor(&subject);
    let waiters = (0..3)
        .map(|_| {
            let (system, journal, subject) = (system.clone(), journal.clone(), subject.clone());
            tokio::spawn(async move {
                let reason = subject.stopped().await;
                look(&system, &journal, "waiter");
                reason
            })
        })
        .collect();
    tokio::task::yield_now().await;
    Stage { system, subject, journal, gate, waiters }
}

pub const GONE: [&str; 4] = ["child gone", "hook begins", "hook ends", "state dropped"];

pub const GONE_WITH_A_BROKEN_HOOK: [&str; 3] = ["child gone", "hook begins", "state dropped"];

impl Stage {
    /// Waits for the end, and asserts that all happened in order, and that all were told afterwards, once each.
    pub async fn ends(self, steps: &[&str]) -> Exit {
        let Stage { subject, journal, waiters, system, .. } = self;
        let reason = promptly("the subject ends", subject.stopped()).await;
        let exit = subject.exit().expect("it has ended");
        assert_eq!(exit.reason, reason);
        for waiter in waiters {
            assert_eq!(promptly("every waiter is told", waiter).await.unwrap(), reason);
        }
        eventually("all are told", || journal.len() >= steps.len() + 6).await;
        tokio::task::yield_now().await;

        let entries = journal.entries();
        assert_eq!(entries[..steps.len()], *steps, "{reason}");
        for (who, times) in [("waiter", 3), ("link", 1), ("parent", 1), ("monitor", 1)] {
            assert_eq!(journal.count(&format!("{who} told: name free, state dropped")), times, "{who}: {entries:?}");
        }
        assert_eq!(entries.len(), steps.len() + 6, "{entries:?}");
        assert_eq!(system.actors(), 3, "the parent and the observers");
        exit
    }
}

pub fn error_of(reason: &ExitReason) -> Broken {
    let failure = reason.error().unwrap_or_else(|| panic!("expected an error, not {reason}"));
    failure.downcast_ref::<Broken>().expect("the error is what it was").clone()
}

pub fn panic_of(reason: &ExitReason) -> String {
    match reason {
        ExitReason::Panicked { message, .. } => message.to_string(),
        other => panic!("expected a panic, not {other}"),
    }
}

pub fn clean(reason: ExitReason) -> Exit {
    Exit { reason, secondary: Vec::new() }
}
