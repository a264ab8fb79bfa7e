//! A tell that waits for room at an actor that waits for the teller (S4.7).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, Recipient, ReplyTo, Tell, TellError, messages};
use futures_util::poll;
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::task::JoinHandle;

use crate::cast::settle;

/// Has room for one message, and reports to those who ask it to work.
#[derive(Actor, Default)]
#[actor(mailbox = 1)]
struct Node(Journal);

#[derive(Debug, PartialEq)]
struct Progress(u32);

#[messages]
impl Node {
    #[handle]
    fn on(&self, progress: Progress) {
        self.0.note(format!("progress {}", progress.0));
    }

    #[message]
    fn rest(&self) {}

    /// Has `other` work, and report here.
    #[message]
    async fn order(&self, other: ActorRef<Node>, reports: u32, ctx: &mut Context<Self>) -> String {
        shown(other.ask(Work { to: ctx.actor_ref().clone(), reports }).await)
    }

    /// As `order`, by way of `between`.
    #[message]
    async fn order_by(&self, between: ActorRef<Node>, other: ActorRef<Node>, ctx: &mut Context<Self>) -> String {
        shown(between.ask(PassOn { other, to: ctx.actor_ref().clone() }).await)
    }

    #[message]
    async fn pass_on(&self, other: ActorRef<Node>, to: ActorRef<Node>) -> String {
        shown(other.ask(Work { to, reports: 2 }).await)
    }

    /// Reports as long as that is taken.
    #[message]
    async fn work(&self, to: ActorRef<Node>, reports: u32) -> String {
        for n in 0..reports {
            if let Err(refused) = to.tell(Progress(n)).await {
                return back(refused);
            }
        }
        "done".to_owned()
    }

    #[message]
    async fn work_for_any(&self, to: Recipient<Progress>, reply: ReplyTo<String>) {
        let _ = to.try_tell(Progress(0));
        let told = to.tell(Progress(1)).within(Duration::from_secs(60)).await;
        reply.send(told.map_or_else(back, |()| "done".to_owned()));
    }

    #[message]
    async fn order_for_any(&self, other: ActorRef<Node>, ctx: &mut Context<Self>) -> String {
        shown(other.ask(WorkForAny { to: ctx.actor_ref().recipient() }).await)
    }

    /// Answers first, and reports then.
    #[message]
    async fn answer_and_work(&self, to: ActorRef<Node>, reply: ReplyTo<String>) {
        reply.send("done".to_owned());
        for n in 0..3 {
            to.tell(Progress(n)).await.expect("whoever has its answer goes on");
        }
    }

    #[message]
    async fn order_answered_first(&self, other: ActorRef<Node>, ctx: &mut Context<Self>) -> String {
        shown(other.ask(AnswerAndWork { to: ctx.actor_ref().clone() }).await)
    }

    /// Waits at the gate, and then tells.
    #[message]
    async fn push(&self, gate: Gate, to: ActorRef<Node>) -> String {
        gate.pass().await;
        to.tell(Progress(0)).await.map_or_else(back, |()| "done".to_owned())
    }

    /// Waits at the gate, and then asks.
    #[message]
    async fn call(&self, gate: Gate, other: ActorRef<Node>) -> String {
        gate.pass().await;
        shown(other.ask(Rest).await.map(|()| "answered".to_owned()))
    }

