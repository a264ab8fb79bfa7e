//! Which actors started and ended, and in which order.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::text::{diff, list};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::kit::{LifeEvent, LifeStep, Log};
use crate::system::ActorSystem;

/// What happens to the actors of a system from the moment at which the log was begun, by
/// [`ActorSystem::life_log`](crate::ActorSystem::life_log).
///
/// Whoever has learned of an end, through [`stopped`](crate::ActorRef::stopped) or a notice, finds it in the log. The
/// actors are named by their paths.
///
/// ```
/// # use actors_core::{messages, Actor, ActorSystem, Context};
/// # #[derive(Actor)] struct Leaf;
/// # #[messages] impl Leaf { #[message] fn ping(&self) {} }
/// # #[derive(Actor)] struct App;
/// # #[messages] impl App {
/// #     #[started] fn begin(&mut self, ctx: &mut Context<Self>) { for name in ["db", "web"] { ctx.actor(Leaf).name(name).spawn(); } }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let system = ActorSystem::new("demo");
/// let log = system.life_log();
/// system.actor(App).name("app").start().await.unwrap();
/// log.assert_started(&["/app/db", "/app/web", "/app"]);
///
/// system.shutdown().await;
/// log.assert_ended(&["/app/web", "/app/db", "/app"]);
/// assert!(log.reason("/app/db").unwrap().is_clean());
/// # }
/// ```
#[derive(Clone)]
pub struct LifeLog {
    log: Arc<Log>,
}

impl LifeLog {
    /// Returns all that has happened, in order.
    pub fn events(&self) -> Vec<LifeEvent> {
        self.log.events()
    }

    /// Forgets all that has happened.
    pub fn clear(&self) {
        self.log.clear();
    }

    /// Returns why the actor at `path` ended; the last time, if it did several times.
    pub fn reason(&self, path: &str) -> Option<ExitReason> {
        let events = self.events();
        let mut steps = events.into_iter().rev().filter(|event| event.path == *path).map(|event| event.step);
        steps.find_map(|step| match step {
            LifeStep::Ended(reason) | LifeStep::Down(reason) => Some(reason),
            LifeStep::Started => None,
        })
    }

    /// Asserts that these actors have ended, in this order, and no others. Each incarnation of a supervised actor counts.
    ///
    /// # Panics
    /// Panics if it is not so, and shows what is missing (`-`) and what was not expected (`+`).
    #[track_caller]
    pub fn assert_ended(&self, expected: &[&str]) {
        self.assert_order(expected, Step::Ended);
    }

    /// Asserts that these actors have started, in this order, and no others. One with a `started` hook has started when that
    /// is over, and so after the children that it starts there and waits for; one without has when it is made.
    ///
    /// # Panics
    /// Panics if it is not so, and shows what is missing (`-`) and what was not expected (`+`).
    #[track_caller]
    pub fn assert_started(&self, expected: &[&str]) {
        self.assert_order(expected, Step::Started);
    }

    /// Asserts that both have ended, `first` before `second`.
    ///
    /// # Panics
    /// Panics if it is not so.
    #[track_caller]
    pub fn assert_ended_before(&self, first: &str, second: &str) {
        self.assert_before(first, second, Step::Ended);
    }

    /// Asserts that both have started, `first` before `second`.
    ///
    /// # Panics
    /// Panics if it is not so.
    #[track_caller]
    pub fn assert_started_before(&self, first: &str, second: &str) {
        self.assert_before(first, second, Step::Started);
    }

    #[track_caller]
    fn assert_order(&self, expected: &[&str], step: Step) {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let actual: Vec<String> = self.of(step).iter().map(|event| event.path.to_string()).collect();
        if expected != actual {
            panic!("actors {step} in another order than expected:{}\n{}", diff(&expected, &actual), self.whole());
        }
    }

    #[track_caller]
    fn assert_before(&self, first: &str, second: &str, step: Step) {
        let events = self.of(step);
        let place = |path: &str| events.iter().position(|event| event.path == *path);
        let wrong = match (place(first), place(second)) {
            (Some(a), Some(b)) if a < b => return,
            (Some(_), Some(_)) => format!("{second} {step} before {first}"),
            (None, _) => format!("{first} has not {step}"),
            (_, None) => format!("{second} has not {step}"),
        };
        panic!("{first} should have {step} before {second}, but {wrong}\n{}", self.whole());
    }

    fn of(&self, step: Step) -> Vec<LifeEvent> {
        let (mut down, mut events) = (HashSet::new(), self.events());
        events.retain(|event| match event.step {
            LifeStep::Started => step == Step::Started,
            LifeStep::Down(_) => {
                down.insert((event.id, event.incarnation));
                step == Step::Ended
            }
            // The life of one that is down has ended already.
            LifeStep::Ended(_) => step == Step::Ended && !down.contains(&(event.id, event.incarnation)),
        });
        events
    }

    fn whole(&self) -> String {
        let lines: Vec<String> = self.events().iter().map(ToString::to_string).collect();
        format!("what happened:{}", list(&lines))
    }
}

impl fmt::Debug for LifeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.events().iter().map(ToString::to_string)).finish()
    }
}

/// What a list is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Started,
    Ended,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Started => "started",
            Step::Ended => "ended",
        })
    }
}

impl ActorSystem {
    /// Writes down every start and every end from now on, as long as the log is kept.
    pub fn life_log(&self) -> LifeLog {
        LifeLog { log: self.env().kit.begin_log() }
    }
}
