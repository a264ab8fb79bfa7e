//! Starts that nobody waits for any more: they leave nothing.

use std::future::Future;
use std::task::{Context as TaskContext, Poll, Waker};

use actors_core::{Actor, ActorSystem, Context, messages};
use tests::{DropNote, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::newborn::{Newborn, Parent, Start, StartChild};

#[tokio::test(start_paused = true)]
async fn a_start_dropped_at_any_await_of_its_hook_leaves_nothing() {
    for step in 0..4 {
        let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
        let mut start = Box::pin(system.actor(Stepwise::new(&gate, &journal)).name("x").start());
        assert!(poll_once(start.as_mut()).is_pending());
        for _ in 0..step {
            gate.reached().await;
            gate.open();
        }
        gate.reached().await;

        drop(start);

        eventually("nothing is left", || system.actors() == 0).await;
        assert_eq!(journal.count("dropped"), 1, "the state, after {step} steps");
        assert_eq!(journal.count("made"), journal.count("leaf stopped"), "the children, after {step} steps");
        assert_eq!(journal.count("ready"), 0);
        let next = system.actor(Newborn::new(Start::Ready, &journal)).name("x").start().await;
        assert!(next.is_ok(), "the name is free after {step} steps");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_never_polled_makes_nothing() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());

    drop(system.actor(Newborn::new(Start::Ready, &journal)).name("x").start());

    assert_eq!((system.actors(), journal.entries()), (0, vec!["dropped".to_owned()]));
    assert!(system.lookup::<Newborn>("/x").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_start_is_dropped_with_its_parents_handler_leaves_nothing() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let parent = system.spawn(Parent { journal: journal.clone() });
    parent.tell(StartChild { start: Start::Wait(gate.clone()) }).await.unwrap();
    gate.reached().await;

    parent.kill();

    promptly("the parent's end", parent.stopped()).await;
    assert_eq!(system.actors(), 0);
    assert_eq!(journal.entries(), ["b stopped", "a stopped", "dropped"]);
}

#[test]
fn a_start_dropped_at_any_moment_leaves_nothing_on_many_threads() {
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        for round in 0..300 {
            let gate = Gate::new();
            gate.open_wide();
            let mut start = Box::pin(system.actor(Stepwise::new(&gate, &journal)).name("x").start());
            let mut ready = None;
            for _ in 0..round % 20 {
                if let Poll::Ready(started) = poll_once(start.as_mut()) {
                    ready = Some(started.expect("nothing keeps it from starting"));
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(start);
            // Once it is ready it belongs to the tree, and has to be stopped like any other.
            if let Some(actor) = ready {
                actor.stop();
                promptly("its end", actor.stopped()).await;
            }
            eventually("nothing is left", || system.actors() == 0).await;
        }
        assert_eq!(journal.count("dropped"), 300);
        assert_eq!(journal.count("made"), journal.count("leaf stopped"));
    });
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

/// Makes children one after the other, with a gate before and after each.
#[derive(Actor)]
struct Stepwise {
    gate: Gate,
    journal: Journal,
    _state: DropNote,
}

#[messages]
impl Stepwise {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) {
        self.gate.pass().await;
        for name in ["a", "b"] {
            ctx.actor(Step { journal: self.journal.clone() }).name(name).start().await.expect("a step starts");
            self.gate.pass().await;
        }
        self.gate.pass().await;
        self.journal.note("ready");
    }
}

impl Stepwise {
    fn new(gate: &Gate, journal: &Journal) -> Self {
        Stepwise { gate: gate.clone(), journal: journal.clone(), _state: journal.drop_note("dropped") }
    }
}

#[derive(Actor)]
struct Step {
    journal: Journal,
}

#[messages]
impl Step {
    #[started]
    async fn started(&mut self) {
        tokio::task::yield_now().await;
        self.journal.note("made");
    }

    #[stopped]
    fn stopped(&mut self) {
        self.journal.note("leaf stopped");
    }
}
