//! Topics and pools: what is dropped is sent or not, as documented, and holds nobody up.

use std::time::Duration;

use actors_core::{Actor, AskError, PoolRef, Published, StartError, TellError, Topic, WorkerPool, messages};
use tests::{Gate, Journal};

use crate::cast::{Answer, Busy, Crash, Desk, Hold, Note, Ping, busy, wait_behind};
use crate::harness::{Cut, Fate, Life, Scene, World, cancel_at_every_await, promptly, settle};

// ===== a topic =====

struct Subscribed {
    topic: Topic<Note>,
    busy: Busy,
    other: Journal,
}

/// A topic with one subscriber that is full, and one that is not.
async fn subscribed(world: &World) -> Scene<Subscribed> {
    let busy = busy(world).await;
    let (desk, other, _) = Desk::new(world);
    let desk = world.system.spawn(desk);
    let topic = world.system.topic("notes");
    topic.subscribe(&busy.desk);
    topic.subscribe(&desk);
    let gate = busy.gate.clone();
    Scene { subject: Subscribed { topic, busy, other }, go_on: Box::new(move || gate.open()) }
}

#[test]
fn what_is_published_arrives_though_nobody_waits_for_that() {
    let check = async |world: &World, subscribed: Subscribed, fate: Fate<Published>| {
        let Subscribed { topic, busy, other } = subscribed;
        let mine = usize::from(fate.was_polled(1));
        assert!(fate.done().is_none_or(|published| published.delivered == 2));
        busy.gate.open_wide();
        let after = topic.publish_and_wait(Note { text: "after", life: world.life.clone() }, Duration::from_secs(5));
        assert_eq!(promptly("the next is published", after).await.delivered, 2);
        promptly("all is handled", busy.desk.ask(Ping { life: world.life.clone() })).await.unwrap();
        settle().await;
        assert_eq!((busy.journal.count("mine"), other.count("mine")), (mine, mine));
        assert_eq!((busy.journal.count("after"), other.count("after")), (1, 1));
    };
    let awaits = cancel_at_every_await(
        subscribed,
        |subscribed| {
            let mine = Note { text: "mine", life: subscribed.busy.life.clone() };
            Box::pin(subscribed.topic.publish_and_wait(mine, Duration::from_secs(5)))
        },
        check,
    );
    assert_eq!(awaits, 1);
}

// ===== a pool =====

struct Pool {
    workers: PoolRef<Desk>,
    journal: Journal,
    gate: Gate,
    life: Life,
}

impl Pool {
    fn note(&self) -> Note {
        Note { text: "mine", life: self.life.clone() }
    }

    fn answer(&self) -> Answer {
        Answer { text: "mine", life: self.life.clone() }
    }
}

/// A pool of so many workers, each with room for one message.
async fn pool(world: &World, workers: usize) -> Pool {
    let (journal, gate, life) = (Journal::new(), Gate::new(), world.life.clone());
    let (noted, gated) = (journal.clone(), gate.clone());
    let pool =
        WorkerPool::new(workers, move || Desk::at(&noted, &gated, &life)).each(|worker| worker.mailbox(1)).restarts(9, Duration::MAX);
    let pool = world.system.actor(pool).name("pool").start().await.expect("it starts");
    Pool { workers: pool.workers(), journal, gate, life: world.life.clone() }
}

/// A pool of one worker that is full, with one more who waits behind for room.
async fn full(world: &World) -> Scene<Pool> {
    let pool = pool(world, 1).await;
    let desk = pool.workers.pick().expect("there is one");
    desk.tell(Hold).await.expect("there is room");
    pool.gate.reached().await;
    desk.try_tell(Note { text: "before", life: world.life.clone() }).expect("there is room");
    let (gate, life) = (pool.gate.clone(), world.life.clone());
    let mut behind = Some(());
    let go_on = move || {
        if behind.take().is_some() {
            wait_behind(&desk, &life);
        }
        gate.open();
    };
    Scene { subject: pool, go_on: Box::new(go_on) }
}

async fn check_order(world: &World, pool: Pool, is_sent: bool) {
    pool.gate.open_wide();
    let after = pool.workers.ask(Answer { text: "after", life: world.life.clone() });
    promptly("an answer to the next", after).await.expect("it is answered");
    let expected: &[_] = if is_sent { &["before", "mine", "behind", "after"] } else { &["before", "behind", "after"] };
    assert_eq!(pool.journal.entries(), expected);
}

async fn check_told(world: &World, pool: Pool, fate: Fate<Result<(), TellError<Note>>>) {
    let is_sent = fate.done().map(|told| told.expect("there was room")).is_some();
    check_order(world, pool, is_sent).await;
}

#[test]
fn a_dropped_tell_to_a_pool_has_sent_nothing_and_passes_its_room_on() {
    assert_eq!(cancel_at_every_await(full, |pool| Box::pin(pool.workers.tell(pool.note())), check_told), 1);
}

#[test]
fn a_dropped_tell_by_key_has_sent_nothing_and_passes_its_room_on() {
    assert_eq!(cancel_at_every_await(full, |pool| Box::pin(pool.workers.tell_to("key", pool.note())), check_told), 1);
}

async fn check_asked(world: &World, pool: Pool, fate: Fate<Result<Life, AskError<Answer>>>) {
    let is_sent = fate.was_polled(2);
    drop(fate.done().map(|answer| answer.expect("it is answered")));
    check_order(world, pool, is_sent).await;
}

#[test]
fn a_dropped_ask_of_a_pool_is_not_sent_or_its_reply_is_discarded() {
    assert_eq!(cancel_at_every_await(full, |pool| Box::pin(pool.workers.ask(pool.answer())), check_asked), 2);
}

