//! Topics: who gets what is published, and what an end leaves (S12.1, S12.2, S12.5).

use actors_core::{Actor, ActorRef, ActorSystem, Context, Lagged, Topic, messages};
use tests::{Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::settle;
use crate::subscriber::{Fail, Listener, Note, SubscribeTo, Word, listener, numbers};

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

    assert_eq!((news.subscriber_count(), news.publish(Note(1)).delivered), (0, 0));
    news.unsubscribe(&actor);
}

/// Whoever is about to get it unsubscribes while it is being copied for another.
#[derive(Debug)]
struct Parting(Topic<Parting>, ActorRef<Guest>);

impl Clone for Parting {
    fn clone(&self) -> Self {
        self.0.unsubscribe(&self.1);
        Parting(self.0.clone(), self.1.clone())
    }
}

#[derive(Actor)]
struct Guest {
    journal: Journal,
}

#[messages]
impl Guest {
    #[handle]
    fn part(&self, _parting: Parting) {
        self.journal.note("heard");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_after_unsubscribing_though_it_was_being_published() {
    let (system, first, last) = (ActorSystem::new("topics"), Journal::new(), Journal::new());
    let stays = system.spawn(Guest { journal: first.clone() });
    let parts = system.spawn(Guest { journal: last.clone() });
    let topic = system.topic::<Parting>("parties");
    topic.subscribe(&stays);
    topic.subscribe(&parts);

    let published = topic.publish(Parting(topic.clone(), parts));
    settle().await;

    assert_eq!((published.delivered, published.late.len()), (1, 0));
    assert_eq!((first.len(), last.len()), (1, 0));
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
