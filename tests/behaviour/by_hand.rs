//! Actors written by hand, whose own protocol panics: that is one message's failure, and nobody else's.

use std::convert::Infallible;
use std::time::Duration;

use actors_core::{
    Accepts, Actor, ActorRef, ActorSystem, BoxError, ChildSpec, Context, DeadReason, ExitReason, Hooks, Protocol, ReplyTo, Supervisor,
};
use tests::{Gate, Journal, eventually, promptly};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

/// Less than the time after which anything else would wake an actor.
const SOON: Duration = Duration::from_secs(1);

/// What is asked of it, and what goes wrong before it is handled.
enum Order {
    Note(u32),
    BadTag(Heavy),
    NoTag,
    BadDeadline(Heavy),
    Noted(ReplyTo<u32>),
    Wait(Gate),
}

/// Its destructor is noted, and panics.
struct Heavy(Journal);

impl Drop for Heavy {
    fn drop(&mut self) {
        self.0.note("dropped");
        panic!("too heavy");
    }
}

/// It notes what it is told, one life like the other. `KIND` says how its handlers run: 0 as those that may wait, 1 without a wait, 2
/// in turns.
struct Noter<const KIND: u8>(Journal);

impl<const KIND: u8> Protocol for Noter<KIND> {
    type Msg = Order;
    const MESSAGES: &'static [&'static str] = &["Note", "BadTag", "NoTag", "BadDeadline", "Noted", "Wait"];

    fn tag(order: &Order) -> u16 {
        match order {
            Order::Note(_) => 0,
            Order::BadTag(_) | Order::NoTag => panic!("no tag"),
            Order::BadDeadline(_) => 3,
            Order::Noted(_) => 4,
            Order::Wait(_) => 5,
        }
    }

    fn deadline(order: &Order) -> Option<Instant> {
        match order {
            Order::BadDeadline(_) => panic!("no deadline"),
            _ => None,
        }
    }
}

impl<const KIND: u8> Actor for Noter<KIND> {
    const HOOKS: Hooks = Hooks::NONE;
    const AT_ONCE: bool = KIND > 0;
    const TAKES_TURNS: bool = KIND > 1;

    async fn handle(&mut self, order: Order, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match order {
            Order::Note(n) => self.0.note(n.to_string()),
            Order::BadTag(heavy) | Order::BadDeadline(heavy) => heavy.0.note("handled"),
            Order::NoTag => self.0.note("handled"),
            Order::Noted(reply) => reply.send(self.0.len() as u32),
            Order::Wait(gate) => gate.pass().await,
        }
        Ok(())
    }
}

