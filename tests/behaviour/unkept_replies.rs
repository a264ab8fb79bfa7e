//! Messages that do not keep the right to answer that comes with them: whoever asked is told, and nothing is locked meanwhile.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, BoxError, Context, Protocol, ReplyTo, messages};
use tests::{Gate, promptly};
use tokio::runtime::Runtime;

/// How long a thread that never comes back is waited for.
const LONG: Duration = Duration::from_secs(4);

/// An actor that is asked with its own messages, which nobody can answer.
struct Counter;

enum Step {
    Add,
    Wait(Gate),
}

impl Protocol for Counter {
    type Msg = Step;
}

impl Actor for Counter {
    async fn handle(&mut self, step: Step, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match step {
            Step::Add => {}
            Step::Wait(gate) => gate.pass().await,
        }
        Ok(())
    }
}

/// Passes on what it is asked.
#[derive(Actor)]
struct Clerk(ActorRef<Counter>);

#[messages]
impl Clerk {
    #[message]
    fn pass(&mut self, reply: ReplyTo<()>) {
        self.0.forward(Step::Add, reply).map_err(|_| "refused").expect("there is room");
    }

    #[message]
    fn answer_for_one_that_has_stopped(&mut self, reply: ReplyTo<()>) {
        let refused = self.0.forward(Step::Add, reply).expect_err("it has stopped");
        let (_, reply) = refused.into_message();
        reply.send(());
    }
}

/// A waker of the user's own, which looks into the mailbox.
struct Curious(ActorRef<Counter>);

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        self.0.queued();
    }
}

/// Has a thread work for a system, and says what came of it. If the thread is stuck, the system and its runtime would get stuck in the
/// same place, so they are left as they are.
fn unless_stuck<Work>(prepare: impl FnOnce(&ActorSystem) -> Work) -> bool
where
    Work: FnOnce() -> bool + Send + 'static,
{
    let runtime = Runtime::new().expect("there is one");
    let entered = runtime.enter();
    let system = ActorSystem::new("unkept");
    let (work, (done, answer)) = (prepare(&system), channel());
    thread::spawn(move || _ = done.send(work()));
    let answer = answer.recv_timeout(LONG);
    if answer.is_ok() {
        runtime.block_on(system.shutdown());
    } else {
        std::mem::forget(system);
        drop(entered);
        runtime.shutdown_background();
    }
    answer.expect("the thread comes back")
}

#[test]
fn a_waker_that_looks_into_the_mailbox_is_not_called_while_that_takes_the_message() {
    let is_told = unless_stuck(|system| {
        let counter = system.spawn(Counter);
        move || {
            let waker = Waker::from(Arc::new(Curious(counter.clone())));
            let mut ask = pin!(counter.ask(Step::Add));
            let polled = ask.as_mut().poll(&mut TaskContext::from_waker(&waker));
            matches!(polled, Poll::Ready(Err(AskError::NoReply { .. })))
        }
    });
    assert!(is_told, "the asker is told at once");
}

#[test]
fn nor_is_it_where_a_request_is_passed_on() {
    let is_told = unless_stuck(|system| {
        let counter = system.spawn(Counter);
        let clerk = system.spawn(Clerk(counter.clone()));
        move || {
            let waker = Waker::from(Arc::new(Curious(counter)));
            let mut ask = pin!(clerk.ask(Pass));
            loop {
                match ask.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                    Poll::Ready(answer) => return matches!(answer, Err(AskError::NoReply { .. })),
                    Poll::Pending => thread::yield_now(),
                }
            }
        }
    });
    assert!(is_told, "the asker is told");
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_one_that_passes_it_on_is_woken() {
    let system = ActorSystem::new("unkept");
    let clerk = system.spawn(Clerk(system.spawn(Counter)));

    let told = promptly("the news", clerk.ask(Pass)).await;

    assert!(matches!(told, Err(AskError::NoReply { .. })), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn so_is_who_asked_one_that_could_not_pass_it_on_and_answers_itself() {
    let system = ActorSystem::new("unkept");
    let counter = system.spawn(Counter);
    let clerk = system.spawn(Clerk(counter.clone()));
    counter.stop();
    counter.stopped().await;

    promptly("the answer", clerk.ask(AnswerForOneThatHasStopped)).await.expect("it answers");
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_room_is_told_as_soon_as_the_message_is_in() {
    let system = ActorSystem::new("unkept");
    let counter = system.actor(Counter).mailbox(1).spawn();
    let gate = Gate::new();
    counter.tell(Step::Wait(gate.clone())).await.expect("there is room");
    tests::eventually("the first is in hand", || counter.queued() == 0).await;
    counter.tell(Step::Add).await.expect("there is room");
    let mut ask = pin!(counter.ask(Step::Add));
    assert!(tests::is_pending(ask.as_mut()).await, "there is no room");
    gate.open();
    let answer = tests::promptly("the answer", ask).await;
    assert!(matches!(answer, Err(AskError::NoReply { .. })), "{answer:?}");
    system.shutdown().await;
}
