//! An actor that has nothing to do, and so no task, keeps what it is tied to.

use std::future::Future;
use std::task::{self, Waker};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, Exited, StopSignal, messages};
use tests::{Gate, Journal, promptly};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::A_WHILE;

/// It has no hooks.
#[derive(Actor)]
struct Sleeper;

#[messages]
impl Sleeper {
    #[message]
    fn nap(&self) {}

    #[message]
    fn signal(&self, ctx: &mut Context<Self>) -> StopSignal {
        ctx.stop_signal()
    }

    #[message]
    fn group_with(&self, other: ActorRef<Sleeper>, ctx: &mut Context<Self>) {
        let group = ctx.peer_group("two");
        group.join(ctx.actor_ref());
        group.join(&other);
    }
}

/// It hears of the ends of others.
#[derive(Actor)]
struct Listener {
    journal: Journal,
}

#[messages]
impl Listener {
    #[message]
    fn watch(&self, other: ActorRef<Sleeper>, ctx: &mut Context<Self>) {
        ctx.monitor(&other);
    }

    #[message]
    fn raise(&self, ctx: &mut Context<Self>) -> ActorRef<Sleeper> {
        ctx.spawn(Sleeper)
    }

    #[message]
    fn listen(&self) {}

    #[exited]
    fn hear(&self, exited: Exited) {
        self.journal.note(format!("told {}", exited.reason));
    }
}

/// Has it handle something, and then nothing for a while.
async fn send_to_sleep(sleeper: &ActorRef<Sleeper>) {
    sleeper.ask(Nap).await.expect("it answers");
    sleep(A_WHILE).await;
}

#[tokio::test(start_paused = true)]
async fn who_watches_an_actor_that_has_gone_idle_is_told_of_its_end_and_may_be_idle_itself() {
    let (system, journal) = (ActorSystem::new("idle"), Journal::new());
    let (sleeper, listener) = (system.spawn(Sleeper), system.spawn(Listener { journal: journal.clone() }));
    listener.ask(Watch { other: sleeper.clone() }).await.expect("it answers");
    send_to_sleep(&sleeper).await;

    sleeper.stop();
    sleep(A_WHILE).await;

    assert_eq!(journal.entries(), ["told normal"]);
    assert!(listener.is_alive());
}

/// Kills an actor when as many tasks as this have had their turn.
fn kill_after(tasks: u32, victim: ActorRef<Sleeper>) {
    tokio::spawn(async move {
        match tasks {
            0 => victim.kill(),
            _ => kill_after(tasks - 1, victim),
        }
    });
}

#[tokio::test(start_paused = true)]
async fn whoever_is_told_of_an_end_in_the_moment_in_which_its_task_is_to_go_hears_of_it() {
    const LINGER: Duration = Duration::from_secs(2);
    for (tasks, is_child) in (0..4).flat_map(|tasks| [(tasks, true), (tasks, false)]) {
        let (system, journal) = (ActorSystem::builder("idle").linger(LINGER).build(), Journal::new());
        let listener = system.spawn(Listener { journal: journal.clone() });
        let other = if is_child {
            listener.ask(Raise).await.expect("it answers")
        } else {
            let other = system.spawn(Sleeper);
            listener.ask(Watch { other: other.clone() }).await.expect("it answers");
            other
        };
        // It has a task once it has handled many, and that is told to go when it has been idle for twice this long.
        for _ in 0..40 {
            listener.ask(Listen).await.expect("it answers");
        }

        sleep(2 * LINGER).await;
        kill_after(tasks, other);
        sleep(A_WHILE).await;

        assert_eq!(journal.entries(), ["told killed"], "after {tasks}, child: {is_child}");
        system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_an_actor_that_has_gone_idle_holds_both_ways() {
    for kills in [0, 1] {
        let system = ActorSystem::new("idle");
        let both = [system.spawn(Sleeper), system.spawn(Sleeper)];
        both[0].link(&both[1]);
        for sleeper in &both {
            send_to_sleep(sleeper).await;
        }

        both[kills].kill();

        assert!(!promptly("the other falls", both[1 - kills].stopped()).await.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_holds_its_members_that_have_gone_idle() {
    let system = ActorSystem::new("idle");
    let (owner, other) = (system.spawn(Sleeper), system.spawn(Sleeper));
    owner.ask(GroupWith { other: other.clone() }).await.expect("it answers");
    send_to_sleep(&owner).await;
    send_to_sleep(&other).await;

    other.stop();

    assert_eq!(promptly("its peer ends", owner.stopped()).await, ExitReason::Shutdown);
}

/// A sleeper that somebody waits for, in one way only.
async fn awaited<F: Future + Send + 'static>(
    system: &ActorSystem,
    wait: impl FnOnce(StopSignal, ActorRef<Sleeper>) -> F,
) -> JoinHandle<F::Output>
where
    F::Output: Send,
{
    let sleeper = system.spawn(Sleeper);
    let signal = sleeper.ask(Signal).await.expect("it answers");
    let waiting = tokio::spawn(wait(signal, sleeper.clone()));
    sleep(Duration::from_millis(1)).await;
    send_to_sleep(&sleeper).await;
    sleeper.stop();
    waiting
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_stop_or_the_end_of_an_actor_hears_of_it_though_it_has_gone_idle() {
    let system = ActorSystem::new("idle");
    let stop = awaited(&system, |signal, _| async move { signal.stopping().await }).await;
    let cancelled = awaited(&system, |signal, _| async move { signal.token().cancelled().await }).await;
    let end = awaited(&system, |_, sleeper| async move { sleeper.stopped().await }).await;

    promptly("the signal", stop).await.expect("it does not panic");
    promptly("the token", cancelled).await.expect("it does not panic");
    assert_eq!(promptly("the end", end).await.expect("it does not panic"), ExitReason::Normal);
}

/// Starts when the gate lets it.
#[derive(Actor)]
struct Late {
    gate: Gate,
}

#[messages]
impl Late {
    #[started]
    async fn begin(&self) {
        self.gate.pass().await;
    }

    #[message]
    fn answer(&self) {}
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_waiting_takes_nobody_elses_place_though_it_has_gone_idle_meanwhile() {
    let (system, gate) = (ActorSystem::new("idle"), Gate::new());
    let late = system.spawn(Late { gate: gate.clone() });
    let mut early = Box::pin(late.stopped());
    assert!(early.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
    // All who wait are woken by the start, and this one does not look.
    gate.open();
    late.ask(Answer).await.expect("it answers");
    sleep(A_WHILE).await;
    let end = tokio::spawn({
        let late = late.clone();
        async move { late.stopped().await }
    });
    sleep(Duration::from_millis(1)).await;

    drop(early);
    late.stop();

    assert_eq!(promptly("the end", end).await.expect("it does not panic"), ExitReason::Normal);
}
