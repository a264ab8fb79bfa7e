//! A mailbox that drops the oldest message, when its actor is restarted with one fetched and not yet begun (S4.5, S4.7, S6.6).

use std::future::Future;
use std::pin::pin;
use std::task::{Context as Poller, Waker};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, DeadReason, Exited, LinkKind, Overflow, Supervisor, messages,
};
use tests::{Broken, Gate, Journal, promptly};

use crate::cast::settle;

/// Trips over the first end that it hears of, when the gate opens, and asks back whoever asks.
#[derive(Actor)]
struct Clumsy {
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Clumsy {
    #[exited]
    async fn trip(&mut self, _exited: Exited) {
        self.gate.pass().await;
        panic!("tripped");
    }

    #[message]
    async fn ask_back(&mut self, from: ActorRef<Asker>) -> bool {
        self.journal.note("asked");
        from.ask(Greet).await.is_ok()
    }

    #[message]
    fn noise(&mut self, number: u32) {
        self.journal.note(number.to_string());
    }
}

/// Asks, and has another end at the same time.
#[derive(Actor)]
struct Asker {
    clumsy: ActorRef<Clumsy>,
    other: ActorRef<Other>,
}

#[messages]
impl Asker {
    #[message]
    async fn ask(&mut self, ctx: &mut Context<Self>) -> Option<bool> {
        let from = ctx.actor_ref().clone();
        let mut asked = pin!(self.clumsy.ask(AskBack { from }));
        assert!(asked.as_mut().poll(&mut Poller::from_waker(Waker::noop())).is_pending());
        self.other.stop();
        match asked.await {
            Ok(heard) => Some(heard),
            Err(AskError::Lost(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Tells, and has another end at the same time.
    #[message]
    fn tell(&self) {
        self.clumsy.try_tell(Noise { number: 100 }).unwrap();
        self.other.stop();
    }

    #[message]
    fn greet(&self) {}
}

#[derive(Actor)]
struct Other;

#[messages]
impl Other {
    #[message]
    fn idle(&self) {}
}

/// A clumsy actor with room for two, which sleeps before its mailbox, and another whose end makes it trip.
struct Stage {
    clumsy: ActorRef<Clumsy>,
    other: ActorRef<Other>,
    gate: Gate,
    journal: Journal,
}

impl Stage {
    async fn set(system: &ActorSystem) -> Self {
        let (gate, journal) = (Gate::new(), Journal::new());
        let (held, noted) = (gate.clone(), journal.clone());
        let spec = ChildSpec::new("clumsy", move || Clumsy { gate: held.clone(), journal: noted.clone() });
        let spec = spec.mailbox(2).policy(|policy| policy.overflow = Overflow::DropOldest);
        system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
        let clumsy = system.lookup::<Clumsy>("/sup/clumsy").unwrap();
        clumsy.ask(Noise { number: 0 }).await.unwrap();
        settle().await;
        let other = system.spawn(Other);
        clumsy.link_as(&other, LinkKind::Notify);
        Stage { clumsy, other, gate, journal }
    }

    fn asker(&self, system: &ActorSystem) -> ActorRef<Asker> {
        system.spawn(Asker { clumsy: self.clumsy.clone(), other: self.other.clone() })
    }

    /// Makes so much noise once it hears of the end, and lets it trip.
    async fn trip(&self, noise: u32) {
        promptly("it hears of the end", self.gate.reached()).await;
        for number in 1..=noise {
            self.clumsy.tell(Noise { number }).await.unwrap();
        }
        self.gate.open();
    }
}

/// A clumsy actor that has fetched a request and trips before it begins it; then so many messages come.
async fn tripping(system: &ActorSystem, noise: u32) -> (Stage, tokio::task::JoinHandle<Option<bool>>) {
    let stage = Stage::set(system).await;
    let asker = stage.asker(system);
    let asking = tokio::spawn(async move { asker.ask(Ask).within(Duration::from_secs(60)).await.unwrap() });
    stage.trip(noise).await;
    (stage, asking)
}

#[tokio::test(start_paused = true)]
async fn s4_7_what_was_fetched_before_a_restart_is_in_no_cycle_that_nobody_sees() {
    let system = ActorSystem::new("oldest");
    let (Stage { clumsy, journal, .. }, asking) = tripping(&system, 1).await;

    assert_eq!(promptly("the ask has an end", asking).await.unwrap(), Some(false), "the cycle was seen");

    settle().await;
    assert_eq!((clumsy.incarnation(), journal.entries()), (1, ["0", "asked", "1"].map(str::to_owned).to_vec()));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s4_5_what_was_fetched_before_a_restart_is_the_oldest_where_there_is_no_room_for_it() {
    let system = ActorSystem::new("oldest");
    let (Stage { clumsy, journal, .. }, asking) = tripping(&system, 3).await;

    assert_eq!(promptly("the ask has an end", asking).await.unwrap(), None, "it was discarded");

    settle().await;
    assert_eq!((clumsy.incarnation(), journal.entries()), (1, ["0", "2", "3"].map(str::to_owned).to_vec()));
    assert_eq!(system.dead_letter_count(), 1, "the first noise; the request went back to its asker");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s4_5_a_message_that_was_fetched_before_a_restart_and_has_no_room_is_a_dead_letter() {
    let system = ActorSystem::new("oldest");
    let stage = Stage::set(&system).await;
    let teller = stage.asker(&system);
    let mut letters = system.dead_letters();

    teller.tell(Tell).await.unwrap();
    stage.trip(2).await;
    settle().await;

    let letter = letters.try_recv().expect("there was room for two");
    assert_eq!((letter.reason(), letter.take::<Noise>().map(|noise| noise.number)), (DeadReason::Oldest, Some(100)));
    assert_eq!((stage.clumsy.incarnation(), stage.journal.entries()), (1, ["0", "1", "2"].map(str::to_owned).to_vec()));
    system.shutdown().await;
}

/// Handles what there is, and fails when it is told to.
#[derive(Actor)]
struct Reader {
    journal: Journal,
    gate: Gate,
}

#[messages]
impl Reader {
    #[message]
    async fn read(&self) {
        std::future::ready(()).await;
        self.journal.note("read");
        self.gate.open();
    }

    #[message]
    fn look_up(&self, times: u32, ctx: &mut Context<Self>) {
        (0..times).for_each(|_| ctx.actor_ref().try_tell(Glance).expect("a control message has room"));
    }

    #[message(control)]
    fn glance(&self) {}

    #[message(control)]
    fn trip_over(&self) -> Result<(), Broken> {
        Err(Broken("tripped"))
    }
}

#[tokio::test(start_paused = true)]
async fn s4_4_every_message_is_handled_or_a_dead_letter_wherever_a_restart_comes_in_a_long_row() {
    const ROOM: u32 = 400;
    // The row is cut by its length, and so now before a message is fetched, now before it is handled.
    for glances in 0..3 {
        let system = ActorSystem::new("oldest");
        let (gate, journal) = (Gate::new(), Journal::new());
        let (held, noted) = (gate.clone(), journal.clone());
        let spec = ChildSpec::new("reader", move || Reader { journal: noted.clone(), gate: held.clone() });
        let spec = spec.mailbox(ROOM).policy(|policy| policy.overflow = Overflow::DropOldest);
        system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
        let reader = system.lookup::<Reader>("/sup/reader").unwrap();
        for _ in 0..100 {
            reader.try_tell(Read).unwrap();
        }
        reader.try_tell(LookUp { times: glances }).unwrap();
        for _ in 101..ROOM {
            reader.try_tell(Read).unwrap();
        }
        promptly("it reads", gate.pass()).await;
        let cut = journal.len();
        for _ in 0..ROOM {
            reader.try_tell(Read).unwrap();
        }

        reader.try_tell(TripOver).unwrap();
        settle().await;

        assert!(cut < ROOM as usize, "all were handled in one row");
        assert_eq!((reader.incarnation(), journal.len() as u64 + system.dead_letter_count()), (1, 2 * u64::from(ROOM) - 1));
        system.shutdown().await;
    }
}
