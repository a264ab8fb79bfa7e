//! Turns that block their thread: actors that never wait share runners, and whoever can run elsewhere does (S2.7).
//!
//! Here threads really block, so the clock cannot be paused. Nothing sleeps: what blocks waits for the test to let it go.

use std::sync::mpsc::{Receiver, Sender, channel};

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, Context, Supervisor, messages};
use tests::{Broken, Gate, promptly};

/// None of its handlers waits.
#[derive(Actor)]
struct Clerk {
    wall: Receiver<()>,
    gate: Gate,
}

#[messages]
impl Clerk {
    #[message]
    fn block(&self) {
        self.gate.open();
        assert!(self.wall.recv().is_err());
    }

    #[message]
    fn tell_and_block(&self, blockers: Vec<ActorRef<Clerk>>, others: Vec<ActorRef<Clerk>>) {
        blockers.iter().for_each(|other| other.try_tell(Block).expect("there is room"));
        others.iter().for_each(|other| other.try_tell(Open).expect("there is room"));
        self.block();
    }

    #[message]
    fn open(&self) {
        self.gate.open();
    }

    #[message]
    fn send_to(&self, block: ActorRef<Clerk>, poke: ActorRef<Busy>) {
        block.try_tell(Block).expect("there is room");
        poke.try_tell(Poke).expect("there is room");
    }

    /// Has something done beside it.
    #[message]
    fn begin_and_send(&self, block: ActorRef<Clerk>, begun: Gate, ctx: &mut Context<Self>) {
        block.try_tell(Block).expect("there is room");
        drop(ctx.spawn_task(async move { begun.open() }));
    }

    /// Has an actor begin that has a task.
    #[message]
    fn spawn_and_send(&self, block: ActorRef<Clerk>, begun: Gate, ctx: &mut Context<Self>) {
        block.try_tell(Block).expect("there is room");
        ctx.spawn(Busy { gate: begun }).try_tell(Poke).expect("there is room");
    }

    #[message]
    fn ping(&self) -> u8 {
        1
    }
}

/// Has a task, since one of its handlers waits.
#[derive(Actor)]
struct Busy {
    gate: Gate,
}

#[messages]
impl Busy {
    #[message]
    async fn poke(&self) {
        std::future::ready(()).await;
        self.gate.open();
    }
}

/// A clerk, what lets it go on, and its gate.
fn clerk(system: &ActorSystem) -> (ActorRef<Clerk>, Sender<()>, Gate) {
    let (hold, wall) = channel();
    let gate = Gate::new();
    (system.spawn(Clerk { wall, gate: gate.clone() }), hold, gate)
}

/// Blocks all but one of so many workers, and returns what lets them go on.
async fn block_all_but_one(system: &ActorSystem, workers: usize) -> Vec<(ActorRef<Clerk>, Sender<()>)> {
    let mut blocked = Vec::new();
    for _ in 1..workers {
        let (actor, hold, gate) = clerk(system);
        actor.tell(Block).await.expect("it takes messages");
        promptly("it blocks", gate.pass()).await;
        blocked.push((actor, hold));
    }
    blocked
}

/// In a system of its own, on a runtime of its own with so many workers.
fn on(workers: usize, work: impl AsyncFn(&ActorSystem)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().expect("it can be built");
    runtime.block_on(async {
        let system = ActorSystem::new("office");
        work(&system).await;
        promptly("it ends", system.shutdown()).await;
    });
}

fn on_workers(work: impl AsyncFn(&ActorSystem, usize)) {
    [2, 3, 8].into_iter().for_each(|count| on(count, async |system| work(system, count).await));
}

#[test]
fn turns_that_block_hold_up_nobody_who_is_sent_to_from_outside() {
    on_workers(async |system, count| {
        let blocked = block_all_but_one(system, count).await;
        for _ in 0..20 {
            let (actor, _, _) = clerk(system);
            assert_eq!(promptly("an answer", actor.ask(Ping)).await.expect("it answers"), 1);
        }
        drop(blocked);
    });
}

#[test]
fn turns_that_block_hold_up_nobody_who_is_sent_to_by_a_task() {
    on_workers(async |system, count| {
        let blocked = block_all_but_one(system, count).await;
        let within = system.clone();
        let task = tokio::spawn(async move {
            for _ in 0..20 {
                let (actor, _, _) = clerk(&within);
                assert_eq!(actor.ask(Ping).await.expect("it answers"), 1);
            }
        });
        promptly("answers", task).await.expect("it does not panic");
        drop(blocked);
    });
}

#[test]
fn whom_turns_send_to_before_they_block_is_seen_to_by_others() {
    on_workers(async |system, count| {
        let mut kept = Vec::new();
        // Of those that one turn sends to, the last may have to wait for it, as any task does that is spawned there last.
        for _ in 1..count {
            let (first, second, third) = (clerk(system), clerk(system), clerk(system));
            let (actor, hold, gate) = clerk(system);
            let others = vec![first.0.clone(), second.0.clone(), third.0.clone()];
            actor.tell(TellAndBlock { blockers: Vec::new(), others }).await.expect("it takes messages");
            promptly("it blocks", gate.pass()).await;
            promptly("the first is seen to", first.2.pass()).await;
            promptly("the second is seen to", second.2.pass()).await;
            kept.push((actor, hold, [first, second, third]));
        }
        let (actor, _, _) = clerk(system);
        assert_eq!(promptly("an answer", actor.ask(Ping)).await.expect("it answers"), 1);
        drop(kept);
    });
}

