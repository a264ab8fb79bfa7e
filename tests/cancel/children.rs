//! The management of children, dropped: starts leave nothing, stops and restarts go on.

use std::time::Duration;

use actors_core::{
    Actor, ActorPath, ActorRef, AutoShutdown, ChildError, ChildSpec, ChildState, Context, DynamicSupervisor, StartError, Supervisor,
    messages,
};
use tests::{Gate, Journal};

use crate::cast::{Slow, Wake};
use crate::harness::{Cut, Fate, GoOn, Life, Scene, World, cancel_at_every_await, drive, promptly, settle};

struct Stage {
    supervisor: ActorRef<Supervisor>,
    gate: Gate,
    spec: ChildSpec,
}

/// A supervisor that would end with the first significant child, or with the first restart, of its own accord.
async fn stage(world: &World) -> Scene<Stage> {
    let (gate, journal) = (Gate::new(), Journal::new());
    let supervisor = Supervisor::new().restarts(0, Duration::from_secs(5)).auto_shutdown(AutoShutdown::AnySignificant);
    let supervisor = world.system.actor(supervisor).name("sup").start().await.expect("it starts");
    let opens = gate.clone();
    let spec = spec(&gate, &journal, &world.life);
    Scene { subject: Stage { supervisor, gate, spec }, go_on: Box::new(move || opens.open()) }
}

fn spec(gate: &Gate, journal: &Journal, life: &Life) -> ChildSpec {
    let (gate, journal, life) = (gate.clone(), journal.clone(), life.clone());
    ChildSpec::new("slow", move || Slow::new(&gate, &journal, &life)).transient().significant()
}

#[test]
fn a_child_whose_adding_is_dropped_leaves_no_actor_and_no_spec() {
    let check = async |world: &World, stage: Stage, fate: Fate<Result<ActorPath, StartError>>| {
        let Stage { supervisor, gate, spec } = stage;
        match fate.done() {
            Some(added) => assert_eq!(added.expect("it starts"), "/sup/slow"),
            None => {
                world.system.await_tree(&["/sup"]).await;
                assert!(supervisor.supervised_children().is_empty());
                gate.open_wide();
                promptly("the next adding", supervisor.add_child(spec.clone())).await.expect("there is no such child");
            }
        }
        assert_eq!(supervisor.count_children().active, 1);
        assert!(supervisor.is_alive(), "nobody has failed, and no significant child has ended by itself");
    };
    let awaits = cancel_at_every_await(stage, |stage| Box::pin(stage.supervisor.add_child(stage.spec.clone())), check);
    assert_eq!(awaits, 1);
}

/// A supervisor with one child, which runs.
async fn with_child(world: &World) -> Scene<Stage> {
    let Scene { subject, go_on } = stage(world).await;
    subject.gate.open();
    subject.supervisor.add_child(subject.spec.clone()).await.expect("it starts");
    Scene { subject, go_on }
}

#[test]
fn a_child_whose_termination_is_dropped_is_stopped_all_the_same() {
    let check = async |_: &World, stage: Stage, fate: Fate<Result<(), ChildError>>| {
        let was_asked = fate.was_polled(1);
        assert!(fate.done().is_none_or(|done| done.is_ok()));
        settle().await;
        let state = stage.supervisor.supervised_children()[0].state;
        assert_eq!(state, if was_asked { ChildState::NotRunning } else { ChildState::Running });
        promptly("the next termination", stage.supervisor.terminate_child("slow")).await.expect("it is a child");
        stage.supervisor.remove_child("slow").expect("it does not run");
        assert!(stage.supervisor.is_alive());
    };
    assert_eq!(cancel_at_every_await(with_child, |stage| Box::pin(stage.supervisor.terminate_child("slow")), check), 1);
}

