//! An actor that fell asleep while something of its own still ran beside it: its task goes all the same once that is over (S2.7).

use std::future::pending;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, messages};
use tests::{DropNote, Gate, Journal, eventually, promptly};
use tokio::runtime::Handle;
use tokio::time::sleep;

/// Its handlers never wait.
#[derive(Actor)]
struct Quick;

#[messages]
impl Quick {
    #[message]
    fn work(&self, time: Duration, ctx: &mut Context<Self>) {
        ctx.spawn_task(sleep(time));
    }

    #[message]
    fn block(&self, gate: Gate, ctx: &mut Context<Self>) {
        let runtime = Handle::current();
        ctx.spawn_blocking(move |_stop| runtime.block_on(gate.pass()));
    }

    #[message]
    fn ping(&self) -> u32 {
        7
    }

    #[message]
    fn work_with(&self, held: DropNote, ctx: &mut Context<Self>) {
        ctx.spawn_task(async move {
            let _held = held;
            pending::<()>().await;
        });
    }

    #[message]
    fn ring_later(&self, after: Duration, bell: Gate, ctx: &mut Context<Self>) {
        ctx.send_after(after, Ring { bell });
    }

    #[message]
    fn ring(&self, bell: Gate) {
        bell.open();
    }
}

/// One of its handlers waits.
#[derive(Actor)]
struct Patient;

#[messages]
impl Patient {
    #[message]
    async fn work_twice(&self, time: Duration, ctx: &mut Context<Self>) {
        ctx.spawn_task(sleep(time));
        sleep(time / 2).await;
        ctx.spawn_task(sleep(time));
    }

    #[message]
    fn toll_later(&self, after: Duration, bell: Gate, ctx: &mut Context<Self>) {
        ctx.send_after(after, Toll { bell });
    }

    #[message]
    fn toll(&self, bell: Gate) {
        bell.open();
    }
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn the_task_goes_when_the_helper_has_ended() {
    let system = ActorSystem::new("work");
    let (quick, patient) = (system.spawn(Quick), system.spawn(Patient));
    quick.tell(Work { time: Duration::from_secs(10) }).await.expect("it is open");
    patient.tell(WorkTwice { time: Duration::from_secs(10) }).await.expect("it is open");
    sleep(Duration::from_secs(5)).await;
    assert!(tasks() >= 4, "each has a task and a helper");

    sleep(HOUR).await;

    assert_eq!(tasks(), 0);
    assert_eq!(promptly("it answers", quick.ask(Ping)).await.expect("it answers"), 7);
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test]
async fn the_task_goes_when_the_job_has_ended() {
    let (system, gate) = (ActorSystem::builder("work").linger(Duration::from_millis(1)).build(), Gate::new());
    let quick = system.spawn(Quick);
    quick.tell(Block { gate: gate.clone() }).await.expect("it is open");
    gate.reached().await;
    eventually("it has nothing else to do", || quick.queued() == 0).await;

    gate.open_wide();

    eventually("no task is left", || tasks() == 0).await;
    assert!(system.shutdown().await.is_clean());
}

const LINGER: Duration = Duration::from_secs(2);

/// A system, and two who have a task that has just fallen asleep.
async fn two_asleep() -> (ActorSystem, ActorRef<Quick>, ActorRef<Patient>) {
    let (system, bell) = (ActorSystem::builder("work").linger(LINGER).build(), Gate::new());
    let (quick, patient) = (system.spawn(Quick), system.spawn(Patient));
    // One that never waits has a task once it has handled many.
    for _ in 0..40 {
        quick.ask(Ping).await.expect("it answers");
    }
    patient.tell(Toll { bell: bell.clone() }).await.expect("it is open");
    bell.pass().await;
    (system, quick, patient)
}

#[tokio::test(start_paused = true)]
async fn the_task_stays_for_what_was_begun_when_it_had_been_idle_for_a_moment() {
    let ((system, quick, patient), [one, two]) = (two_asleep().await, [Gate::new(), Gate::new()]);
    sleep(LINGER / 2).await;

    quick.tell(RingLater { after: LINGER * 4, bell: one.clone() }).await.expect("it is open");
    patient.tell(TollLater { after: LINGER * 4, bell: two.clone() }).await.expect("it is open");

    promptly("the timer of one", one.pass()).await;
    promptly("the timer of the other", two.pass()).await;
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_was_begun_when_its_actor_had_been_idle_for_a_moment_ends_with_it() {
    let ((system, quick, _patient), journal) = (two_asleep().await, Journal::new());
    sleep(LINGER / 2).await;
    quick.tell(WorkWith { held: journal.drop_note("dropped") }).await.expect("it is open");
    sleep(LINGER * 4).await;

    quick.stop();
    promptly("it ends", quick.stopped()).await;

    assert_eq!(journal.entries(), ["dropped"]);
    assert!(system.shutdown().await.is_clean());
}

/// Tells both when as many tasks as this have had their turn.
fn tell_after(tasks: u32, quick: ActorRef<Quick>, patient: ActorRef<Patient>, bells: [Gate; 2]) {
    tokio::spawn(async move {
        if tasks > 0 {
            return tell_after(tasks - 1, quick, patient, bells);
        }
        let [one, two] = bells;
        assert!(quick.try_tell(Ring { bell: one }).is_ok() && patient.try_tell(Toll { bell: two }).is_ok());
    });
}

#[tokio::test(start_paused = true)]
async fn what_is_told_in_the_moment_in_which_a_task_is_to_go_is_handled_and_the_task_goes_later() {
    for tasks_before in 0..4 {
        let ((system, quick, patient), [one, two]) = (two_asleep().await, [Gate::new(), Gate::new()]);
        sleep(LINGER * 2).await;

        tell_after(tasks_before, quick, patient, [one.clone(), two.clone()]);

        promptly("it is handled", one.pass()).await;
        promptly("it is handled by the other", two.pass()).await;
        sleep(LINGER * 3).await;
        assert_eq!(tasks(), 0, "after {tasks_before}");
        assert!(system.shutdown().await.is_clean());
    }
}