#[test]
fn many_who_wait_at_once_are_shared_out_among_the_workers_that_are_left() {
    on_workers(async |system, count| {
        // As many block as may, amid others who wait.
        let (mut blocked, mut gates) = (Vec::new(), Vec::new());
        for number in 0..200 {
            let (actor, hold, gate) = clerk(system);
            if number % 50 == 7 && blocked.len() + 1 < count {
                actor.try_tell(Block).expect("there is room");
                blocked.push((actor, hold));
            } else {
                actor.try_tell(Open).expect("there is room");
                gates.push((actor, gate));
            }
        }
        for (_, gate) in &gates {
            promptly("it is seen to", gate.pass()).await;
        }
        drop(blocked);
    });
}

/// Twenty rounds on five workers.
fn rounds(work: impl AsyncFn(&ActorSystem)) {
    (0..20).for_each(|_| on(5, &work));
}

#[test]
fn two_that_block_one_after_the_other_hold_up_no_third() {
    rounds(async |system| {
        let [first, second, third] = [clerk(system), clerk(system), clerk(system)];
        first.0.try_tell(Block).expect("there is room");
        second.0.try_tell(Block).expect("there is room");
        third.0.try_tell(Open).expect("there is room");
        promptly("the third is seen to", third.2.pass()).await;
    });
}

#[test]
fn one_that_blocks_after_others_were_seen_to_holds_up_nobody() {
    rounds(async |system| {
        let early = [clerk(system), clerk(system)];
        early.iter().for_each(|(actor, _, _)| actor.try_tell(Open).expect("there is room"));
        for (_, _, gate) in &early {
            promptly("it is seen to", gate.pass()).await;
        }
        let [first, second] = [clerk(system), clerk(system)];
        first.0.try_tell(Block).expect("there is room");
        second.0.try_tell(Open).expect("there is room");
        promptly("the second is seen to", second.2.pass()).await;
    });
}

#[test]
fn a_turn_that_sends_to_some_that_block_and_blocks_holds_up_the_last_alone() {
    rounds(async |system| {
        let [first, second, third, last] = [clerk(system), clerk(system), clerk(system), clerk(system)];
        let (actor, _hold, _) = clerk(system);
        let (blockers, others) = (vec![first.0.clone(), second.0.clone()], vec![third.0.clone(), last.0.clone()]);
        actor.try_tell(TellAndBlock { blockers, others }).expect("there is room");
        promptly("the third is seen to", third.2.pass()).await;
    });
}

#[test]
fn a_turn_that_blocks_holds_up_no_task_of_an_actor_that_the_turn_before_woke() {
    rounds(async |system| {
        let (first, gate) = (clerk(system), Gate::new());
        let busy = system.spawn(Busy { gate: gate.clone() });
        for _ in 0..4 {
            busy.tell(Poke).await.expect("it takes messages");
            promptly("it has been poked", gate.pass()).await;
        }
        let (sender, _, _) = clerk(system);
        sender.try_tell(SendTo { block: first.0.clone(), poke: busy }).expect("there is room");
        promptly("it has been poked once more", gate.pass()).await;
    });
}

#[test]
fn a_turn_that_blocks_holds_up_no_work_that_the_turn_before_began() {
    rounds(async |system| {
        let (first, sender, begun) = (clerk(system), clerk(system), Gate::new());
        sender.0.try_tell(BeginAndSend { block: first.0.clone(), begun: begun.clone() }).expect("there is room");
        promptly("the work is done", begun.pass()).await;
    });
}

#[test]
fn a_turn_that_blocks_holds_up_no_actor_that_began_in_the_turn_before() {
    rounds(async |system| {
        let (first, sender, begun) = (clerk(system), clerk(system), Gate::new());
        sender.0.try_tell(SpawnAndSend { block: first.0.clone(), begun: begun.clone() }).expect("there is room");
        promptly("it has been poked", begun.pass()).await;
    });
}

/// Says so when it begins, and fails when it is told to.
#[derive(Actor)]
struct Fragile {
    gate: Gate,
}

#[messages]
impl Fragile {
    #[started]
    fn begin(&self) {
        self.gate.open();
    }

    #[message]
    fn send_and_fail(&self, block: ActorRef<Clerk>) -> Result<(), Broken> {
        block.try_tell(Block).expect("there is room");
        Err(Broken("fragile"))
    }
}

#[test]
fn a_turn_that_blocks_holds_up_no_restart_of_one_that_failed_in_the_turn_before() {
    rounds(async |system| {
        let (first, begun) = (clerk(system), Gate::new());
        let held = begun.clone();
        let spec = ChildSpec::new("fragile", move || Fragile { gate: held.clone() });
        let sup = system.actor(Supervisor::new().child(spec)).name("sup").start().await.expect("it starts");
        promptly("it has begun", begun.pass()).await;
        let fragile = system.lookup::<Fragile>("/sup/fragile").expect("it is there");
        fragile.try_tell(SendAndFail { block: first.0.clone() }).expect("there is room");
        promptly("it has begun again", begun.pass()).await;
        drop((first, sup));
    });
}