#[test]
fn a_child_whose_restart_by_hand_is_dropped_is_started_all_the_same() {
    let set_up = async |world: &World| {
        let scene = with_child(world).await;
        scene.subject.supervisor.terminate_child("slow").await.expect("it is a child");
        scene
    };
    let check = async |world: &World, stage: Stage, fate: Fate<Result<(), ChildError>>| {
        let was_asked = fate.was_polled(1);
        assert!(fate.done().is_none_or(|done| done.is_ok()));
        settle().await;
        let state = stage.supervisor.supervised_children()[0].state;
        assert_eq!(state, if was_asked { ChildState::Running } else { ChildState::NotRunning });
        let again = promptly("the next restart", stage.supervisor.restart_child("slow")).await;
        assert_eq!(again, if was_asked { Err(ChildError::Running) } else { Ok(()) });
        let slow = world.system.lookup::<Slow>("/sup/slow").expect("it runs");
        assert!(promptly("an answer", slow.ask(Wake)).await.unwrap());
    };
    assert_eq!(cancel_at_every_await(set_up, |stage| Box::pin(stage.supervisor.restart_child("slow")), check), 1);
}

// ===== dynamic =====

type Kids = DynamicSupervisor<Life, Slow>;

struct Dynamic {
    supervisor: ActorRef<Kids>,
    gate: Gate,
    life: Life,
}

async fn dynamic(world: &World) -> Scene<Dynamic> {
    let gate = Gate::new();
    let (opens, made) = (gate.clone(), gate.clone());
    let mut is_made = false;
    let go_on = move || {
        // It is made without further ado.
        if std::mem::replace(&mut is_made, true) {
            opens.open();
        }
    };
    let supervisor = Supervisor::dynamic(move |life: Life| Slow::new(&made, &Journal::new(), &life)).permanent();
    let supervisor = world.system.actor(supervisor.restarts(0, Duration::from_secs(5))).name("kids").start().await.expect("it starts");
    Scene { subject: Dynamic { supervisor, gate, life: world.life.clone() }, go_on: Box::new(go_on) }
}

#[test]
fn a_dynamic_child_whose_start_is_dropped_leaves_nothing() {
    let check = async |world: &World, kids: Dynamic, fate: Fate<Result<ActorRef<Slow>, StartError>>| {
        if let Some(started) = fate.done() {
            assert!(promptly("an answer", started.expect("it starts").ask(Wake)).await.unwrap());
        } else {
            world.system.await_tree(&["/kids"]).await;
            assert!(kids.supervisor.supervised_children().is_empty());
            kids.gate.open_wide();
            promptly("the next start", kids.supervisor.start_child(world.life.clone())).await.expect("it starts");
        }
        assert_eq!(kids.supervisor.count_children().active, 1);
        assert!(kids.supervisor.is_alive());
    };
    let awaits = cancel_at_every_await(dynamic, |kids| Box::pin(kids.supervisor.start_child(kids.life.clone())), check);
    // For the child to be made, and for it to be ready.
    assert_eq!(awaits, 2);
}

/// A dynamic supervisor with one child, which runs.
struct WithKid {
    supervisor: ActorRef<Kids>,
    kid: ActorRef<Slow>,
}

async fn with_kid(world: &World) -> Scene<WithKid> {
    let Scene { subject: Dynamic { supervisor, gate, life }, go_on } = dynamic(world).await;
    gate.open();
    let kid = supervisor.start_child(life).await.expect("it starts");
    Scene { subject: WithKid { supervisor, kid }, go_on }
}

#[test]
fn a_dynamic_child_whose_termination_is_dropped_is_stopped_all_the_same() {
    let check = async |_: &World, with: WithKid, fate: Fate<Result<(), ChildError>>| {
        let was_asked = fate.was_polled(1);
        assert!(fate.done().is_none_or(|done| done.is_ok()));
        settle().await;
        assert_eq!(with.supervisor.count_children().active, usize::from(!was_asked));
        promptly("the next termination", with.supervisor.terminate_child(&with.kid)).await.expect("it was a child");
        assert!(with.supervisor.supervised_children().is_empty());
    };
    assert_eq!(cancel_at_every_await(with_kid, |with| Box::pin(with.supervisor.terminate_child(&with.kid)), check), 1);
}

#[test]
fn a_restart_by_hand_that_a_dynamic_supervisor_refuses_never_waits() {
    let check = async |_: &World, with: WithKid, fate: Fate<Result<(), ChildError>>| {
        // Its children are forgotten when they end, so there is never one to be started again.
        assert!(fate.done().is_none_or(|refused| refused == Err(ChildError::Running)));
        assert_eq!(with.supervisor.count_children().active, 1);
    };
    assert_eq!(cancel_at_every_await(with_kid, |with| Box::pin(with.supervisor.restart_child(&with.kid)), check), 0);
}

