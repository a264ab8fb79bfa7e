//! Asks that are dropped: before the mailbox has the request nothing was sent, later the reply is discarded.

use std::time::Duration;

use actors_core::{Actor, ActorRef, AskError, Asks, BoxError, Context, Protocol, ReplyTo, messages, test_kit};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tests::{Gate, Journal};

use crate::cast::{Answer, Busy, Ping, busy, wait_behind};
use crate::harness::{Cut, Fate, GoOn, Life, Scene, World, cancel_at_every_await, drive, promptly, settle};

// ===== one ask =====

/// A desk that is full, with one more who waits behind the ask for room.
async fn full(world: &World) -> Scene<Busy> {
    let busy = busy(world).await;
    let (desk, gate, life) = (busy.desk.clone(), busy.gate.clone(), busy.life.clone());
    let mut behind = Some(());
    let go_on = move || {
        if behind.take().is_some() {
            wait_behind(&desk, &life);
        }
        gate.open();
    };
    Scene { subject: busy, go_on: Box::new(go_on) }
}

async fn check_ask<E: std::fmt::Debug>(world: &World, busy: Busy, fate: Fate<Result<Life, E>>) {
    busy.gate.open_wide();
    // Polled once it waits for room, polled twice its request is in the mailbox.
    let expected: &[_] = if fate.was_polled(2) { &["before", "mine", "behind", "after"] } else { &["before", "behind", "after"] };
    if let Some(answer) = fate.done() {
        answer.expect("it is answered");
    }
    let after = busy.desk.ask(Answer { text: "after", life: world.life.clone() });
    promptly("an answer to the next", after).await.expect("it is answered");
    assert_eq!(busy.journal.entries(), expected);
}

fn mine(busy: &Busy) -> Answer {
    Answer { text: "mine", life: busy.life.clone() }
}

#[test]
fn a_dropped_ask_is_not_sent_or_its_reply_is_discarded() {
    assert_eq!(cancel_at_every_await(full, |busy| Box::pin(busy.desk.ask(mine(busy))), check_ask), 2);
}

#[test]
fn a_dropped_ask_with_a_limit_is_not_sent_or_its_reply_is_discarded() {
    assert_eq!(cancel_at_every_await(full, |busy| Box::pin(busy.desk.ask(mine(busy)).within(Duration::from_secs(5))), check_ask), 2);
}

/// A desk whose messages are an enum of its author's.
struct ByHand {
    journal: Journal,
    gate: Gate,
}

enum Request {
    Hold,
    Answer(&'static str, Life, ReplyTo<Life>),
}

impl Protocol for ByHand {
    type Msg = Request;
}

impl Actor for ByHand {
    async fn handle(&mut self, request: Request, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match request {
            Request::Hold => self.gate.pass().await,
            Request::Answer(text, life, reply) => {
                self.journal.note(text);
                self.gate.pass().await;
                reply.send(life);
            }
        }
        Ok(())
    }
}

struct Hand {
    actor: ActorRef<ByHand>,
    journal: Journal,
    gate: Gate,
    life: Life,
}

#[test]
fn a_dropped_ask_with_a_message_of_ones_own_is_not_sent_or_its_reply_is_discarded() {
    let set_up = async |world: &World| {
        let (journal, gate) = (Journal::new(), Gate::new());
        let actor = world.system.actor(ByHand { journal: journal.clone(), gate: gate.clone() }).mailbox(1).spawn();
        actor.tell(Request::Hold).await.expect("there is room");
        gate.reached().await;
        actor.try_tell(Request::Hold).expect("there is room");
        let opens = gate.clone();
        // Two stand before the request.
        let go_on = move || (0..2).for_each(|_| opens.open());
        Scene { subject: Hand { actor, journal, gate, life: world.life.clone() }, go_on: Box::new(go_on) }
    };
    let check = async |world: &World, hand: Hand, fate: Fate<Result<Life, _>>| {
        hand.gate.open_wide();
        let expected: &[_] = if fate.was_polled(2) { &["mine", "after"] } else { &["after"] };
        drop(fate.done().map(|answer| answer.expect("it is answered")));
        let life = world.life.clone();
        promptly("the next", hand.actor.ask_with(|reply| Request::Answer("after", life, reply))).await.expect("it is answered");
        assert_eq!(hand.journal.entries(), expected);
    };
    let awaits = cancel_at_every_await(
        set_up,
        |hand| {
            let life = hand.life.clone();
            Box::pin(hand.actor.ask_with(|reply| Request::Answer("mine", life, reply)))
        },
        check,
    );
    assert_eq!(awaits, 2);
}

// ===== an ask in a handler =====

/// One of two who ask each other.
#[derive(Actor)]
struct Peer {
    gate: Gate,
}

#[messages]
impl Peer {
    /// Waits at the gate.
    #[message]
    async fn pass(&mut self) {
        self.gate.pass().await;
    }

    /// Asks the other, drops that, and stays in the handler until the gate is opened.
    #[message]
    async fn ask_and_drop(&mut self, other: ActorRef<Peer>, cut: Cut, opens: Gate) -> bool {
        // Two stand before what is asked.
        let mut go_on: GoOn = Box::new(move || (0..2).for_each(|_| opens.open()));
        let done = drive(other.ask(Pass), cut, &mut go_on).await.is_done();
        self.gate.pass().await;
        done
    }

