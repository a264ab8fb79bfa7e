//! What is kept for those who are slow: how much, for whom, and what becomes of it when they go (S12.3, S12.8).

use actors_core::{Actor, ActorRef, ActorSystem, DeadReason, GroupNotice, messages};
use tests::{Gate, Journal, promptly};

use crate::cast::settle;

#[derive(Clone)]
struct News(u32);

/// Waits at a gate, and then notes what it is told. There is room for one.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Slow {
    journal: Journal,
}

#[messages]
impl Slow {
    #[message]
    async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    #[handle]
    fn read(&self, news: News) {
        self.journal.note(news.0.to_string());
    }

    #[handle]
    fn hear(&self, _notice: GroupNotice<News>) {
        self.journal.note("notice");
    }
}

/// One that waits at the gate.
async fn slow(system: &ActorSystem) -> (ActorRef<Slow>, Journal, Gate) {
    let (journal, gate) = (Journal::new(), Gate::new());
    let slow = system.spawn(Slow { journal: journal.clone() });
    slow.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    promptly("it waits", gate.reached()).await;
    (slow, journal, gate)
}

#[tokio::test(start_paused = true)]
async fn one_who_subscribes_again_is_kept_as_many_as_it_wants_then() {
    let system = ActorSystem::new("kept");
    let (slow, journal, gate) = slow(&system).await;
    let topic = system.topic::<News>("news");
    topic.subscriber(&slow).keep(1).subscribe();
    topic.subscriber(&slow).keep(3).subscribe();

    (1..=10).for_each(|number| drop(topic.publish(News(number))));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "8", "9", "10"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn one_who_wants_nothing_kept_is_kept_the_newest() {
    let system = ActorSystem::new("kept");
    let (slow, journal, gate) = slow(&system).await;
    let topic = system.topic::<News>("news");
    topic.subscriber(&slow).keep(0).subscribe();

    (1..=10).for_each(|number| drop(topic.publish(News(number))));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["1", "10"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_for_one_who_ends_are_dead_letters() {
    let system = ActorSystem::new("kept");
    let (slow, _, _gate) = slow(&system).await;
    let (topic, mut letters) = (system.topic::<News>("news"), system.dead_letters());
    topic.subscriber(&slow).keep(3).subscribe();
    (1..=4).for_each(|number| drop(topic.publish(News(number))));

    slow.kill();
    promptly("its end", slow.stopped()).await;
    settle().await;

    let mut reasons = Vec::new();
    while let Some(letter) = letters.try_recv() {
        reasons.push(letter.reason());
    }
    assert_eq!(reasons.len(), 4, "one was in the mailbox, and three waited: {reasons:?}");
    assert!(reasons.iter().all(|reason| matches!(reason, DeadReason::Killed | DeadReason::Stopped)), "{reasons:?}");
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_goes_hears_nothing_of_what_was_kept_and_one_that_ends_leaves_dead_letters() {
    for ends in [false, true] {
        let system = ActorSystem::new("kept");
        let (listener, journal, gate) = slow(&system).await;
        let (other, _, _) = slow(&system).await;
        let group = system.group::<News>("readers");
        group.watch(&listener);
        for _ in 0..2 {
            group.join(&other);
            group.leave(&other);
        }
        settle().await;

        if ends {
            listener.kill();
            promptly("its end", listener.stopped()).await;
        } else {
            group.unwatch(&listener);
            gate.open();
        }
        settle().await;

        // What the mailbox had room for is there.
        let left = (journal.len(), system.dead_letter_count());
        assert_eq!(left, if ends { (0, 5) } else { (1, 0) }, "ends: {ends}");
        system.shutdown().await;
    }
}