#[test]
fn a_dropped_ask_of_a_pool_with_a_limit_is_not_sent_or_its_reply_is_discarded() {
    let limit = Duration::from_secs(5);
    assert_eq!(cancel_at_every_await(full, |pool| Box::pin(pool.workers.ask_within(limit, pool.answer())), check_asked), 2);
}

#[test]
fn a_dropped_ask_by_key_is_not_sent_or_its_reply_is_discarded() {
    assert_eq!(cancel_at_every_await(full, |pool| Box::pin(pool.workers.ask_to("key", pool.answer())), check_asked), 2);
}

#[test]
fn a_dropped_ask_with_retries_is_not_sent_or_its_reply_is_discarded() {
    assert_eq!(cancel_at_every_await(full, |pool| Box::pin(pool.workers.ask_with_retries(3, pool.answer())), check_asked), 2);
}

#[test]
fn an_ask_with_retries_that_is_dropped_is_not_tried_again() {
    let set_up = async |world: &World| {
        let pool = pool(world, 1).await;
        Scene { subject: pool, go_on: Box::new(|| ()) }
    };
    let check = async |_: &World, pool: Pool, fate: Fate<Result<(), AskError<Crash>>>| {
        let tries = match &fate {
            Fate::Done(outcome) => {
                assert!(matches!(outcome, Err(AskError::Crashed { .. })));
                3
            }
            Fate::Dropped(Cut::Polled(polls) | Cut::Woken(polls)) => *polls,
        };
        let worker = pool.workers.pick().expect("it is restarted");
        promptly("an answer to the next", worker.ask(Ping { life: pool.life.clone() })).await.expect("it is answered");
        assert_eq!(worker.incarnation(), tries as u64);
    };
    let crash = |pool: &Pool| Crash { life: pool.life.clone() };
    let awaits = cancel_at_every_await(set_up, |pool| Box::pin(pool.workers.ask_with_retries(2, crash(pool))), check);
    assert_eq!(awaits, 3);
}

#[test]
fn a_dropped_broadcast_has_reached_those_who_had_room() {
    let set_up = async |world: &World| {
        let pool = pool(world, 2).await;
        let busy = pool.workers.all().remove(0);
        busy.tell(Hold).await.expect("there is room");
        pool.gate.reached().await;
        busy.try_tell(Note { text: "before", life: world.life.clone() }).expect("there is room");
        let gate = pool.gate.clone();
        Scene { subject: pool, go_on: Box::new(move || gate.open()) }
    };
    let check = async |world: &World, pool: Pool, fate: Fate<Vec<Result<(), TellError<Note>>>>| {
        let expected = if fate.is_done() { 2 } else { usize::from(fate.was_polled(1)) };
        assert!(fate.done().is_none_or(|told| told.len() == 2 && told.iter().all(Result::is_ok)));
        pool.gate.open_wide();
        for worker in pool.workers.all() {
            promptly("an answer to the next", worker.ask(Ping { life: world.life.clone() })).await.expect("it is answered");
        }
        assert_eq!(pool.journal.count("mine"), expected);
    };
    assert_eq!(cancel_at_every_await(set_up, |pool| Box::pin(pool.workers.broadcast(pool.note())), check), 1);
}

// ===== a pool whose workers start slowly =====

#[derive(Actor)]
struct Hand {
    starts: Gate,
    journal: Journal,
    _life: Life,
}

#[messages]
impl Hand {
    #[started]
    async fn begin(&mut self) {
        self.starts.pass().await;
    }

    #[message]
    fn jot(&mut self, text: &'static str) {
        self.journal.note(text);
    }
}

struct Crew {
    workers: PoolRef<Hand>,
    journal: Journal,
}

/// A pool of one worker, which starts when it is let go on.
async fn starting(world: &World) -> Scene<Crew> {
    let (starts, journal, life) = (Gate::new(), Journal::new(), world.life.clone());
    let (opens, noted) = (starts.clone(), journal.clone());
    let make = move || Hand { starts: starts.clone(), journal: noted.clone(), _life: life.clone() };
    let pool = world.system.actor(WorkerPool::new(1, make)).name("pool").spawn();
    Scene { subject: Crew { workers: pool.workers(), journal }, go_on: Box::new(move || opens.open()) }
}

#[test]
fn a_tell_that_is_dropped_while_the_pool_starts_has_sent_nothing() {
    let check = async |_: &World, crew: Crew, fate: Fate<Result<(), TellError<Jot>>>| {
        let expected: &[_] = if fate.done().is_some() { &["mine", "after"] } else { &["after"] };
        promptly("the next tell", crew.workers.tell(Jot { text: "after" })).await.expect("it is taken");
        settle().await;
        assert_eq!(crew.journal.entries(), expected);
    };
    assert_eq!(cancel_at_every_await(starting, |crew| Box::pin(crew.workers.tell(Jot { text: "mine" })), check), 1);
}

#[test]
fn a_resize_goes_on_though_nobody_awaits_it() {
    let set_up = async |world: &World| {
        let Scene { subject, mut go_on } = starting(world).await;
        go_on();
        settle().await;
        Scene { subject, go_on }
    };
    let check = async |_: &World, crew: Crew, fate: Fate<Result<(), StartError>>| {
        let expected = if fate.was_polled(1) { 2 } else { 1 };
        assert!(fate.done().is_none_or(|resized| resized.is_ok()));
        settle().await;
        assert_eq!(crew.workers.all().len(), expected);
        promptly("the next resize", crew.workers.resize(1)).await.expect("none is added");
        assert_eq!(crew.workers.all().len(), 1);
    };
    assert_eq!(cancel_at_every_await(set_up, |crew| Box::pin(crew.workers.resize(2)), check), 1);
}
