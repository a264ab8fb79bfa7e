//! Asking from a thread that may block (S4.6, S6.7).

use std::thread;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, Supervisor, messages};
use tests::{Broken, Gate, Journal, eventually, promptly};

/// Answers, or waits at its gate first.
#[derive(Actor)]
struct Oracle {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Oracle {
    #[message]
    fn say(&self) -> u8 {
        7
    }

    #[message]
    fn refuse(&self) -> Result<u8, Broken> {
        Err(Broken("no"))
    }

    #[message]
    async fn ponder(&self) {
        self.gate.pass().await;
    }

    /// Has a job ask it, which it cannot answer before it is over, and fails once the job waits.
    #[message]
    async fn fail_while_asked(&self, ctx: &mut Context<Self>) -> Result<(), Broken> {
        let (me, journal) = (ctx.actor_ref().clone(), self.journal.clone());
        drop(ctx.spawn_blocking(move |_stop| journal.note(format!("{:?}", me.blocking_ask(Say)))));
        let me = ctx.actor_ref().clone();
        eventually("the job asks", || me.queued() == 1).await;
        Err(Broken("out of cheese"))
    }
}

/// What comes of it on a thread of its own.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(work);
    promptly("the thread", tokio::task::spawn_blocking(move || thread.join())).await.expect("it runs").expect("it does not panic")
}

#[tokio::test]
async fn s4_6_a_thread_is_answered_and_told_what_went_wrong_as_a_task_is() {
    let system = ActorSystem::new("oracle");
    let oracle = system.actor(Oracle { gate: Gate::new(), journal: Journal::new() }).name("oracle").spawn();
    let asked = oracle.clone();

    let (said, refused) = on_a_thread(move || (asked.blocking_ask(Say), asked.blocking_ask(Refuse))).await;
    assert_eq!(said.expect("it answers"), 7);
    assert!(matches!(refused, Err(AskError::Failed(Broken("no")))));

    oracle.stop();
    promptly("its end", oracle.stopped()).await;
    let gone = on_a_thread(move || oracle.blocking_ask(Say)).await;
    assert!(gone.is_err_and(|error| error.is_not_running()));
    system.shutdown().await;
}

#[tokio::test]
async fn s4_6_a_thread_waits_no_longer_than_the_actors_ask_limit() {
    let (system, gate) = (ActorSystem::new("oracle"), Gate::new());
    let oracle = Oracle { gate: gate.clone(), journal: Journal::new() };
    let oracle = system.actor(oracle).ask_limit(std::time::Duration::from_millis(50)).spawn();

    let late = on_a_thread(move || oracle.blocking_ask(Ponder)).await;

    assert!(matches!(late, Err(AskError::TimedOutInHandler { .. })), "{late:?}");
    gate.open_wide();
    system.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s6_7_a_job_that_asks_its_own_actor_does_not_hold_up_the_next_life_of_it() {
    let (system, journal) = (ActorSystem::new("oracle"), Journal::new());
    let made = journal.clone();
    let spec = ChildSpec::new("oracle", move || Oracle { gate: Gate::new(), journal: made.clone() }).permanent();
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.expect("it starts");
    let oracle: ActorRef<Oracle> = system.lookup("/sup/oracle").expect("it is there");
    oracle.tell(FailWhileAsked).await.expect("it is open");

    eventually("the next life", || oracle.incarnation() == 1).await;

    assert_eq!(promptly("the answer", oracle.ask(Say)).await.expect("it answers"), 7);
    assert_eq!(journal.entries(), ["Err(TimedOutInQueue(/sup/oracle, Say, 0ns))"]);
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}
