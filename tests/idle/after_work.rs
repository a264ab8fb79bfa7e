//! An actor that fell asleep while something of its own still ran beside it: its task goes all the same once that is over (S2.7).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, messages};
use tests::{Gate, eventually, promptly};
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

#[tokio::test(start_paused = true)]
async fn the_task_stays_for_what_was_begun_when_it_had_been_idle_for_a_moment() {
    const LINGER: Duration = Duration::from_secs(2);
    let system = ActorSystem::builder("work").linger(LINGER).build();
    let (quick, patient) = (system.spawn(Quick), system.spawn(Patient));
    let [one, two] = [Gate::new(), Gate::new()];
    // One that never waits has a task once it has handled many.
    for _ in 0..40 {
        quick.ask(Ping).await.expect("it answers");
    }
    patient.ask(Toll { bell: two.clone() }).await.expect("it answers");
    two.pass().await;
    sleep(LINGER / 2).await;

    quick.tell(RingLater { after: LINGER * 4, bell: one.clone() }).await.expect("it is open");
    patient.tell(TollLater { after: LINGER * 4, bell: two.clone() }).await.expect("it is open");

    promptly("the timer of one", one.pass()).await;
    promptly("the timer of the other", two.pass()).await;
    assert!(system.shutdown().await.is_clean());
}
