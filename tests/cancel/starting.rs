//! Starts that are dropped: what was being started is gone, with its children and its name.

use actors_core::{Actor, ActorRef, Context, StartError, messages};
use tests::{Gate, Journal};

use crate::cast::{Slow, Wake};
use crate::harness::{Cut, Fate, GoOn, Life, Scene, World, cancel_at_every_await, drive, promptly};

struct Stage {
    system: actors_core::ActorSystem,
    gate: Gate,
    journal: Journal,
    life: Life,
}

impl Stage {
    fn slow(&self) -> Slow {
        Slow::new(&self.gate, &self.journal, &self.life)
    }
}

async fn stage(world: &World) -> Scene<Stage> {
    let (gate, journal) = (Gate::new(), Journal::new());
    let opens = gate.clone();
    let stage = Stage { system: world.system.clone(), gate, journal, life: world.life.clone() };
    Scene { subject: stage, go_on: Box::new(move || opens.open()) }
}

async fn check(world: &World, stage: Stage, fate: Fate<Result<ActorRef<Slow>, StartError>>) {
    match fate.done() {
        Some(started) => assert!(started.expect("it starts").ask(Wake).await.unwrap()),
        None => {
            world.system.await_tree(&[]).await;
            stage.gate.open_wide();
            let again = world.system.actor(stage.slow()).name("slow").start();
            promptly("the next start", again).await.expect("the name is free");
        }
    }
}

#[test]
fn a_dropped_start_leaves_no_actor_no_child_and_no_name() {
    assert_eq!(cancel_at_every_await(stage, |stage| Box::pin(stage.system.actor(stage.slow()).name("slow").start()), check), 1);
}

#[test]
fn a_dropped_start_at_the_top_of_the_tree_leaves_nothing() {
    assert_eq!(cancel_at_every_await(stage, |stage| Box::pin(stage.system.start(stage.slow())), check), 1);
}

/// Starts a child in its handler, and drops that.
#[derive(Actor)]
struct Parent {
    gate: Gate,
    journal: Journal,
    life: Life,
}

#[messages]
impl Parent {
    /// Says whether the child has started.
    #[message]
    async fn start_and_drop(&mut self, cut: Cut, ctx: &mut Context<Self>) -> bool {
        let opens = self.gate.clone();
        let mut go_on: GoOn = Box::new(move || opens.open());
        let start = Box::pin(ctx.start(Slow::new(&self.gate, &self.journal, &self.life)));
        drive(start, cut, &mut go_on).await.is_done()
    }
}

#[test]
fn a_dropped_start_of_a_child_leaves_nothing() {
    for (cut, tree) in [
        (Cut::Polled(0), &["/parent"][..]),
        (Cut::Polled(1), &["/parent"]),
        (Cut::Woken(1), &["/parent"]),
        (Cut::Polled(2), &["/parent", "/parent/Slow#*", "/parent/Slow#*/below"]),
    ] {
        let life = Life::default();
        actors_core::test_kit::Setup::new().may_fail().run(async |system| {
            let parent = Parent { gate: Gate::new(), journal: Journal::new(), life: life.clone() };
            let parent = system.actor(parent).name("parent").spawn();

            let started = promptly("the handler's end", parent.ask(StartAndDrop { cut })).await.unwrap();

            assert_eq!(started, tree.len() > 1, "{cut:?}");
            system.await_tree(tree).await;
        });
        assert_eq!(Life::strong_count(&life), 1, "{cut:?}");
    }
}
