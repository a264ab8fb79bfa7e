//! Asks that would wait for themselves are refused, and no others are (S4.7).

use std::pin::pin;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, Overflow, ReplyTo, messages};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

/// What a round trip came to.
#[derive(Clone, Debug, PartialEq)]
enum Trip {
    Arrived,
    /// The last ask would have closed this cycle. Its message came back, or it had been delivered.
    Cycle(Vec<String>, Back),
    Failed(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Back {
    Message,
    Delivered,
}

/// Asks others on the way.
#[derive(Actor, Default)]
struct Traveller {
    seen: Option<Trip>,
    journal: Journal,
    /// Whom to ask when it starts.
    at_start: Option<ActorRef<Traveller>>,
}

#[messages]
impl Traveller {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) {
        if self.journal.count("ask yourself") > 0 {
            self.seen = Some(go(ctx.actor_ref(), vec![]).await);
        } else if let Some(other) = &self.at_start {
            self.seen = Some(go(other, vec![ctx.actor_ref().clone()]).await);
        }
    }

    #[message]
    fn seen(&mut self) -> Option<Trip> {
        self.seen.take()
    }

    /// Asks the first of `route` to go on with the rest.
    #[message]
    async fn visit(&mut self, route: Vec<ActorRef<Traveller>>) -> Trip {
        follow(route).await
    }

    /// As `visit`, once the gate opens.
    #[message]
    async fn visit_after(&mut self, gate: Gate, route: Vec<ActorRef<Traveller>>) -> Trip {
        gate.pass().await;
        follow(route).await
    }

    /// Answers first, and then asks `back`.
    #[message]
    async fn answer_then_ask(&mut self, back: ActorRef<Traveller>, reply: ReplyTo<Trip>) {
        reply.send(Trip::Arrived);
        self.seen = Some(go(&back, vec![]).await);
    }

    /// Answers after it has asked `back`.
    #[message]
    async fn ask_then_answer(&mut self, back: ActorRef<Traveller>, reply: ReplyTo<Trip>) {
        reply.send(go(&back, vec![]).await);
    }

    /// Puts the answer off: a helper gives it when the gate opens.
    #[message]
    fn put_off(&mut self, gate: Gate, reply: ReplyTo<Trip>, ctx: &mut Context<Self>) {
        ctx.spawn_task(async move {
            gate.pass().await;
            reply.send(Trip::Arrived);
        });
    }

    #[message]
    async fn pass_on(&mut self, to: ActorRef<Traveller>, gate: Gate, reply: ReplyTo<Trip>) {
        to.forward(PutOff { gate }, reply).expect("it takes messages");
    }

    #[message]
    async fn call_put_off(&mut self, other: ActorRef<Traveller>, gate: Gate) -> Trip {
        outcome(other.ask(PutOff { gate }).await)
    }

    #[message]
    async fn call_pass_on(&mut self, other: ActorRef<Traveller>, to: ActorRef<Traveller>, gate: Gate) -> Trip {
        outcome(other.ask(PassOn { to, gate }).await)
    }

    #[message]
    async fn call_answer_then_ask(&mut self, other: ActorRef<Traveller>, ctx: &mut Context<Self>) -> Trip {
        outcome(other.ask(AnswerThenAsk { back: ctx.actor_ref().clone() }).await)
    }

    #[message]
    async fn call_ask_then_answer(&mut self, other: ActorRef<Traveller>, ctx: &mut Context<Self>) -> Trip {
        outcome(other.ask(AskThenAnswer { back: ctx.actor_ref().clone() }).await)
    }

    #[message]
    async fn call_visit_after(&mut self, other: ActorRef<Traveller>, gate: Gate, ctx: &mut Context<Self>) -> Trip {
        outcome(other.ask(VisitAfter { gate, route: vec![ctx.actor_ref().clone()] }).await)
    }

    /// Asks, and gives up before there can be an answer.
    #[message]
    async fn give_up_on(&mut self, other: ActorRef<Traveller>) {
        tokio::select! {
            biased;
            trip = go(&other, vec![]) => panic!("{trip:?}"),
            () = tokio::task::yield_now() => {}
        }
    }

    /// Asks from a helper task, which the actor does not wait for.
    #[message]
    fn visit_by_helper(&mut self, route: Vec<ActorRef<Traveller>>, ctx: &mut Context<Self>) {
        let journal = self.journal.clone();
        ctx.spawn_task(async move { journal.note(format!("{:?}", follow(route).await)) });
    }
}

async fn follow(mut route: Vec<ActorRef<Traveller>>) -> Trip {
    if route.is_empty() {
        return Trip::Arrived;
    }
    let next = route.remove(0);
    go(&next, route).await
}

async fn go(next: &ActorRef<Traveller>, route: Vec<ActorRef<Traveller>>) -> Trip {
    outcome(next.ask(Visit { route }).await)
}

fn outcome<M>(answer: Result<Trip, AskError<M>>) -> Trip {
    match answer {
        Ok(trip) => trip,
        Err(AskError::WouldDeadlock(deadlock)) => {
            let cycle: Vec<_> = deadlock.cycle().iter().map(ToString::to_string).collect();
            let error = AskError::<M>::WouldDeadlock(deadlock);
            assert_eq!(error.path().map(ToString::to_string).as_ref(), cycle.get(1), "who was asked");
            let message = error.into_message();
            Trip::Cycle(cycle, if message.is_some() { Back::Message } else { Back::Delivered })
        }
        Err(other) => Trip::Failed(other.to_string()),
    }
}

fn cycle<const N: usize>(paths: [&str; N]) -> Trip {
    Trip::Cycle(paths.map(str::to_owned).to_vec(), Back::Message)
}

fn travellers<const N: usize>(system: &ActorSystem, names: [&str; N]) -> [ActorRef<Traveller>; N] {
    names.map(|name| system.actor(Traveller::default()).name(name).spawn())
}

// ===== cycles =====

#[tokio::test(start_paused = true)]
async fn an_ask_to_oneself_would_deadlock() {
    let system = ActorSystem::new("test");
    let [a] = travellers(&system, ["a"]);

    let trip = promptly("the refusal", go(&a, vec![a.clone()])).await;

    assert_eq!(trip, cycle(["/a", "/a"]));
    assert_eq!(go(&a, vec![]).await, Trip::Arrived, "it is unharmed");
}

#[tokio::test(start_paused = true)]
async fn a_cycle_of_two_would_deadlock() {
    let system = ActorSystem::new("test");
    let [a, b] = travellers(&system, ["a", "b"]);

    let trip = promptly("the refusal", go(&a, vec![b.clone(), a.clone()])).await;

    assert_eq!(trip, cycle(["/b", "/a", "/b"]));
    assert_eq!(go(&a, vec![b]).await, Trip::Arrived, "both are unharmed");
}

#[tokio::test(start_paused = true)]
async fn a_cycle_of_three_would_deadlock_and_is_named_in_order() {
    let system = ActorSystem::new("test");
    let [a, b, c] = travellers(&system, ["a", "b", "c"]);

    let trip = promptly("the refusal", go(&a, vec![b.clone(), c.clone(), a.clone()])).await;

    assert_eq!(trip, cycle(["/c", "/a", "/b", "/c"]));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_within_a_longer_chain_names_only_those_on_it() {
    let system = ActorSystem::new("test");
    let [a, b, c] = travellers(&system, ["a", "b", "c"]);

    let trip = promptly("the refusal", go(&a, vec![b.clone(), c.clone(), b.clone()])).await;

    assert_eq!(trip, cycle(["/c", "/b", "/c"]));
}

#[tokio::test(start_paused = true)]
async fn the_error_says_who_waits_for_whom() {
    #[derive(Actor)]
    struct Narcissus;

    #[messages]
    impl Narcissus {
        #[message]
        async fn admire(&mut self, ctx: &mut Context<Self>) -> Result<String, String> {
            let error = ctx.actor_ref().ask(Admire).await.expect_err("it would wait for itself");
            Ok(format!("{error}; path {}", error.path().expect("it has one")))
        }
    }
    let system = ActorSystem::new("test");
    let narcissus = system.actor(Narcissus).name("n").spawn();

    let said = promptly("the refusal", narcissus.ask(Admire)).await.unwrap();

    assert_eq!(said, "the ask would wait for itself: /n -> /n; path /n");
}

#[tokio::test(start_paused = true)]
async fn a_start_hook_that_asks_itself_would_deadlock() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    journal.note("ask yourself");

    let a = system.actor(Traveller { journal, ..Traveller::default() }).name("a").start();

    let a = promptly("the start", a).await.unwrap();
    assert_eq!(a.ask(Seen).await.unwrap(), Some(cycle(["/a", "/a"])));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_through_a_start_hook_would_deadlock() {
    let system = ActorSystem::new("test");
    let [b] = travellers(&system, ["b"]);

    let a = system.actor(Traveller { at_start: Some(b.clone()), ..Traveller::default() }).name("a").start();

    let a = promptly("the start", a).await.unwrap();
    assert_eq!(a.ask(Seen).await.unwrap(), Some(cycle(["/b", "/a", "/b"])));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_closed_by_a_queued_request_would_deadlock() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let [a, b] = travellers(&system, ["a", "b"]);
    // `b` is busy while the request of `a` comes, and then asks `a` for a message of its own.
    let mut busy = pin!(b.ask(VisitAfter { gate: gate.clone(), route: vec![a.clone()] }));
    assert!(tokio::time::timeout(Duration::from_millis(1), busy.as_mut()).await.is_err());
    let mut asking = pin!(a.ask(Visit { route: vec![b.clone()] }));
    assert!(tokio::time::timeout(Duration::from_millis(1), asking.as_mut()).await.is_err());

    gate.open();

    let (busy, asking) = promptly("both", async { tokio::join!(busy, asking) }).await;
    assert_eq!(busy.unwrap(), cycle(["/b", "/a", "/b"]));
    assert_eq!(asking.unwrap(), Trip::Arrived, "the other goes on");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_its_asker_before_it_answers_would_deadlock() {
    let system = ActorSystem::new("test");
    let [a, b] = travellers(&system, ["a", "b"]);

    let trip = promptly("the refusal", a.ask(CallAskThenAnswer { other: b })).await.unwrap();

    assert_eq!(trip, cycle(["/b", "/a", "/b"]));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_is_seen_also_where_the_oldest_message_is_dropped() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let [a] = travellers(&system, ["a"]);
    let b = system.actor(Traveller::default()).name("b").mailbox(1).overflow(Overflow::DropOldest).spawn();
    let mut asking = pin!(a.ask(CallVisitAfter { other: b.clone(), gate: gate.clone() }));
    assert!(tokio::time::timeout(Duration::from_millis(1), asking.as_mut()).await.is_err());
    // Messages that had to make room count as taken, but the request of `a` is in hand all the same.
    for _ in 0..3 {
        b.try_tell(Seen).unwrap();
    }

    gate.open();

    assert_eq!(promptly("the refusal", asking).await.unwrap(), cycle(["/b", "/a", "/b"]));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_closed_by_waiting_for_room_would_deadlock() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let [a] = travellers(&system, ["a"]);
    let b = system.actor(Traveller::default()).name("b").mailbox(1).spawn();
    let mut busy = pin!(b.ask(VisitAfter { gate: gate.clone(), route: vec![a.clone()] }));
    assert!(tokio::time::timeout(Duration::from_millis(1), busy.as_mut()).await.is_err());
    b.try_tell(Seen).unwrap();
    // `a` waits for room with `b`, which makes none before `a` has answered it.
    let mut asking = pin!(a.ask(Visit { route: vec![b.clone()] }));
    assert!(tokio::time::timeout(Duration::from_millis(1), asking.as_mut()).await.is_err());

    gate.open();

    let (busy, asking) = promptly("both", async { tokio::join!(busy, asking) }).await;
    assert_eq!(busy.unwrap(), cycle(["/b", "/a", "/b"]));
    assert_eq!(asking.unwrap(), Trip::Arrived, "the other goes on");
}

#[test]
fn of_actors_that_ask_each_other_at_the_same_time_none_hangs() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("test");
        let [a, b, c] = travellers(&system, ["a", "b", "c"]);
        for _ in 0..200 {
            let trips = [(&a, &b), (&b, &c), (&c, &a)].map(|(from, to)| {
                let (from, to) = (from.clone(), to.clone());
                tokio::spawn(async move { go(&from, vec![to]).await })
            });
            for trip in trips {
                let trip = promptly("no hang", trip).await.unwrap();
                assert!(matches!(trip, Trip::Arrived | Trip::Cycle(..)), "{trip:?}");
            }
        }
    });
}

