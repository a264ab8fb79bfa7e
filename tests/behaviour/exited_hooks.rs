//! The hook that hears of exits: what it does wrong, and what comes while it runs or its actor ends.

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, ExitReason, Exited, OnStop, messages};
use tests::{Broken, Gate, Journal, eventually, promptly};

use crate::cast::{Heard, Peer, Ping, WaitAt, Witness, WitnessWaitsAt, error_of, link_down, settle};

#[tokio::test(start_paused = true)]
async fn an_exit_that_comes_while_an_actor_stops_is_not_handled_any_more() {
    let system = ActorSystem::new("links");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let (early, late) = (system.spawn(Peer), system.spawn(Peer));
    witness.link(&early);
    witness.link(&late);
    let gate = Gate::new();
    witness.tell(WitnessWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    early.kill();
    early.stopped().await;
    witness.stop();
    late.kill();
    late.stopped().await;
    gate.open();

    assert_eq!(promptly("it ends", witness.stopped()).await, ExitReason::Normal);
    settle().await;
    assert_eq!(heard.len(), 0, "a stop is looked at before exits, and a trapped exit is no cause");
}

#[tokio::test(start_paused = true)]
async fn s6_3_a_fall_by_a_link_discards_the_queue_though_the_policy_drains() {
    let system = ActorSystem::new("links");
    let peer = system.spawn(Peer);
    let drains = system.actor(Peer).on_stop(OnStop::Drain).spawn();
    drains.link(&peer);
    let gate = Gate::new();
    drains.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    let queued = tokio::spawn({
        let drains = drains.clone();
        async move { drains.ask(Ping).await }
    });
    eventually("it is queued", || drains.queued() == 1).await;

    peer.kill();
    peer.stopped().await;
    gate.open();

    assert!(queued.await.unwrap().is_err());
    link_down(&drains.stopped().await, &peer);
}

/// What an `exited` hook does wrong.
#[derive(Clone, Debug)]
enum Wrong {
    Fails,
    Panics,
    Hangs(Gate),
}

#[derive(Actor)]
struct Faulty {
    wrong: Wrong,
    journal: Journal,
}

#[messages]
impl Faulty {
    #[exited]
    async fn hear(&mut self, _exited: Exited) -> Result<(), BoxError> {
        self.journal.note("exited");
        match &self.wrong {
            Wrong::Fails => Err(Broken("in the hook").into()),
            Wrong::Panics => panic!("in the hook"),
            Wrong::Hangs(gate) => {
                gate.pass().await;
                self.journal.note("passed");
                Ok(())
            }
        }
    }

    #[stopped]
    fn stopped(&mut self, reason: &ExitReason) {
        self.journal.note(format!("stopped: {reason}"));
    }

    #[message]
    fn is_well(&self) -> bool {
        true
    }
}

/// A faulty actor that hears of the end of one other, and then of another.
async fn faulty(system: &ActorSystem, wrong: Wrong) -> (ActorRef<Faulty>, Journal) {
    let journal = Journal::new();
    let faulty = system.spawn(Faulty { wrong, journal: journal.clone() });
    for _ in 0..2 {
        let peer = system.spawn(Peer);
        faulty.link(&peer);
        peer.kill();
    }
    (faulty, journal)
}

#[tokio::test(start_paused = true)]
async fn an_exited_hook_that_fails_ends_its_actor() {
    let system = ActorSystem::new("links");
    let (faulty, journal) = faulty(&system, Wrong::Fails).await;

    assert_eq!(error_of(&promptly("it ends", faulty.stopped()).await), &Broken("in the hook"));
    assert_eq!(journal.entries(), ["exited", "stopped: failed: in the hook"]);
}

#[tokio::test(start_paused = true)]
async fn an_exited_hook_that_panics_ends_its_actor() {
    let system = ActorSystem::new("links");
    let (faulty, journal) = faulty(&system, Wrong::Panics).await;

    let reason = promptly("it ends", faulty.stopped()).await;

    assert!(matches!(reason, ExitReason::Panicked { ref message, .. } if &**message == "in the hook"));
    assert_eq!(journal.count("exited"), 1);
    assert_eq!(journal.len(), 2, "the stop hook ran: {journal:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_an_exited_hook_that_hangs() {
    let system = ActorSystem::new("links");
    let gate = Gate::new();
    let (faulty, journal) = faulty(&system, Wrong::Hangs(gate.clone())).await;
    gate.reached().await;

    faulty.stop();
    settle().await;
    assert!(faulty.exit().is_none());
    gate.open();

    assert_eq!(promptly("it ends", faulty.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["exited", "passed", "stopped: normal"], "the second exit is not handled any more");
}

#[tokio::test(start_paused = true)]
async fn a_kill_cuts_an_exited_hook_that_hangs() {
    let system = ActorSystem::new("links");
    let gate = Gate::new();
    let (faulty, journal) = faulty(&system, Wrong::Hangs(gate.clone())).await;
    gate.reached().await;

    faulty.kill();

    assert_eq!(promptly("it ends", faulty.stopped()).await, ExitReason::Killed);
    assert_eq!(journal.entries(), ["exited", "stopped: killed"]);
}

#[tokio::test(start_paused = true)]
async fn an_exited_hook_that_waits_delays_messages_and_loses_none() {
    let system = ActorSystem::new("links");
    let gate = Gate::new();
    let (faulty, _) = faulty(&system, Wrong::Hangs(gate.clone())).await;
    gate.reached().await;
    let asked = tokio::spawn({
        let faulty = faulty.clone();
        async move { faulty.ask(IsWell).await }
    });
    settle().await;
    assert!(!asked.is_finished());

    gate.open_wide();

    assert!(promptly("it answers", asked).await.unwrap().unwrap());
}
