//! The reason that is given for an end, when there are several (S5, S6.7).

use std::error::Error;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ExitReason, JobError, messages};
use tests::{Broken, Gate, promptly};

use crate::cast::{Peer, settle, within};
use crate::subject::{Burst, Fault, Faults, GONE_WITH_A_BROKEN_HOOK, Stand, error_of, panic_of, stage};

#[tokio::test(start_paused = true)]
async fn s5_1_a_clean_end_whose_stop_hook_fails_becomes_that_failure() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), ..Faults::default() }).await;
    stage.subject.stop();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((error_of(&exit.reason), exit.secondary), (Broken("stopped"), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_clean_end_whose_stop_hook_panics_becomes_that_panic() {
    let stage = stage(Faults { stopped: Some(Fault::Panics), ..Faults::default() }).await;
    stage.subject.drain();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((panic_of(&exit.reason).as_str(), exit.secondary), ("stopped", Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn s5_1_what_goes_wrong_after_a_failure_is_kept_beside_it_in_order() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), destructor: true, ..Faults::default() }).await;
    stage.subject.tell(Burst).await.unwrap();

    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;

    assert_eq!(panic_of(&exit.reason), "handler");
    assert_eq!((error_of(&exit.secondary[0]), panic_of(&exit.secondary[1])), (Broken("stopped"), "destructor".to_owned()));
    assert_eq!(exit.secondary.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_clean_end_with_two_failures_keeps_the_first_and_the_second() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), destructor: true, ..Faults::default() }).await;
    stage.subject.stop();

    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;

    assert_eq!(error_of(&exit.reason), Broken("stopped"));
    assert_eq!(exit.secondary.iter().map(panic_of).collect::<Vec<_>>(), ["destructor"]);
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_comes_before_what_goes_wrong_after_it() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), ..Faults::default() }).await;
    stage.subject.kill();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((exit.reason, exit.secondary.iter().map(error_of).collect::<Vec<_>>()), (ExitReason::Killed, vec![Broken("stopped")]));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_of_an_actor_that_was_stopping_comes_before_what_goes_wrong_after_it() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), ..Faults::default() }).await;
    stage.subject.tell(Stand).await.unwrap();
    stage.gate.reached().await;
    stage.subject.stop();
    stage.subject.kill();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((exit.reason, exit.secondary.iter().map(error_of).collect::<Vec<_>>()), (ExitReason::Killed, vec![Broken("stopped")]));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_during_the_stop_hook_comes_before_what_goes_wrong_after_it() {
    let stage = stage(Faults { stopped: Some(Fault::Hangs), destructor: true, ..Faults::default() }).await;
    stage.subject.stop();
    stage.gate.reached().await;
    stage.subject.kill();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((exit.reason, exit.secondary.iter().map(panic_of).collect::<Vec<_>>()), (ExitReason::Killed, vec!["destructor".into()]));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_failure_in_the_handler_that_a_stop_waits_for_is_the_reason() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);
    within(&peer, |ctx| ctx.stop()).await;
    assert_eq!(peer.stopped().await, ExitReason::Normal);

    let gate = Gate::new();
    let late = system.spawn(FailsLate { gate: gate.clone() });
    late.tell(FailLate).await.unwrap();
    gate.reached().await;
    late.stop();
    gate.open();

    assert_eq!(error_of(&promptly("it ends", late.stopped()).await), Broken("late"));
}

#[derive(Actor)]
struct FailsLate {
    gate: Gate,
}

#[messages]
impl FailsLate {
    #[message]
    async fn fail_late(&self) -> Result<(), Broken> {
        self.gate.pass().await;
        Err(Broken("late"))
    }
}

#[tokio::test(start_paused = true)]
async fn s5_2_an_escalation_is_abnormal() {
    let child = {
        let system = ActorSystem::new("endings");
        system.spawn(Peer).path()
    };
    let escalated = ExitReason::Escalated { child, restarts: 3, period: Duration::from_secs(5) };
    assert!(!escalated.is_clean() && escalated.is_failure());
}

