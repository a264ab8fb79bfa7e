//! Slow subscribers: what they miss and learn, and publishing that waits for them (S12.3, S12.4).

use std::time::Duration;

use actors_core::{ActorRef, ActorSystem, DeadReason, Lagged, Overflow, Recipient};
use futures_util::FutureExt as _;
use tests::{Journal, eventually, promptly};
use tokio::time::Instant;

use crate::cast::settle;
use crate::subscriber::{Listener, Note, Speak, WaitAt, listener, numbers, slow};

const MS: fn(u64) -> Duration = Duration::from_millis;

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
async fn the_newest_is_kept_for_one_that_wants_none() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let news = system.topic::<Note>("news");
    news.subscriber(&slow).keep(0).report_lag().subscribe();

    (1..=4).for_each(|number| drop(news.publish(Note(number))));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "missed 2 of news", "4"]);
}

/// What waits already gives way when the next is tried.
#[tokio::test(start_paused = true)]
async fn what_is_kept_no_more_is_missed_and_a_dead_letter() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let (news, mut letters) = (system.topic::<Note>("news"), system.dead_letters());
    news.subscriber(&slow).keep(3).report_lag().subscribe();
    (1..=4).for_each(|number| drop(news.publish(Note(number))));
    settle().await;

    news.subscriber(&slow).keep(1).report_lag().subscribe();
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "2", "missed 1 of news", "4"]);
    let letter = letters.try_recv().expect("there is one");
    assert_eq!((letter.reason(), letter.take::<Note>()), (DeadReason::Lagged, Some(Note(3))));
    assert_eq!(system.dead_letter_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_subscribes_anew_is_kept_and_told_as_it_says_then() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let news = system.topic::<Note>("news");
    news.subscribe(&slow);

    news.subscriber(&slow).keep(2).report_lag().subscribe();
    (1..=5).for_each(|number| drop(news.publish(Note(number))));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "missed 2 of news", "4", "5"]);
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
async fn a_slow_subscriber_that_is_stopping_is_late_no_more() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let (news, mut letters) = (system.topic::<Note>("news"), system.dead_letters());
    news.subscribe(&slow);
    assert_eq!([1, 2].map(|number| news.publish(Note(number)).late.len()), [0, 1]);

    slow.stop();
    let published = news.publish(Note(3));
    let waited = news.publish_and_wait(Note(4), MS(10)).now_or_never().expect("there is nobody to wait for");
    gate.open();
    promptly("it ends", slow.stopped()).await;

    assert_eq!([published, waited].map(|of| (of.delivered, of.late.len())), [(0, 0); 2]);
    assert!(journal.is_empty());
    let mut accepted: Vec<_> =
        std::iter::from_fn(|| letters.try_recv()).filter_map(|letter| letter.take::<Note>()).map(|note| note.0).collect();
    accepted.sort_unstable();
    assert_eq!(accepted, [1, 2]);
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
    assert_eq!(system.dead_letter_count(), 1, "the second, which had given way before");
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
async fn what_nobody_waits_for_any_more_gives_way() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let news = system.topic::<Note>("news");
    news.subscribe(&slow);
    news.publish(Note(1));
    news.publish_and_wait(Note(2), MS(250)).await;

    news.publish(Note(3));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "3"]);
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

/// Turns into one actor for what is published, and into another for what was missed.
#[derive(Clone)]
struct Split(ActorRef<Listener>, ActorRef<Listener>);

impl From<Split> for Recipient<Note> {
    fn from(Split(subscriber, _): Split) -> Self {
        subscriber.recipient()
    }
}

impl From<Split> for Recipient<Lagged> {
    fn from(Split(_, other): Split) -> Self {
        other.recipient()
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_subscriber_missed_is_nobody_elses_concern() {
    let system = ActorSystem::new("topics");
    let (one, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let (other, others, others_gate) = slow(&system, 1, Overflow::Wait).await;
    other.tell(Note(0)).await.unwrap();
    let news = system.topic::<Note>("news");
    news.subscriber(Split(one, other.clone())).report_lag().subscribe();

    (1..=10).for_each(|number| drop(news.publish(Note(number))));
    settle().await;
    gate.open_wide();
    settle().await;
    others_gate.open_wide();
    settle().await;

    assert_eq!((journal.entries(), others.entries()), (numbers([1, 10]), numbers([0])));
    other.tell(Note(11)).await.unwrap();
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_a_subscriber_that_unsubscribes_leaves_its_room_to_others() {
    let system = ActorSystem::new("topics");
    let (slow, journal, gate) = slow(&system, 1, Overflow::Wait).await;
    let news = system.topic::<Note>("news");
    news.subscribe(&slow);
    (1..=3).for_each(|number| drop(news.publish(Note(number))));
    tokio::time::sleep(MS(1)).await;

    news.unsubscribe(&slow);
    gate.open();
    settle().await;

    slow.try_tell(Note(9)).expect("there is room");
    settle().await;
    assert_eq!(journal.entries(), ["1", "9"]);
}
