//! Requests by hand whose right to answer has been used before there is room for the message (S4.6, S4.7).

use actors_core::{Actor, ActorRef, ActorSystem, AskError, BoxError, Context, Protocol, ReplyTo, messages};
use tests::{Gate, Journal, eventually, promptly};

/// Notes what it handles, and asks itself where it is told to.
struct Counter(Journal);

enum Step {
    Add,
    Wait(Gate),
    AskItself,
}

impl Protocol for Counter {
    type Msg = Step;
}

impl Actor for Counter {
    async fn handle(&mut self, step: Step, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match step {
            Step::Add => self.0.note("added"),
            Step::Wait(gate) => gate.pass().await,
            Step::AskItself => {
                ctx.actor_ref().try_tell(Step::Add).map_err(|_| "refused").expect("there is room");
                self.0.note(match ctx.actor_ref().ask_with(answered).await {
                    Err(AskError::WouldDeadlock(deadlock)) => format!("{:?}", deadlock.cycle()),
                    other => format!("{:?}", other.map_err(|_| ())),
                });
            }
        }
        Ok(())
    }
}

/// Makes a message, and does something else with the right to answer.
type Make = fn(ReplyTo<u32>) -> Step;

fn answered(reply: ReplyTo<u32>) -> Step {
    reply.send(7);
    Step::Add
}

fn forgotten(reply: ReplyTo<u32>) -> Step {
    drop(reply);
    Step::Add
}

#[derive(Actor)]
struct Asker;

#[messages]
impl Asker {
    #[message]
    async fn ask(&self, counter: ActorRef<Counter>, make: Make) -> Option<u32> {
        said(counter.ask_with(make).await)
    }
}

fn said(answer: Result<u32, AskError<Step>>) -> Option<u32> {
    match answer {
        Ok(answer) => Some(answer),
        Err(AskError::NoReply { .. }) => None,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_before_the_message_has_room_waits_for_that() {
    for (make, says) in [(answered as Make, Some(7)), (forgotten, None)] {
        for asked_by_an_actor in [false, true] {
            let (system, journal, gate) = (ActorSystem::new("early"), Journal::new(), Gate::new());
            let counter = system.actor(Counter(journal.clone())).mailbox(1).spawn();
            counter.try_tell(Step::Wait(gate.clone())).expect("there is room");
            gate.reached().await;
            counter.try_tell(Step::Add).expect("there is room");
            let (asker, asked) = (system.spawn(Asker), counter.clone());
            let asking = tokio::spawn(async move {
                if asked_by_an_actor {
                    asker.ask(Ask { counter: asked, make }).await.expect("it answers")
                } else {
                    said(asked.ask_with(make).await)
                }
            });
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            assert!(!asking.is_finished(), "there is no room");

            gate.open();

            assert_eq!(promptly("the answer", asking).await.expect("it says"), says, "asked by an actor: {asked_by_an_actor}");
            eventually("both are handled", || journal.entries() == ["added", "added"]).await;
            system.shutdown().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_itself_so_without_room_is_told() {
    let (system, journal) = (ActorSystem::new("early"), Journal::new());
    let counter = system.actor(Counter(journal.clone())).name("counter").mailbox(1).spawn();

    counter.try_tell(Step::AskItself).map_err(|_| "refused").expect("there is room");

    eventually("it goes on", || journal.entries() == ["[/counter, /counter]", "added"]).await;
    system.shutdown().await;
}