// ===== no cycle =====

#[tokio::test(start_paused = true)]
async fn asks_that_meet_without_a_cycle_are_answered() {
    let system = ActorSystem::new("test");
    let [a, b, c] = travellers(&system, ["a", "b", "c"]);

    let trips = async { tokio::join!(go(&a, vec![b.clone(), c.clone()]), go(&a, vec![c.clone()]), go(&b, vec![c.clone()])) };

    assert_eq!(promptly("all", trips).await, (Trip::Arrived, Trip::Arrived, Trip::Arrived));
}

#[tokio::test(start_paused = true)]
async fn an_ask_back_after_the_answer_was_put_off_is_no_deadlock() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let [a, b] = travellers(&system, ["a", "b"]);
    let mut waiting = pin!(a.ask(CallPutOff { other: b.clone(), gate: gate.clone() }));
    assert!(tokio::time::timeout(Duration::from_millis(1), waiting.as_mut()).await.is_err());

    // `a` waits for an answer of `b`, whose handler has returned: `b` may ask `a`, and waits only for the gate.
    let mut back = pin!(go(&b, vec![a.clone()]));
    assert!(tokio::time::timeout(Duration::from_millis(1), back.as_mut()).await.is_err());
    gate.open();

    assert_eq!(promptly("the answer", waiting).await.unwrap(), Trip::Arrived);
    assert_eq!(promptly("the answer to the ask back", back).await, Trip::Arrived);
}