/// Messages between two that are good, all there before the first is handled; the actor has handled a few before.
async fn is_met_once<const KIND: u8>(bad: fn(Heavy) -> Order, complaint: &str) {
    let system = ActorSystem::new("by hand");
    let journal = Journal::new();
    let noter = ChildSpec::new("noter", {
        let journal = journal.clone();
        move || Noter::<KIND>(journal.clone())
    });
    system.actor(Supervisor::new().restarts(2, Duration::from_secs(5)).child(noter)).name("sup").start().await.unwrap();
    let noter: ActorRef<Noter<KIND>> = system.lookup("/sup/noter").unwrap();
    let mut crashes = system.crash_reports();
    for _ in 0..40 {
        assert_eq!(noter.ask_with(Order::Noted).await.unwrap(), 0);
    }

    noter.tell(Order::Note(1)).await.unwrap();
    noter.tell(bad(Heavy(journal.clone()))).await.unwrap();
    noter.tell(Order::Note(2)).await.unwrap();

    assert_eq!(promptly("the next life answers", noter.ask_with(Order::Noted)).await.unwrap(), 3);
    assert_eq!(journal.entries(), ["1", "dropped", "2"]);
    assert_eq!(noter.incarnation(), 1);
    let crash = promptly("a report", crashes.recv()).await.unwrap();
    assert!(matches!(&crash.reason, ExitReason::Panicked { message, .. } if **message == *complaint), "{crash}");
    assert_eq!(crash.handling, None, "the message before was handled");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_tag_panics_is_met_once_by_one_that_may_wait() {
    is_met_once::<0>(Order::BadTag, "no tag").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_tag_panics_is_met_once_by_one_that_never_waits() {
    is_met_once::<1>(Order::BadTag, "no tag").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_tag_panics_is_met_once_in_turns() {
    is_met_once::<2>(Order::BadTag, "no tag").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_deadline_panics_is_met_once_by_one_that_may_wait() {
    is_met_once::<0>(Order::BadDeadline, "no deadline").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_deadline_panics_is_met_once_by_one_that_never_waits() {
    is_met_once::<1>(Order::BadDeadline, "no deadline").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_deadline_panics_is_met_once_in_turns() {
    is_met_once::<2>(Order::BadDeadline, "no deadline").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_tag_panics_is_a_dead_letter_if_it_is_left_over() {
    let system = ActorSystem::new("by hand");
    let mut letters = system.dead_letters();
    let noter = system.actor(Noter::<0>(Journal::new())).name("noter").spawn();
    let gate = Gate::new();
    noter.tell(Order::Wait(gate.clone())).await.unwrap();
    gate.reached().await;
    noter.tell(Order::NoTag).await.unwrap();

    noter.kill();
    noter.stopped().await;

    let letter = promptly("a letter", letters.recv()).await.unwrap();
    assert_eq!((letter.path().to_string(), letter.message_type(), letter.reason()), ("/noter".into(), "Order", DeadReason::Killed));
    assert_eq!(system.shutdown().await.dead_letters, 1);
}

// ===== a message that is not accepted after all =====

/// Whether it is accepted is seen only when there is room for it.
struct Fragile {
    breaks: bool,
}

impl Accepts<Fragile> for Noter<0> {
    type Reply = ();
    type Error = Infallible;

    fn accept(fragile: Fragile, _reply: ReplyTo<()>) -> Order {
        assert!(!fragile.breaks, "not accepted");
        Order::Note(7)
    }
}

/// An actor that waits, with one message in its mailbox, which is full.
async fn full(system: &ActorSystem) -> (ActorRef<Noter<0>>, Gate, Journal) {
    let (gate, journal) = (Gate::new(), Journal::new());
    let noter = system.actor(Noter::<0>(journal.clone())).mailbox(1).spawn();
    noter.tell(Order::Wait(gate.clone())).await.unwrap();
    gate.reached().await;
    noter.try_tell(Order::Note(1)).unwrap();
    (noter, gate, journal)
}

#[tokio::test(start_paused = true)]
async fn room_of_a_message_that_breaks_on_its_way_in_goes_to_the_next_in_line() {
    let system = ActorSystem::new("by hand");
    let (noter, gate, journal) = full(&system).await;
    let (first, second) = (noter.clone(), noter.clone());
    let breaking = tokio::spawn(async move { first.tell(Fragile { breaks: true }).await });
    let waiting = tokio::spawn(async move { second.tell(Fragile { breaks: false }).await });
    yield_now().await;
    assert!(!breaking.is_finished() && !waiting.is_finished(), "both wait in line");

    gate.open();

    assert!(promptly("it breaks", breaking).await.unwrap_err().is_panic());
    timeout(SOON, waiting).await.expect("the next gets the room").unwrap().unwrap();
    eventually("both are handled", || journal.entries() == ["1", "7"]).await;
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn room_of_a_request_that_breaks_on_its_way_in_goes_to_the_next_in_line() {
    let system = ActorSystem::new("by hand");
    let (noter, gate, journal) = full(&system).await;
    let (first, second) = (noter.clone(), noter.clone());
    let breaking = tokio::spawn(async move { first.ask(Fragile { breaks: true }).await });
    let waiting = tokio::spawn(async move { second.tell(Order::Note(2)).await });
    yield_now().await;
    assert!(!breaking.is_finished() && !waiting.is_finished(), "both wait in line");

    gate.open();

    assert!(promptly("it breaks", breaking).await.unwrap_err().is_panic());
    timeout(SOON, waiting).await.expect("the next gets the room").unwrap().unwrap();
    eventually("both are handled", || journal.entries() == ["1", "2"]).await;
    system.shutdown().await;
}
