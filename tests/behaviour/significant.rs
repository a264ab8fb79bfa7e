//! Actors whose end is the end of the system: in order, by a failure, and before they began.

use std::time::Duration;

use actors_core::{Actor, ActorSystem, ChildSpec, Context, ExitReason, Outcome, StartFailure, Supervisor, Trigger, messages};
use tests::tree::Branch;
use tests::{Broken, Gate, Journal, promptly};

use crate::cast::{Peer, WaitAt};

#[tokio::test(start_paused = true)]
async fn sys_5_the_end_of_a_significant_actor_ends_the_system_in_order() {
    let journal = Journal::new();
    let system = ActorSystem::new("wood");
    Branch::good("below").under(1).grow(&system, &journal).await;
    let root = system.actor(Peer).name("root").significant().spawn();
    root.stop();
    let report = promptly("the shutdown", system.terminated()).await;
    assert_eq!(report.trigger, Trigger::ActorEnded { path: root.path(), reason: ExitReason::Normal });
    assert_eq!((report.order().len(), report.exit_code()), (2, 0));
    assert_eq!(report.order(), ["/1/below", "/1"]);
}

#[tokio::test(start_paused = true)]
async fn sys_5_the_failure_of_a_significant_actor_is_the_result() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    Branch::good("other").grow(&system, &journal).await;
    let root = system.actor(Failing).name("root").significant().spawn();
    root.tell(Fall).await.expect("it takes messages");
    let report = promptly("the shutdown", system.terminated()).await;
    let Trigger::ActorEnded { path, reason } = &report.trigger else { panic!("{report}") };
    assert_eq!(path, &"/root");
    assert_eq!(reason.error().and_then(|error| error.downcast_ref()), Some(&Broken("fallen")));
    assert_eq!((&report.outcome, report.exit_code(), journal.count("other stopped")), (&Outcome::Failed, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn sys_5_the_failure_of_any_other_actor_does_not_end_the_system() {
    let system = ActorSystem::new("wood");
    let actor = system.spawn(Failing);
    actor.tell(Fall).await.expect("it takes messages");
    assert!(actor.stopped().await.is_failure());
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(!system.is_shutting_down());
    assert_eq!(system.shutdown().await.exit_code(), 1);
}

#[tokio::test(start_paused = true)]
async fn sys_5_a_failure_that_escalates_to_a_significant_actor_is_the_result() {
    let system = ActorSystem::new("wood");
    let sup = Supervisor::new().restarts(0, Duration::from_secs(5)).child(ChildSpec::new("a", || Failing));
    let sup = system.actor(sup).name("sup").significant().start().await.expect("it starts");
    system.lookup::<Failing>("/sup/a").expect("it is there").tell(Fall).await.expect("it takes messages");
    let report = promptly("the shutdown", system.terminated()).await;
    let Trigger::ActorEnded { path, reason: ExitReason::Escalated { child, .. } } = &report.trigger else { panic!("{report}") };
    assert!(*path == sup.path() && *child == "/sup/a", "{report}");
    assert_eq!((&report.outcome, report.exit_code()), (&Outcome::Failed, 1));
    assert_eq!(report.failures.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["/sup/a", "/sup"]);
}

#[tokio::test(start_paused = true)]
async fn sys_2_who_asks_for_a_shutdown_that_has_begun_does_not_change_what_began_it() {
    let (system, gate) = (ActorSystem::new("wood"), Gate::new());
    let slow = system.spawn(Peer);
    slow.tell(WaitAt { gate: gate.clone() }).await.expect("it takes messages");
    gate.reached().await;
    let root = system.actor(Peer).name("root").significant().spawn();
    root.stop();
    root.stopped().await;
    assert!(system.is_shutting_down());

    system.request_shutdown();
    gate.open_wide();
    let report = promptly("the shutdown", system.shutdown()).await;

    assert!(matches!(&report.trigger, Trigger::ActorEnded { path, .. } if *path == "/root"), "{report}");
    assert_eq!(report.exit_code(), 0);
}

#[derive(Actor)]
struct Failing;

#[messages]
impl Failing {
    #[message]
    fn fall(&self) -> Result<(), Broken> {
        Err(Broken("fallen"))
    }
}

#[derive(Actor)]
struct NeverReady;

#[messages]
impl NeverReady {
    #[started]
    fn begin(&mut self) -> Result<(), Broken> {
        Err(Broken("the port is taken"))
    }

    #[message]
    fn ping(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_significant_actor_that_does_not_start_is_a_failed_start() {
    let system = ActorSystem::new("test");

    system.actor(NeverReady).name("listener").significant().spawn();
    let report = promptly("the shutdown that follows", system.terminated()).await;

    assert_eq!(report.outcome, Outcome::StartFailed);
    assert_eq!(report.exit_code(), 2);
}

/// Has nothing to do here.
#[derive(Actor)]
struct NotNeeded;

#[messages]
impl NotNeeded {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.decline();
    }

    #[message]
    fn wait(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_significant_actor_that_declines_to_start_is_not_missed() {
    let system = ActorSystem::new("test");

    let declined = system.actor(NotNeeded).name("listener").significant().start().await.unwrap_err();

    assert!(matches!(declined.failure(), StartFailure::Declined), "{declined}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(system.shutdown().await.outcome, Outcome::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_a_failed_start_that_the_report_names() {
    let system = ActorSystem::new("test");
    system.actor(Peer).name("port").spawn();
    let error = system.actor(Peer).name("port").start().await.unwrap_err();

    let report = promptly("the report", system.start_failed(error)).await;

    let failures: Vec<_> = report.failures.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!((&report.outcome, failures), (&Outcome::StartFailed, vec!["/port".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn who_starts_one_more_while_all_stop_has_not_failed_to_start() {
    let system = ActorSystem::new("test");
    system.spawn(NotNeeded);
    system.request_shutdown();

    let error = system.actor(NotNeeded).name("late").start().await.expect_err("all stop");
    let report = promptly("the report", system.start_failed(error)).await;

    assert!(report.is_clean(), "{report}");
}