#[tokio::test(start_paused = true)]
async fn an_ask_back_after_the_request_was_forwarded_is_no_deadlock() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let [a, b, c] = travellers(&system, ["a", "b", "c"]);
    let mut waiting = pin!(a.ask(CallPassOn { other: b.clone(), to: c, gate: gate.clone() }));
    assert!(tokio::time::timeout(Duration::from_millis(1), waiting.as_mut()).await.is_err());

    let mut back = pin!(go(&b, vec![a.clone()]));
    assert!(tokio::time::timeout(Duration::from_millis(1), back.as_mut()).await.is_err());
    gate.open();

    assert_eq!(promptly("the answer", waiting).await.unwrap(), Trip::Arrived);
    assert_eq!(promptly("the answer to the ask back", back).await, Trip::Arrived);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_has_answered_may_ask_its_asker() {
    let system = ActorSystem::new("test");
    let [a, b] = travellers(&system, ["a", "b"]);

    assert_eq!(promptly("the answer", a.ask(CallAnswerThenAsk { other: b.clone() })).await.unwrap(), Trip::Arrived);

    assert_eq!(promptly("what came of the ask back", b.ask(Seen)).await.unwrap(), Some(Trip::Arrived));
}

#[test]
fn no_deadlock_is_seen_in_answers_that_cross_with_asks() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("test");
        let [a, b] = travellers(&system, ["a", "b"]);
        for _ in 0..300 {
            assert_eq!(promptly("the answer", a.ask(CallAnswerThenAsk { other: b.clone() })).await.unwrap(), Trip::Arrived);
            assert_eq!(promptly("what came of the ask back", b.ask(Seen)).await.unwrap(), Some(Trip::Arrived));

            let gate = Gate::new();
            let put_off = {
                let (a, b, gate) = (a.clone(), b.clone(), gate.clone());
                tokio::spawn(async move { a.ask(CallPutOff { other: b, gate }).await.unwrap() })
            };
            // From here on the answer is put off: `b` handles the next message only after that handler.
            gate.reached().await;
            let back = {
                let (a, b) = (a.clone(), b.clone());
                tokio::spawn(async move { go(&b, vec![a]).await })
            };
            gate.open();
            assert_eq!(promptly("the answer", put_off).await.unwrap(), Trip::Arrived);
            assert_eq!(promptly("the answer to the ask back", back).await.unwrap(), Trip::Arrived);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_was_given_up_closes_no_cycle() {
    let (system, gate) = (ActorSystem::new("test"), Gate::new());
    let [a, b] = travellers(&system, ["a", "b"]);
    let mut busy = pin!(b.ask(VisitAfter { gate: gate.clone(), route: vec![a.clone()] }));
    assert!(tokio::time::timeout(Duration::from_millis(1), busy.as_mut()).await.is_err());
    // The request of `a` is still queued at `b`, but `a` does not wait for it any more.
    promptly("giving up", a.ask(GiveUpOn { other: b.clone() })).await.unwrap();

    gate.open();

    assert_eq!(promptly("the answer", busy).await.unwrap(), Trip::Arrived);
}

#[tokio::test(start_paused = true)]
async fn an_ask_in_a_helper_task_closes_no_cycle() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let a = system.actor(Traveller { journal: journal.clone(), ..Traveller::default() }).name("a").spawn();
    let [b] = travellers(&system, ["b"]);

    a.tell(VisitByHelper { route: vec![a.clone()] }).await.unwrap();
    a.tell(VisitByHelper { route: vec![b, a.clone()] }).await.unwrap();

    eventually("both answers", || journal.len() == 2).await;
    assert_eq!(journal.entries(), ["Arrived", "Arrived"]);
}