#[tokio::test(start_paused = true)]
async fn s5_3_the_reason_is_typed_in_links_monitors_and_the_report() {
    let system = ActorSystem::new("endings");
    let (peer, tied) = (system.spawn(Peer), system.spawn(Peer));
    peer.link(&tied);

    peer.tell(crate::cast::Fail { error: Broken("typed") }).await.unwrap();
    let over_the_link = promptly("it falls", tied.stopped()).await;
    let report = system.shutdown().await;

    assert_eq!(error_of(over_the_link.root_cause()), Broken("typed"));
    let (path, reason) = &report.failures[0];
    assert_eq!((path, error_of(reason), report.failures.len()), (&peer.path(), Broken("typed"), 1));
}

#[tokio::test(start_paused = true)]
async fn s5_4_whoever_asks_decides_between_normal_and_shutdown() {
    let system = ActorSystem::new("endings");
    let parent = system.spawn(Peer);
    let children = within(&parent, |ctx| [ctx.spawn(Peer), ctx.spawn(Peer), ctx.spawn(Peer)]).await;
    children[0].stop();
    assert_eq!(children[0].stopped().await, ExitReason::Normal);
    let path = children[1].path();
    within(&parent, move |ctx| ctx.stop_child(&path)).await.unwrap();
    assert_eq!(children[1].stopped().await, ExitReason::Shutdown);

    parent.stop();

    assert_eq!(parent.stopped().await, ExitReason::Normal);
    assert_eq!(children[2].stopped().await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn s6_7_a_helper_that_panics_and_is_not_awaited_is_the_reason() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);

    within(&peer, |ctx| drop(ctx.spawn_task(async { panic!("helper") }))).await;

    assert_eq!(panic_of(&promptly("it ends", peer.stopped()).await), "helper");
}

#[tokio::test(start_paused = true)]
async fn s6_7_a_helper_that_panics_and_is_awaited_is_a_result() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);

    let job = within(&peer, |ctx| ctx.spawn_task(async { panic!("helper") })).await;
    let result: Result<(), JobError> = promptly("there is a result", job).await;

    assert!(matches!(result, Err(JobError::Panicked(reason)) if panic_of(&reason) == "helper"));
    settle().await;
    assert!(peer.is_alive());
}

/// Fails with the end of another.
#[derive(Actor)]
struct Heir {
    other: ActorRef<Peer>,
}

/// It has nothing left.
#[derive(Debug, thiserror::Error)]
#[error("bereft")]
struct Bereft(#[source] ExitReason);

#[messages]
impl Heir {
    #[message]
    async fn inherit(&self) -> Result<(), ExitReason> {
        Err(self.other.stopped().await)
    }

    #[message]
    async fn despair(&self) -> Result<(), Bereft> {
        Err(Bereft(self.other.stopped().await))
    }
}

#[tokio::test(start_paused = true)]
async fn s5_3_a_reason_and_its_error_are_errors_that_can_be_passed_on() {
    let system = ActorSystem::new("endings");
    let other = system.spawn(Peer);
    let heirs = [(); 2].map(|()| system.spawn(Heir { other: other.clone() }));
    heirs[0].tell(Inherit).await.expect("it runs");
    heirs[1].tell(Despair).await.expect("it runs");
    other.kill();

    let [inherited, despaired] = [promptly("its end", heirs[0].stopped()).await, promptly("its end", heirs[1].stopped()).await];

    assert_eq!(inherited.error().and_then(|failure| failure.downcast_ref()), Some(&ExitReason::Killed));
    let failure = despaired.error().expect("it has failed");
    assert_eq!(failure.source().and_then(|source| source.downcast_ref()), Some(&ExitReason::Killed));
    assert_eq!((failure.to_string().as_str(), despaired.to_string().as_str()), ("bereft", "failed: bereft: killed"));
    system.shutdown().await;
}
