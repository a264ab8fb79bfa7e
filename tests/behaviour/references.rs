//! References: they reach an actor, and neither keep it alive nor end it (S2.1, S2.3, S2.4).
//!
//! Of REF-5 here stands what holds for every actor: its state is gone when it has ended. What child specs keep is tested
//! with the managing of children.

use std::collections::HashSet;
use std::sync::Arc;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, OnStop, Recipient, messages};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{Peer, Ping, Witness, settle, within};

/// An actor that notes what happens to it.
#[derive(Actor)]
struct Noting {
    journal: Journal,
}

#[messages]
impl Noting {
    #[message]
    async fn pass(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    fn note(&self, entry: u32) {
        self.journal.note(entry.to_string());
    }

    #[stopped]
    fn stopped(&mut self, reason: &ExitReason) {
        self.journal.note(reason.to_string());
    }
}

// ===== REF-1 =====

#[tokio::test(start_paused = true)]
async fn ref_1_dropping_the_last_reference_ends_nothing() {
    // The documented variant (S2.1): an actor lives until it is stopped, and ends with its system.
    let system = ActorSystem::new("references");
    let journal = Journal::new();
    let actor = system.actor(Noting { journal: journal.clone() }).name("actor").start().await.unwrap();
    drop(actor);
    settle().await;

    assert_eq!((system.actors(), journal.len()), (1, 0));
    let again = system.lookup::<Noting>("/actor").expect("it is still there");
    again.ask(Note { entry: 1 }).await.unwrap();
    drop(again);
    assert!(system.shutdown().await.is_clean());

    assert_eq!(journal.entries(), ["1", "shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn ref_1_an_actor_whose_last_reference_is_dropped_before_it_has_run_lives() {
    let system = ActorSystem::new("references");
    let journal = Journal::new();
    drop(system.spawn(Noting { journal: journal.clone() }));
    settle().await;
    assert_eq!((system.actors(), journal.len()), (1, 0));

    system.shutdown().await;

    assert_eq!(journal.entries(), ["shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn ref_1_a_waiter_holds_no_reference_and_is_released_at_the_end() {
    let system = ActorSystem::new("references");
    let actor = system.spawn(Peer);
    let waiting = tokio::spawn(actor.stopped());
    drop(actor);
    settle().await;
    assert!(!waiting.is_finished());

    system.shutdown().await;

    assert_eq!(promptly("the waiter is released", waiting).await.unwrap(), ExitReason::Shutdown);
}

// ===== REF-2 =====

#[tokio::test(start_paused = true)]
async fn ref_2_messages_queued_before_the_last_drop_are_handled() {
    let system = ActorSystem::new("references");
    let journal = Journal::new();
    let actor = system.spawn(Noting { journal: journal.clone() });
    for entry in 1..=10 {
        actor.try_tell(Note { entry }).unwrap();
    }
    drop(actor);

    settle().await;

    assert_eq!(journal.entries(), (1..=10).map(|entry| entry.to_string()).collect::<Vec<_>>());
    assert_eq!(system.actors(), 1);
}

// ===== REF-3 =====

#[tokio::test(start_paused = true)]
async fn ref_3_a_recipient_reaches_the_actor_and_neither_keeps_nor_ends_it() {
    let system = ActorSystem::new("references");
    let journal = Journal::new();
    let actor = system.actor(Noting { journal: journal.clone() }).name("actor").spawn();
    let recipient = actor.recipient::<Note>();
    drop(actor);
    recipient.tell(Note { entry: 7 }).await.unwrap();
    settle().await;
    assert_eq!(journal.entries(), ["7"]);

    let actor = system.lookup::<Noting>("/actor").expect("it is still there");
    actor.stop();
    promptly("the recipient does not keep it", actor.stopped()).await;

    let refused = recipient.tell(Note { entry: 8 }).await.unwrap_err();
    assert!(refused.is_not_running());
    assert_eq!(refused.into_message().entry, 8);
}

#[tokio::test(start_paused = true)]
async fn ref_3_a_reference_to_the_dead_answers_for_ever_with_their_reason() {
    let system = ActorSystem::new("references");
    let (actor, other) = (system.actor(Peer).name("actor").spawn(), system.spawn(Peer));
    let (id, path) = (actor.id(), actor.path());
    actor.kill();
    actor.stopped().await;
    let successor = system.actor(Peer).name("actor").start().await.unwrap();

    assert_eq!((actor.id(), actor.path()), (id, path));
    assert_eq!(actor.stopped().await, ExitReason::Killed);
    assert!(!actor.is_alive() && actor.try_tell(Ping).is_err());
    assert!(actor != successor && actor != other && actor == actor.clone());
    assert!(successor.is_alive(), "the old reference does not reach it");
    actor.kill();
    settle().await;
    assert!(successor.is_alive());
}

#[tokio::test(start_paused = true)]
async fn ref_3_a_pending_task_that_would_report_ends_with_its_actor() {
    // The documented rule (S6.7): a helper belongs to its actor, and is dropped when that ends.
    let system = ActorSystem::new("references");
    let (journal, gate) = (Journal::new(), Gate::new());
    let actor = system.spawn(Peer);
    let job = within(&actor, {
        let (note, gate) = (journal.drop_note("dropped"), gate.clone());
        move |ctx| {
            let me = ctx.actor_ref().clone();
            ctx.spawn_task(async move {
                let _note = note;
                gate.pass().await;
                me.tell(Ping).await.is_ok()
            })
        }
    })
    .await;
    gate.reached().await;

    actor.stop();
    promptly("the actor does not wait for it", actor.stopped()).await;

    assert_eq!(journal.entries(), ["dropped"]);
    assert!(job.await.is_err());
}

// ===== REF-4 =====

/// An actor with children that works for a long time, and notes if it gets to the end of it.
#[derive(Actor)]
struct Working {
    journal: Journal,
    gate: Gate,
    _captured: Arc<()>,
}

#[messages]
impl Working {
    #[message]
    async fn work(&self) {
        self.gate.pass().await;
        self.journal.note("completed");
    }

    #[message]
    fn beget(&self, child: Working, ctx: &mut Context<Self>) -> ActorRef<Working> {
        ctx.spawn(child)
    }
}

async fn three_generations(system: &ActorSystem, journal: &Journal, gate: &Gate, captured: &Arc<()>) -> Vec<ActorRef<Working>> {
    let working = || Working { journal: journal.clone(), gate: gate.clone(), _captured: captured.clone() };
    let top = system.spawn(working());
    let child = top.ask(Beget { child: working() }).await.unwrap();
    let grandchild = child.ask(Beget { child: working() }).await.unwrap();
    let all = vec![top, child, grandchild];
    for actor in &all {
        actor.tell(Work).await.unwrap();
        gate.reached().await;
    }
    all
}

#[tokio::test(start_paused = true)]
async fn ref_4_dropping_the_system_kills_all_of_it() {
    let system = ActorSystem::new("references");
    let (journal, gate, captured) = (Journal::new(), Gate::new(), Arc::new(()));
    let all = three_generations(&system, &journal, &gate, &captured).await;

    drop(system);
    for actor in &all {
        assert_eq!(promptly("it ends", actor.stopped()).await, ExitReason::Killed);
    }
    gate.open_wide();
    settle().await;

    assert!(journal.is_empty(), "nobody completes the work later");
    assert_eq!(Arc::strong_count(&captured), 1, "what they captured is dropped, though there are references");
}

#[test]
fn ref_4_dropping_the_system_kills_all_of_it_on_1_2_and_8_workers() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..50 {
            let system = ActorSystem::new("references");
            let (journal, gate, captured) = (Journal::new(), Gate::new(), Arc::new(()));
            let all = three_generations(&system, &journal, &gate, &captured).await;
            drop(system);
            for actor in &all {
                assert_eq!(promptly("it ends", actor.stopped()).await, ExitReason::Killed);
            }
            assert_eq!(Arc::strong_count(&captured), 1);
            assert!(journal.is_empty());
        }
    });
}

#[tokio::test(start_paused = true)]
async fn ref_4_a_clone_of_the_system_keeps_it_and_an_actor_that_has_one_does_not_hang() {
    let system = ActorSystem::new("references");
    let clone = system.clone();
    let actor = system.spawn(Peer);
    drop(system);
    settle().await;
    assert!(actor.is_alive());

    drop(clone);

    assert_eq!(promptly("it ends", actor.stopped()).await, ExitReason::Killed);
}

// ===== REF-5 =====

#[tokio::test(start_paused = true)]
async fn ref_5_the_state_of_an_actor_is_gone_with_it_though_there_are_references() {
    let system = ActorSystem::new("references");
    let parent = system.spawn(Peer);
    let (journal, gate, large) = (Journal::new(), Gate::new(), Arc::new(()));
    let mut children = Vec::new();
    for _ in 0..100 {
        let child = Working { journal: journal.clone(), gate: gate.clone(), _captured: large.clone() };
        children.push(within(&parent, |ctx| ctx.spawn(child)).await);
    }
    assert_eq!(Arc::strong_count(&large), 101);

    for (ended, child) in children.iter().enumerate() {
        child.stop();
        child.stopped().await;
        assert_eq!(Arc::strong_count(&large), 100 - ended, "the count is that of the living children");
    }
    eventually("the parent has none left", || system.actors() == 1).await;
}

// ===== recipients =====

#[tokio::test(start_paused = true)]
async fn a_recipient_is_a_reference_like_others() {
    let system = ActorSystem::new("recipients");
    let [stopped, drained, killed]: [Recipient<Ping>; 3] =
        [system.spawn(Peer), system.spawn(Peer), system.spawn(Peer)].map(|peer| peer.recipient());
    let known: HashSet<_> = [&stopped, &drained, &killed, &stopped].into_iter().cloned().collect();
    assert_eq!(known.len(), 3);
    assert!(stopped.exit().is_none());

    stopped.stop();
    drained.drain();
    killed.kill();

    assert_eq!(promptly("its end", stopped.stopped()).await, ExitReason::Normal);
    assert_eq!(promptly("its end", drained.stopped()).await, ExitReason::Normal);
    assert_eq!(promptly("its end", killed.stopped()).await, ExitReason::Killed);
    assert_eq!(killed.exit().expect("it has ended").reason, ExitReason::Killed);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_recipient_asks_for_is_done_as_the_policy_says() {
    for (drains, on_stop, handled) in
        [(false, OnStop::Discard, 0), (false, OnStop::Drain, 1), (true, OnStop::Discard, 1), (true, OnStop::Drain, 1)]
    {
        let (system, journal, gate) = (ActorSystem::new("recipients"), Journal::new(), Gate::new());
        let noting = system.actor(Noting { journal: journal.clone() }).on_stop(on_stop).spawn();
        noting.tell(Pass { gate: gate.clone() }).await.unwrap();
        promptly("the handler begins", gate.reached()).await;
        noting.tell(Note { entry: 1 }).await.unwrap();
        let recipient: Recipient<Note> = noting.recipient();

        if drains {
            recipient.drain()
        } else {
            recipient.stop()
        }

        assert!(!recipient.is_alive(), "it takes nothing more");
        gate.open();
        promptly("its end", recipient.stopped()).await;
        assert_eq!(journal.count("1"), handled, "drains: {drains}, {on_stop:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_killed_by_way_of_a_recipient_is_restarted() {
    let system = ActorSystem::new("recipients");
    let parent = system.spawn(Witness::default());
    let child: ActorRef<Peer> = within(&parent, |ctx| ctx.child("child", || Peer).permanent().spawn()).await.unwrap();
    eventually("it starts", || child.has_started()).await;

    child.recipient::<Ping>().kill();

    eventually("it begins anew", || child.incarnation() == 1).await;
    promptly("an answer", child.ask(Ping)).await.unwrap();
    system.shutdown().await;
}