    /// Asks the other, who must not be taken to wait for this one.
    #[message]
    async fn ask_back(&mut self, other: ActorRef<Peer>) -> bool {
        other.ask(Greet).await.is_ok()
    }

    #[message]
    fn greet(&mut self) {}
}

#[test]
fn an_ask_that_is_dropped_in_a_handler_is_not_waited_for_any_more() {
    for cut in [Cut::Polled(0), Cut::Polled(1), Cut::Woken(1), Cut::Polled(2), Cut::Woken(2), Cut::Polled(3)] {
        test_kit::run(async |system| {
            let (mine, others) = (Gate::new(), Gate::new());
            let me = system.spawn(Peer { gate: mine.clone() });
            let other = system.actor(Peer { gate: others.clone() }).mailbox(1).spawn();
            // The other's mailbox is full at first.
            other.tell(Pass).await.unwrap();
            others.reached().await;
            other.tell(Pass).await.unwrap();
            let asking = tokio::spawn({
                let (me, other, opens) = (me.clone(), other.clone(), others.clone());
                async move { me.ask(AskAndDrop { other, cut, opens }).await }
            });
            promptly("the ask is dropped, or answered", mine.reached()).await;
            others.open_wide();

            let back = tokio::spawn({
                let (me, other) = (me.clone(), other.clone());
                async move { other.ask(AskBack { other: me }).await }
            });
            settle().await;
            mine.open();

            assert!(promptly("an answer", back).await.unwrap().unwrap(), "no cycle: {cut:?}");
            assert_eq!(promptly("the end of the handler", asking).await.unwrap().unwrap(), cut == Cut::Polled(3), "{cut:?}");
        });
    }
}

// ===== many asks =====

struct Many {
    asks: Asks<'static, &'static str, Life, AskError<Answer>>,
    left: Busy,
    right: Busy,
}

/// Asks to two desks that hold, and that are let go one after the other.
async fn many(world: &World) -> Scene<Many> {
    let (left, right) = (busy(world).await, busy(world).await);
    let mut asks = Asks::new();
    for (label, busy) in [("left", &left), ("right", &right)] {
        let (desk, life) = (busy.desk.clone(), world.life.clone());
        asks.add(label, async move { desk.ask(Answer { text: "mine", life }).await });
    }
    let gates = [left.gate.clone(), right.gate.clone()];
    let mut turn = 0;
    let go_on = move || {
        // One to be free, one for the answer.
        gates[turn / 2 % 2].open();
        turn += 1;
    };
    Scene { subject: Many { asks, left, right }, go_on: Box::new(go_on) }
}

/// Both desks answer again, and hold nothing.
async fn check_desks(world: &World, left: &Busy, right: &Busy) {
    for busy in [left, right] {
        promptly("an answer to the next", busy.desk.ask(Ping { life: world.life.clone() })).await.expect("it is answered");
    }
}

#[test]
fn waiting_for_the_next_of_many_asks_takes_nothing_when_it_is_dropped() {
    let check = async |world: &World, mut many: Many, fate: Fate<Option<(&str, _)>>| {
        many.left.gate.open_wide();
        many.right.gate.open_wide();
        let mut came: Vec<_> = fate.done().flatten().map(|(label, _)| label).into_iter().collect();
        while let Some((label, answer)) = promptly("the rest", many.asks.next()).await {
            drop(answer.expect("it is answered"));
            came.push(label);
        }
        came.sort_unstable();
        assert_eq!(came, ["left", "right"]);
        check_desks(world, &many.left, &many.right).await;
    };
    let awaits = cancel_at_every_await(
        many,
        // The set keeps the waker of whoever awaited it last. The set around it has wakers of its own.
        |many| Box::pin(async { FuturesUnordered::from_iter([many.asks.next()]).next().await.flatten() }),
        check,
    );
    assert!(awaits >= 2);
}

#[test]
fn joining_many_asks_gives_them_up_when_it_is_dropped() {
    let check = async |world: &World, many: Many, fate: Fate<Vec<(&str, Result<Life, _>)>>| {
        many.left.gate.open_wide();
        many.right.gate.open_wide();
        if let Some(all) = fate.done() {
            assert_eq!(
                all.into_iter().map(|(label, answer)| (label, answer.is_ok())).collect::<Vec<_>>(),
                [("left", true), ("right", true)]
            );
        }
        check_desks(world, &many.left, &many.right).await;
    };
    assert!(cancel_at_every_await(many, |many| Box::pin(std::mem::take(&mut many.asks).join()), check) >= 4);
}

#[test]
fn waiting_for_the_first_of_many_asks_gives_them_up_when_it_is_dropped() {
    let check = async |world: &World, many: Many, fate: Fate<Result<(&str, Life), _>>| {
        many.left.gate.open_wide();
        many.right.gate.open_wide();
        if let Some(first) = fate.done() {
            assert_eq!(first.expect("one answers").0, "left");
        }
        check_desks(world, &many.left, &many.right).await;
    };
    assert!(cancel_at_every_await(many, |many| Box::pin(std::mem::take(&mut many.asks).first()), check) >= 2);
}