/// Puts requests aside until it is open, and then keeps them, to be answered later.
#[derive(Actor, Default)]
struct Keeper {
    open: bool,
    kept: Vec<ReplyTo<u32>>,
}

#[messages]
impl Keeper {
    #[message]
    fn fetch(&mut self, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        if self.open { self.kept.push(reply) } else { ctx.stash_ask(Fetch {}, reply).expect("there is room") }
    }

    #[message]
    fn open_up(&mut self, ctx: &mut Context<Self>) {
        self.open = true;
        ctx.unstash_all();
    }

    /// Asks somebody, then answers all that it has kept; says whether it was refused.
    #[message]
    async fn ask_first(&mut self, whom: ActorRef<Fetcher>) -> bool {
        let asked = whom.ask(Idle).within(Duration::from_secs(1)).await;
        self.kept.drain(..).for_each(|reply| reply.send(1));
        matches!(asked, Err(AskError::WouldDeadlock(_)))
    }
}

#[derive(Actor)]
struct Fetcher;

#[messages]
impl Fetcher {
    #[message(name = FetchFrom)]
    async fn fetch(&mut self, keeper: ActorRef<Keeper>) -> Option<u32> {
        keeper.ask(Fetch {}).await.ok()
    }

    #[message]
    fn idle(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_replayed_and_is_kept_makes_no_cycle() {
    let system = ActorSystem::new("test");
    let (keeper, fetcher) = (system.spawn(Keeper::default()), system.spawn(Fetcher));
    let fetching = tokio::spawn({
        let (keeper, fetcher) = (keeper.clone(), fetcher.clone());
        async move { fetcher.ask(FetchFrom { keeper }).await }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    keeper.ask(OpenUp).await.unwrap();

    let refused = promptly("the limit of its ask", keeper.ask(AskFirst { whom: fetcher })).await.unwrap();

    assert!(!refused, "S4.7: what is kept may be answered by anybody");
    assert_eq!(promptly("the answer", fetching).await.unwrap().unwrap(), Some(1));
    system.shutdown().await;
}
