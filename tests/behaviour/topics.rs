//! Topics: who gets what is published, what a slow subscriber misses and learns, and what an end leaves (S12.1 to S12.6).

use std::sync::Arc;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, DeadLetter, DeadReason, Lagged, Overflow, Topic, messages};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

use crate::cast::settle;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A message whose type two topics of one name have.
#[derive(Clone, Debug, PartialEq)]
struct Note(u32);

/// Another type.
#[derive(Clone)]
struct Word(&'static str);

/// Writes down what it gets, unless it stands at a gate.
#[derive(Actor)]
struct Listener {
    journal: Journal,
}

#[messages]
impl Listener {
    #[handle]
    fn note(&self, Note(number): Note) {
        self.journal.note(number.to_string());
    }

    #[handle]
    fn word(&self, Word(word): Word) {
        self.journal.note(word);
    }

    #[handle]
    fn lag(&self, lagged: Lagged) {
        self.journal.note(format!("missed {} of {}", lagged.missed, lagged.topic));
    }

    #[message]
    async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    /// Publishes to a topic to which it subscribes, from inside a handler.
    #[message]
    async fn speak(&self, topic: Topic<Note>, upto: u32) -> usize {
        for number in 1..=upto {
            topic.publish(Note(number));
        }
        let published = topic.publish_and_wait(Note(upto + 1), Duration::from_secs(3_600)).await;
        published.late.len()
    }

    #[message]
    fn fail(&self) {
        panic!("as it was told");
    }

    #[message]
    fn subscribe_to(&self, name: &'static str, ctx: &mut Context<Self>) {
        ctx.topic::<Note>(name).subscribe(ctx.actor_ref());
    }
}

fn listener(system: &ActorSystem) -> (ActorRef<Listener>, Journal) {
    let journal = Journal::new();
    (system.spawn(Listener { journal: journal.clone() }), journal)
}

/// A subscriber of "news" with so much room, whose handler is held up, and the gate that it stands at.
async fn slow(system: &ActorSystem, room: u32, overflow: Overflow) -> (ActorRef<Listener>, Journal, Gate) {
    let (journal, gate) = (Journal::new(), Gate::new());
    let slow = system.actor(Listener { journal: journal.clone() }).mailbox(room).overflow(overflow).spawn();
    slow.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    (slow, journal, gate)
}

fn numbers(range: impl IntoIterator<Item = u32>) -> Vec<String> {
    range.into_iter().map(|number| number.to_string()).collect()
}

// ===== who gets it =====

#[tokio::test(start_paused = true)]
async fn pub_1_a_message_reaches_exactly_the_subscribers_of_its_topic_once() {
    let system = ActorSystem::new("topics");
    let (a, b) = (system.topic::<Note>("a"), system.topic::<Note>("b"));
    let of_a: Vec<_> = (0..3).map(|_| listener(&system)).collect();
    let of_b = listener(&system);
    of_a.iter().for_each(|(actor, _)| a.subscribe(actor));
    b.subscribe(&of_b.0);

    let published = a.publish(Note(1));
    a.unsubscribe(&of_a[1].0);
    a.publish(Note(2));
    settle().await;

    assert_eq!((published.delivered, published.late.len()), (3, 0));
    let heard: Vec<_> = of_a.iter().map(|(_, journal)| journal.entries()).collect();
    assert_eq!(heard, [numbers([1, 2]), numbers([1]), numbers([1, 2])]);
    assert!(of_b.1.is_empty());
}

#[tokio::test(start_paused = true)]
async fn pub_1_the_same_name_with_another_message_type_is_another_topic() {
    let system = ActorSystem::new("topics");
    let ((one, noted), (other, worded)) = (listener(&system), listener(&system));
    system.topic::<Note>("news").subscribe(&one);
    system.topic::<Word>("news").subscribe(&other);

    system.topic("news").publish(Word("hello"));
    system.topic("news").publish(Note(1));
    settle().await;

    assert_eq!(noted.entries(), ["1"]);
    assert_eq!(worded.entries(), ["hello"]);
    assert_eq!(system.topic_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_systems_know_nothing_of_each_others_topics() {
    let (here, there) = (ActorSystem::new("here"), ActorSystem::new("there"));
    let (actor, journal) = listener(&here);
    here.topic::<Note>("news").subscribe(&actor);

    assert_eq!(there.topic::<Note>("news").publish(Note(1)).delivered, 0);
    settle().await;

    assert!(journal.is_empty());
    assert_eq!((here.topic_count(), there.topic_count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn subscribing_twice_by_any_kind_of_reference_is_subscribing_once() {
    let system = ActorSystem::new("topics");
    let (actor, journal) = listener(&system);
    let news = system.topic::<Note>("news");
    news.subscribe(&actor);
    news.subscribe(actor.recipient());
    news.subscriber(&actor).keep(3).subscribe();

    assert_eq!(news.subscriber_count(), 1);
    news.publish(Note(1));
    settle().await;
    assert_eq!(journal.entries(), ["1"]);

    news.unsubscribe(actor.recipient());
    news.unsubscribe(&actor);
    news.publish(Note(2));
    settle().await;
    assert_eq!((journal.len(), news.subscriber_count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_actor_reaches_topics_through_its_context() {
    let system = ActorSystem::new("topics");
    let (actor, journal) = listener(&system);
    actor.ask(SubscribeTo { name: "news" }).await.unwrap();

    system.topic("news").publish(Note(1));
    settle().await;

    assert_eq!(journal.entries(), ["1"]);
}

// ===== a slow subscriber =====

#[tokio::test(start_paused = true)]
async fn pub_4_a_slow_subscriber_holds_nobody_up_and_gets_a_report_and_then_the_last_message() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 4, Overflow::Wait).await;
    let everything = Journal::new();
    let other = system.actor(Listener { journal: everything.clone() }).unbounded().spawn();
    let news = system.topic::<Note>("news");
    news.subscriber(&slow).report_lag().subscribe();
    news.subscribe(&other);

    let began = Instant::now();
    (1..=100).for_each(|number| drop(news.publish(Note(number))));
    assert_eq!(began.elapsed(), Duration::ZERO);
    eventually("the other got everything", || everything.len() == 100).await;
    assert!(journal.is_empty());
    gate.open();
    settle().await;
    news.publish(Note(101));
    settle().await;

    assert_eq!(everything.entries(), numbers(1..=101));
    let held_up = [numbers(1..=4), vec!["missed 95 of news".to_owned()], numbers([100, 101])].concat();
    assert_eq!(journal.entries(), held_up);
    assert_eq!(news.subscriber_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_is_kept_as_many_of_the_newest_as_it_wants() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let news = system.topic::<Note>("news");
    news.subscriber(&slow).keep(3).report_lag().subscribe();

    let late = (1..=10).filter(|number| !news.publish(Note(*number)).late.is_empty()).count();
    gate.open();
    settle().await;

    assert_eq!(late, 9);
    assert_eq!(journal.entries(), ["1", "missed 6 of news", "8", "9", "10"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_subscriber_misses_are_dead_letters_that_say_why() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let (news, mut letters) = (system.topic::<Note>("news"), system.dead_letters());
    news.subscribe(&slow);

    (1..=4).for_each(|number| drop(news.publish(Note(number))));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "4"], "it did not ask for reports");
    let mut missed = Vec::new();
    while let Some(letter) = letters.try_recv() {
        assert_eq!((letter.reason(), letter.message_type(), letter.path()), (DeadReason::Lagged, "Note", &slow.path()));
        missed.extend(letter.take::<Note>());
    }
    assert_eq!(missed, [Note(2), Note(3)]);
}

#[tokio::test(start_paused = true)]
async fn the_last_message_reaches_a_slow_subscriber_whose_mailbox_rejects() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 2, Overflow::Reject).await;
    let news = system.topic::<Note>("news");
    news.subscriber(&slow).report_lag().subscribe();

    (1..=9).for_each(|number| drop(news.publish(Note(number))));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "2", "missed 6 of news", "9"]);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_drops_does_with_what_is_published_as_with_all_else() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 2, Overflow::DropOldest).await;
    let news = system.topic::<Note>("news");
    news.subscriber(&slow).report_lag().subscribe();

    (1..=9).for_each(|number| assert!(news.publish(Note(number)).late.is_empty()));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["8", "9"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_can_flood_a_topic_of_its_own_and_waits_for_itself_in_none() {
    let system = ActorSystem::new("topics");
    let journal = Journal::new();
    let speaker = system.actor(Listener { journal: journal.clone() }).mailbox(2).spawn();
    let news = system.topic::<Note>("news");
    news.subscriber(&speaker).report_lag().subscribe();

    let late = promptly("it does not wait for itself", speaker.ask(Speak { topic: news, upto: 9 })).await.unwrap();
    settle().await;

    assert_eq!(late, 1);
    assert_eq!(journal.entries(), ["1", "2", "missed 7 of news", "10"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_subscriber_that_unsubscribes_does_not_come() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let news = system.topic::<Note>("news");
    news.subscribe(&slow);
    (1..=3).for_each(|number| drop(news.publish(Note(number))));

    news.unsubscribe(&slow);
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1"]);
    slow.ask(WaitAt {
        gate: {
            gate.open();
            gate
        },
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_subscriber_that_ends_is_a_dead_letter_and_holds_no_shutdown_up() {
    let system = ActorSystem::new("topics");
    let (slow, journal, _gate) = slow(&system, 1, Overflow::Wait).await;
    let (news, mut letters) = (system.topic::<Note>("news"), system.dead_letters());
    news.subscribe(&slow);
    (1..=2).for_each(|number| drop(news.publish(Note(number))));

    slow.kill();
    promptly("it ends", slow.stopped()).await;
    assert_eq!(news.publish(Note(3)).delivered, 0);
    let report = promptly("the system ends", system.shutdown()).await;

    assert!(journal.is_empty());
    assert_eq!(report.total, Duration::ZERO);
    let mut lost: Vec<_> =
        std::iter::from_fn(|| letters.try_recv()).filter_map(|letter| Some((letter.take::<Note>()?, letter.reason()))).collect();
    lost.sort_by_key(|(note, _)| note.0);
    assert_eq!(lost, [(Note(1), DeadReason::Killed), (Note(2), DeadReason::Stopped)]);
}

// ===== publishing that waits =====

#[tokio::test(start_paused = true)]
async fn pub_4_publishing_may_wait_for_room_and_then_everybody_has_it() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let (quick, everything) = listener(&system);
    let news = system.topic::<Note>("news");
    news.subscribe(&slow);
    news.subscribe(&quick);
    news.publish(Note(1));

    let waiting = tokio::spawn({
        let news = news.clone();
        async move { news.publish_and_wait(Note(2), Duration::from_secs(60)).await }
    });
    tokio::time::sleep(MS(10)).await;
    // What is published meanwhile does not displace what somebody waits for.
    (3..=9).for_each(|number| drop(news.publish(Note(number))));
    assert!(!waiting.is_finished());
    gate.open();
    let published = promptly("there is room", waiting).await.unwrap();
    settle().await;

    assert_eq!((published.delivered, published.late), (2, vec![]));
    assert_eq!(journal.entries(), ["1", "2", "9"]);
    assert_eq!(everything.entries(), numbers(1..=9));
}

#[tokio::test(start_paused = true)]
async fn publishing_that_waits_names_those_who_had_no_room_in_time() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let (quick, _) = listener(&system);
    let news = system.topic::<Note>("news");
    news.subscribe(&slow);
    news.subscribe(&quick);
    news.publish(Note(1));

    let began = Instant::now();
    let published = news.publish_and_wait(Note(2), MS(250)).await;
    assert_eq!((published.delivered, published.late), (1, vec![slow.path()]));
    assert_eq!(began.elapsed(), MS(250));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "2"], "it was kept nevertheless");
}

#[tokio::test(start_paused = true)]
async fn publishing_that_waits_does_not_wait_for_the_dead() {
    let system = ActorSystem::new("topics");
    let (slow, _, _gate) = slow(&system, 1, Overflow::Wait).await;
    let news = system.topic::<Note>("news");
    news.subscribe(&slow);
    news.publish(Note(1));
    let killer = tokio::spawn({
        let slow = slow.clone();
        async move {
            tokio::time::sleep(MS(20)).await;
            slow.kill();
        }
    });

    let published = promptly("nobody is left", news.publish_and_wait(Note(2), Duration::MAX)).await;

    killer.await.unwrap();
    assert_eq!((published.delivered, published.late), (0, vec![]));
}

// ===== ends =====

#[tokio::test(start_paused = true)]
async fn a_topic_lives_as_long_as_a_subscriber_or_a_handle_and_no_longer() {
    let system = ActorSystem::new("topics");
    let (actor, journal) = listener(&system);
    let news = system.topic::<Note>("news");
    assert_eq!(system.topic_count(), 1);
    news.subscribe(&actor);
    drop(news);

    system.topic("news").publish(Note(1));
    settle().await;
    assert_eq!((journal.len(), system.topic_count()), (1, 1));
    actor.stop();
    promptly("it ends", actor.stopped()).await;

    assert_eq!(system.topic_count(), 0);
}

/// Has one child, which is started again when it fails.
#[derive(Actor)]
struct Parent;

#[messages]
impl Parent {
    #[message]
    async fn bear(&self, journal: Journal, ctx: &mut Context<Self>) -> ActorRef<Listener> {
        let child = ctx.child("listener", move || Listener { journal: journal.clone() });
        child.permanent().start().await.expect("it starts")
    }
}

#[tokio::test(start_paused = true)]
async fn subscriptions_and_memberships_survive_a_restart_and_end_with_the_actor() {
    let (system, journal) = (ActorSystem::new("topics"), Journal::new());
    let (news, group) = (system.topic::<Note>("news"), system.group::<Note>("listeners"));
    let parent = system.spawn(Parent);
    let actor = parent.ask(Bear { journal: journal.clone() }).await.unwrap();
    news.subscribe(&actor);
    group.join(&actor);

    news.publish(Note(1));
    actor.tell(Fail).await.unwrap();
    news.publish(Note(2));
    settle().await;
    news.publish(Note(3));
    settle().await;

    assert_eq!(journal.entries(), numbers(1..=3));
    assert_eq!((news.subscriber_count(), group.members()), (1, vec![actor.recipient()]));
    parent.stop();
    promptly("both end", parent.stopped()).await;
    assert_eq!((news.subscriber_count(), group.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_ended_is_not_subscribed() {
    let system = ActorSystem::new("topics");
    let (actor, _) = listener(&system);
    actor.tell(Fail).await.unwrap();
    promptly("it ends", actor.stopped()).await;

    let news = system.topic::<Note>("news");
    news.subscribe(&actor);
    news.unsubscribe(&actor);

    assert_eq!((news.subscriber_count(), news.publish(Note(1)).delivered), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_subscribers_leave_nothing() {
    let system = ActorSystem::new("topics");
    let news = system.topic::<Note>("news");
    for round in 0..10 {
        let actors: Vec<_> = (0..1_000).map(|_| listener(&system).0).collect();
        for (number, actor) in actors.iter().enumerate() {
            news.subscribe(actor);
            system.topic::<Note>(format!("{round} {number}")).subscribe(actor);
        }
        assert_eq!((news.publish(Note(1)).delivered, system.topic_count()), (1_000, 1_001));
        actors.iter().for_each(|actor| actor.stop());
        eventually("all have ended", || system.actors() == 0).await;
        eventually("no subscription is left", || news.subscriber_count() == 0).await;
    }

    assert_eq!(system.topic_count(), 1, "only the one that is held");
}

// ===== dead letters as messages =====

/// Listens to dead letters, as slowly as its gate has it.
#[derive(Actor)]
struct Undertaker {
    journal: Journal,
    gate: Gate,
}

#[messages]
impl Undertaker {
    #[handle]
    async fn bury(&self, letter: Arc<DeadLetter>) {
        self.gate.pass().await;
        self.journal.note(letter.message_type());
    }
}

/// Has two messages in its queue and dies of it.
async fn lose_two(system: &ActorSystem) {
    let (lost, _, _gate) = slow(system, 8, Overflow::Wait).await;
    lost.tell(Word("lost")).await.unwrap();
    lost.tell(Note(1)).await.unwrap();
    lost.kill();
    promptly("it ends", lost.stopped()).await;
}

#[tokio::test(start_paused = true)]
async fn pub_5_a_dead_letter_listener_that_stops_does_not_get_its_own_left_overs() {
    let (system, journal, gate) = (ActorSystem::new("topics"), Journal::new(), Gate::new());
    let undertaker = system.spawn(Undertaker { journal: journal.clone(), gate: gate.clone() });
    let (letters, mut others) = (system.dead_letter_topic(), system.dead_letters());
    letters.subscribe(&undertaker);
    lose_two(&system).await;
    gate.reached().await;
    lose_two(&system).await;

    undertaker.stop();
    gate.open_wide();
    promptly("it ends", undertaker.stopped()).await;
    settle().await;

    assert_eq!(journal.entries(), ["Word"], "what it had in hand");
    assert_eq!(letters.subscriber_count(), 0);
    assert_eq!(system.dead_letter_count(), 4 + 3, "the letters it left are counted");
    let told: Vec<_> = std::iter::from_fn(|| others.try_recv()).map(|letter| letter.message_type()).collect();
    assert_eq!(told, ["Word", "Note", "Word", "Note"], "and nobody is told of them");
    assert!(promptly("the system settles", system.shutdown()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn pub_5_listeners_that_cannot_keep_up_beget_no_letters_without_end() {
    for overflow in [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest] {
        let (system, journal, gate) = (ActorSystem::new("topics"), Journal::new(), Gate::new());
        for _ in 0..2 {
            let listener = Undertaker { journal: journal.clone(), gate: gate.clone() };
            system.dead_letter_topic().subscribe(&system.actor(listener).mailbox(1).overflow(overflow).spawn());
        }

        for _ in 0..10 {
            lose_two(&system).await;
        }
        gate.open_wide();
        settle().await;

        assert!(system.dead_letter_count() >= 20, "{overflow:?}");
        assert!(system.dead_letter_count() <= 60, "{overflow:?}: {}", system.dead_letter_count());
        assert!(!journal.is_empty());
        assert!(promptly("the system settles", system.shutdown()).await.is_clean());
    }
}

// ===== races =====

/// Counts what it gets from each of four publishers, and sees to their order.
#[derive(Actor, Default)]
struct Counter {
    last: [u32; 4],
    seen: u64,
    missed: u64,
    disorder: bool,
}

#[derive(Clone)]
struct Numbered {
    publisher: usize,
    number: u32,
}

#[messages]
impl Counter {
    #[handle]
    fn count(&mut self, message: Numbered) {
        self.disorder |= message.number <= self.last[message.publisher];
        self.last[message.publisher] = message.number;
        self.seen += 1;
    }

    #[handle]
    fn miss(&mut self, lagged: Lagged) {
        self.missed += lagged.missed;
    }

    #[message]
    fn totals(&self) -> (u64, u64, bool) {
        (self.seen, self.missed, self.disorder)
    }
}

/// Four publish `each`, while others subscribe, unsubscribe and end.
async fn publish_from_four(system: &ActorSystem, each: u32) {
    let topic = system.topic::<Numbered>("numbers");
    let publishers = (0..4).map(|publisher| {
        let topic = topic.clone();
        tokio::spawn(async move {
            for number in 1..=each {
                topic.publish(Numbered { publisher, number });
                if number % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    let passers_by = (0..4).map(|_| {
        let (topic, system) = (topic.clone(), system.clone());
        tokio::spawn(async move {
            for round in 0..50 {
                let passer_by = system.actor(Counter::default()).mailbox(2).spawn();
                topic.subscribe(&passer_by);
                tokio::task::yield_now().await;
                match round % 3 {
                    0 => topic.unsubscribe(&passer_by),
                    1 => passer_by.kill(),
                    _ => passer_by.stop(),
                }
                passer_by.stop();
            }
        })
    });
    for task in publishers.chain(passers_by).collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[test]
fn whoever_has_room_gets_every_message_of_every_publisher_in_order() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("topics");
        let counters: Vec<_> = (0..3).map(|_| system.actor(Counter::default()).unbounded().spawn()).collect();
        let topic = system.topic::<Numbered>("numbers");
        counters.iter().for_each(|counter| topic.subscribe(counter));

        publish_from_four(&system, 500).await;

        for counter in &counters {
            assert_eq!(counter.ask(Totals).await.unwrap(), (2_000, 0, false));
        }
        eventually("only they are left", || topic.subscriber_count() == 3).await;
        assert!(system.shutdown().await.is_clean());
    });
}

#[test]
fn whoever_has_little_room_sees_or_is_told_of_every_message_and_sees_the_last() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("topics");
        let counter = system.actor(Counter::default()).mailbox(3).spawn();
        let topic = system.topic::<Numbered>("numbers");
        topic.subscriber(&counter).keep(2).report_lag().subscribe();

        publish_from_four(&system, 500).await;
        topic.publish(Numbered { publisher: 0, number: 501 });

        for _ in 0..10_000 {
            let (seen, missed, _) = counter.ask(Totals).await.unwrap();
            if seen + missed == 2_001 {
                break;
            }
            tokio::task::yield_now().await;
        }
        let (seen, missed, disorder) = counter.ask(Totals).await.unwrap();
        assert_eq!(seen + missed, 2_001, "{seen} seen, {missed} missed");
        assert!(!disorder);
        assert!(system.shutdown().await.is_clean());
    });
}