// ===== in a handler =====

/// Manages its children in its handler, and drops that.
#[derive(Actor)]
#[actor(restarts = 0, within = "5s")]
struct Parent {
    gate: Gate,
    journal: Journal,
    life: Life,
}

/// What is dropped in the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Start,
    Add,
    Terminate,
    Restart,
}

#[messages]
impl Parent {
    /// Says whether it came to its end.
    #[message]
    async fn manage(&mut self, what: What, cut: Cut, ctx: &mut Context<Self>) -> bool {
        let Parent { gate, journal, life } = self;
        let opens = gate.clone();
        let mut go_on: GoOn = Box::new(move || opens.open());
        let spec = spec_of(gate, journal, life);
        match what {
            What::Start => {
                let (gate, journal, life) = (gate.clone(), journal.clone(), life.clone());
                let child = ctx.child("slow", move || Slow::new(&gate, &journal, &life));
                drive(Box::pin(child.start()), cut, &mut go_on).await.is_done()
            }
            What::Add => drive(Box::pin(ctx.add_child(spec)), cut, &mut go_on).await.is_done(),
            What::Terminate => drive(Box::pin(ctx.terminate_child("slow")), cut, &mut go_on).await.is_done(),
            What::Restart => drive(Box::pin(ctx.restart_child("slow")), cut, &mut go_on).await.is_done(),
        }
    }

    #[message]
    fn states(&mut self, ctx: &mut Context<Self>) -> Vec<ChildState> {
        ctx.supervised_children().into_iter().map(|child| child.state).collect()
    }
}

fn spec_of(gate: &Gate, journal: &Journal, life: &Life) -> ChildSpec {
    let (gate, journal, life) = (gate.clone(), journal.clone(), life.clone());
    ChildSpec::new("slow", move || Slow::new(&gate, &journal, &life))
}

/// What a parent does before, and is to have afterwards: where nothing was asked for, where it was dropped, where it was done.
type Case = (What, &'static [What], [&'static [ChildState]; 3]);

const RUNNING: &[ChildState] = &[ChildState::Running];
const NOT_RUNNING: &[ChildState] = &[ChildState::NotRunning];

const CASES: [Case; 4] = [
    (What::Start, &[], [&[], &[], RUNNING]),
    (What::Add, &[], [&[], &[], RUNNING]),
    (What::Terminate, &[What::Add], [RUNNING, NOT_RUNNING, NOT_RUNNING]),
    (What::Restart, &[What::Add, What::Terminate], [NOT_RUNNING, RUNNING, RUNNING]),
];

#[test]
fn what_an_actor_asks_of_its_children_and_drops_leaves_nothing_or_goes_on() {
    let to_the_end = Cut::Polled(99);
    for (what, before, expected) in CASES {
        for (cut, expected) in
            [(Cut::Polled(0), expected[0]), (Cut::Polled(1), expected[1]), (Cut::Woken(1), expected[1]), (Cut::Polled(2), expected[2])]
        {
            let life = Life::default();
            actors_core::test_kit::Setup::new().may_fail().run(async |system| {
                let gate = Gate::new();
                let parent = Parent { gate: gate.clone(), journal: Journal::new(), life: life.clone() };
                let parent = system.actor(parent).name("parent").spawn();
                for what in before {
                    assert!(promptly("what is done before", parent.ask(Manage { what: *what, cut: to_the_end })).await.unwrap());
                }

                let done = promptly("the handler's end", parent.ask(Manage { what, cut })).await.unwrap();
                gate.open_wide();
                settle().await;

                assert_eq!(done, cut == Cut::Polled(2), "{what:?} {cut:?}");
                assert_eq!(parent.ask(States).await.unwrap(), expected, "{what:?} {cut:?}");
                // Another call finds nothing in its way.
                let again = match what {
                    What::Restart => What::Terminate,
                    _ if expected.is_empty() => What::Add,
                    what => what,
                };
                promptly("the next call", parent.ask(Manage { what: again, cut: to_the_end })).await.unwrap();
            });
            assert_eq!(Life::strong_count(&life), 1, "{what:?} {cut:?}");
        }
    }
}