    /// Begins a tell that waits, and has a helper go on with it.
    #[message]
    async fn hand_on(&self, to: ActorRef<Node>, ctx: &mut Context<Self>, reply: ReplyTo<()>) {
        let (to, journal): (&'static ActorRef<Node>, _) = (Box::leak(Box::new(to)), self.0.clone());
        let mut tell: Tell<'static, ActorRef<Node>, Progress> = to.tell(Progress(7));
        assert!(poll!(&mut tell).is_pending(), "there is no room");
        reply.send(());
        ctx.spawn_task(async move { journal.note(tell.await.map_or_else(back, |()| "handed on".to_owned())) });
        // The handler goes on for a while, as does the helper.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn back(refused: TellError<Progress>) -> String {
    format!("{:?} {}", refused.reason(), refused.into_message().0)
}

fn shown<M>(outcome: Result<String, AskError<M>>) -> String {
    match outcome {
        Err(AskError::WouldDeadlock(deadlock)) => deadlock.cycle().iter().map(ToString::to_string).collect::<Vec<_>>().join(" > "),
        Err(other) => other.to_string(),
        Ok(answer) => answer,
    }
}

fn nodes<const N: usize>(system: &ActorSystem, names: [&str; N]) -> ([ActorRef<Node>; N], Journal) {
    let journal = Journal::new();
    (names.map(|name| system.actor(Node(journal.clone())).name(name).spawn()), journal)
}

#[tokio::test(start_paused = true)]
async fn whoever_reports_to_its_asker_is_told_when_that_one_has_no_room() {
    let system = ActorSystem::new("test");
    let ([a, b], journal) = nodes(&system, ["a", "b"]);

    let answer = promptly("the answer", a.ask(Order { other: b, reports: 3 })).await.unwrap();

    assert_eq!(answer, "WouldDeadlock 1", "the second comes back");
    eventually("the first is handled", || journal.entries() == ["progress 0"]).await;
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn so_is_one_who_knows_only_a_recipient() {
    let system = ActorSystem::new("test");
    let ([a, b], _) = nodes(&system, ["a", "b"]);

    assert_eq!(promptly("the answer", a.ask(OrderForAny { other: b })).await.unwrap(), "WouldDeadlock 1");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn so_is_one_who_was_asked_by_way_of_another() {
    let system = ActorSystem::new("test");
    let ([a, b, c], _) = nodes(&system, ["a", "b", "c"]);

    assert_eq!(promptly("the answer", a.ask(OrderBy { between: b, other: c })).await.unwrap(), "WouldDeadlock 1");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_one_who_waits_for_room_is_told() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let ([a, b], journal) = nodes(&system, ["a", "b"]);
    let calls = tokio::spawn(a.clone().ask_in_task(Call { gate: gate.clone(), other: b.clone() }));
    gate.reached().await;
    a.try_tell(Progress(1)).unwrap();
    let open = Gate::new();
    open.open_wide();
    let pushes = tokio::spawn(b.clone().ask_in_task(Push { gate: open, to: a.clone() }));
    tokio::time::sleep(Duration::from_millis(1)).await;

    gate.open();

    assert_eq!(promptly("the asker", calls).await.unwrap(), "/a > /b > /a");
    assert_eq!(promptly("the teller goes on", pushes).await.unwrap(), "done");
    eventually("both are handled", || journal.entries() == ["progress 1", "progress 0"]).await;
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_that_wait_for_room_at_each_other_one_is_told() {
    let (system, gates) = (ActorSystem::new("test"), [Gate::new(), Gate::new()]);
    let ([a, b], _) = nodes(&system, ["a", "b"]);
    let first = tokio::spawn(a.clone().ask_in_task(Push { gate: gates[0].clone(), to: b.clone() }));
    let second = tokio::spawn(b.clone().ask_in_task(Push { gate: gates[1].clone(), to: a.clone() }));
    for (gate, node) in gates.iter().zip([&a, &b]) {
        gate.reached().await;
        node.try_tell(Progress(1)).unwrap();
    }

    gates[0].open();
    tokio::time::sleep(Duration::from_millis(1)).await;
    gates[1].open();

    assert_eq!(promptly("the second", second).await.unwrap(), "WouldDeadlock 0");
    assert_eq!(promptly("the first", first).await.unwrap(), "done");
    system.shutdown().await;
}

/// As `ask`, for a task of its own.
trait AskInTask {
    async fn ask_in_task<M: Send + 'static>(self, message: M) -> String
    where
        Node: actors_core::Accepts<M, Reply = String, Error = std::convert::Infallible>;
}

impl AskInTask for ActorRef<Node> {
    async fn ask_in_task<M: Send + 'static>(self, message: M) -> String
    where
        Node: actors_core::Accepts<M, Reply = String, Error = std::convert::Infallible>,
    {
        self.ask(message).await.expect("it answers")
    }
}

// ===== no cycle =====

#[tokio::test(start_paused = true)]
async fn whoever_has_answered_waits_for_room_at_its_asker() {
    let system = ActorSystem::new("test");
    let ([a, b], journal) = nodes(&system, ["a", "b"]);

    assert_eq!(promptly("the answer", a.ask(OrderAnsweredFirst { other: b })).await.unwrap(), "done");

    eventually("all are handled", || journal.entries() == ["progress 0", "progress 1", "progress 2"]).await;
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_tell_that_a_helper_carries_on_is_in_no_cycle() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let ([a, b], journal) = nodes(&system, ["a", "b"]);
    let calls = tokio::spawn(a.clone().ask_in_task(Call { gate: gate.clone(), other: b.clone() }));
    gate.reached().await;
    a.try_tell(Progress(1)).unwrap();
    b.ask(HandOn { to: a.clone() }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;

    gate.open();

    assert_eq!(promptly("the asker", calls).await.unwrap(), "answered");
    eventually("all is handled", || journal.len() == 3).await;
    assert!(journal.entries().contains(&"handed on".to_owned()));
    system.shutdown().await;
}

/// `a`, whose next message has it ask `b`, which waits for room at `a`, behind an outsider if there is one; and what has `a` go on.
async fn asks_next(system: &ActorSystem, is_behind: bool) -> (Journal, Gate, [JoinHandle<String>; 2]) {
    let ([a, b, c], journal) = nodes(system, ["a", "b", "c"]);
    let (gate, open) = (Gate::new(), Gate::new());
    open.open_wide();
    let first = tokio::spawn(a.clone().ask_in_task(Push { gate: gate.clone(), to: c }));
    gate.reached().await;
    let calls = tokio::spawn(a.clone().ask_in_task(Call { gate: open.clone(), other: b.clone() }));
    settle().await;
    if is_behind {
        let a = a.clone();
        tokio::spawn(async move { a.tell(Progress(9)).await });
        settle().await;
    }
    let pushes = tokio::spawn(b.ask_in_task(Push { gate: open, to: a }));
    settle().await;
    drop(first);
    (journal, gate, [calls, pushes])
}

#[tokio::test(start_paused = true)]
async fn whoever_was_granted_room_waits_no_more_though_it_has_not_used_it() {
    let system = ActorSystem::new("test");
    let (journal, gate, [calls, pushes]) = asks_next(&system, false).await;

    gate.open();

    assert_eq!(promptly("the asker", calls).await.unwrap(), "answered");
    assert_eq!(promptly("the teller", pushes).await.unwrap(), "done");
    eventually("both are handled", || journal.len() == 2).await;
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_behind_one_that_was_granted_room_still_waits() {
    let system = ActorSystem::new("test");
    let (journal, gate, [calls, pushes]) = asks_next(&system, true).await;

    gate.open();

    assert_eq!(promptly("the asker", calls).await.unwrap(), "/a > /b > /a");
    assert_eq!(promptly("the teller", pushes).await.unwrap(), "done");
    eventually("all are handled", || journal.len() == 3).await;
    system.shutdown().await;
}

/// Whatever comes first: the ask, the tell, or the room.
#[test]
fn of_those_who_ask_and_tell_each_other_none_hangs() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("test");
        let ([a, b], _) = nodes(&system, ["a", "b"]);
        for round in 0..200 {
            let open = Gate::new();
            open.open_wide();
            let flood = (0..4).map(|n| {
                let (from, to) = if n % 2 == 0 { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
                let open = open.clone();
                match (n + round) % 3 {
                    0 => tokio::spawn(from.ask_in_task(Order { other: to, reports: 3 })),
                    1 => tokio::spawn(from.ask_in_task(Push { gate: open, to })),
                    _ => tokio::spawn(from.ask_in_task(Call { gate: open, other: to })),
                }
            });
            for one in flood.collect::<Vec<_>>() {
                promptly("no hang", one).await.unwrap();
            }
        }
        assert!(promptly("the report", system.shutdown()).await.is_clean());
    });
}

/// One report fits in, whatever the asker's thread has done by then.
#[test]
fn where_there_is_room_nobody_is_told() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("test");
        let ([a, b], _) = nodes(&system, ["a", "b"]);
        for _ in 0..500 {
            let answer = promptly("the answer", a.ask(Order { other: b.clone(), reports: 1 })).await.unwrap();
            assert_eq!(answer, "done");
            promptly("its turn", a.ask(Rest)).await.unwrap();
        }
        system.shutdown().await;
    });
}
